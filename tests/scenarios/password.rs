//! `POST /auth/password`.

use std::sync::Arc;

use harness::{Event, LOGIN_AT, Reply, World, at};
use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

const OLD: &str = "correct horse battery";
const NEW: &str = "four more random words";

async fn world() -> World {
    let world = World::new().await;
    world.create("ada", OLD).await;
    world
}

async fn log_in(world: &World) -> String {
    world.log_in("ada", OLD, LOGIN_AT).await.token().to_owned()
}

async fn change(world: &World, token: &str, current: &str, new: &str, now: u64) -> Reply {
    send(world, token, &json!({ "current_password": current, "new_password": new }), now).await
}

async fn send(world: &World, token: &str, body: &Value, now: u64) -> Reply {
    let event = Event::http_api(&Method::POST, "/auth/password").json(body).bearer(token);
    world.send("/auth/password", &event, now).await
}

#[tokio::test]
async fn a_change_ends_every_session_and_answers_with_a_fresh_token() {
    let world = world().await;
    let (own, other) = (log_in(&world).await, log_in(&world).await);
    let changed = change(&world, &own, OLD, NEW, LOGIN_AT + 60).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(
        (&changed.body["expires_in"], &changed.body["refresh_expires_in"]),
        (&json!(3600), &json!(172_800))
    );
    for ended in [&own, &other] {
        assert_eq!(world.refresh(ended, LOGIN_AT + 60).await.code(), "session_ended");
        assert_eq!(world.list_sessions(ended, LOGIN_AT + 60).await.status, 401);
    }
    let fresh = changed.token();
    assert_eq!(u64::from(world.claims(fresh, LOGIN_AT + 60).lifetime.issued_at), LOGIN_AT + 60);
    assert_eq!(world.refresh(fresh, LOGIN_AT + 61).await.status, 200);
    let sessions = world.list_sessions(fresh, LOGIN_AT + 61).await;
    assert_eq!(sessions.body["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(world.log_in("ada", OLD, LOGIN_AT + 61).await.code(), "invalid_credentials");
    assert_eq!(world.log_in("ada", NEW, LOGIN_AT + 61).await.status, 200);
}

#[tokio::test]
async fn a_new_password_that_is_guessed_first_is_rejected_with_what_to_do_and_nothing_changes() {
    let world = world().await;
    let token = log_in(&world).await;
    world.calls();
    for (new, said) in [
        ("fourteen chars", "too short: use at least 15 characters"),
        ("PasswordPassword", "among the most common ones"),
        ("aaaaaaaaaaaaaaaa", "repeats a short pattern"),
        ("abcdefghijklmnop", "a run of neighbouring keys"),
        ("adaadaada-and-ada", "little more than the username"),
        (OLD, "the current one"),
    ] {
        let rejected = change(&world, &token, OLD, new, LOGIN_AT).await;
        assert_eq!((rejected.status, rejected.code()), (400, "password_refused"), "{new}");
        assert!(rejected.body["message"].as_str().unwrap().contains(said), "{rejected:?}");
        assert_eq!(world.operations(), ["GetItem"], "no hash and no write");
    }
    assert_eq!(world.refresh(&token, LOGIN_AT).await.status, 200);
}

#[tokio::test]
async fn the_length_is_a_setting() {
    let world = World::with(&[("PASSWORD_MIN_LENGTH", "8")]).await;
    world.create("ada", OLD).await;
    let token = log_in(&world).await;
    let body = json!({ "current_password": OLD, "new_password": "7 chars" });
    let event = Event::http_api(&Method::POST, "/auth/password").json(&body).bearer(&token);
    // Not through `send`: openapi.yaml has the message of the default length.
    let rejected =
        Reply::new(&world.gateway.respond("/auth/password", &event.0.to_string(), at(LOGIN_AT)).await);
    assert_eq!(rejected.code(), "password_refused");
    assert!(rejected.body["message"].as_str().unwrap().contains("at least 8 characters"), "{rejected:?}");
    assert_eq!(change(&world, &token, OLD, "8 chars!", LOGIN_AT).await.status, 200);
}

#[tokio::test]
async fn a_wrong_current_password_counts_as_a_failed_login_and_waits_like_one() {
    let world = world().await;
    let token = log_in(&world).await;
    for _ in 0..5 {
        let rejected = change(&world, &token, "wrong", NEW, LOGIN_AT).await;
        assert_eq!((rejected.status, rejected.code()), (400, "invalid_credentials"));
    }
    let waits = change(&world, &token, OLD, NEW, LOGIN_AT + 1).await;
    assert_eq!(
        (waits.status, waits.code(), &waits.headers["retry-after"]),
        (429, "too_many_attempts", &json!("4"))
    );
    assert_eq!(world.log_in("ada", OLD, LOGIN_AT + 1).await.status, 429, "logins of that name wait too");
    assert_eq!(world.refresh(&token, LOGIN_AT + 1).await.status, 200, "no session ends");
    assert_eq!(change(&world, &token, OLD, NEW, LOGIN_AT + 5).await.status, 200);
    assert_eq!(world.log_in("ada", "wrong", LOGIN_AT + 5).await.status, 400, "the failures are forgotten");
}

#[tokio::test]
async fn a_live_token_of_a_live_session_is_needed() {
    let world = world().await;
    let token = log_in(&world).await;
    let body = json!({ "current_password": OLD, "new_password": NEW });
    let path = "/auth/password";
    let without = world.send(path, &Event::http_api(&Method::POST, path).json(&body), LOGIN_AT).await;
    assert_eq!((without.status, without.code()), (401, "authorization_required"));
    assert_eq!(send(&world, "canary", &body, LOGIN_AT).await.code(), "invalid_token");
    let expired = send(&world, &token, &body, LOGIN_AT + 3600).await;
    assert_eq!((expired.status, expired.code()), (401, "token_expired"));
    world.log_out(&token, LOGIN_AT).await;
    let ended = send(&world, &token, &body, LOGIN_AT).await;
    assert_eq!((ended.status, ended.code()), (401, "session_ended"));
    assert_eq!(world.log_in("ada", OLD, LOGIN_AT).await.status, 200);
}

#[tokio::test]
async fn a_body_without_two_usable_passwords_is_rejected_by_the_name_of_the_field() {
    let world = world().await;
    let token = log_in(&world).await;
    for (body, field) in [
        (json!({ "new_password": NEW }), "current_password"),
        (json!({ "current_password": OLD }), "new_password"),
        (json!({ "current_password": OLD, "new_password": 7 }), "new_password"),
        (json!({ "current_password": "", "new_password": NEW }), "current_password"),
        (json!({ "current_password": OLD, "new_password": "x".repeat(1025) }), "new_password"),
    ] {
        let rejected = send(&world, &token, &body, LOGIN_AT).await;
        assert_eq!((rejected.status, rejected.code()), (400, "invalid_request"), "{body}");
        assert!(rejected.body["message"].as_str().unwrap().contains(&format!("\"{field}\"")), "{rejected:?}");
    }
    let list = send(&world, &token, &json!([]), LOGIN_AT).await;
    assert_eq!((list.status, list.code()), (400, "invalid_request"));
}

#[tokio::test]
async fn a_change_makes_three_calls() {
    let world = world().await;
    let token = log_in(&world).await;
    world.operations();
    assert_eq!(change(&world, &token, OLD, NEW, LOGIN_AT).await.status, 200);
    assert_eq!(world.operations(), ["GetItem", "BatchGetItem", "UpdateItem"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_changes_at_the_same_time_one_wins_and_its_password_is_in_force() {
    let world = Arc::new(world().await);
    let mut current = OLD.to_owned();
    for round in 0..10 {
        let token = world.log_in("ada", &current, LOGIN_AT).await.token().to_owned();
        let mut changes = JoinSet::new();
        for contender in 0..3 {
            let (world, token, current) = (Arc::clone(&world), token.clone(), current.clone());
            changes.spawn(async move {
                let new = format!("{round} and {contender} are random words");
                let reply = change(&world, &token, &current, &new, LOGIN_AT).await;
                (reply.status == 200).then_some(new).ok_or(reply)
            });
        }
        let (mut won, mut lost) = (Vec::new(), Vec::new());
        for outcome in changes.join_all().await {
            match outcome {
                Ok(new) => won.push(new),
                Err(reply) => lost.push(reply),
            }
        }
        assert_eq!(won.len(), 1, "{lost:?}");
        // Of a contender whose session was checked before and whose password after, the password is another one by then.
        let codes = ["session_ended", "invalid_credentials"];
        assert!(lost.iter().all(|reply| codes.contains(&reply.code())), "{lost:?}");
        current = won.remove(0);
        let user = world.users.find(&"ada".parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(user.sessions.len(), 1);
    }
}
