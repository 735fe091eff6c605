//! `POST /auth/refresh`.

use std::sync::Arc;

use harness::{LOGIN_AT, World, at};
use serde_json::json;
use token::{CustomClaims, RefreshSwitch, Seconds, SessionPolicy};
use users::{Hasher, Password};

const PASSWORD: &str = "correct horse battery";

async fn logged_in() -> (World, String) {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    (world, token)
}

#[tokio::test]
async fn a_warm_refresh_makes_exactly_one_call_to_dynamodb() {
    let (world, token) = logged_in().await;
    for second in 0..10 {
        world.calls();
        assert_eq!(world.refresh(&token, LOGIN_AT + second).await.status, 200);
        assert_eq!(world.calls(), 1);
    }
}

#[tokio::test]
async fn sixty_four_refreshes_of_one_token_at_once_all_succeed() {
    let (world, token) = logged_in().await;
    let world = Arc::new(world);
    let mut refreshes = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (world, token) = (Arc::clone(&world), token.clone());
        refreshes.spawn(async move { world.refresh(&token, LOGIN_AT + 1).await.status });
    }
    assert_eq!(refreshes.join_all().await, [200; 64]);
}

#[tokio::test]
async fn a_rejected_token_costs_no_call() {
    let (world, token) = logged_in().await;
    world.calls();
    assert_eq!(world.refresh(&token, LOGIN_AT + 3600).await.code(), "token_expired");
    assert_eq!(world.refresh("no.to.ken", LOGIN_AT).await.code(), "invalid_token");
    assert_eq!(world.calls(), 0);
}

#[tokio::test]
async fn changed_claims_reach_the_next_token() {
    let (world, token) = logged_in().await;
    let claims: CustomClaims = r#"{"role":"admin"}"#.parse().unwrap();
    world.users.set_claims(&"ada".parse().unwrap(), &claims).await.unwrap();
    let reply = world.refresh(&token, LOGIN_AT + 1).await;
    assert_eq!(world.claims(reply.token(), LOGIN_AT + 1).custom, claims);
    world.users.set_claims(&"ada".parse().unwrap(), &CustomClaims::default()).await.unwrap();
    let reply = world.refresh(reply.token(), LOGIN_AT + 2).await;
    assert_eq!(world.claims(reply.token(), LOGIN_AT + 2).custom, CustomClaims::default());
}

#[tokio::test]
async fn a_disabled_user_is_rejected_and_enabling_again_revives_no_session() {
    let (world, token) = logged_in().await;
    let name = "ada".parse().unwrap();
    world.users.disable(&name).await.unwrap();
    assert_eq!(
        world.refresh(&token, LOGIN_AT + 1).await.body,
        json!({ "code": "user_disabled", "message": "User account is disabled." })
    );
    world.users.enable(&name).await.unwrap();
    assert_eq!(world.refresh(&token, LOGIN_AT + 2).await.code(), "session_ended");
    assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT + 2).await.status, 200);
}

#[tokio::test]
async fn a_deleted_user_is_rejected_and_so_is_the_next_owner_of_the_name() {
    let (world, token) = logged_in().await;
    world.users.delete(&"ada".parse().unwrap()).await.unwrap();
    assert_eq!(world.refresh(&token, LOGIN_AT + 1).await.code(), "session_ended");
    world.create("ada", "another person's password").await;
    world.log_in("ada", "another person's password", LOGIN_AT + 1).await;
    assert_eq!(world.refresh(&token, LOGIN_AT + 2).await.code(), "session_ended");
}

#[tokio::test]
async fn a_password_change_ends_every_session() {
    let (world, token) = logged_in().await;
    let hash = Hasher::new()
        .hash(&Password::try_from("new password".to_owned()).unwrap(), edge::random::entropy().unwrap());
    world.users.set_password(&"ada".parse().unwrap(), &hash.unwrap()).await.unwrap();
    assert_eq!(world.refresh(&token, LOGIN_AT + 1).await.code(), "session_ended");
    assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT + 1).await.code(), "invalid_credentials");
    assert_eq!(world.log_in("ada", "new password", LOGIN_AT + 1).await.status, 200);
}

#[tokio::test]
async fn an_ended_session_is_rejected_and_the_others_live_on() {
    let (world, token) = logged_in().await;
    let other = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    let claims = world.claims(&token, LOGIN_AT);
    let name = "ada".parse().unwrap();
    for _ in 0..2 {
        world.users.end_session(&name, claims.subject, claims.session_id).await.unwrap();
        assert_eq!(world.refresh(&token, LOGIN_AT + 1).await.code(), "session_ended");
    }
    assert_eq!(world.refresh(&other, LOGIN_AT + 1).await.status, 200);
    world.users.end_all_sessions(&name, claims.subject).await.unwrap();
    assert_eq!(world.refresh(&other, LOGIN_AT + 1).await.code(), "session_ended");
}

#[tokio::test]
async fn switched_off_rejects_every_token_also_one_issued_while_it_was_on() {
    let world = World::with(&[]).await;
    world.create("ada", PASSWORD).await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    let on = SessionPolicy::new(Seconds::new(3600), Seconds::new(172_800), RefreshSwitch::On).unwrap();
    let mut claims = world.claims(&token, LOGIN_AT);
    claims.lifetime = on.log_in(at(LOGIN_AT));
    let issued_while_on = world.issuer().issue(&claims, &world.keys(), at(LOGIN_AT)).unwrap();
    for token in [&token, &issued_while_on, &"no token".to_owned()] {
        world.calls();
        let reply = world.refresh(token, LOGIN_AT + 1).await;
        assert_eq!((reply.status, reply.code()), (400, "refresh_disabled"));
        assert_eq!(world.calls(), 0);
    }
}

#[tokio::test]
async fn the_token_is_read_from_the_body_alone() {
    let (world, token) = logged_in().await;
    let event = harness::Event::http_api(&http::Method::POST, "/auth/refresh")
        .json(&json!({}))
        .header("authorization", Some(&format!("Bearer {token}")))
        .header("cookie", Some(&format!("token={token}")));
    let reply = world.send("/auth/refresh", &event, LOGIN_AT).await;
    assert_eq!(
        reply.body,
        json!({ "code": "invalid_request", "message": "The field \"token\" is required." })
    );
}

#[tokio::test]
async fn a_store_that_is_down_is_503_and_never_a_wrong_password() {
    let world = World::at_endpoint("http://127.0.0.1:9", &[("JWT_ALLOW_REFRESH", "true")]);
    let login = world.log_in("ada", PASSWORD, LOGIN_AT).await;
    assert_eq!((login.status, login.code()), (503, "temporarily_unavailable"));
    assert_eq!(login.headers["retry-after"], "1");
    let (other, token) = logged_in().await;
    let claims = other.claims(&token, LOGIN_AT);
    let token = world.issuer().issue(&claims, &world.keys(), at(LOGIN_AT)).unwrap();
    let refresh = world.refresh(&token, LOGIN_AT).await;
    assert_eq!((refresh.status, refresh.code()), (503, "temporarily_unavailable"));
}
