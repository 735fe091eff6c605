//! `latchkey token explain`: what the rules say, by the worked example of a login at 1685728800.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use token::{RefreshSwitch, Seconds, SessionPolicy};

use crate::folder::{Folder, Run, latchkey, run};

const LOGIN: u64 = 1_685_728_800;

fn claims(exp: u64) -> Value {
    json!({
        "iss": "https://issuer.example", "aud": "latchkey", "username": "ada", "role": "admin",
        "sub": "AQEBAQEBAQEBAQEBAQEBAQ", "jti": "AwMDAwMDAwMDAwMDAwMDAw", "sid": "AgICAgICAgICAgICAgICAg",
        "iat": LOGIN, "exp": exp,
    })
}

/// A token that nobody signed.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode([0; 32]))
}

fn token(exp: u64) -> String {
    unsigned(&json!({ "typ": "JWT", "alg": "RS256", "kid": "key" }), &claims(exp))
}

pub(crate) fn explain(token: &str, at: u64, more: &[&str]) -> Run {
    run(latchkey(&[&["token", "explain", token, "--at", &at.to_string()], more].concat()), "")
}

pub(crate) fn explain_json(token: &str, at: u64, more: &[&str]) -> (i32, Value) {
    let run = explain(token, at, &[more, &["--json"]].concat());
    assert_eq!(run.err, "");
    (run.status, serde_json::from_str(&run.out).unwrap())
}

#[test]
fn a_refreshable_token_is_explained_line_by_line() {
    let run = explain(&token(LOGIN + 3600), LOGIN + 600, &[]);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    assert_eq!(
        run.out,
        "\
NOT VERIFIED: anybody can write such a token. Check its signature with --jwks FILE or --local.

Header
  typ  what it is                                 JWT
  alg  how it says it is signed; the key decides  RS256
  kid  the key that signed it                     key

Claims
  iss       who issued it                     https://issuer.example
  aud       whom it is meant for              latchkey
  sub       the user, for ever                AQEBAQEBAQEBAQEBAQEBAQ
  username  the user's name                   ada
  iat       the login; no refresh changes it  1685728800 = 2023-06-02 18:00:00 UTC
  exp       when this token dies              1685732400 = 2023-06-02 19:00:00 UTC
  jti       this token                        AwMDAwMDAwMDAwMDAwMDAw
  sid       the session                       AgICAgICAgICAgICAgICAg
  role      set by an administrator           admin

The session began with a login at 2023-06-02 18:00:00 UTC (iat), 10 min ago. No refresh changes that.
This token dies at 2023-06-02 19:00:00 UTC (exp), in 50 min.
Assumed: A live token of this session can be refreshed until 2023-06-04 18:00:00 UTC, that second included: iat + 2 d is 1 d 23 h 50 min from now.
Assumed: The session ends by 2023-06-04 19:00:00 UTC at the latest: a refresh at the last possible second gives a token that lives 1 h longer, so the longest session is 2 d + 1 h.
Assumed: It can be refreshed now: now 1685729400 < exp 1685732400, and now 1685729400 <= iat 1685728800 + 172800 = 1685901600. The new token would have the same iat and exp = now + 3600 = 1685733000.
ASSUMED: JWT_EXPIRATION_DELTA = 1 h, JWT_REFRESH_EXPIRATION_DELTA = 2 d, JWT_ALLOW_REFRESH = true. A token does not say how its service is set. Say it with --expiration, --refresh-expiration or --no-refresh, or name the local server's folder with --local.
"
    );
}

#[test]
fn each_boundary_of_the_worked_example_has_its_verdict_and_exit_status() {
    let two_days = LOGIN + 172_800;
    for (exp, at, more, status, verdict) in [
        (LOGIN + 3600, LOGIN, &[][..], 0, "refreshable"),
        (LOGIN + 3600, LOGIN + 3599, &[], 0, "refreshable"),
        (LOGIN + 3600, LOGIN + 3600, &[], 1, "token_expired"),
        (two_days + 1800, two_days, &[], 0, "refreshable"),
        (two_days + 1800, two_days + 1, &[], 1, "refresh_expired"),
        (two_days + 3600, two_days + 3599, &[], 1, "refresh_expired"),
        (two_days + 3600, two_days + 3600, &[], 1, "token_expired"),
        (LOGIN + 3600, LOGIN - 6, &[], 1, "issued_in_future"),
        (LOGIN + 3600, LOGIN - 5, &[], 0, "refreshable"),
        (LOGIN + 3600, LOGIN, &["--no-refresh"], 1, "refresh_disabled"),
        (LOGIN + 3600, LOGIN + 3600, &["--no-refresh"], 1, "token_expired"),
        (LOGIN + 3600, LOGIN, &["--refresh-expiration", "0"], 0, "refreshable"),
        (LOGIN + 3600, LOGIN + 1, &["--refresh-expiration", "0"], 1, "refresh_expired"),
        (two_days + 1800, two_days + 1, &["--refresh-expiration", "2d 1h"], 0, "refreshable"),
    ] {
        let (exit, json) = explain_json(&token(exp), at, more);
        assert_eq!((exit, &json["explanation"]["verdict"]), (status, &json!(verdict)), "{exp} {at} {more:?}");
        assert_eq!(json["refreshable"], json!(status == 0));
    }
}

#[test]
fn the_json_has_every_number_of_the_explanation() {
    let (_, mut json) = explain_json(&token(LOGIN + 3600), LOGIN + 600, &[]);
    let sentences = json["explanation"]["sentences"].take();
    assert_eq!(sentences.as_array().unwrap().len(), 5);
    assert_eq!(
        json,
        json!({
            "refreshable": true,
            "signature": { "status": "not_verified" },
            "header": { "typ": "JWT", "alg": "RS256", "kid": "key" },
            "claims": claims(LOGIN + 3600),
            "problems": [],
            "explanation": {
                "now": LOGIN + 600, "logged_in_at": LOGIN, "expires_at": LOGIN + 3600,
                "refresh_until": LOGIN + 172_800, "session_ends_by": LOGIN + 176_400,
                "verdict": "refreshable", "sentences": null, "contradictions": [],
            },
            "settings": {
                "source": "assumed", "expiration": 3600, "refresh_expiration": 172_800, "allow_refresh": true,
                "assumed": ["JWT_EXPIRATION_DELTA", "JWT_REFRESH_EXPIRATION_DELTA", "JWT_ALLOW_REFRESH"],
            },
        })
    );
    let (_, json) = explain_json(&token(LOGIN + 3600), LOGIN, &["--no-refresh", "--expiration", "2h"]);
    assert_eq!(json["explanation"]["refresh_until"], Value::Null);
    assert_eq!(json["explanation"]["session_ends_by"], json!(LOGIN + 3600));
}

#[test]
fn each_rejection_comes_with_its_arithmetic() {
    for (exp, at, words) in [
        (LOGIN + 3600, LOGIN + 3601, "now 1685732401 >= exp 1685732400"),
        (LOGIN + 176_400, LOGIN + 172_801, "now 1685901601 > iat 1685728800 + 172800 = 1685901600"),
        (LOGIN + 3600, LOGIN - 6, "iat 1685728800 is after now 1685728794"),
    ] {
        let run = explain(&token(exp), at, &[]);
        assert_eq!((run.status, run.err.as_str()), (1, ""));
        assert!(run.out.lines().any(|line| line.contains(words)), "{}", run.out);
    }
}

#[test]
fn a_token_of_the_wrong_form_is_rejected_whatever_its_age() {
    let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "key" });
    let with = |mut object: Value, name: &str, value: Value| {
        object[name] = value;
        object
    };
    let good = || claims(LOGIN + 3600);
    for (header, claims, problem) in [
        (with(header.clone(), "crit", json!(["exp"])), good(), "the header asks for an extension"),
        (with(header.clone(), "enc", json!("A128GCM")), good(), "the header is one of an encrypted token"),
        (
            with(header.clone(), "cty", json!("JWT")),
            good(),
            "the header has cty, so the payload is not a set of claims",
        ),
        (with(header.clone(), "typ", json!("logout+jwt")), good(), "typ is not JWT"),
        (with(header.clone(), "kid", json!(1)), good(), "kid names no key of ours"),
        (with(header.clone(), "alg", json!("none")), good(), "alg is not the algorithm of the key"),
        (
            header.clone(),
            with(good(), "exp", json!(LOGIN + 5000 * 86_400)),
            "exp is later than any session of ours can last",
        ),
        (header.clone(), with(good(), "sid", json!("x")), "the claim sid has the wrong type or range"),
        (header.clone(), with(good(), "aud", json!(["x"])), "the claim aud has the wrong type or range"),
        (header.clone(), with(good(), "nbf", json!(LOGIN + 601)), "nbf is in the future"),
        (header.clone(), with(good(), "nbf", json!("soon")), "the claim nbf has the wrong type or range"),
    ] {
        let token = unsigned(&header, &claims);
        let (status, json) = explain_json(&token, LOGIN + 600, &[]);
        assert_eq!((status, &json["problems"]), (1, &json!([problem])));
        assert_eq!(
            (&json["refreshable"], &json["explanation"]["verdict"]),
            (&json!(false), &json!("refreshable"))
        );
        let text = explain(&token, LOGIN + 600, &[]).out;
        assert!(text.contains(&format!("\nIt is rejected whatever its age: {problem}.\n")), "{text}");
        assert!(!text.contains("It can be refreshed now"), "{text}");
    }
}

#[test]
fn what_stands_on_a_setting_that_nobody_told_is_marked() {
    let explained = |more: &[&str], at| explain(&token(LOGIN + 3600), at, more).out;
    let assumed = |more: &[&str], at| {
        let text = explained(more, at);
        text.lines().filter(|line| line.starts_with("Assumed: ")).count()
    };
    let both = ["--expiration", "1h", "--refresh-expiration", "2d"];
    for (more, names) in [
        (&[][..], "JWT_EXPIRATION_DELTA = 1 h, JWT_REFRESH_EXPIRATION_DELTA = 2 d, JWT_ALLOW_REFRESH = true"),
        (&["--expiration", "2h"], "JWT_REFRESH_EXPIRATION_DELTA = 2 d, JWT_ALLOW_REFRESH = true"),
        (&["--refresh-expiration", "7d"], "JWT_EXPIRATION_DELTA = 1 h"),
        (&["--no-refresh"], "JWT_EXPIRATION_DELTA = 1 h"),
    ] {
        assert_eq!(assumed(more, LOGIN), 3, "{more:?}");
        assert!(explained(more, LOGIN).contains(&format!("\nASSUMED: {names}. ")), "{more:?}");
        // That a token has expired, only the token says.
        assert_eq!(assumed(more, LOGIN + 3600), 2, "{more:?}");
    }
    for known in [&both[..], &["--expiration", "1h", "--no-refresh"]] {
        let text = explained(known, LOGIN);
        assert!(!text.to_lowercase().contains("assumed"), "{text}");
        let (_, json) = explain_json(&token(LOGIN + 3600), LOGIN, known);
        assert_eq!(
            (&json["settings"]["source"], &json["settings"]["assumed"]),
            (&json!("given"), &json!([]))
        );
    }
}

#[test]
fn the_local_server_s_folder_tells_its_durations() {
    let folder = Folder::new();
    let path = folder.path().to_str().unwrap();
    local_data::signing_key::file_in(folder.path(), edge::clock::now()).unwrap();
    let settings = |more: &[&str]| {
        let more = [&["--local", path], more].concat();
        explain_json(&token(LOGIN + 300), LOGIN, &more).1["settings"].clone()
    };
    assert_eq!(settings(&[])["source"], "assumed", "no server ran there yet");
    let policy = SessionPolicy::new(Seconds::new(300), Seconds::new(600), RefreshSwitch::On).unwrap();
    local_data::session_settings::write(folder.path(), &policy, None).unwrap();
    assert_eq!(
        settings(&[]),
        json!({
            "source": "given", "assumed": [], "expiration": 300, "refresh_expiration": 600, "allow_refresh": true,
        })
    );
    assert_eq!(settings(&["--expiration", "10m"])["expiration"], 600, "the command line wins");
    std::fs::write(folder.path().join("session-settings.json"), "{}").unwrap();
    let run = explain(&token(LOGIN + 300), LOGIN, &["--local", path]);
    assert!(run.status == 1 && run.err.contains("session-settings.json holds no durations"), "{run:?}");
}

#[test]
fn settings_that_do_not_fit_the_token_are_pointed_out() {
    let text = explain(&token(LOGIN + 600), LOGIN, &[]).out;
    assert!(text.contains("\nThese settings do not fit the token: exp is 10 min after iat"), "{text}");
    let (_, json) = explain_json(&token(LOGIN + 43_200), LOGIN, &[]);
    assert_eq!(json["explanation"]["contradictions"].as_array().unwrap().len(), 1);
    let (_, json) = explain_json(&token(LOGIN + 43_200), LOGIN, &["--expiration", "12h"]);
    assert_eq!(json["explanation"]["contradictions"], json!([]));
}

#[test]
fn nbf_holds_until_its_own_second() {
    let mut claims = claims(LOGIN + 3600);
    claims["nbf"] = json!(LOGIN + 10);
    let token = unsigned(&json!({ "typ": "JWT", "alg": "RS256", "kid": "key" }), &claims);
    assert_eq!(explain(&token, LOGIN + 9, &[]).status, 1);
    assert_eq!(explain(&token, LOGIN + 10, &[]).status, 0);
}

#[test]
fn a_token_without_its_instants_is_shown_and_rejected() {
    let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "key" });
    let token = unsigned(&header, &json!({ "sub": "somebody", "exp": "tomorrow" }));
    let (status, json) = explain_json(&token, LOGIN, &[]);
    assert_eq!((status, &json["explanation"]), (1, &Value::Null));
    assert_eq!(json["claims"]["sub"], json!("somebody"));
    let problems = json["problems"].as_array().unwrap();
    assert!(problems.contains(&json!("the claim iat is missing")), "{problems:?}");
    assert!(problems.contains(&json!("the claim exp has the wrong type or range")), "{problems:?}");
    assert_eq!(explain(&token, LOGIN, &[]).status, 1);
}

#[test]
fn a_token_that_is_too_old_as_well_is_told_so() {
    let header = json!({ "typ": "logout+jwt", "alg": "RS256", "kid": "key" });
    let text = explain(&unsigned(&header, &claims(LOGIN + 3600)), LOGIN + 3600, &[]).out;
    let last: Vec<_> = text.lines().rev().skip(1).take(2).collect();
    let (_, json) = explain_json(&unsigned(&header, &claims(LOGIN + 3600)), LOGIN + 3600, &[]);
    assert_eq!(json["problems"], json!(["typ is not JWT", "the token has expired"]));
    assert_eq!(last[0], "It is rejected whatever its age: typ is not JWT.");
    assert!(last[1].starts_with("It cannot be refreshed: only a live token can"), "{text}");
}

#[test]
fn a_claim_cannot_talk_to_the_terminal() {
    let mut claims = claims(LOGIN + 3600);
    claims["role"] = json!("\u{1b}[2J\r\nSignature verified with the key x.");
    claims["\u{9b}31m"] = json!(["\u{202e}"]);
    let token = unsigned(&json!({ "typ": "JWT", "alg": "RS256", "kid": "\u{1b}c" }), &claims);
    let text = explain(&token, LOGIN, &[]).out;
    assert!(!text.lines().any(|line| line.starts_with("Signature verified")), "{text}");
    assert!(!text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')), "{text:?}");
}

#[test]
fn what_is_no_token_is_rejected_in_one_line() {
    let long = "x".repeat(4097);
    for (text, reason) in [
        ("hello", "not three parts separated by dots"),
        ("a.b.c.d.e", "not three parts separated by dots"),
        ("Bearer e30.e30.e30", "a part is not strict base64url"),
        ("e30.e30.", "a part is not strict base64url"),
        ("W10.e30.e30", "the header is not a JSON object"),
        ("e30.W10.e30", "the payload is not a JSON object"),
        (&long, "longer than 4096 bytes"),
    ] {
        for json in [&[][..], &["--json"]] {
            let run = explain(text, LOGIN, json);
            let err = format!("latchkey: this is no token: {reason}\n");
            assert_eq!(run, Run { status: 1, out: String::new(), err });
        }
    }
}

#[test]
fn a_token_can_come_from_standard_input() {
    for line_end in ["", "\n", "\r\n"] {
        let command = latchkey(&["token", "explain", "-", "--at", &LOGIN.to_string()]);
        let run = run(command, &format!("{}{line_end}", token(LOGIN + 3600)));
        assert_eq!((run.status, run.err.as_str()), (0, ""));
    }
}

#[test]
fn without_at_the_instant_is_now() {
    let before = edge::clock::now().seconds();
    let run = run(latchkey(&["token", "explain", &token(LOGIN + 3600), "--json"]), "");
    let json: Value = serde_json::from_str(&run.out).unwrap();
    let now = json["explanation"]["now"].as_u64().unwrap();
    assert!((before..=edge::clock::now().seconds()).contains(&now), "{now}");
    assert_eq!(json["explanation"]["verdict"], json!("token_expired"));
}

#[test]
fn a_wrong_command_line_has_status_2() {
    let token = token(LOGIN + 3600);
    for arguments in [
        &["token", "explain"][..],
        &["token", "explain", &token, "--at", "now"],
        &["token", "explain", &token, "--at", "-1"],
        &["token", "explain", &token, "--at", "9007199254740992"],
        &["token", "explain", &token, "--expiration", "1 hour"],
        &["token", "explain", &token, "--expiration", "0"],
        &["token", "explain", &token, "--expiration", "367d"],
        &["token", "explain", &token, "--refresh-expiration", "4000d"],
        &["token", "explain", &token, "--jwks", "keys.json", "--local"],
        &["token"],
        &[],
    ] {
        let run = run(latchkey(arguments), "");
        assert_eq!((run.status, run.out.as_str()), (2, ""), "{arguments:?}");
        assert!(!run.err.is_empty());
    }
}
