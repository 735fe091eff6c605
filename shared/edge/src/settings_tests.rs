#![expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the lifetime of these methods is bound too early"
)]

use super::*;

fn with<T>(variables: &[(&str, &str)], read: impl Fn(&Environment<'_>) -> T) -> T {
    let lookup =
        |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    read(&Environment::new(&lookup))
}

#[test]
fn refreshing_is_off_and_the_durations_are_the_worked_example_s_unless_set() {
    let policy = with(&[], |settings| settings.session_policy()).unwrap();
    assert_eq!(policy.refresh_switch(), RefreshSwitch::Off);
    assert_eq!((policy.expiration().get(), policy.refresh_expiration().get()), (3600, 172_800));
}

#[test]
fn durations_and_the_switch_are_read() {
    let set = [
        ("JWT_EXPIRATION_DELTA", "300"),
        ("JWT_REFRESH_EXPIRATION_DELTA", "7d"),
        ("JWT_ALLOW_REFRESH", "true"),
    ];
    let policy = with(&set, |settings| settings.session_policy()).unwrap();
    assert_eq!(policy.refresh_switch(), RefreshSwitch::On);
    assert_eq!((policy.expiration().get(), policy.refresh_expiration().get()), (300, 604_800));
}

#[test]
fn a_wrong_setting_is_named_and_its_rule_said() {
    for (variable, value, said) in [
        (
            "JWT_EXPIRATION_DELTA",
            "soon",
            "JWT_EXPIRATION_DELTA is no duration: write seconds, or a duration such as 90s, 15m, 1h, 2d or \"2d 1h\"",
        ),
        (
            "JWT_EXPIRATION_DELTA",
            "0",
            "JWT_EXPIRATION_DELTA is out of range: a token must live for at least 1 second",
        ),
        (
            "JWT_EXPIRATION_DELTA",
            "367d",
            "JWT_EXPIRATION_DELTA is out of range: a token must not live longer than 366 days",
        ),
        (
            "JWT_EXPIRATION_DELTA",
            "-1",
            "JWT_EXPIRATION_DELTA is no duration: write seconds, or a duration such as 90s, 15m, 1h, 2d or \"2d 1h\"",
        ),
        (
            "JWT_REFRESH_EXPIRATION_DELTA",
            "9999d",
            "JWT_REFRESH_EXPIRATION_DELTA is out of range: a session must not be refreshable for longer than 3660 days",
        ),
        ("JWT_ALLOW_REFRESH", "yes", "JWT_ALLOW_REFRESH must be true or false"),
    ] {
        let rejected = with(&[(variable, value)], |settings| settings.session_policy()).unwrap_err();
        assert_eq!(rejected.to_string(), said);
    }
    let stale = with(&[("SIGNING_KEYS_MAX_STALE", "25h")], |settings| settings.keys_max_stale()).unwrap_err();
    assert_eq!(stale.to_string(), "SIGNING_KEYS_MAX_STALE must be at most 1 d");
}

#[test]
fn the_failures_that_an_address_may_make_are_a_number() {
    let limit =
        |value| with(&[("LOGIN_FAILURES_PER_ADDRESS", value)], |settings| settings.failures_per_address());
    assert_eq!((limit(""), limit("0"), limit("7")), (Ok(100), Ok(0), Ok(7)));
    for wrong in ["-1", "many", "1.5", "4294967296"] {
        let said = limit(wrong).unwrap_err().to_string();
        assert_eq!(said, "LOGIN_FAILURES_PER_ADDRESS must be a whole number of failures, 0 for no bound");
    }
}

#[test]
fn passwords_have_15_characters_unless_8_to_128_are_set() {
    let policy = |value| with(&[("PASSWORD_MIN_LENGTH", value)], |settings| settings.password_policy());
    for (value, length) in [("", 15), ("8", 8), ("128", 128)] {
        assert_eq!(policy(value), Ok(PasswordPolicy::new(length).unwrap()));
    }
    for wrong in ["7", "129", "-1", "long"] {
        let said = policy(wrong).unwrap_err().to_string();
        assert_eq!(said, "PASSWORD_MIN_LENGTH must be 8 to 128 characters");
    }
}

#[test]
fn the_authorizer_reads_sessions_only_where_it_is_told_to_and_answers_in_one_of_two_ways() {
    let table = |set: &[(&str, &str)]| with(set, |settings| settings.checked_table());
    assert_eq!(table(&[("USERS_TABLE", "u")]), Ok(None));
    assert_eq!(table(&[("USERS_TABLE", "u"), ("CHECK_SESSION", "false")]), Ok(None));
    assert_eq!(table(&[("USERS_TABLE", "u"), ("CHECK_SESSION", "true")]), Ok(Some("u".to_owned())));
    assert_eq!(table(&[("CHECK_SESSION", "true")]).unwrap_err().to_string(), "USERS_TABLE must be set");
    let unclear = table(&[("CHECK_SESSION", "1")]).unwrap_err();
    assert_eq!(unclear.to_string(), "CHECK_SESSION must be true or false");

    let response = |set: &[(&str, &str)]| with(set, |settings| settings.authorizer_response());
    assert_eq!(response(&[]), Ok(AuthorizerResponse::Simple));
    assert_eq!(response(&[("AUTHORIZER_RESPONSE", "simple")]), Ok(AuthorizerResponse::Simple));
    assert_eq!(response(&[("AUTHORIZER_RESPONSE", "policy")]), Ok(AuthorizerResponse::Policy));
    let unclear = response(&[("AUTHORIZER_RESPONSE", "iam")]).unwrap_err();
    assert_eq!(unclear.to_string(), "AUTHORIZER_RESPONSE must be simple or policy");
}

#[test]
fn what_is_required_must_be_set_and_not_empty() {
    for set in [&[][..], &[("USERS_TABLE", ""), ("SIGNING_SECRET", ""), ("JWT_ISSUER", "")][..]] {
        let said = |result: Result<String, SettingError>| result.unwrap_err().to_string();
        assert_eq!(said(with(set, |settings| settings.users_table())), "USERS_TABLE must be set");
        assert_eq!(said(with(set, |settings| settings.signing_secret())), "SIGNING_SECRET must be set");
        assert_eq!(
            with(set, |settings| settings.issuer()).unwrap_err().to_string(),
            "JWT_ISSUER must be set"
        );
    }
}

#[test]
fn the_issuer_is_an_https_url_without_a_slash_at_its_end() {
    let issuer = |url: &str| with(&[("JWT_ISSUER", url)], |settings| settings.issuer_url().is_ok());
    for url in [
        "https://abc.execute-api.eu-west-1.amazonaws.com",
        "https://a.example/v1",
        "http://127.0.0.1:3000",
        "http://localhost:3000",
    ] {
        assert!(issuer(url), "{url}");
    }
    for url in [
        "https://",
        "https:///x",
        "https://a.example/",
        "http://a.example",
        "http://localhost.evil.example",
        "a.example",
        "https://u@a.example",
        "https://a.example?x",
        "https://a.example#x",
        "https://a example",
    ] {
        assert!(!issuer(url), "{url}");
    }
}

#[test]
fn the_audience_has_a_default_and_a_bound() {
    let url = ("JWT_ISSUER", "https://a.example");
    assert_eq!(with(&[url], |settings| settings.issuer()).unwrap().audience(), "latchkey");
    let rejected = with(&[url, ("JWT_AUDIENCE", "a\nb")], |settings| settings.issuer()).unwrap_err();
    assert!(rejected.to_string().starts_with("JWT_AUDIENCE must have"));
}

const URL: (&str, &str) = ("JWT_ISSUER", "https://a.example");

#[test]
fn browsers_get_neither_a_cookie_nor_another_origin_unless_set() {
    let mode = with(&[], |settings| settings.cookie_mode()).unwrap();
    assert_eq!(format!("{mode:?}"), format!("{:?}", CookieMode::default()));
    let cors = with(&[], |settings| settings.cors()).unwrap();
    assert_eq!(format!("{cors:?}"), format!("{:?}", Cors::default()));
}

#[test]
fn the_cookie_s_settings_are_read() {
    for (same_site, origins) in [
        ("", ""),
        ("Strict", ""),
        ("Lax", ""),
        ("Strict", "https://app.a.example"),
        ("None", "https://b.example,https://c.example:8443"),
    ] {
        let set = [
            URL,
            ("JWT_AUTH_COOKIE", "__Host-latchkey"),
            ("JWT_AUTH_COOKIE_SAMESITE", same_site),
            ("CORS_ALLOWED_ORIGINS", origins),
        ];
        assert!(with(&set, |settings| settings.cookie_mode()).is_ok(), "{same_site} {origins}");
    }
}

#[test]
fn what_cannot_be_safe_together_is_rejected_with_what_to_change() {
    const NAME: (&str, &str) = ("JWT_AUTH_COOKIE", "__Host-latchkey");
    let unprefixed = "JWT_AUTH_COOKIE must begin with __Host-, so that no other host can set it, and go on with letters, \
                      digits, - or _: __Host-latchkey; at most 64 characters";
    let no_origin = "CORS_ALLOWED_ORIGINS must be origins as browsers send them, separated by commas: \
                     https://app.example.com, http://localhost:5173 on this machine, or an app's: \
                     capacitor://localhost, tauri://localhost, chrome-extension://ID; no *, no path, no slash at the \
                     end, no default port";
    for (set, said) in [
        (&[URL, ("JWT_AUTH_COOKIE", "session")][..], unprefixed),
        (&[URL, ("JWT_AUTH_COOKIE", "__Secure-session")], unprefixed),
        (&[URL, ("JWT_AUTH_COOKIE", "__host-session")], unprefixed),
        (&[URL, ("JWT_AUTH_COOKIE", "__Host-")], unprefixed),
        (&[URL, ("JWT_AUTH_COOKIE", "__Host-a;Domain=example.com")], unprefixed),
        (
            &[URL, ("JWT_AUTH_COOKIE_SAMESITE", "Lax")],
            "JWT_AUTH_COOKIE_SAMESITE has no meaning without JWT_AUTH_COOKIE",
        ),
        (
            &[URL, NAME, ("JWT_AUTH_COOKIE_SAMESITE", "none")],
            "JWT_AUTH_COOKIE_SAMESITE must be Strict, Lax or None",
        ),
        (
            &[URL, NAME, ("JWT_AUTH_COOKIE_SAMESITE", "None")],
            "JWT_AUTH_COOKIE_SAMESITE may be None only where CORS_ALLOWED_ORIGINS names the pages of other sites that \
             may send the cookie",
        ),
        (&[URL, NAME, ("CORS_ALLOWED_ORIGINS", "*")], no_origin),
        (
            &[URL, NAME, ("CORS_ALLOWED_ORIGINS", "https://a.example, http://localhost:5173")],
            "CORS_ALLOWED_ORIGINS must not name http:// origins beside JWT_AUTH_COOKIE: whatever listens there on a \
             user's machine could use the cookie",
        ),
    ] {
        let rejected = with(set, |settings| settings.cookie_mode()).unwrap_err();
        assert_eq!(rejected.to_string(), said, "{set:?}");
    }
    let local =
        [("JWT_ISSUER", "http://127.0.0.1:3000"), NAME, ("CORS_ALLOWED_ORIGINS", "http://localhost:5173")];
    assert!(with(&local, |settings| settings.cookie_mode()).is_ok());
    let rejected = with(&[("CORS_ALLOWED_ORIGINS", "*")], |settings| settings.cors()).unwrap_err();
    assert_eq!(rejected.to_string(), no_origin);
}
