//! `latchkey doctor`

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    thread,
};

use harness::LocalServer;
use serde_json::{Value, json};

use crate::folder::{Folder, Run, latchkey, run};

/// What each check came to.
fn verdicts(run: &Run) -> BTreeMap<String, (String, String)> {
    let told: Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{run:?}"));
    let text = |check: &Value, name| check.get(name).and_then(Value::as_str).unwrap().to_owned();
    let checks = told.get("checks").and_then(Value::as_array).unwrap().iter();
    checks.map(|check| (text(check, "check"), (text(check, "verdict"), text(check, "said")))).collect()
}

fn doctor(words: &[&str]) -> Run {
    run(latchkey(&[&["doctor"], words, &["--json"]].concat()), "")
}

/// A service that answers each path with a status and a body, and everything else with 404; its address.
fn service(answers: &'static [(&'static str, u16, &'static str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let address = url.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let mut request = BufReader::new(stream);
            let mut line = String::new();
            request.read_line(&mut line).unwrap();
            let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
            let (mut header, mut length) = (String::new(), 0);
            while request.read_line(&mut header).unwrap() > 2 {
                if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length: ") {
                    length = value.trim().parse().unwrap();
                }
                header.clear();
            }
            std::io::Read::read_exact(&mut request, &mut vec![0; length]).unwrap();
            let found = answers.iter().find(|(known, ..)| *known == path);
            let (status, body) =
                found.map_or((404, r#"{"message":"Not Found"}"#), |found| (found.1, found.2));
            let body = body.replace("URL", &address);
            let head =
                format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
            let date = "date: Fri, 02 Jun 2023 18:00:00 GMT\r\n\r\n";
            request.into_inner().write_all(format!("{head}{date}{body}").as_bytes()).unwrap();
        }
    });
    url
}

#[test]
fn of_the_local_server_everything_is_well() {
    let folder = Folder::new();
    let server = LocalServer::start(folder.path(), &[]);
    let local = folder.path().to_str().unwrap();
    let whole = doctor(&[server.url(), "--local", local]);
    assert_eq!((whole.status, whole.err.as_str()), (0, ""), "{}", whole.out);
    let checks = verdicts(&whole);
    for check in
        ["discovery", "issuer", "clock", "keys", "login", "refresh", "verify", "users", "changes", "secret"]
    {
        assert_eq!(checks[check].0, "ok", "{check}: {}", checks[check].1);
    }
    assert_eq!(checks["links"].1, "on: /auth/code");
    assert_eq!(checks["letters"].1, "on: /auth/recovery");
    assert_eq!(checks["machine clients"].1, "on: /oauth2/token");
    let plain = run(latchkey(&["doctor", server.url()]), "");
    assert!(plain.out.starts_with("ok       discovery"), "{}", plain.out);
    assert!(!plain.out.contains("secret"), "what is not named is not looked at: {}", plain.out);

    let without = Folder::new();
    let server = LocalServer::start(without.path(), &["--account-link", "", "--access-audiences", ""]);
    let checks = verdicts(&doctor(&[server.url(), "--local", local]));
    for (check, parameter) in [
        ("links", "AccountLink"),
        ("letters", "MailFrom"),
        ("access tokens", "AccessTokenAudiences"),
        ("machine clients", "MachineClients"),
    ] {
        assert_eq!(checks[check], ("ok".into(), format!("off, without {parameter}")));
    }
    let (verdict, said) = &checks["secret"];
    assert!(
        verdict == "failed" && said.contains("the service does not publish it: another stack's secret"),
        "{said}"
    );
}

#[test]
fn an_address_without_a_service_is_told_apart_by_what_it_is() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let elsewhere = service(&[]);
    let starting = service(&[(
        "/.well-known/openid-configuration",
        503,
        r#"{"code":"temporarily_unavailable","message":"x"}"#,
    )]);
    let broken =
        service(&[("/.well-known/openid-configuration", 500, r#"{"message":"Internal Server Error"}"#)]);
    for (url, said) in [
        (format!("http://{unused}"), "cannot be reached: "),
        (elsewhere, "is this the service's BaseUrl?"),
        (starting, "there are no keys yet"),
        (broken, "most often the function does not start"),
        ("no url".to_owned(), "begin it with https://"),
        ("https://localhost:1".to_owned(), "cannot be reached: "),
    ] {
        let run = doctor(&[&url]);
        assert_eq!(run.status, 1, "{url}");
        let checks = verdicts(&run);
        assert_eq!(checks.len(), 1, "the rest would say the same: {checks:?}");
        assert!(
            checks["discovery"].0 == "failed" && checks["discovery"].1.contains(said),
            "{url}: {checks:?}"
        );
    }
}

#[test]
fn a_service_of_which_a_part_fails_says_which_and_why() {
    let url = service(&[
        (
            "/.well-known/openid-configuration",
            200,
            r#"{"issuer":"http://127.0.0.1:9","jwks_uri":"URL/keys"}"#,
        ),
        ("/keys", 200, r#"{"keys":[]}"#),
        ("/auth/login", 400, r#"{"code":"invalid_request","message":"x"}"#),
        ("/auth/refresh", 500, r#"{"message":"Internal Server Error"}"#),
        ("/auth/verify", 403, r#"{"code":"direct_call_rejected","message":"x"}"#),
        ("/auth/code", 500, r#"{"message":"Internal Server Error"}"#),
        ("/oauth2/token", 400, r#"{"error":"invalid_request"}"#),
    ]);
    let run = doctor(&[&url]);
    assert_eq!(run.status, 1);
    let checks = verdicts(&run);
    for (check, verdict, said) in [
        ("discovery", "ok", ""),
        ("issuer", "failed", "tokens say http://127.0.0.1:9, and http://127.0.0.1:9/.well-known/"),
        ("clock", "warning", "from the service's"),
        ("keys", "warning", "HS256"),
        ("login", "ok", "answers"),
        ("refresh", "failed", "most often the function does not start"),
        ("verify", "warning", "only through the proxy"),
        ("links", "failed", "most often the function does not start"),
        ("machine clients", "ok", "on: /oauth2/token"),
        ("access tokens", "ok", "off, without AccessTokenAudiences"),
    ] {
        let (found, told) = &checks[check];
        assert!(found == verdict && told.contains(said), "{check}: {found} {told}");
    }
}

#[test]
fn settings_are_read_as_the_functions_will_read_them() {
    let folder = Folder::new();
    let file = folder.path().join("samconfig.toml");
    let check = |parameters: &str| {
        fs::write(&file, format!("[default.global.parameters]\nparameter_overrides = {parameters}\n"))
            .unwrap();
        let run = doctor(&["--config-file", file.to_str().unwrap()]);
        let told: Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{run:?}"));
        let said: Vec<_> = told["checks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|check| check["said"].as_str().unwrap().to_owned())
            .collect();
        (run.status, said)
    };
    let sound = r#"{ AccountLink = "https://app.example.com/a", CorsAllowedOrigins = "https://app.example.com", PasswordMinLength = 15, OriginSecrets = "none", AuthCookieSameSite = "Strict" }"#;
    let (status, said) = check(sound);
    assert_eq!(status, 0, "{said:?}");
    assert!(said[0].starts_with("the 5 parameters of "), "{said:?}");
    for (parameters, expected) in [
        (
            r#"{ AccountLink = "https://app.example.com/a", Issuer = "https://i.example.com", CorsAllowedOrigins = "" }"#,
            "AccountLink must be a page of Issuer or of an origin in CorsAllowedOrigins",
        ),
        (r#"{ ExpirationDelta = "soon" }"#, "ExpirationDelta is no duration"),
        ("{ PasswordMinLength = 7 }", "PasswordMinLength must be 8 to 128"),
        (
            r#""AccessTokenAudiences='https://a.example=read write' SigningAlgorithm=HS256""#,
            "AccessTokenAudiences cannot be used with SigningAlgorithm=HS256",
        ),
        (
            r#"["MachineClients=true", "ParameterKey=AccessTokenAudiences,ParameterValue="]"#,
            "MachineClients may be true only with AccessTokenAudiences",
        ),
        (r#"{ DomainName = "login.example.com", AuthCookie = "latchkey" }"#, "AuthCookie must"),
        (r#"{ MailFrom = "example.com", AccountLink = "" }"#, "MailFrom must be an address"),
        (r#"{ MailFrom = "a@example.com", AccountLink = "" }"#, "MailFrom needs AccountLink"),
    ] {
        let (status, said) = check(parameters);
        assert_eq!((status, said.len()), (1, 1), "{parameters}: {said:?}");
        assert!(said[0].starts_with(expected), "{parameters}: {said:?}");
    }
    let (status, said) =
        check(r#"{ ExpirationDelta = "0", PasswordMinLength = "x", CorsAllowedOrigins = "*" }"#);
    assert_eq!((status, said.len()), (1, 3), "all that is wrong at once: {said:?}");
    let (status, said) = check(r#"{ AccountLink = "https://app.example.com/a" }"#);
    assert_eq!(status, 0, "the stack may have the origin: {said:?}");
    assert!(said[0].ends_with("; unless the stack keeps such a value of CorsAllowedOrigins"), "{said:?}");
    let (status, said) = check(r#"{ MailFrom = "a@example.com" }"#);
    assert_eq!(status, 0, "the stack may have the page: {said:?}");
    assert!(said[0].ends_with("; unless the stack keeps such a value of AccountLink"), "{said:?}");
    let (status, said) = check(r#"{ CorsAllowedOrigin = "https://app.example.com" }"#);
    assert_eq!(
        (status, said.as_slice()),
        (1, &["the template has no parameter CorsAllowedOrigin".to_owned()][..])
    );
    let (status, said) =
        check(r#"{ AccessTokenAudiences = "https://a.example=read", VerifiersReadSecret = "true" }"#);
    assert_eq!(status, 1, "{said:?}");
    let prod = doctor(&["--config-file", file.to_str().unwrap(), "--config-env", "prod"]);
    assert!(prod.err.contains("names no parameters under [prod.global"), "{prod:?}");
    let missing = doctor(&["--config-file", "/nowhere/samconfig.toml"]);
    assert!(missing.err.starts_with("latchkey: cannot use /nowhere/samconfig.toml: "), "{missing:?}");
    assert_eq!(doctor(&[]).status, 2);
    assert_eq!(json!(doctor(&[]).out), json!(""));
}
