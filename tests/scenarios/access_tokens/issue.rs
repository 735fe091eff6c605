//! `POST /auth/access`.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::task::JoinSet;

use super::*;

#[tokio::test]
async fn a_session_gets_a_token_for_one_audience_with_the_scopes_that_both_have() {
    let (world, token) = logged_in().await;
    let reply = access(&world, &token, &json!({ "audience": ORDERS }), LOGIN_AT + 60).await;
    assert_eq!(reply.status, 200);
    let access_token = reply.body["access_token"].as_str().unwrap();
    let session = world.claims(&token, LOGIN_AT);
    assert_eq!(
        reply.body,
        json!({
            "user": { "sub": session.subject.to_string(), "username": "ada" }, "access_token": access_token,
            "token_type": "Bearer", "expires_in": 900, "scope": "orders:read",
        })
    );
    assert_eq!(reply.headers["cache-control"], "no-store");
    let kid = world.keys().keys()[0].id().to_owned();
    assert_eq!(header(access_token), json!({ "typ": "at+jwt", "alg": "RS256", "kid": kid }));
    let said = claims(access_token);
    assert_eq!(
        said,
        json!({
            "iss": harness::ISSUER, "aud": ORDERS, "sub": session.subject.to_string(), "username": "ada",
            "client_id": "latchkey", "sid": session.session_id.to_string(), "iat": LOGIN_AT + 60,
            "exp": LOGIN_AT + 960, "auth_time": LOGIN_AT, "amr": ["pwd"], "token_use": "access",
            "scope": "orders:read", "role": "clerk", "jti": said["jti"],
        })
    );
    assert_ne!(said["jti"], session.token_id.to_string());
}

/// A3
#[tokio::test]
async fn only_scopes_that_are_asked_for_and_that_audience_and_user_have_are_granted() {
    let (world, token) = logged_in().await;
    let ask = async |body: Value| access(&world, &token, &body, LOGIN_AT).await;
    for (audience, scope, granted) in [
        (ORDERS, "orders:read", "orders:read"),
        (ORDERS, "orders:write", ""),
        (ORDERS, "orders:write orders:read", "orders:read"),
    ] {
        let reply = ask(json!({ "audience": audience, "scope": scope })).await;
        assert_eq!((reply.status, &reply.body["scope"]), (200, &json!(granted)), "{scope}");
        let said = claims(reply.body["access_token"].as_str().unwrap());
        let expected = if granted.is_empty() { Value::Null } else { granted.into() };
        assert_eq!(said["scope"], expected, "{scope}");
    }
    // The audience has none, whatever the user has.
    assert_eq!(ask(json!({ "audience": BILLING })).await.body["scope"], "");
    for (audience, scope, code) in [
        (ORDERS, "other", "scope_unknown"),
        (ORDERS, "orders:read other", "scope_unknown"),
        (BILLING, "orders:read", "scope_unknown"),
        (ORDERS, "", "invalid_request"),
        (ORDERS, "orders:read  orders:write", "invalid_request"),
        ("https://orders.example.com/", "orders:read", "audience_unknown"),
        ("latchkey", "orders:read", "audience_unknown"),
        ("", "orders:read", "audience_unknown"),
    ] {
        let reply = ask(json!({ "audience": audience, "scope": scope })).await;
        assert_eq!((reply.status, reply.code()), (400, code), "{audience} {scope}");
    }
    for body in [json!({}), json!({ "audience": 1 }), json!({ "audience": [ORDERS] })] {
        assert_eq!(ask(body.clone()).await.code(), "invalid_request", "{body}");
    }
    let reply = ask(json!({ "audience": ORDERS, "scope": ["orders:read"] })).await;
    assert_eq!(reply.body["message"], "The field \"scope\" must be a string.");
}

#[tokio::test]
async fn the_scopes_of_today_count_and_a_list_is_as_good_as_a_text() {
    let (world, token) = logged_in().await;
    for (claims, scope) in [
        (r#"{"scope":"orders:write"}"#, "orders:write"),
        (r#"{"scope":["orders:write","orders:read"]}"#, "orders:read orders:write"),
        (r#"{"scope":{"orders:read":true}}"#, ""),
        (r#"{"scp":"orders:read"}"#, ""),
        ("{}", ""),
    ] {
        set_claims(&world, claims).await;
        let reply = access(&world, &token, &json!({ "audience": ORDERS }), LOGIN_AT).await;
        assert_eq!((reply.status, &reply.body["scope"]), (200, &json!(scope)), "{claims}");
    }
}

/// A7 and A-26: claims that an access token sets itself stay what they were in the token of the session, lock nobody out,
/// and are not handed on.
#[tokio::test]
async fn claims_of_before_stay_in_the_session_and_out_of_access_tokens() {
    let (world, _) = world_with(&[]).await;
    let odd = json!({
        "client_id": "x", "act": { "sub": "x" }, "cnf": { "jkt": "x" }, "acr": "x", "amr": ["mfa"],
        "azp": "x", "may_act": { "sub": "x" }, "scp": "admin", "scope": "orders:read admin",
    });
    set_claims(&world, &odd.to_string()).await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    let refreshed = world.refresh(&token, LOGIN_AT + 1).await.token().to_owned();
    for token in [&token, &refreshed] {
        for (name, value) in odd.as_object().unwrap() {
            assert_eq!(&claims(token)[name], value, "{name}");
        }
    }
    let access = claims(&access_token(&world, &token, LOGIN_AT).await);
    for name in ["act", "cnf", "acr", "azp", "may_act", "scp"] {
        assert!(access[name].is_null(), "{name}");
    }
    assert_eq!((&access["client_id"], &access["amr"]), (&json!("latchkey"), &json!(["pwd"])));
    assert_eq!(access["scope"], "orders:read");
}

/// A4
#[tokio::test]
async fn it_never_outlives_the_token_it_is_given_for() {
    let (world, token) = logged_in().await;
    let reply = access(&world, &token, &json!({ "audience": ORDERS }), LOGIN_AT + 3590).await;
    assert_eq!((reply.status, &reply.body["expires_in"]), (200, &json!(10)));
    assert_eq!(claims(reply.body["access_token"].as_str().unwrap())["exp"], LOGIN_AT + 3600);
    let dead = access(&world, &token, &json!({ "audience": ORDERS }), LOGIN_AT + 3600).await;
    assert_eq!((dead.status, dead.code()), (401, "token_expired"));
    // Kept alive to the last second, a session's last access token dies with it at 2 days and 1 hour.
    let mut token = token;
    for refreshed_at in (1800..=172_800).step_by(1800) {
        token = world.refresh(&token, LOGIN_AT + refreshed_at).await.token().to_owned();
    }
    let reply = access(&world, &token, &json!({ "audience": ORDERS }), LOGIN_AT + 176_399).await;
    assert_eq!(reply.body["expires_in"], 1);
    assert_eq!(claims(reply.body["access_token"].as_str().unwrap())["auth_time"], LOGIN_AT);
}

#[tokio::test]
async fn a_shorter_life_of_tokens_or_a_setting_shortens_it() {
    for (settings, life) in [
        (&[("JWT_EXPIRATION_DELTA", "5m")][..], 300),
        (&[("ACCESS_TOKEN_EXPIRATION_DELTA", "90s")], 90),
        (&[("ACCESS_TOKEN_EXPIRATION_DELTA", "1h")], 3600),
    ] {
        let (world, _) = world_with(settings).await;
        let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
        let reply = access(&world, &token, &json!({ "audience": ORDERS }), LOGIN_AT).await;
        assert_eq!(reply.body["expires_in"], life);
    }
}

#[tokio::test]
async fn the_token_may_be_in_the_header_or_the_body_or_the_cookie_and_in_one_of_them() {
    let (world, _) = world_with(&[("JWT_AUTH_COOKIE", "__Host-latchkey")]).await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    let body = json!({ "audience": ORDERS });
    let in_body = json!({ "audience": ORDERS, "token": token });
    let post = |body: &Value| Event::http_api(&Method::POST, "/auth/access").json(body);
    let with_cookie = |mut event: Event, page: Option<&str>| {
        event.0["cookies"] = json!([format!("__Host-latchkey={token}")]);
        event.header("sec-fetch-site", page)
    };
    let send = async |event: Event| world.send("/auth/access", &event, LOGIN_AT).await;
    for event in [
        asking(&token, &body),
        post(&in_body),
        with_cookie(post(&body), Some("same-origin")),
        // Not from a page: a program that happens to have the cookie too.
        with_cookie(asking(&token, &body), None),
    ] {
        let reply = send(event).await;
        assert_eq!((reply.status, &reply.body["scope"]), (200, &json!("orders:read")), "{reply:?}");
        assert!(reply.headers["set-cookie"].is_null(), "the session's token stays as it is");
    }
    for (event, status, code) in [
        (post(&body), 401, "authorization_required"),
        (asking(&token, &in_body), 400, "invalid_request"),
        (with_cookie(post(&body), None), 403, "csrf_refused"),
        (with_cookie(post(&body), Some("cross-site")), 403, "csrf_refused"),
        (with_cookie(asking(&token, &body), Some("cross-site")), 403, "csrf_refused"),
        (asking("no.to.ken", &body), 401, "invalid_token"),
        (post(&json!({ "audience": ORDERS, "token": "no.to.ken" })), 400, "invalid_token"),
        (asking(&token, &body).header("content-type", Some("text/plain")), 415, "unsupported_media_type"),
        (Event::http_api(&Method::GET, "/auth/access").bearer(&token), 405, "method_not_allowed"),
    ] {
        let reply = send(event.clone()).await;
        assert_eq!((reply.status, reply.code()), (status, code), "{event:?}");
    }
}

#[tokio::test]
async fn it_is_one_read_and_no_write_and_any_number_at_once_succeed() {
    let (world, token) = logged_in().await;
    world.operations();
    access_token(&world, &token, LOGIN_AT).await;
    assert_eq!(world.operations(), ["GetItem"]);
    let before = access(&world, "no.to.ken", &json!({ "audience": ORDERS }), LOGIN_AT).await;
    assert_eq!((before.status, world.calls()), (401, 0), "a rejected token costs no call");
    let (world, mut calls) = (Arc::new(world), JoinSet::new());
    for _ in 0..64 {
        let (world, token) = (Arc::clone(&world), token.clone());
        calls.spawn(async move { access_token(&world, &token, LOGIN_AT).await });
    }
    let mut tokens = calls.join_all().await;
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), 64, "each has an id of its own");
}

/// A5
#[tokio::test]
async fn an_ended_session_gets_none_and_neither_does_a_disabled_or_deleted_user() {
    let (world, token) = logged_in().await;
    let body = json!({ "audience": ORDERS });
    assert_eq!(world.log_out(&token, LOGIN_AT + 1).await.status, 204);
    let ended = access(&world, &token, &body, LOGIN_AT + 1).await;
    assert_eq!((ended.status, ended.code()), (401, "session_ended"));
    let name = "ada".parse().unwrap();
    let token = world.log_in("ada", PASSWORD, LOGIN_AT + 2).await.token().to_owned();
    world.users.disable(&name).await.unwrap();
    assert_eq!(access(&world, &token, &body, LOGIN_AT + 2).await.code(), "user_disabled");
    world.users.delete(&name).await.unwrap();
    assert_eq!(access(&world, &token, &body, LOGIN_AT + 2).await.code(), "session_ended");
    world.create("ada", PASSWORD).await;
    assert_eq!(access(&world, &token, &body, LOGIN_AT + 2).await.code(), "session_ended");
}

/// A5
#[tokio::test]
async fn once_a_logout_has_returned_its_session_gets_no_access_token() {
    let (world, _) = world_with(&[]).await;
    let world = Arc::new(world);
    for _ in 0..ROUNDS {
        let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
        let over = Arc::new(AtomicBool::new(false));
        let mut askers = JoinSet::new();
        for _ in 0..2 {
            let (world, token, over) = (Arc::clone(&world), token.clone(), Arc::clone(&over));
            askers.spawn(async move {
                loop {
                    let was_over = over.load(Ordering::SeqCst);
                    let reply = access(&world, &token, &json!({ "audience": ORDERS }), LOGIN_AT).await;
                    assert!(!was_over || reply.code() == "session_ended", "{reply:?}");
                    if was_over {
                        return;
                    }
                }
            });
        }
        assert_eq!(world.log_out(&token, LOGIN_AT).await.status, 204);
        over.store(true, Ordering::SeqCst);
        askers.join_all().await;
    }
}
