//! What must hold however calls interleave; each race is run many times.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::task::JoinSet;
use users::{Account, BeforeLogin, MAX_SESSIONS, OpenSessionError, StoreError, VerifiedLogin};

use crate::world::{
    NOW, World, at, login, name, new_hash, new_session, policy, session_id, try_id, upgraded_hash, user_id,
};

const ROUNDS: u32 = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_user_was_disabled_no_login_leaves_a_session() {
    let world = World::new().await;
    for round in 0..ROUNDS {
        let username = format!("ada {round}");
        let user = world.add(&username, 1).await;
        let mut logins = JoinSet::new();
        for index in 1..=6 {
            let (world, user) = (world.clone(), user.clone());
            logins.spawn(async move { world.log_in(&user, session_id(index), NOW).await });
        }
        world.table.disable(&user.username).await.unwrap();
        assert!(world.sessions(&username).await.is_empty(), "round {round}");
        for result in logins.join_all().await {
            assert!(matches!(result, Ok(_) | Err(OpenSessionError::UserDisabled)), "{result:?}");
        }
        assert!(world.sessions(&username).await.is_empty(), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_session_was_ended_no_read_shows_it() {
    let world = World::new().await;
    for round in 0..ROUNDS {
        let username = format!("ada {round}");
        let user = world.add(&username, 1).await;
        world.log_in(&user, session_id(1), NOW).await.unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let mut refreshes = JoinSet::new();
        for _ in 0..6 {
            let (world, username, ended) = (world.clone(), username.clone(), Arc::clone(&ended));
            refreshes.spawn(async move {
                loop {
                    let had_ended = ended.load(Ordering::SeqCst);
                    let shown = world.sessions(&username).await.contains_key(&session_id(1));
                    assert!(!(had_ended && shown), "round {round}");
                    if had_ended {
                        return;
                    }
                }
            });
        }
        world.table.end_session(&user.username, user_id(1), session_id(1)).await.unwrap();
        ended.store(true, Ordering::SeqCst);
        refreshes.join_all().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_survives_hash_upgrades_and_their_sessions_do_not() {
    let world = World::new().await;
    for round in 0..ROUNDS {
        let username = format!("ada {round}");
        let user = world.add(&username, 1).await;
        let mut logins = JoinSet::new();
        for index in 1..=6 {
            let (world, user) = (world.clone(), Account::from(user.clone()));
            logins.spawn(async move {
                let (session, hash) = (new_session(session_id(index), NOW), upgraded_hash());
                let login = VerifiedLogin { upgraded_hash: Some(&hash), ..login(&user, &session) };
                world.table.open_session(&login, &policy()).await
            });
        }
        world.table.set_password(&user.username, &new_hash()).await.unwrap();
        for result in logins.join_all().await {
            assert!(matches!(result, Ok(_) | Err(OpenSessionError::HashChanged(_))), "{result:?}");
        }
        let user = world.user(&username).await;
        assert_eq!(user.password_hash, Ok(new_hash()), "round {round}");
        assert!(user.sessions.is_empty(), "round {round}");
    }
}

/// Sixty logins are few rounds of much contention; [`logins_at_the_bound_evict_the_oldest_sessions_only`] is many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_parallel_logins_leave_fifty_sessions() {
    let world = World::new().await;
    for round in 0..10 {
        let username = format!("ada {round}");
        let user = world.add(&username, 1).await;
        let mut logins = JoinSet::new();
        for index in 1..=60 {
            let (world, user) = (world.clone(), user.clone());
            logins.spawn(async move { world.log_in(&user, session_id(index), NOW).await });
        }
        for result in logins.join_all().await {
            result.unwrap();
        }
        assert_eq!(world.sessions(&username).await.len(), MAX_SESSIONS, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_at_the_bound_evict_the_oldest_sessions_only() {
    let world = World::new().await;
    for round in 0..ROUNDS {
        let username = format!("ada {round}");
        world.add(&username, 1).await;
        world.put_sessions(&username, 1..=46).await;
        let user = world.user(&username).await;
        let mut logins = JoinSet::new();
        for index in 101..=108 {
            let (world, user) = (world.clone(), user.clone());
            logins.spawn(async move { world.log_in(&user, session_id(index), NOW + 100).await });
        }
        for result in logins.join_all().await {
            result.unwrap();
        }
        let left: Vec<_> = world.sessions(&username).await.into_keys().collect();
        let expected: Vec<_> = (5..=46).chain(101..=108).map(session_id).collect();
        assert_eq!(left, expected, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_parallel_logins_to_a_full_row_keep_the_bound_and_fail_by_contention_only() {
    let world = World::new().await;
    world.add("ada", 1).await;
    world.put_sessions("ada", 1..=50).await;
    let user = world.ada().await;
    let mut logins = JoinSet::new();
    for index in 101..=160 {
        let (world, user) = (world.clone(), user.clone());
        logins.spawn(async move { (index, world.log_in(&user, session_id(index), NOW + 100).await) });
    }
    let mut opened = 0;
    for (index, result) in logins.join_all().await {
        match result {
            Ok(_) => opened += 1,
            Err(OpenSessionError::Store(StoreError::Contended { .. })) => {
                assert!(!world.sessions("ada").await.contains_key(&session_id(index)));
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(opened >= 20, "{opened}");
    let sessions = world.sessions("ada").await;
    assert_eq!(sessions.len(), MAX_SESSIONS);
    let young = sessions.values().filter(|session| session.issued_at() == at(NOW + 100)).count();
    assert_eq!(young, opened.min(MAX_SESSIONS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_failures_are_all_counted() {
    let world = World::new().await;
    for round in 0..20_u64 {
        // Every second round meets a row that has expired.
        let now = at(NOW + round / 2 * 200_000 + round % 2 * 100_000);
        let mut failures = JoinSet::new();
        for _ in 0..20 {
            let world = world.clone();
            failures.spawn(async move { world.table.record_failure(&name("ada"), &try_id(), now).await });
        }
        for result in failures.join_all().await {
            result.unwrap();
        }
        let BeforeLogin { attempts, .. } = world.table.for_login(&name("ada"), None, now).await.unwrap();
        assert_eq!((attempts.failures, attempts.last_failure), (20, Some(now)), "round {round}");
    }
}
