//! The real binaries: what they say in the log, and when they do not start.

use harness::lambda::Function;
use token::{Algorithm, KeySet, Schedule};

use super::*;
use crate::binaries::{PASSWORD, Stack, billed_bytes_of_a_line, post};

const ON: [(&str, &str); 2] = [("ACCESS_TOKEN_AUDIENCES", AUDIENCES), ("MACHINE_CLIENTS", "true")];

async fn stack() -> Stack {
    let always = Schedule { published: at(0), signs_from: at(0), retires: None };
    let keys = KeySet::new(vec![Key::generate(Algorithm::RS256, always).unwrap()]).unwrap();
    Stack::new(&keys.to_secret()).await
}

async fn session(stack: &Stack) -> String {
    let mut login = stack.start("login", &[]).await;
    let credentials = json!({ "username": "ada", "password": PASSWORD });
    login.invoke(&post("/auth/login", &credentials)).await.token().to_owned()
}

/// The lines of successes that `function` has printed, and all that it has.
async fn printed(function: Function, event: &str) -> (Vec<String>, String) {
    let all = function.stop().await;
    let of_success = |line: &&str| {
        line.contains(&format!(r#""event":"{event}""#)) && line.contains(r#""outcome":"success""#)
    };
    (all.lines().filter(of_success).map(str::to_owned).collect(), all)
}

/// How long a line is at most, and 26 bytes that CloudWatch adds: its address may be longer.
fn is_billed_as(constant: &str, line: &str) {
    let address = "2001:0db8:0000:0000:0000:0000:0000:0001".len() - "203.0.113.7".len();
    let (longest, billed) = (line.len() + address + 26, billed_bytes_of_a_line(constant));
    // The fraction of a second may be shorter.
    assert!(
        (billed - 8..=billed).contains(&longest),
        "docs/bill.py has {billed}, and it is {longest}: {line}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_who_got_a_token_for_what_and_holds_neither_token_nor_secret() {
    let stack = stack().await;
    let token = session(&stack).await;
    let mut access = stack.start("access-token", &ON).await;
    let reply = access.invoke(&asking(&token, &json!({ "audience": ORDERS }))).await;
    let issued = reply.body["access_token"].as_str().unwrap_or_else(|| panic!("{reply:?}")).to_owned();
    assert_eq!(
        access.invoke(&asking("canary.canary.canary", &json!({ "audience": ORDERS }))).await.status,
        401
    );
    let canary = json!({ "audience": "https://canary.example", "scope": "canary" });
    assert_eq!(access.invoke(&asking(&token, &canary)).await.code(), "audience_unknown");
    let (lines, all) = printed(access, "access_token").await;
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    let (from, to) = (claims(&token), claims(&issued));
    for (member, expected) in [
        ("sub", &from["sub"]),
        ("sid", &from["sid"]),
        ("from_jti", &from["jti"]),
        ("jti", &to["jti"]),
        ("aud", &to["aud"]),
    ] {
        assert_eq!(&line[member], expected, "{member}");
    }
    is_billed_as("ACCESS_LOG_KB", &lines[0]);
    for part in [&token, &issued].iter().flat_map(|token| token.split('.').skip(1)).chain(["canary"]) {
        assert!(!all.contains(part), "{part} in {all}");
    }

    let world = World::at_endpoint(&stack.store.endpoint, &SETTINGS);
    let (id, secret) = client(&world, ORDERS).await;
    let mut tokens = stack.start("client-token", &ON).await;
    let ask = |form: &str| Event::http_api(&Method::POST, "/oauth2/token").form(form);
    let reply = tokens.invoke(&ask(&credentials(id, &secret))).await;
    let issued = reply.body["access_token"].as_str().unwrap_or_else(|| panic!("{reply:?}")).to_owned();
    for form in [
        credentials(id, "canary"),
        format!("{}&scope=canary", credentials(id, &secret)),
        "canary=canary".to_owned(),
    ] {
        assert_eq!(tokens.invoke(&ask(&form)).await.status, 400);
    }
    let canary = "grant_type=client_credentials&client_id=canary&client_secret=canary";
    assert_eq!(tokens.invoke(&ask(canary)).await.status, 400);
    let (lines, all) = printed(tokens, "client_token").await;
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    let secret_id = secret.split('_').nth(1).unwrap();
    for (member, expected) in [
        ("client_id", id.to_string().as_str()),
        ("secret_id", secret_id),
        ("aud", ORDERS),
        ("jti", claims(&issued)["jti"].as_str().unwrap()),
    ] {
        assert_eq!(line[member], expected, "{member}");
    }
    is_billed_as("CLIENT_LOG_KB", &lines[0]);
    assert!(
        all.contains(r#""reason":"wrong_secret""#) && all.contains(r#""reason":"unknown_client""#),
        "{all}"
    );
    let of_secret = secret.trim_start_matches("lks_").trim_start_matches(secret_id).trim_start_matches('_');
    for part in issued.split('.').skip(1).chain(["canary", of_secret.get(..43).unwrap()]) {
        assert!(!all.contains(part), "{part} in {all}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_voids_access_tokens_ends_the_functions_with_a_line_that_names_it() {
    let stack = stack().await;
    for (function, settings, said) in [
        ("access-token", &[][..], "ACCESS_TOKEN_AUDIENCES must be set"),
        ("client-token", &[], "ACCESS_TOKEN_AUDIENCES must be set"),
        ("access-token", &[ON[0], ("SIGNING_ALGORITHM", "HS256")], "ACCESS_TOKEN_AUDIENCES cannot be used"),
        ("client-token", &[ON[0], ("SIGNING_ALGORITHM", "HS256")], "ACCESS_TOKEN_AUDIENCES cannot be used"),
        ("access-token", &[("ACCESS_TOKEN_AUDIENCES", "latchkey")], "must not name JWT_AUDIENCE"),
        ("authorizer", &[("AUTHORIZER_AUDIENCE", ORDERS)], "AUTHORIZER_AUDIENCE must be one of"),
    ] {
        let printed = stack.start(function, settings).await.ended().await;
        assert!(printed.contains(said), "{function}: {printed}");
    }
}

/// Everybody verifies by what it serves.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_setting_of_access_tokens_does_not_take_the_public_keys_down() {
    let stack = stack().await;
    for settings in [
        &[("ACCESS_TOKEN_AUDIENCES", "latchkey"), ON[1]][..],
        &[ON[0], ("ACCESS_TOKEN_EXPIRATION_DELTA", "2h")],
        &[ON[1]],
    ] {
        let mut jwks = stack.start("jwks", settings).await;
        for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration"] {
            let document = jwks.invoke(&Event::http_api(&Method::GET, path)).await;
            assert_eq!(document.status, 200, "{settings:?}");
            assert!(document.body["token_endpoint"].is_null(), "{settings:?}");
        }
    }
}

/// Before the first event the keys are read and the connection is open, as the other functions have it.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_event_finds_both_functions_ready_and_an_outage_is_503() {
    let stack = stack().await;
    let token = session(&stack).await;
    stack.secrets.calls();
    let mut access = stack.start("access-token", &ON).await;
    let mut clients = stack.start("client-token", &ON).await;
    for _ in 0..3 {
        assert_eq!(access.invoke(&asking(&token, &json!({ "audience": ORDERS }))).await.status, 200);
        let form = "grant_type=client_credentials&client_id=lkc_x&client_secret=x";
        let event = Event::http_api(&Method::POST, "/oauth2/token").form(form);
        assert_eq!(clients.invoke(&event).await.code(), "invalid_client");
    }
    let dead = [&ON[..], &[("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")]].concat();
    let mut access = stack.start("access-token", &dead).await;
    assert_eq!(access.invoke(&asking(&token, &json!({ "audience": ORDERS }))).await.status, 503);
    let mut clients = stack.start("client-token", &dead).await;
    let event = Event::http_api(&Method::POST, "/oauth2/token")
        .form("grant_type=client_credentials&client_id=lkc_x&client_secret=x");
    let reply = clients.invoke(&event).await;
    assert_eq!((reply.status, &reply.body["error"]), (503, &json!("temporarily_unavailable")));
    assert_eq!(reply.headers["retry-after"], "1");
}
