//! Codes, however calls interleave; each race is run many times.

use tokio::task::JoinSet;
use users::{Account, CodeFailure, CodePurpose, OpenSessionError, VerifiedLogin};

use crate::{
    codes::{code, codes, find, invitation, origin, recover, register},
    world::{
        NOW, World, at, login, name, new_hash, new_session, new_user, policy, session_id, upgraded_hash,
        user_id,
    },
};

const ROUNDS: u32 = 200;
const AT_ONCE: u8 = 8;

/// M4 and G7: one user, and seven who are told that the code no longer works.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_eight_who_redeem_one_invitation_one_becomes_the_user() {
    let world = World::new().await;
    let codes = codes(&world).await;
    for round in 0..ROUNDS {
        let username = format!("ada {round}");
        codes.invite(&invitation(&username), &code(1)).await.unwrap();
        let mut calls = JoinSet::new();
        for index in 1..=AT_ONCE {
            let codes = codes.clone();
            calls.spawn(async move { register(&codes, 1, index).await.map(|()| index) });
        }
        let done: Vec<_> = calls.join_all().await.into_iter().filter_map(Result::ok).collect();
        let [winner] = done[..] else { panic!("round {round}: {done:?}") };
        assert_eq!(world.user(&username).await.id, user_id(winner), "round {round}");
        assert_eq!(find(&codes, 1, NOW).await.unwrap_err(), CodeFailure::Unknown);
    }
}

/// G7: renewed while its codes are redeemed, an invitation makes one user all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_that_is_renewed_or_withdrawn_meanwhile_makes_one_user_at_most() {
    let world = World::new().await;
    let codes = codes(&world).await;
    for round in 0..ROUNDS {
        let username = format!("ada {round}");
        codes.invite(&invitation(&username), &code(1)).await.unwrap();
        let mut calls = JoinSet::new();
        for index in 1..=2 {
            let codes = codes.clone();
            calls.spawn(async move { register(&codes, index, index).await });
        }
        let renewed = codes.invite(&invitation(&username), &code(2)).await.is_ok();
        let withdrawn = codes.withdraw(CodePurpose::Invitation, &name(&username)).await.unwrap();
        let made = calls.join_all().await.into_iter().flatten().count();
        assert!(made <= 1, "round {round}");
        let user = world.table.find(&name(&username)).await.unwrap();
        assert_eq!(user.is_some(), made == 1, "round {round}");
        assert!(renewed || made == 1, "round {round}");
        let (first, second) = (register(&codes, 1, 7).await, register(&codes, 2, 8).await);
        assert!(first.is_err() && second.is_err(), "round {round}: {withdrawn} {first:?} {second:?}");
    }
}

/// M4 and R4: one new password, and no session that another one opened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_recovery_no_session_of_the_old_password_is_left() {
    let world = World::new().await;
    let codes = codes(&world).await;
    for round in 0..ROUNDS {
        let username = format!("ada {round}");
        let user = world.add(&username, 1).await;
        codes.allow_recovery(&name(&username), &code(1), &origin(NOW), None).await.unwrap();
        let mut logins = JoinSet::new();
        for index in 1..=4 {
            let (world, user) = (world.clone(), user.clone());
            logins.spawn(async move { world.log_in(&user, session_id(index), NOW).await });
        }
        let mut recoveries = JoinSet::new();
        for hash in [new_hash(), upgraded_hash()] {
            let codes = codes.clone();
            recoveries.spawn(async move { recover(&codes, 1, &hash).await.map(|()| hash) });
        }
        let done: Vec<_> = recoveries.join_all().await.into_iter().filter_map(Result::ok).collect();
        let [hash] = &done[..] else { panic!("round {round}: {done:?}") };
        for result in logins.join_all().await {
            assert!(matches!(result, Ok(_) | Err(OpenSessionError::HashChanged(_))), "{result:?}");
        }
        let user = world.user(&username).await;
        assert_eq!(user.password_hash.as_ref(), Ok(hash), "round {round}");
        assert!(user.sessions.is_empty(), "round {round}");
    }
}

/// of a recovery and what ends its code, either both or the second alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_and_what_ends_it_do_not_both_win_in_the_wrong_order() {
    let world = World::new().await;
    let codes = codes(&world).await;
    for round in 0..ROUNDS {
        let username = format!("ada {round}");
        let user = world.add(&username, 1).await;
        codes.allow_recovery(&name(&username), &code(1), &origin(NOW), None).await.unwrap();
        let recovery = tokio::spawn({
            let codes = codes.clone();
            async move { recover(&codes, 1, &new_hash()).await }
        });
        let is_disabled = round % 4 == 0;
        match round % 4 {
            0 => world.table.disable(&user.username).await.unwrap(),
            1 => world.table.set_password(&user.username, &upgraded_hash()).await.unwrap(),
            2 => {
                let account = Account::from(user.clone());
                let (session, hash) = (new_session(session_id(1), NOW), upgraded_hash());
                let login = VerifiedLogin { upgraded_hash: Some(&hash), ..login(&account, &session) };
                let opened = world.table.open_session(&login, &policy()).await;
                assert!(matches!(opened, Ok(_) | Err(OpenSessionError::HashChanged(_))), "{opened:?}");
            }
            _ => {
                world.table.delete(&user.username).await.unwrap();
                world.table.create(&new_user(&username, 2), at(NOW)).await.unwrap();
            }
        }
        let recovered = recovery.await.unwrap();
        let after = world.user(&username).await;
        match (round % 4, recovered) {
            // The login was told that the hash is another one.
            (2, Ok(())) => {
                assert_eq!(after.password_hash, Ok(new_hash()), "round {round}");
                assert!(after.sessions.is_empty(), "round {round}");
            }
            // It came first and the other one after it, or it was too late.
            (1 | 3, _) | (_, Err(_)) => assert_ne!(after.password_hash, Ok(new_hash()), "round {round}"),
            (_, Ok(())) => assert_eq!(after.password_hash, Ok(new_hash()), "round {round}"),
        }
        assert_eq!(after.enabled, !is_disabled, "round {round}");
        assert!(after.id == user_id(1) || round % 4 == 3, "round {round}");
    }
}
