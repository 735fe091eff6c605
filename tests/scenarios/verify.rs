//! `POST /auth/verify`.

use harness::{Event, LOGIN_AT, Reply, World, at};
use http::Method;
use serde_json::{Value, json};
use token::{CustomClaims, RefreshSwitch, Seconds, SessionPolicy};

const PASSWORD: &str = "correct horse battery";
const HOUR: u64 = 3600;
const TWO_DAYS: u64 = 172_800;

async fn logged_in() -> (World, String) {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    (world, token)
}

async fn verify(world: &World, token: &str, now: u64) -> Reply {
    world.post("/auth/verify", &json!({ "token": token }), now).await
}

async fn verify_session(world: &World, token: &str, now: u64) -> Reply {
    world.post("/auth/verify", &json!({ "token": token, "check_session": true }), now).await
}

#[tokio::test]
async fn a_live_token_is_answered_with_its_claims_and_its_three_ends() {
    let world = World::new().await;
    let id = world.create("ada", PASSWORD).await;
    let claims: CustomClaims = r#"{"role":"admin"}"#.parse().unwrap();
    world.users.set_claims(&"ada".parse().unwrap(), &claims).await.unwrap();
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    let token = world.refresh(&token, LOGIN_AT + 600).await.token().to_owned();
    let issued = world.claims(&token, LOGIN_AT + 600);
    for reply in
        [verify(&world, &token, LOGIN_AT + 1200).await, verify_session(&world, &token, LOGIN_AT + 1200).await]
    {
        assert_eq!(reply.status, 200);
        assert_eq!(reply.headers["cache-control"], "no-store");
        assert_eq!(
            reply.body,
            json!({
                "claims": {
                    "iss": world.issuer().url().as_str(),
                    "aud": "latchkey",
                    "sub": id.to_string(),
                    "username": "ada",
                    "iat": LOGIN_AT,
                    "exp": LOGIN_AT + 600 + HOUR,
                    "jti": issued.token_id.to_string(),
                    "sid": issued.session_id.to_string(),
                    "role": "admin",
                },
                "expires_in": 3000,
                "refresh_expires_in": TWO_DAYS - 1200,
                "session_expires_in": TWO_DAYS + HOUR - 1200,
            })
        );
    }
}

#[tokio::test]
async fn a_token_is_verified_until_the_second_before_its_expiry() {
    let (world, token) = logged_in().await;
    let reply = verify(&world, &token, LOGIN_AT + HOUR - 1).await;
    assert_eq!((reply.status, &reply.body["expires_in"]), (200, &json!(1)));
    let reply = verify(&world, &token, LOGIN_AT + HOUR).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.body, json!({ "code": "token_expired", "message": "Signature has expired." }));
}

#[tokio::test]
async fn past_the_refresh_limit_a_live_token_can_be_refreshed_for_no_second_more() {
    let (world, mut token) = logged_in().await;
    for step in 1..=96 {
        token = world.refresh(&token, LOGIN_AT + step * 1800).await.token().to_owned();
    }
    for (second, refresh, session) in [(0, 0, HOUR), (1, 0, HOUR - 1), (HOUR - 1, 0, 1)] {
        let reply = verify(&world, &token, LOGIN_AT + TWO_DAYS + second).await;
        assert_eq!(reply.body["refresh_expires_in"], refresh);
        assert_eq!(
            (&reply.body["session_expires_in"], &reply.body["expires_in"]),
            (&json!(session), &json!(session))
        );
    }
}

#[tokio::test]
async fn with_refreshing_off_the_session_ends_with_the_token_and_no_refresh_time_is_said() {
    let world = World::with(&[]).await;
    world.create("ada", PASSWORD).await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    let claims = world.claims(&token, LOGIN_AT);
    let reply = verify(&world, &token, LOGIN_AT + 600).await;
    assert_eq!(
        reply.body,
        json!({ "claims": claims.to_json(), "expires_in": 3000, "session_expires_in": 3000 })
    );
    // Refreshed before it was switched off.
    let on = SessionPolicy::new(Seconds::new(HOUR), Seconds::new(TWO_DAYS), RefreshSwitch::On).unwrap();
    let mut refreshed = claims.clone();
    refreshed.lifetime = on.refresh(claims.lifetime, at(LOGIN_AT + 1800)).unwrap();
    let token = world.issuer().issue(&refreshed, &world.keys(), at(LOGIN_AT + 1800)).unwrap();
    let reply = verify(&world, &token, LOGIN_AT + HOUR).await;
    assert_eq!((&reply.body["expires_in"], &reply.body["session_expires_in"]), (&json!(1800), &json!(1800)));
}

#[tokio::test]
async fn nothing_is_read_but_one_row_where_the_session_is_asked_about() {
    let (world, token) = logged_in().await;
    world.calls();
    verify(&world, &token, LOGIN_AT).await;
    world.post("/auth/verify", &json!({ "token": token, "check_session": false }), LOGIN_AT).await;
    assert_eq!(world.calls(), 0);
    verify_session(&world, &token, LOGIN_AT).await;
    assert_eq!(world.operations(), ["GetItem"]);
    assert_eq!(verify_session(&world, &token, LOGIN_AT + HOUR).await.code(), "token_expired");
    assert_eq!(verify_session(&world, "no.to.ken", LOGIN_AT).await.code(), "invalid_token");
    assert_eq!(world.calls(), 0);
}

#[tokio::test]
async fn an_ended_session_is_rejected_where_it_is_asked_about_and_verified_where_it_is_not() {
    let (world, token) = logged_in().await;
    let (name, claims) = ("ada".parse().unwrap(), world.claims(&token, LOGIN_AT));
    world.users.end_session(&name, claims.subject, claims.session_id).await.unwrap();
    let ended = verify_session(&world, &token, LOGIN_AT).await;
    assert_eq!(
        (ended.status, ended.body),
        (
            400,
            json!({ "code": "session_ended", "message": "The session of this token has ended. Log in again." })
        )
    );
    assert_eq!(verify(&world, &token, LOGIN_AT).await.status, 200);
    world.users.disable(&name).await.unwrap();
    let disabled = verify_session(&world, &token, LOGIN_AT).await;
    assert_eq!(
        (disabled.status, disabled.body),
        (400, json!({ "code": "user_disabled", "message": "User account is disabled." }))
    );
    world.users.delete(&name).await.unwrap();
    assert_eq!(verify_session(&world, &token, LOGIN_AT).await.code(), "session_ended");
    world.create("ada", PASSWORD).await;
    assert_eq!(verify_session(&world, &token, LOGIN_AT).await.code(), "session_ended", "another ada");
}

#[tokio::test]
async fn a_check_session_that_is_no_boolean_is_named() {
    let (world, token) = logged_in().await;
    for value in [json!(null), json!("true"), json!(1), json!([true]), json!({})] {
        let body = json!({ "token": token, "check_session": value });
        let reply = world.post("/auth/verify", &body, LOGIN_AT).await;
        assert_eq!(
            (reply.status, reply.body),
            (
                400,
                json!({ "code": "invalid_request", "message": "The field \"check_session\" must be true or false." })
            )
        );
    }
}

#[tokio::test]
async fn the_token_is_read_from_the_body_alone() {
    let (world, token) = logged_in().await;
    let event = Event::http_api(&Method::POST, "/auth/verify")
        .json(&json!({}))
        .header("authorization", Some(&format!("Bearer {token}")));
    let reply = world.send("/auth/verify", &event, LOGIN_AT).await;
    assert_eq!(reply.body["message"], "The field \"token\" is required.");
}

#[tokio::test]
async fn every_kind_of_event_is_answered() {
    let (world, token) = logged_in().await;
    for event in [
        Event::http_api(&Method::POST, "/auth/verify"),
        Event::rest_api(&Method::POST, "/prod/auth/verify"),
        Event::load_balancer(&Method::POST, "/auth/verify"),
    ] {
        let event = event.json(&json!({ "token": token }));
        let reply = world.send("/auth/verify", &event, LOGIN_AT).await;
        assert_eq!((reply.status, &reply.body["claims"]["username"]), (200, &Value::from("ada")));
    }
}

#[tokio::test]
async fn a_store_that_is_down_is_503_where_the_session_is_asked_about() {
    let down = World::at_endpoint("http://127.0.0.1:9", &[("JWT_ALLOW_REFRESH", "true")]);
    let (other, token) = logged_in().await;
    let claims = other.claims(&token, LOGIN_AT);
    let token = down.issuer().issue(&claims, &down.keys(), at(LOGIN_AT)).unwrap();
    assert_eq!(verify(&down, &token, LOGIN_AT).await.status, 200);
    let reply = verify_session(&down, &token, LOGIN_AT).await;
    assert_eq!((reply.status, reply.code()), (503, "temporarily_unavailable"));
    assert_eq!(reply.headers["retry-after"], "1");
}

#[tokio::test]
async fn a_client_of_the_package_before_gets_its_token_back_and_is_told_of_a_user_who_is_gone() {
    let (world, token) = logged_in().await;
    let now = LOGIN_AT + 1;
    let body = json!({ "token": token });
    let old = |path: &str| Event::http_api(&Method::POST, path).json(&body);
    let proxied = old("/auth/verify").header("latchkey-compatible", Some("djangorestframework-jwt"));
    let events = [old("/api-token-verify/"), old("/prod/auth/jwt/verify/"), proxied];
    for event in &events {
        let reply = world.send("/auth/verify", event, now).await;
        assert_eq!((reply.status, reply.token()), (200, token.as_str()));
    }
    assert!(verify(&world, &token, now).await.body.get("token").is_none(), "not on our own path");
    let ada = "ada".parse().unwrap();
    world.users.disable(&ada).await.unwrap();
    for event in &events {
        assert_eq!(world.send("/auth/verify", event, now).await.code(), "user_disabled");
    }
    world.users.delete(&ada).await.unwrap();
    for event in &events {
        assert_eq!(world.send("/auth/verify", event, now).await.code(), "session_ended");
    }
    assert_eq!(verify(&world, &token, now).await.status, 200);
}
