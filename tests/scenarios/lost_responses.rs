//! A response of DynamoDB that is lost, and a write that meets another one, change no outcome that a caller is told.

use harness::{Event, Fault, LOGIN_AT, Reply, World, at};
use http::Method;
use serde_json::json;
use token::{CustomClaims, UserId};
use users::{BeforeLogin, ChangeError, NewUser};

const PASSWORD: &str = "correct horse battery";
const NEW: &str = "quiet harbour lanterns";
const ALL: usize = usize::MAX;
/// As a write is retried, the first response or the first two are lost; after three the client gives up.
const SURVIVED: [usize; 2] = [1, 2];

async fn world() -> World {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    world
}

async fn before_login(world: &World) -> BeforeLogin {
    let address = "203.0.113.7".parse().unwrap();
    world.users.for_login(&"ada".parse().unwrap(), Some(&address), at(LOGIN_AT)).await.unwrap()
}

async fn sessions(world: &World) -> usize {
    world.users.find(&"ada".parse().unwrap()).await.unwrap().unwrap().sessions.len()
}

async fn fail(world: &World, times: u32) {
    for _ in 0..times {
        assert_eq!(world.log_in("ada", "wrong", LOGIN_AT).await.code(), "invalid_credentials");
    }
}

async fn change(world: &World, token: &str) -> Reply {
    let event = Event::http_api(&Method::POST, "/auth/password")
        .json(&json!({ "current_password": PASSWORD, "new_password": NEW }))
        .bearer(token);
    world.send("/auth/password", &event, LOGIN_AT + 1).await
}

#[tokio::test]
async fn a_wrong_password_is_counted_once_however_many_responses_are_lost() {
    for lost in [1, 2, 4, ALL] {
        let world = world().await;
        world.faults.set(Fault::LostResponse, lost);
        let reply = world.log_in("ada", "wrong", LOGIN_AT).await;
        world.faults.clear();
        assert_eq!(reply.status, if lost < 3 { 400 } else { 503 }, "{lost}");
        let counted = before_login(&world).await;
        assert_eq!(counted.attempts.failures, 1, "{lost}");
        assert!(counted.from_address.failures <= 1, "{lost}");
    }
}

#[tokio::test]
async fn a_login_opens_one_session_however_many_responses_are_lost_and_none_if_it_is_503() {
    for failures in [0, 1] {
        for lost in [0, 1, 2, ALL] {
            let world = world().await;
            fail(&world, failures).await;
            world.faults.set(Fault::LostResponse, lost);
            let reply = world.log_in("ada", PASSWORD, LOGIN_AT).await;
            world.faults.clear();
            assert_eq!(reply.status, if lost < 3 { 200 } else { 503 }, "{lost}");
            assert_eq!(sessions(&world).await, usize::from(lost < 3), "{lost}");
        }
    }
}

#[tokio::test]
async fn fifty_logins_that_fail_log_no_device_out() {
    let world = world().await;
    let device = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    world.faults.set(Fault::LostResponse, ALL);
    for second in 1..=50 {
        assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT + second).await.status, 503);
    }
    world.faults.clear();
    assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT + 51).await.status, 200);
    assert_eq!(world.refresh(&device, LOGIN_AT + 52).await.status, 200);
}

#[tokio::test]
async fn the_right_password_after_four_failures_claims_its_try_once() {
    for lost in SURVIVED {
        let world = world().await;
        fail(&world, 4).await;
        world.faults.set(Fault::LostResponse, lost);
        assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT).await.status, 200, "{lost}");
        world.faults.clear();
        assert_eq!(before_login(&world).await.attempts.failures, 0, "{lost}");
    }
    let world = world().await;
    fail(&world, 4).await;
    world.faults.set(Fault::LostResponse, ALL);
    assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT).await.status, 503);
    world.faults.clear();
    assert_eq!(before_login(&world).await.attempts.failures, 5, "one more, not three");
}

#[tokio::test]
async fn a_change_of_the_password_is_told_by_the_call_where_the_row_can_be_read() {
    for lost in [1, 2, 3, ALL] {
        let world = world().await;
        let old = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
        world.faults.set(Fault::LostResponse, lost);
        let reply = change(&world, &old).await;
        world.faults.clear();
        assert_eq!(reply.status, 200, "{lost}");
        assert_eq!(world.refresh(reply.token(), LOGIN_AT + 2).await.status, 200, "{lost}");
        assert_eq!(sessions(&world).await, 1, "{lost}");
    }
}

#[tokio::test]
async fn a_change_of_the_password_that_was_503_is_told_by_its_repetition() {
    let world = world().await;
    let old = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    world.faults.set(Fault::LostFromTheFirstWriteOn, ALL);
    assert_eq!(change(&world, &old).await.status, 503);
    world.faults.clear();
    assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT + 1).await.code(), "invalid_credentials");
    for _ in 0..2 {
        let reply = change(&world, &old).await;
        assert_eq!(world.refresh(reply.token(), LOGIN_AT + 2).await.status, 200);
        assert_eq!(world.claims(reply.token(), LOGIN_AT + 2).lifetime.issued_at, at(LOGIN_AT + 1));
    }
    assert_eq!(sessions(&world).await, 1);
    assert_eq!(world.log_in("ada", NEW, LOGIN_AT + 1).await.status, 200);
}

#[tokio::test]
async fn only_the_session_that_changed_the_password_is_told_and_only_with_the_new_one() {
    let world = world().await;
    let other = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    let old = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    assert_eq!(change(&world, &old).await.status, 200);
    assert_eq!(change(&world, &other).await.code(), "session_ended");
    let guess = Event::http_api(&Method::POST, "/auth/password")
        .json(&json!({ "current_password": PASSWORD, "new_password": "another long guess" }))
        .bearer(&old);
    let reply = world.send("/auth/password", &guess, LOGIN_AT + 1).await;
    assert_eq!((reply.status, reply.code()), (401, "session_ended"));
    assert_eq!(before_login(&world).await.attempts.failures, 1, "a guess counts");
    assert_eq!(
        world.log_out_everywhere(world.log_in("ada", NEW, LOGIN_AT).await.token(), LOGIN_AT).await.status,
        204
    );
    assert_eq!(change(&world, &old).await.code(), "session_ended", "the session that it opened has ended");
}

#[tokio::test]
async fn a_logout_whose_responses_are_lost_ends_what_it_should() {
    for lost in [1, 2, ALL] {
        let world = world().await;
        for everywhere in [false, true] {
            let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
            let log_out = async || {
                if everywhere {
                    world.log_out_everywhere(&token, LOGIN_AT + 1).await.status
                } else {
                    world.log_out(&token, LOGIN_AT + 1).await.status
                }
            };
            world.faults.set(Fault::LostResponse, lost);
            assert_eq!(log_out().await, if lost < 3 { 204 } else { 503 }, "{lost}");
            world.faults.clear();
            assert_eq!(log_out().await, 204, "{lost}");
            assert_eq!(sessions(&world).await, 0, "{lost}");
        }
    }
}

#[tokio::test]
async fn the_end_of_one_session_whose_responses_are_lost_ends_that_one() {
    for lost in [1, 2, ALL] {
        let world = world().await;
        let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
        let other = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
        let other = world.claims(&other, LOGIN_AT).session_id.to_string();
        let end = async || world.end_session(&other, &token, LOGIN_AT + 1).await.status;
        world.faults.set(Fault::LostResponse, lost);
        assert_eq!(end().await, if lost < 3 { 204 } else { 503 }, "{lost}");
        world.faults.clear();
        // The same call, repeated after a 503, says that it is done.
        assert_eq!(end().await, 204, "{lost}");
        assert_eq!(sessions(&world).await, 1, "{lost}");
        assert_eq!(world.refresh(&token, LOGIN_AT + 2).await.status, 200, "{lost}");
    }
}

#[tokio::test]
async fn what_an_administrator_writes_is_there_however_many_responses_are_lost() {
    for lost in [1, 2, ALL] {
        let world = world().await;
        let (ada, bob) = ("ada".parse().unwrap(), "bob".parse().unwrap());
        let lose = || world.faults.set(Fault::LostResponse, lost);
        lose();
        let disabled = world.users.disable(&ada).await;
        world.faults.clear();
        assert_eq!(disabled.is_ok(), lost < 3, "{lost}: {disabled:?}");
        world.users.disable(&ada).await.unwrap();
        assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT).await.code(), "invalid_credentials");
        lose();
        let enabled = world.users.enable(&ada).await;
        world.faults.clear();
        assert_eq!(enabled.is_ok(), lost < 3, "{lost}: {enabled:?}");
        world.users.enable(&ada).await.unwrap();
        assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT).await.status, 200);
        let new = NewUser {
            username: bob,
            id: UserId::new(edge::random::entropy().unwrap()),
            password_hash: world.users.find(&ada).await.unwrap().unwrap().password_hash.unwrap(),
            claims: CustomClaims::default(),
            email: None,
        };
        lose();
        let created = world.users.create(&new, at(LOGIN_AT)).await;
        world.faults.clear();
        assert_eq!(created.is_ok(), lost < 3, "{lost}: {created:?}");
        assert_eq!(world.log_in("bob", PASSWORD, LOGIN_AT).await.status, 200, "it was made all the same");
        let eve = "eve".parse().unwrap();
        lose();
        let renamed = world.users.rename(&ada, &eve).await;
        world.faults.clear();
        assert_eq!(renamed.is_ok(), lost < 3, "{lost}: {renamed:?}");
        assert_eq!(
            world.log_in("eve", PASSWORD, LOGIN_AT).await.status,
            200,
            "she has the name all the same"
        );
        lose();
        let deleted = world.users.delete(&eve).await;
        world.faults.clear();
        assert_eq!(deleted.is_ok(), lost < 3, "{lost}: {deleted:?}");
        assert_eq!(world.users.find(&eve).await.unwrap(), None, "{lost}");
        assert!(matches!(world.users.delete(&eve).await, Err(ChangeError::NoSuchUser)), "{lost}");
    }
}

#[tokio::test]
async fn a_deletion_beside_a_rename_tells_which_of_them_was_first() {
    for round in 0..50 {
        let world = world().await;
        let (ada, eve) = ("ada".parse().unwrap(), "eve".parse().unwrap());
        let (deleted, renamed) = tokio::join!(world.users.delete(&ada), world.users.rename(&ada, &eve));
        let lives_on = world.users.find(&eve).await.unwrap().is_some();
        assert_eq!(lives_on, renamed.is_ok(), "{round}: {renamed:?}");
        assert_eq!(lives_on, deleted.is_err(), "{round}: {deleted:?}");
    }
}

#[tokio::test]
async fn writes_that_meet_a_transaction_are_made_after_it() {
    for (fault, times) in [(Fault::Conflict, 1), (Fault::Conflict, 3), (Fault::InProgress, 2)] {
        let world = world().await;
        let meet = || world.faults.set(fault, times);
        meet();
        let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
        meet();
        fail(&world, 1).await;
        assert_eq!(before_login(&world).await.attempts.failures, 1);
        meet();
        assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT).await.status, 200, "in a transaction");
        assert_eq!(before_login(&world).await.attempts.failures, 0);
        meet();
        fail(&world, 4).await;
        meet();
        assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT).await.status, 200, "with a claim");
        meet();
        assert_eq!(world.log_out(&token, LOGIN_AT).await.status, 204);
        let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
        meet();
        assert_eq!(change(&world, &token).await.status, 200);
        let token = world.log_in("ada", NEW, LOGIN_AT).await.token().to_owned();
        meet();
        assert_eq!(world.log_out_everywhere(&token, LOGIN_AT).await.status, 204);
        assert_eq!(sessions(&world).await, 0);
        meet();
        world.users.delete(&"ada".parse().unwrap()).await.unwrap();
    }
}
