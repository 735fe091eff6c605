//! `POST /auth/login`.

use std::{collections::HashSet, sync::Arc};

use edge::Endpoint;
use harness::{Event, LOGIN_AT, World, at};
use http::Method;
use serde_json::json;
use tokio::task::JoinSet;
use users::{Hasher, Username};

const PASSWORD: &str = "correct horse battery";

#[tokio::test]
async fn unknown_disabled_and_wrong_get_the_same_answer_to_the_byte() {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    world.create("bob", PASSWORD).await;
    world.users.disable(&"bob".parse().unwrap()).await.unwrap();
    let mut answers = Vec::new();
    for (username, password) in [("ada", "wrong"), ("nobody", PASSWORD), ("bob", PASSWORD), ("bob", "wrong")]
    {
        let event = Event::http_api(&Method::POST, "/auth/login")
            .json(&json!({ "username": username, "password": password }));
        answers
            .push(world.gateway.respond("/auth/login", &event.0.to_string(), at(LOGIN_AT)).await.to_string());
    }
    assert!(answers[0].contains("Unable to log in with provided credentials."));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
}

#[tokio::test]
async fn a_login_makes_two_calls_a_failure_three_and_so_does_a_login_that_has_to_claim_its_try() {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    world.calls();
    assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT).await.status, 200);
    assert_eq!(world.calls(), 2);
    for _ in 0..4 {
        assert_eq!(world.log_in("ada", "wrong", LOGIN_AT).await.code(), "invalid_credentials");
        assert_eq!(world.calls(), 3);
    }
    assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT).await.status, 200);
    assert_eq!(world.calls(), 3);
    assert_eq!(world.log_in("ada", "wrong", LOGIN_AT).await.code(), "invalid_credentials");
    assert_eq!(world.calls(), 3);
    assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT).await.status, 200, "and forgets the failure");
    assert_eq!(world.calls(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_tries_at_the_same_instant_one_is_checked_and_the_others_wait() {
    let world = Arc::new(World::new().await);
    world.create("ada", PASSWORD).await;
    for username in ["ada", "nobody"] {
        for _ in 0..4 {
            world.log_in(username, "wrong", LOGIN_AT).await;
        }
        for now in [LOGIN_AT, LOGIN_AT + 5, LOGIN_AT + 15] {
            let mut tries = JoinSet::new();
            for _ in 0..32 {
                let world = Arc::clone(&world);
                tries.spawn(async move { world.log_in(username, "wrong", now).await.status });
            }
            let statuses = tries.join_all().await;
            assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 1, "{statuses:?}");
            assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 31, "{statuses:?}");
        }
    }
}

#[tokio::test]
async fn after_five_failures_every_try_waits_whether_the_name_exists_or_not() {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    for username in ["ada", "nobody"] {
        for _ in 0..5 {
            assert_eq!(world.log_in(username, "wrong", LOGIN_AT).await.code(), "invalid_credentials");
        }
        world.calls();
        let rejected = world.log_in(username, PASSWORD, LOGIN_AT + 4).await;
        assert_eq!((rejected.status, rejected.code()), (429, "too_many_attempts"));
        assert_eq!(rejected.headers["retry-after"], "1");
        assert_eq!(world.calls(), 1, "a rejected try reads once and writes nothing");
    }
    let reply = world.log_in("ada", PASSWORD, LOGIN_AT + 5).await;
    assert_eq!(reply.status, 200, "the right password after the wait");
    assert_eq!(
        world.log_in("ada", "wrong", LOGIN_AT + 5).await.code(),
        "invalid_credentials",
        "and it starts over"
    );
}

/// On a clock that only timers move, so that nothing but the wait itself is measured. Timers round up to a millisecond.
#[tokio::test]
async fn a_wrong_password_is_answered_after_a_whole_step_for_every_name_and_the_right_one_at_once() {
    const STEP: std::ops::RangeInclusive<u128> = 10..=11;
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    let wrong_current = Event::http_api(&Method::POST, "/auth/password")
        .json(&json!({ "current_password": "wrong", "new_password": "quiet harbour lanterns" }))
        .bearer(&token);
    tokio::time::pause();
    for (username, password, expected) in
        [("ada", "wrong", STEP), ("nobody", "wrong", STEP), ("ada", PASSWORD, 0..=0)]
    {
        let began = tokio::time::Instant::now();
        world.log_in(username, password, LOGIN_AT).await;
        let waited = began.elapsed().as_millis();
        assert!(expected.contains(&waited), "{username} {password}: {waited} ms");
    }
    let began = tokio::time::Instant::now();
    assert_eq!(world.send("/auth/password", &wrong_current, LOGIN_AT).await.code(), "invalid_credentials");
    let waited = began.elapsed().as_millis();
    assert!(STEP.contains(&waited), "{waited} ms");
}

#[tokio::test]
async fn the_wait_doubles_up_to_fifteen_minutes_and_never_locks_out() {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    let mut now = LOGIN_AT;
    let mut waits = Vec::new();
    for _ in 0..14 {
        if let Some(wait) = world.log_in("ada", "wrong", now).await.headers["retry-after"].as_str() {
            let wait: u64 = wait.parse().unwrap();
            waits.push(wait);
            now += wait;
            world.log_in("ada", "wrong", now).await;
        }
    }
    assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 900]);
    assert_eq!(world.log_in("ada", PASSWORD, now + 899).await.status, 429);
    assert_eq!(world.log_in("ada", PASSWORD, now + 900).await.status, 200);
}

#[tokio::test]
async fn a_name_has_one_form_and_a_password_is_taken_as_it_is() {
    let world = World::new().await;
    world.create("Ada", PASSWORD).await;
    let reply = world.log_in("  ADA ", PASSWORD, LOGIN_AT).await;
    assert_eq!(world.claims(reply.token(), LOGIN_AT).username, "ada");
    for password in [
        "Correct horse battery",
        " correct horse battery",
        "correct horse battery ",
        "correct horse battery\0",
    ] {
        assert_eq!(
            world.log_in("ada", password, LOGIN_AT).await.code(),
            "invalid_credentials",
            "{password:?}"
        );
    }
}

#[tokio::test]
async fn the_session_remembers_device_and_address_of_the_request_context() {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    let event = Event::http_api(&Method::POST, "/auth/login")
        .json(&json!({ "username": "ada", "password": PASSWORD }))
        .header("user-agent", Some(&"x".repeat(300)))
        .header("x-forwarded-for", Some("198.51.100.1"));
    world.send("/auth/login", &event, LOGIN_AT).await;
    let user = world.users.find(&"ada".parse().unwrap()).await.unwrap().unwrap();
    let session = user.sessions.values().next().unwrap();
    assert_eq!(session.issued_at(), at(LOGIN_AT));
    assert_eq!(session.user_agent(), Some("x".repeat(200).as_str()));
    assert_eq!(session.source_ip(), Some("203.0.113.7"));
}

#[tokio::test]
async fn fifty_sessions_are_kept_and_outlived_ones_are_dropped() {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    let name: Username = "ada".parse().unwrap();
    let mut tokens = Vec::new();
    for second in 0..51 {
        tokens.push(world.log_in("ada", PASSWORD, LOGIN_AT + second).await.token().to_owned());
    }
    assert_eq!(world.users.find(&name).await.unwrap().unwrap().sessions.len(), 50);
    assert_eq!(world.refresh(&tokens[0], LOGIN_AT + 60).await.code(), "session_ended");
    assert_eq!(world.refresh(&tokens[1], LOGIN_AT + 60).await.status, 200);
    // 2 days and 1 hour after the last of them, a login finds nothing worth keeping.
    world.log_in("ada", PASSWORD, LOGIN_AT + 51 + 176_400).await;
    assert_eq!(world.users.find(&name).await.unwrap().unwrap().sessions.len(), 1);
}

#[tokio::test]
async fn tokens_of_one_second_are_all_different() {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    let mut tokens = HashSet::new();
    let login = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    for _ in 0..50 {
        tokens.insert(world.refresh(&login, LOGIN_AT).await.token().to_owned());
    }
    assert_eq!(tokens.len(), 50);
}

#[tokio::test]
async fn with_refreshing_off_the_answer_has_no_refresh_time() {
    let world = World::with(&[]).await;
    world.create("ada", PASSWORD).await;
    let reply = world.log_in("ada", PASSWORD, LOGIN_AT).await;
    let user = &reply.body["user"];
    assert_eq!(user["username"], "ada");
    assert_eq!(
        reply.body,
        json!({ "user": user, "token": reply.token(), "token_type": "Bearer", "expires_in": 3600 })
    );
}

#[tokio::test]
async fn impossible_names_and_passwords_are_named_in_the_rejection() {
    let world = World::new().await;
    for (username, password, field) in [
        ("", PASSWORD, "username"),
        ("a\u{0}b", PASSWORD, "username"),
        (&*"x".repeat(255), PASSWORD, "username"),
        ("ada", "", "password"),
        ("ada", &*"x".repeat(1025), "password"),
    ] {
        world.calls();
        let reply = world.log_in(username, password, LOGIN_AT).await;
        assert_eq!((reply.status, reply.code()), (400, "invalid_request"));
        assert!(reply.body["message"].as_str().unwrap().contains(&format!("\"{field}\"")), "{reply:?}");
        assert_eq!(world.calls(), 0);
    }
}

#[tokio::test]
async fn memory_for_a_hash_is_ready_before_the_first_password_comes() {
    let world = World::new().await;
    let ready = || world.hashers.each_ref().map(Hasher::idle_arenas);
    assert_eq!(ready(), [0, 0]);
    world.gateway.login.warm_up(at(LOGIN_AT)).await;
    world.gateway.password.warm_up(at(LOGIN_AT)).await;
    assert_eq!(ready(), [1, 1]);
}
