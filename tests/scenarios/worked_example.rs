//! 1 hour, 2 days, login on 2023-06-02 at 18:00:00: every number of the worked example, through HTTP.

use harness::{LOGIN_AT, World, at};
use serde_json::json;

const HOUR: u64 = 3600;
const TWO_DAYS: u64 = 172_800;

async fn logged_in() -> (World, String) {
    let world = World::new().await;
    world.create("ada", "correct horse battery").await;
    let reply = world.log_in("ada", "correct horse battery", LOGIN_AT).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let token = reply.token().to_owned();
    (world, token)
}

#[tokio::test]
async fn a_login_says_how_long_the_token_lives_and_the_session_can_be_refreshed() {
    let (world, _) = logged_in().await;
    let reply = world.log_in("ada", "correct horse battery", LOGIN_AT).await;
    let token = reply.token().to_owned();
    let claims = world.claims(&token, LOGIN_AT);
    assert_eq!(
        reply.body,
        json!({
            "user": { "sub": claims.subject.to_string(), "username": "ada" },
            "token": token, "token_type": "Bearer", "expires_in": 3600, "refresh_expires_in": 172_800,
        })
    );
    let lifetime = claims.lifetime;
    assert_eq!((lifetime.issued_at, lifetime.expires_at), (at(LOGIN_AT), at(LOGIN_AT + HOUR)));
}

#[tokio::test]
async fn a_refresh_after_ten_minutes_keeps_iat_and_moves_exp() {
    let (world, token) = logged_in().await;
    let reply = world.refresh(&token, LOGIN_AT + 600).await;
    assert_eq!(reply.body["expires_in"], 3600);
    assert_eq!(reply.body["refresh_expires_in"], 172_200);
    assert_eq!(reply.body["user"], world.log_in("ada", "correct horse battery", LOGIN_AT).await.body["user"]);
    let (old, new) = (world.claims(&token, LOGIN_AT + 600), world.claims(reply.token(), LOGIN_AT + 600));
    assert_eq!((new.lifetime.issued_at, new.lifetime.expires_at), (at(1_685_728_800), at(1_685_733_000)));
    assert_eq!((new.subject, new.session_id), (old.subject, old.session_id));
    assert_ne!(new.token_id, old.token_id);
}

#[tokio::test]
async fn a_token_never_refreshed_is_rejected_at_its_expiry() {
    let (world, token) = logged_in().await;
    assert_eq!(world.refresh(&token, LOGIN_AT + HOUR - 1).await.status, 200);
    for second in [HOUR, 86_400] {
        let reply = world.refresh(&token, LOGIN_AT + second).await;
        assert_eq!(reply.status, 400);
        assert_eq!(reply.body, json!({ "code": "token_expired", "message": "Signature has expired." }));
    }
}

#[tokio::test]
async fn refreshing_every_thirty_minutes_succeeds_96_times_and_ends_at_2_days_and_1_hour() {
    let (world, mut token) = logged_in().await;
    for step in 1..=96 {
        let reply = world.refresh(&token, LOGIN_AT + step * 1800).await;
        assert_eq!(reply.status, 200, "refresh {step}: {reply:?}");
        token = reply.token().to_owned();
    }
    let last = world.claims(&token, LOGIN_AT + TWO_DAYS);
    assert_eq!((last.lifetime.issued_at, last.lifetime.expires_at), (at(LOGIN_AT), at(1_685_905_200)));
    let reply = world.refresh(&token, LOGIN_AT + TWO_DAYS + 1).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.body, json!({ "code": "refresh_expired", "message": "Refresh has expired." }));
    assert!(last.lifetime.is_live(at(LOGIN_AT + TWO_DAYS + HOUR - 1)));
    assert!(!last.lifetime.is_live(at(LOGIN_AT + TWO_DAYS + HOUR)));
}

#[tokio::test]
async fn the_old_token_stays_valid_and_can_be_refreshed_again() {
    let (world, token) = logged_in().await;
    let first = world.refresh(&token, LOGIN_AT + 600).await;
    let second = world.refresh(&token, LOGIN_AT + 600).await;
    assert_eq!((first.status, second.status), (200, 200));
    assert_ne!(first.token(), second.token());
    world.claims(&token, LOGIN_AT + HOUR - 1);
}
