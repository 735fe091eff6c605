//! The Lambda authorizer: every kind of event, both forms of answer, every no.

use std::time::Duration;

use authorizer::{Authorizer, Undecided};
use edge::Environment;
use harness::{ISSUER, LOGIN_AT, World, at};
use keyring::{KeySource, Purpose, SigningKeys};
use serde_json::{Value, json};
use token::{CustomClaims, Seconds};
use tokio::net::TcpListener;

const PASSWORD: &str = "correct horse battery";
const LIMIT: Duration = Duration::from_secs(8);
const CHECKED: [(&str, &str); 1] = [("CHECK_SESSION", "true")];
const REST_STAGE: &str = "arn:aws:execute-api:eu-west-1:123456789012:r3st1atch4/prod/*";
const HTTP_STAGE: &str = "arn:aws:execute-api:eu-west-1:123456789012:k3y1atch42/$default/*";

/// Every kind of event that API Gateway sends.
pub(crate) const KINDS: [&str; 4] = ["token", "rest_request", "http_api_1", "http_api_2"];

/// The event of `kind` whose `Authorization` header is `value`.
fn with_header(kind: &str, value: &str) -> Value {
    let text = match kind {
        "token" => include_str!("../events/authorizer_token.json"),
        "rest_request" => include_str!("../events/authorizer_rest_request.json"),
        "http_api_1" => include_str!("../events/authorizer_http_api_1.json"),
        "http_api_2" => include_str!("../events/authorizer_http_api_2.json"),
        other => panic!("no such kind: {other}"),
    };
    let value = serde_json::to_string(value).unwrap();
    serde_json::from_str(&text.replace("\"Bearer no.to.ken\"", &value)).unwrap()
}

/// The event of `kind` with this token.
pub(crate) fn with_token(kind: &str, token: &str) -> Value {
    with_header(kind, &format!("Bearer {token}"))
}

/// Whether an answer of any form is yes.
pub(crate) fn allows(answer: &Value) -> bool {
    answer["isAuthorized"] == true || answer["policyDocument"]["Statement"][0]["Effect"] == "Allow"
}

fn policy(effect: &str, principal: &str, stage: &str, context: &Value) -> Value {
    json!({
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{ "Action": "execute-api:Invoke", "Effect": effect, "Resource": stage }],
        },
        "context": context,
    })
}

async fn logged_in() -> (World, String) {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    world.operations();
    (world, token)
}

async fn answer(authorizer: &Authorizer, event: &Value, now: u64) -> Value {
    authorizer.answer(&event.to_string(), at(now), LIMIT).await.unwrap()
}

/// The code of a no, in the form that `kind` takes and without a trace of the token.
async fn rejection(authorizer: &Authorizer, kind: &str, value: &str, now: u64) -> String {
    let answer = answer(authorizer, &with_header(kind, value), now).await;
    let context = &answer["context"];
    let expected = match kind {
        "http_api_2" => json!({ "isAuthorized": false, "context": context }),
        "http_api_1" => policy("Deny", "nobody", HTTP_STAGE, context),
        _ => policy("Deny", "nobody", REST_STAGE, context),
    };
    assert_eq!(answer, expected);
    assert!(context["message"].as_str().unwrap().ends_with('.'));
    assert_eq!(context.as_object().unwrap().len(), 2);
    let token = value.split_once(' ').map_or("", |(_, token)| token.trim());
    assert!(token.len() < 9 || !answer.to_string().contains(token));
    context["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_live_token_is_allowed_in_the_form_that_each_kind_takes_with_its_claims() {
    let world = World::new().await;
    let id = world.create("ada", PASSWORD).await.to_string();
    let custom: CustomClaims =
        r#"{"roles":["admin","owner"],"org":{"id":7},"level":3,"beta":true,"manager":null}"#.parse().unwrap();
    world.users.set_claims(&"ada".parse().unwrap(), &custom).await.unwrap();
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    let claims = Value::Object(world.claims(&token, LOGIN_AT).to_json());
    let mut flat = claims.clone();
    flat["roles"] = r#"["admin","owner"]"#.into();
    flat["org"] = r#"{"id":7}"#.into();
    flat["manager"] = "null".into();
    for settings in [&CHECKED[..], &[]] {
        let authorizer = world.authorizer(settings);
        for (kind, expected) in [
            ("token", policy("Allow", &id, REST_STAGE, &flat)),
            ("rest_request", policy("Allow", &id, REST_STAGE, &flat)),
            ("http_api_1", policy("Allow", &id, HTTP_STAGE, &flat)),
            ("http_api_2", json!({ "isAuthorized": true, "context": claims })),
        ] {
            assert_eq!(answer(&authorizer, &with_token(kind, &token), LOGIN_AT).await, expected, "{kind}");
        }
    }
    let authorizer = world.authorizer(&[("AUTHORIZER_RESPONSE", "policy")]);
    let allowed = answer(&authorizer, &with_token("http_api_2", &token), LOGIN_AT).await;
    assert_eq!(allowed, policy("Allow", &id, HTTP_STAGE, &claims));
    let denied = answer(&authorizer, &with_token("http_api_2", "x"), LOGIN_AT).await;
    assert_eq!(denied, policy("Deny", "nobody", HTTP_STAGE, &denied["context"]));
}

#[tokio::test]
async fn a_policy_for_one_route_allows_the_others_of_the_stage() {
    let (world, token) = logged_in().await;
    let authorizer = world.authorizer(&[]);
    let mut other = with_token("rest_request", &token);
    other["methodArn"] = "arn:aws:execute-api:eu-west-1:123456789012:r3st1atch4/prod/DELETE/carts/a:b".into();
    let here = answer(&authorizer, &with_token("rest_request", &token), LOGIN_AT).await;
    assert_eq!(answer(&authorizer, &other, LOGIN_AT).await, here);
}

#[tokio::test]
async fn the_scheme_and_the_header_s_name_may_be_in_any_case() {
    let (world, token) = logged_in().await;
    let authorizer = world.authorizer(&[]);
    for kind in KINDS {
        for scheme in ["Bearer", "bearer", "BEARER", "bEARER  "] {
            let event = with_header(kind, &format!("{scheme} {token}"));
            assert!(allows(&answer(&authorizer, &event, LOGIN_AT).await), "{kind} {scheme}");
        }
        for name in ["authorization", "AUTHORIZATION", "AuthoriZation"] {
            let event = with_token(kind, &token).to_string();
            let event = event.replace("\"Authorization\":", &format!("\"{name}\":"));
            let event = event.replace("\"authorization\":", &format!("\"{name}\":"));
            assert!(allows(&authorizer.answer(&event, at(LOGIN_AT), LIMIT).await.unwrap()), "{kind} {name}");
        }
    }
}

#[tokio::test]
async fn what_is_no_live_token_is_denied_with_its_code() {
    let (world, token) = logged_in().await;
    let authorizer = world.authorizer(&CHECKED);
    let good = format!("Bearer {token}");
    let (start, end) = (&token[..token.len() - 9], &token[token.len() - 8..]);
    let other = if token.as_bytes()[start.len()] == b'x' { 'y' } else { 'x' };
    let forged = format!("Bearer {start}{other}{end}");
    for kind in KINDS {
        for (value, now, code) in [
            ("", LOGIN_AT, "authorization_required"),
            ("Bearer", LOGIN_AT, "authorization_required"),
            ("Bearer ", LOGIN_AT, "authorization_required"),
            (&token, LOGIN_AT, "authorization_required"),
            (&format!("Basic {token}"), LOGIN_AT, "authorization_required"),
            (&format!("JWT {token}"), LOGIN_AT, "authorization_required"),
            (&format!("Bearer\t{token}"), LOGIN_AT, "authorization_required"),
            (&format!("{good},{good}"), LOGIN_AT, "invalid_request"),
            (&format!("{good}, Basic eDp5"), LOGIN_AT, "invalid_request"),
            ("Bearer no.to.ken", LOGIN_AT, "invalid_token"),
            (&format!("{good} {token}"), LOGIN_AT, "invalid_token"),
            (&format!("Bearer {}", "x".repeat(100_000)), LOGIN_AT, "invalid_token"),
            (&forged, LOGIN_AT, "invalid_token"),
            (&good, LOGIN_AT - 6, "invalid_token"),
            (&good, LOGIN_AT + 3600, "token_expired"),
        ] {
            assert_eq!(rejection(&authorizer, kind, value, now).await, code, "{kind} {value:.60}");
        }
        assert!(allows(&answer(&authorizer, &with_token(kind, &token), LOGIN_AT + 3599).await));
    }
    let denied = answer(&authorizer, &with_token("http_api_2", &token), LOGIN_AT + 3600).await;
    let context = json!({ "code": "token_expired", "message": "Signature has expired." });
    assert_eq!(denied, json!({ "isAuthorized": false, "context": context }));
}

#[tokio::test]
async fn a_missing_header_and_a_second_one_are_denied() {
    let (world, token) = logged_in().await;
    let authorizer = world.authorizer(&[]);
    let good = format!("Bearer {token}");
    for (headers, lists, code) in [
        (json!(null), json!(null), "authorization_required"),
        (json!({}), json!({}), "authorization_required"),
        (json!({ "x-authorization": good }), json!({}), "authorization_required"),
        (json!({ "authorization": 1 }), json!(null), "authorization_required"),
        (json!({ "authorization": good }), json!({ "Authorization": [] }), "authorization_required"),
        (json!({ "authorization": good, "Authorization": good }), json!(null), "invalid_request"),
        (json!({ "authorization": good }), json!({ "authorization": [good, good] }), "invalid_request"),
        (json!({ "authorization": good }), json!({ "authorization": ["Basic x", good] }), "invalid_request"),
    ] {
        for kind in ["rest_request", "http_api_1", "http_api_2"] {
            let mut event = with_token(kind, &token);
            event["headers"] = headers.clone();
            event["multiValueHeaders"] = lists.clone();
            let denied = answer(&authorizer, &event, LOGIN_AT).await;
            assert_eq!((allows(&denied), &denied["context"]["code"]), (false, &json!(code)), "{event}");
        }
    }
}

#[tokio::test]
async fn an_ended_session_is_denied_at_once_where_sessions_are_checked_and_nowhere_else() {
    let (world, token) = logged_in().await;
    let (checking, trusting) = (world.authorizer(&CHECKED), world.authorizer(&[]));
    let good = format!("Bearer {token}");
    assert!(allows(&answer(&checking, &with_token("token", &token), LOGIN_AT).await));
    assert_eq!(world.operations(), ["GetItem"]);
    assert_eq!(world.log_out(&token, LOGIN_AT).await.status, 204);
    for kind in KINDS {
        assert_eq!(rejection(&checking, kind, &good, LOGIN_AT).await, "session_ended");
    }
    world.users.disable(&"ada".parse().unwrap()).await.unwrap();
    assert_eq!(rejection(&checking, "token", &good, LOGIN_AT).await, "user_disabled");
    world.users.delete(&"ada".parse().unwrap()).await.unwrap();
    assert_eq!(rejection(&checking, "token", &good, LOGIN_AT).await, "session_ended");
    world.create("ada", PASSWORD).await;
    assert_eq!(rejection(&checking, "token", &good, LOGIN_AT).await, "session_ended", "another ada");
    world.operations();
    for kind in KINDS {
        assert!(allows(&answer(&trusting, &with_token(kind, &token), LOGIN_AT).await), "{kind}");
    }
    assert_eq!(world.calls(), 0);
}

#[tokio::test]
async fn what_is_down_or_slow_fails_the_function_unless_it_is_set_to_deny() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    for (endpoint, limit) in [("http://127.0.0.1:9", LIMIT), (&silent, Duration::from_millis(20))] {
        let world = World::at_endpoint(endpoint, &[]);
        let (other, token) = logged_in().await;
        let token =
            world.issuer().issue(&other.claims(&token, LOGIN_AT), &world.keys(), at(LOGIN_AT)).unwrap();
        let event = with_token("http_api_2", &token).to_string();
        let undecided = world.authorizer(&CHECKED).answer(&event, at(LOGIN_AT), limit).await;
        assert_eq!(undecided, Err(Undecided), "API Gateway caches a Deny, and no function error");
        let denying = [CHECKED[0], ("AUTHORIZER_ON_FAILURE", "deny")];
        let denied = world.authorizer(&denying).answer(&event, at(LOGIN_AT), limit).await.unwrap();
        assert_eq!(denied["context"]["code"], "temporarily_unavailable", "{denied}");
        assert!(allows(&world.authorizer(&[]).answer(&event, at(LOGIN_AT), LIMIT).await.unwrap()));
    }
    let lookup = |variable: &str| (variable == "JWT_ISSUER").then(|| ISSUER.to_owned());
    let nowhere =
        SigningKeys::new(KeySource::File("/nowhere/keys.json".into()), Purpose::Verify, Seconds::new(0));
    let without_keys = Authorizer::new(None, nowhere, &Environment::new(&lookup)).unwrap();
    let event = with_token("token", "no.to.ken").to_string();
    assert_eq!(without_keys.answer(&event, at(LOGIN_AT), LIMIT).await, Err(Undecided));
}

#[tokio::test]
async fn an_event_of_no_authorizer_is_denied_everything() {
    let (world, token) = logged_in().await;
    let authorizer = world.authorizer(&[]);
    let mut without_arn: Vec<_> = KINDS.map(|kind| with_token(kind, &token)).into();
    for event in &mut without_arn {
        event.as_object_mut().unwrap().retain(|name, _| !name.ends_with("Arn"));
    }
    let mut wild = with_token("token", &token);
    wild["methodArn"] = "arn:aws:execute-api:eu-west-1:123456789012:*/*/*".into();
    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let unlike = ["", "{", "null", "[]", "{}", "1", "\"x\"", &nested].map(str::to_owned);
    let huge = json!({ "headers": { "x": "y".repeat(6_000_000) } });
    for text in without_arn.iter().chain([&wild, &huge]).map(Value::to_string).chain(unlike) {
        let denied = authorizer.answer(&text, at(LOGIN_AT), LIMIT).await.unwrap();
        let context = &denied["context"];
        let expected = if text.contains("\"version\":\"2.0\"") {
            json!({ "isAuthorized": false, "context": context })
        } else {
            policy("Deny", "nobody", "*", context)
        };
        assert_eq!((&denied, &context["code"]), (&expected, &json!("invalid_request")), "{text:.99}");
    }
}
