//! `POST /oauth2/token`.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use base64::prelude::BASE64_STANDARD;
use tokio::task::JoinSet;
use users::SecretHash;

use super::*;

/// X1
#[tokio::test]
async fn a_client_gets_an_access_token_and_nothing_that_refreshes_it() {
    let (world, _) = world_with(&[]).await;
    let (id, secret) = client(&world, "https://orders.example.com=orders:read").await;
    world.operations();
    let reply = ask_as_client(&world, &credentials(id, &secret), LOGIN_AT).await;
    assert_eq!(world.operations(), ["BatchGetItem"], "one read and no write");
    let token = reply.body["access_token"].as_str().unwrap_or_else(|| panic!("{reply:?}"));
    let expected = json!({
        "access_token": token, "token_type": "Bearer", "expires_in": 900, "scope": "orders:read",
    });
    assert_eq!((reply.status, &reply.body), (200, &expected));
    let said = claims(token);
    assert_eq!(
        said,
        json!({
            "iss": harness::ISSUER, "aud": ORDERS, "sub": id.to_string(), "client_id": id.to_string(),
            "iat": LOGIN_AT, "exp": LOGIN_AT + 900, "scope": "orders:read", "token_use": "access",
            "jti": said["jti"],
        })
    );
    assert_eq!(header(token)["typ"], "at+jwt");
    assert_eq!(world.refresh(token, LOGIN_AT).await.code(), "invalid_token");
}

#[tokio::test]
async fn scope_and_resource_choose_among_what_the_client_may_have() {
    let (world, _) = world_with(&[]).await;
    let both = format!("{ORDERS}=orders:read orders:write gone;{BILLING};https://gone.example.com");
    let (id, secret) = client(&world, &both).await;
    let ask = async |rest: &str| {
        let form = format!("{}{rest}", credentials(id, &secret));
        ask_as_client(&world, &form, LOGIN_AT).await
    };
    for (rest, audience, scope) in [
        ("&resource=https://orders.example.com", ORDERS, json!("orders:read orders:write")),
        ("&resource=https%3A%2F%2Forders.example.com&scope=orders:write", ORDERS, json!("orders:write")),
        ("&resource=https://billing.example.com", BILLING, Value::Null),
        ("&resource=https://billing.example.com&scope=", BILLING, Value::Null),
        // What this version does not know is ignored (RFC 6749 §3.2).
        ("&resource=https://billing.example.com&audience=x&nonce=y", BILLING, Value::Null),
    ] {
        let reply = ask(rest).await;
        assert_eq!((reply.status, &reply.body["scope"]), (200, &scope), "{rest}: {reply:?}");
        let said = claims(reply.body["access_token"].as_str().unwrap());
        assert_eq!((&said["aud"], &said["scope"]), (&json!(audience), &scope), "{rest}");
    }
    for (rest, error) in [
        ("", "invalid_target"),
        ("&resource=https://orders.example.com/", "invalid_target"),
        ("&resource=latchkey", "invalid_target"),
        // The client may, and the service has no such audience any more.
        ("&resource=https://gone.example.com", "invalid_target"),
        ("&resource=https://orders.example.com&resource=https://billing.example.com", "invalid_target"),
        ("&resource=https://orders.example.com&scope=gone", "invalid_scope"),
        ("&resource=https://orders.example.com&scope=orders:read%20admin", "invalid_scope"),
        ("&resource=https://orders.example.com&scope=orders:read++orders:write", "invalid_scope"),
        ("&resource=https://billing.example.com&scope=orders:read", "invalid_scope"),
        ("&scope=orders:read&scope=orders:write&resource=https://orders.example.com", "invalid_request"),
    ] {
        let reply = ask(rest).await;
        assert_eq!((reply.status, reply.code()), (400, error), "{rest}");
    }
}

/// Once a client is disabled or deleted, or its secret has ended, it gets no token, whatever is under way.
#[tokio::test]
async fn once_an_administrator_has_ended_it_a_client_gets_no_token() {
    let (world, _) = world_with(&[]).await;
    let world = Arc::new(world);
    for round in 0..u64::from(ROUNDS) {
        // Wrong secrets of earlier rounds do not count any more.
        let now = LOGIN_AT + round * 1000;
        let (id, secret) = client(&world, ORDERS).await;
        let over = Arc::new(AtomicBool::new(false));
        let mut askers = JoinSet::new();
        for _ in 0..2 {
            let (world, secret, over) = (Arc::clone(&world), secret.clone(), Arc::clone(&over));
            askers.spawn(async move {
                loop {
                    let was_over = over.load(Ordering::SeqCst);
                    let reply = ask_as_client(&world, &credentials(id, &secret), now).await;
                    assert!(!was_over || reply.code() == "invalid_client", "{reply:?}");
                    if was_over {
                        return;
                    }
                }
            });
        }
        match round % 3 {
            0 => world.users.set_client_enabled(id, false).await.unwrap(),
            1 => world.users.delete_client(id).await.unwrap(),
            _ => {
                let before = world.users.find_client(id).await.unwrap().unwrap().secrets;
                let mut after = before.clone();
                after[0].hash = SecretHash::of("another");
                world.users.set_client_secrets(id, &before, &after).await.unwrap();
            }
        }
        over.store(true, Ordering::SeqCst);
        askers.join_all().await;
    }
}

/// X2 and X3
#[tokio::test]
async fn whoever_does_not_prove_who_it_is_gets_one_answer_whatever_is_wrong() {
    let (world, _) = world_with(&[]).await;
    let (id, secret) = client(&world, ORDERS).await;
    let (other, other_secret) = client(&world, ORDERS).await;
    let unknown = ClientId::new(edge::random::entropy().unwrap());
    let form = |id: &str, secret: &str| {
        format!("grant_type=client_credentials&client_id={id}&client_secret={secret}")
    };
    let mut answers = Vec::new();
    for (of, with) in [
        (id.to_string(), other_secret.as_str()),
        (id.to_string(), &secret[1..]),
        (id.to_string(), &secret.to_uppercase()),
        (unknown.to_string(), &secret),
        ("ada".to_owned(), PASSWORD),
        ("client%23x".to_owned(), &secret),
        (format!("{id}%00"), &secret),
    ] {
        world.operations();
        let reply = ask_as_client(&world, &form(&of, with), LOGIN_AT).await;
        assert_eq!((reply.status, reply.code()), (400, "invalid_client"), "{of}");
        answers.push((reply.headers, reply.body, world.operations()));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(answers[0].0["www-authenticate"].is_null());

    let basic = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
    let send = async |body: &str, authorization: &str| {
        let event = Event::http_api(&Method::POST, "/oauth2/token").form(body);
        let event = event.header("authorization", Some(authorization));
        world.send("/oauth2/token", &event, LOGIN_AT).await
    };
    let (grant, own) = ("grant_type=client_credentials", basic(&format!("{id}:{secret}")));
    assert_eq!(send(grant, &own).await.status, 200);
    assert_eq!(send(&format!("{grant}&client_id={id}"), &own).await.status, 200);
    for (body, error) in [
        (format!("{grant}&client_id={other}"), "invalid_client"),
        (form(&id.to_string(), &secret), "invalid_request"),
        (form(&other.to_string(), &other_secret), "invalid_request"),
    ] {
        assert_eq!(send(&body, &own).await.code(), error, "{body}");
    }
    let bearer = send(grant, &format!("Bearer {secret}")).await;
    assert_eq!((bearer.status, bearer.code()), (401, "invalid_client"));
    let wrong = send(grant, &basic(&format!("{id}:{other_secret}"))).await;
    assert_eq!((wrong.status, wrong.code()), (401, "invalid_client"), "who tries the header is told of it");
    assert_eq!(wrong.headers["www-authenticate"], "Basic realm=\"latchkey\"");
}

#[tokio::test]
async fn what_is_no_such_request_is_answered_in_the_words_of_oauth() {
    let (world, _) = world_with(&[]).await;
    let (id, secret) = client(&world, ORDERS).await;
    for (form, status, error) in [
        (String::new(), 400, "invalid_request"),
        (format!("client_id={id}&client_secret={secret}"), 400, "invalid_request"),
        ("grant_type=password&username=ada&password=x".to_owned(), 400, "unsupported_grant_type"),
        ("grant_type=refresh_token&refresh_token=x".to_owned(), 400, "unsupported_grant_type"),
        ("grant_type=client_credentials&grant_type=client_credentials".to_owned(), 400, "invalid_request"),
        ("grant_type=client_credentials".to_owned(), 400, "invalid_client"),
        ("x".repeat(20_000), 413, "body_too_large"),
    ] {
        let reply = ask_as_client(&world, &form, LOGIN_AT).await;
        assert_eq!((reply.status, reply.code()), (status, error), "{form:.80}");
        assert_eq!(reply.headers["cache-control"], "no-store");
    }
    let as_json =
        Event::http_api(&Method::POST, "/oauth2/token").json(&json!({ "grant_type": "client_credentials" }));
    let reply = world.send("/oauth2/token", &as_json, LOGIN_AT).await;
    assert_eq!((reply.status, reply.code()), (415, "invalid_request"));
    let get = Event::http_api(&Method::GET, "/oauth2/token");
    let reply = world.send("/oauth2/token", &get, LOGIN_AT).await;
    assert_eq!((reply.status, reply.code()), (405, "method_not_allowed"));
    // Credentials in the URL are not looked at, and so never needed there.
    let mut in_url = Event::http_api(&Method::POST, "/oauth2/token").form("grant_type=client_credentials");
    in_url.0["rawQueryString"] = format!("client_id={id}&client_secret={secret}").into();
    assert_eq!(world.send("/oauth2/token", &in_url, LOGIN_AT).await.code(), "invalid_client");
}

/// X3
#[tokio::test]
async fn two_secrets_work_while_one_takes_the_others_place() {
    let (world, _) = world_with(&[]).await;
    let (id, first) = client(&world, ORDERS).await;
    let entropy = || edge::random::entropy().unwrap();
    let second = ClientSecret::new(entropy(), [entropy(), entropy()]);
    let before = world.users.find_client(id).await.unwrap().unwrap().secrets;
    let stored = StoredSecret { id: second.id().clone(), hash: second.hash(), created_at: at(LOGIN_AT + 1) };
    let both = [before.clone(), vec![stored.clone()]].concat();
    world.users.set_client_secrets(id, &before, &both).await.unwrap();
    let status = async |secret: &str| ask_as_client(&world, &credentials(id, secret), LOGIN_AT).await.status;
    assert_eq!((status(&first).await, status(second.expose()).await), (200, 200));
    world.users.set_client_secrets(id, &both, &[stored]).await.unwrap();
    assert_eq!((status(&first).await, status(second.expose()).await), (400, 200));
    world
        .users
        .set_client_secrets(id, &world.users.find_client(id).await.unwrap().unwrap().secrets, &[])
        .await
        .unwrap();
    assert_eq!(status(second.expose()).await, 400);
}

#[tokio::test]
async fn a_disabled_client_gets_nothing_and_a_deleted_one_is_unknown() {
    let (world, _) = world_with(&[]).await;
    let (id, secret) = client(&world, ORDERS).await;
    let ask = async || ask_as_client(&world, &credentials(id, &secret), LOGIN_AT).await;
    world.users.set_client_enabled(id, false).await.unwrap();
    let disabled = ask().await;
    assert_eq!((disabled.status, disabled.code()), (400, "invalid_client"));
    world.users.set_client_enabled(id, true).await.unwrap();
    assert_eq!(ask().await.status, 200);
    world.users.delete_client(id).await.unwrap();
    assert_eq!(ask().await.body, disabled.body);
}

///
#[tokio::test]
async fn ten_thousand_wrong_secrets_stop_nobody_with_the_right_one() {
    let (world, _) = world_with(&[]).await;
    let (id, secret) = client(&world, ORDERS).await;
    let wrong = credentials(id, "lks_00000000_wrong_00000000");
    world.operations();
    let (mut rejected, mut throttled) = (0, 0);
    for _ in 0..10_000 {
        match ask_as_client(&world, &wrong, LOGIN_AT).await {
            reply if reply.status == 400 => rejected += 1,
            reply => {
                assert_eq!((reply.status, reply.code()), (429, "too_many_attempts"));
                assert_eq!(reply.headers["retry-after"], "900");
                throttled += 1;
            }
        }
    }
    assert_eq!((rejected, throttled), (100, 9_900));
    let writes = world.operations().iter().filter(|operation| *operation == "UpdateItem").count();
    assert_eq!(writes, 100, "after that, no write is to be had");
    assert_eq!(ask_as_client(&world, &credentials(id, &secret), LOGIN_AT).await.status, 200);
    // Of the people behind the same address nobody has to wait either.
    assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT).await.status, 200);
    assert_eq!(ask_as_client(&world, &wrong, LOGIN_AT + 900).await.status, 400);
}

/// X4
#[tokio::test]
async fn a_client_is_no_user_and_a_user_is_no_client() {
    let (world, _) = world_with(&[]).await;
    let (id, secret) = client(&world, ORDERS).await;
    for name in [id.to_string(), format!("client#{id}"), "worker".to_owned()] {
        assert_eq!(world.log_in(&name, &secret, LOGIN_AT).await.code(), "invalid_credentials", "{name}");
    }
    let namesake = world.create(&format!("client#{id}"), PASSWORD).await;
    let token = world.log_in(&format!("client#{id}"), PASSWORD, LOGIN_AT).await.token().to_owned();
    assert_eq!(claims(&token)["sub"], namesake.to_string());
    let form = |id: &str, secret: &str| {
        format!("grant_type=client_credentials&client_id={id}&client_secret={secret}")
    };
    for of in [namesake.to_string(), format!("client%23{id}"), "ada".to_owned()] {
        assert_eq!(ask_as_client(&world, &form(&of, PASSWORD), LOGIN_AT).await.code(), "invalid_client");
    }
    assert_eq!(ask_as_client(&world, &credentials(id, &secret), LOGIN_AT).await.status, 200);
    // What is stored of a secret is no secret.
    let stored = world.users.find_client(id).await.unwrap().unwrap();
    assert!(stored.secret_of(&SecretHash::of(&secret)).is_some());
}
