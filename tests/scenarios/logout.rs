//! `POST /auth/logout`.

use harness::{Event, LOGIN_AT, World, at};
use http::Method;
use serde_json::{Value, json};
use token::{Algorithm, Claims, Key, KeySet, Schedule};

const PASSWORD: &str = "correct horse battery";
const HOUR: u64 = 3600;

async fn log_in(world: &World) -> String {
    world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned()
}

/// A world in which ada is logged in on two devices.
async fn two_sessions() -> (World, String, String) {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    let (first, second) = (log_in(&world).await, log_in(&world).await);
    (world, first, second)
}

async fn sessions(world: &World) -> usize {
    world.users.find(&"ada".parse().unwrap()).await.unwrap().unwrap().sessions.len()
}

#[tokio::test]
async fn logging_out_ends_this_session_and_no_other() {
    let (world, token, other) = two_sessions().await;
    assert_eq!(world.log_out(&token, LOGIN_AT + 1).await.status, 204);
    assert_eq!(world.refresh(&token, LOGIN_AT + 1).await.code(), "session_ended");
    assert_eq!(world.refresh(&other, LOGIN_AT + 1).await.status, 200);
}

#[tokio::test]
async fn logging_out_ends_the_session_of_every_token_refreshed_from_it() {
    let (world, token, _) = two_sessions().await;
    let refreshed = world.refresh(&token, LOGIN_AT + 600).await.token().to_owned();
    assert_eq!(world.log_out(&token, LOGIN_AT + 601).await.status, 204);
    assert_eq!(world.refresh(&refreshed, LOGIN_AT + 601).await.code(), "session_ended");
}

#[tokio::test]
async fn logging_out_is_one_write_and_can_be_repeated() {
    let (world, token, _) = two_sessions().await;
    for _ in 0..3 {
        world.calls();
        assert_eq!(world.log_out(&token, LOGIN_AT).await.status, 204);
        assert_eq!(world.operations(), ["UpdateItem"]);
        assert_eq!(sessions(&world).await, 1);
    }
}

#[tokio::test]
async fn logging_out_everywhere_is_one_write_that_ends_every_session_and_can_be_repeated() {
    let (world, token, other) = two_sessions().await;
    for _ in 0..3 {
        world.calls();
        assert_eq!(world.log_out_everywhere(&token, LOGIN_AT).await.status, 204);
        assert_eq!(world.operations(), ["UpdateItem"]);
    }
    for token in [&token, &other] {
        assert_eq!(world.refresh(token, LOGIN_AT).await.code(), "session_ended");
    }
    let again = log_in(&world).await;
    assert_eq!(world.refresh(&again, LOGIN_AT).await.status, 200);
}

#[tokio::test]
async fn everywhere_false_is_this_session_and_anything_but_a_boolean_is_named() {
    let (world, token, other) = two_sessions().await;
    for everywhere in [json!(null), json!("true"), json!(1), json!([]), json!({})] {
        let body = json!({ "token": token, "everywhere": everywhere });
        let reply = world.post("/auth/logout", &body, LOGIN_AT).await;
        let message = "The field \"everywhere\" must be true or false.";
        assert_eq!(reply.status, 400);
        assert_eq!(reply.body, json!({ "code": "invalid_request", "message": message }));
    }
    assert_eq!(sessions(&world).await, 2);
    let body = json!({ "token": token, "everywhere": false });
    assert_eq!(world.post("/auth/logout", &body, LOGIN_AT).await.status, 204);
    assert_eq!(world.refresh(&other, LOGIN_AT).await.status, 200);
}

#[tokio::test]
async fn the_answer_has_no_body_no_content_type_and_is_not_stored() {
    let (world, token, _) = two_sessions().await;
    for event in [
        Event::http_api(&Method::POST, "/auth/logout"),
        Event::rest_api(&Method::POST, "/prod/auth/logout"),
        Event::load_balancer(&Method::POST, "/auth/logout"),
    ] {
        let event = event.json(&json!({ "token": token })).0.to_string();
        let answer = world.gateway.respond("/auth/logout", &event, at(LOGIN_AT)).await;
        assert_eq!(answer["statusCode"], 204);
        assert!(answer["body"].as_str().unwrap_or_default().is_empty(), "{answer}");
        let reply = harness::Reply::new(&answer);
        assert_eq!(reply.headers, json!({ "cache-control": "no-store" }));
    }
}

#[tokio::test]
async fn an_expired_token_logs_out_of_its_own_session_which_a_newer_token_keeps_alive() {
    let (world, token, other) = two_sessions().await;
    let newer = world.refresh(&token, LOGIN_AT + HOUR - 1).await.token().to_owned();
    let other = world.refresh(&other, LOGIN_AT + HOUR - 1).await.token().to_owned();
    let now = LOGIN_AT + HOUR;
    assert_eq!(world.refresh(&token, now).await.code(), "token_expired");
    world.calls();
    assert_eq!(world.log_out(&token, now).await.status, 204);
    assert_eq!(world.operations(), ["UpdateItem"]);
    assert_eq!(world.refresh(&newer, now).await.code(), "session_ended");
    assert_eq!(world.refresh(&other, now).await.status, 200);
    assert_eq!(world.log_out(&token, now + 365 * 24 * HOUR).await.status, 204, "whatever its age");
}

#[tokio::test]
async fn an_expired_token_logs_out_nowhere_else() {
    let (world, token, _) = two_sessions().await;
    world.calls();
    let reply = world.log_out_everywhere(&token, LOGIN_AT + HOUR).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.body, json!({ "code": "token_expired", "message": "Signature has expired." }));
    assert_eq!(world.calls(), 0);
    assert_eq!(sessions(&world).await, 2);
}

#[tokio::test]
async fn the_token_of_an_ended_session_logs_out_nowhere_else_and_is_told_so() {
    let (world, token, other) = two_sessions().await;
    world.log_out(&token, LOGIN_AT).await;
    let reply = world.log_out_everywhere(&token, LOGIN_AT).await;
    let message = "The session of this token has ended. Log in again.";
    assert_eq!((reply.status, reply.body), (400, json!({ "code": "session_ended", "message": message })));
    assert_eq!(world.refresh(&other, LOGIN_AT).await.status, 200);
    world.log_out(&other, LOGIN_AT).await;
    assert_eq!(world.log_out_everywhere(&token, LOGIN_AT).await.status, 204, "nothing is left to end");
}

#[tokio::test]
async fn a_token_that_is_not_ours_ends_nothing_and_costs_no_call() {
    let (world, token, _) = two_sessions().await;
    let claims = world.claims(&token, LOGIN_AT);
    let elsewhere = |issuer: &str, audience: &str| {
        let claims = Claims { issuer: issuer.to_owned(), audience: audience.to_owned(), ..claims.clone() };
        let issuer = token::Issuer::new(issuer.parse().unwrap(), audience.parse().unwrap());
        issuer.issue(&claims, &world.keys(), at(LOGIN_AT)).unwrap()
    };
    let (unsigned, _) = token.rsplit_once('.').unwrap();
    let of_another_key = {
        let always = Schedule { published: at(0), signs_from: at(0), retires: None };
        let keys = KeySet::new(vec![Key::generate(Algorithm::RS256, always).unwrap()]).unwrap();
        world.issuer().issue(&claims, &keys, at(LOGIN_AT)).unwrap()
    };
    world.calls();
    for token in [
        format!("{unsigned}.AAAA"),
        elsewhere("https://other.example", "latchkey"),
        elsewhere(world.issuer().url().as_str(), "another"),
        of_another_key,
    ] {
        // An expired token that is not ours is not ours either.
        for now in [LOGIN_AT, LOGIN_AT + HOUR] {
            assert_eq!(world.log_out(&token, now).await.code(), "invalid_token");
            assert_eq!(world.log_out_everywhere(&token, now).await.code(), "invalid_token");
        }
    }
    assert_eq!(world.calls(), 0);
    assert_eq!(sessions(&world).await, 2);
}

#[tokio::test]
async fn a_deleted_user_logs_out_and_no_row_comes_back() {
    let (world, token, other) = two_sessions().await;
    let name = "ada".parse().unwrap();
    world.users.delete(&name).await.unwrap();
    assert_eq!(world.log_out(&token, LOGIN_AT).await.status, 204);
    assert_eq!(world.log_out_everywhere(&other, LOGIN_AT).await.status, 204);
    assert_eq!(world.users.find(&name).await.unwrap(), None);
    world.create("ada", PASSWORD).await;
    let namesake = log_in(&world).await;
    assert_eq!(world.log_out(&token, LOGIN_AT).await.status, 204);
    assert_eq!(world.log_out_everywhere(&other, LOGIN_AT).await.status, 204);
    assert_eq!(world.refresh(&namesake, LOGIN_AT).await.status, 200, "another ada");
}

#[tokio::test]
async fn a_disabled_user_logs_out() {
    let (world, token, other) = two_sessions().await;
    world.users.disable(&"ada".parse().unwrap()).await.unwrap();
    assert_eq!(world.log_out(&token, LOGIN_AT).await.status, 204);
    assert_eq!(world.log_out_everywhere(&other, LOGIN_AT).await.status, 204);
}

#[tokio::test]
async fn the_token_is_read_from_the_body_alone() {
    let (world, token, _) = two_sessions().await;
    let event = Event::http_api(&Method::POST, "/auth/logout").json(&json!({})).bearer(&token);
    let reply = world.send("/auth/logout", &event, LOGIN_AT).await;
    assert_eq!(reply.body["message"], Value::from("The field \"token\" is required."));
    assert_eq!(sessions(&world).await, 2);
}

#[tokio::test]
async fn a_store_that_is_down_is_503_and_never_a_logout_that_was_none() {
    let down = World::at_endpoint("http://127.0.0.1:9", &[("JWT_ALLOW_REFRESH", "true")]);
    let (other, token, _) = two_sessions().await;
    let claims = other.claims(&token, LOGIN_AT);
    let token = down.issuer().issue(&claims, &down.keys(), at(LOGIN_AT)).unwrap();
    for reply in [down.log_out(&token, LOGIN_AT).await, down.log_out_everywhere(&token, LOGIN_AT).await] {
        assert_eq!((reply.status, reply.code()), (503, "temporarily_unavailable"));
        assert_eq!(reply.headers["retry-after"], "1");
    }
}
