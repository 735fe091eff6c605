use token::{RefreshSwitch, SessionPolicy};
use users::{MAX_SESSIONS, OpenSessionError, VerifiedLogin};

use crate::world::{
    HOUR, NOW, World, login, name, new_hash, new_session, policy, session_id, upgraded_hash, user_id,
};

#[tokio::test]
async fn a_login_can_replace_the_hash_it_checked() {
    let world = World::with_ada().await;
    let user = world.account("ada").await;
    let upgraded = upgraded_hash();
    for _lost_answer in 0..2 {
        let session = new_session(session_id(1), NOW);
        let login = VerifiedLogin { upgraded_hash: Some(&upgraded), ..login(&user, &session) };
        world.table.open_session(&login, &policy()).await.unwrap();
    }
    let user = world.ada().await;
    assert_eq!(user.password_hash, Ok(upgraded));
    assert_eq!(user.sessions.len(), 1);
}

#[tokio::test]
async fn a_login_of_a_user_disabled_since_is_rejected() {
    let world = World::with_ada().await;
    let user = world.ada().await;
    world.table.disable(&name("ada")).await.unwrap();
    let rejected = world.log_in(&user, session_id(1), NOW).await;
    assert!(matches!(rejected, Err(OpenSessionError::UserDisabled)), "{rejected:?}");
    assert!(world.sessions("ada").await.is_empty());
}

#[tokio::test]
async fn a_login_of_a_user_deleted_since_is_rejected_and_creates_nobody() {
    let world = World::with_ada().await;
    let user = world.ada().await;
    world.table.delete(&name("ada")).await.unwrap();
    let rejected = world.log_in(&user, session_id(1), NOW).await;
    assert!(matches!(rejected, Err(OpenSessionError::UserGone)), "{rejected:?}");
    assert_eq!(world.table.find(&name("ada")).await.unwrap(), None);

    world.add("ada", 2).await;
    let rejected = world.log_in(&user, session_id(1), NOW).await;
    assert!(matches!(rejected, Err(OpenSessionError::UserGone)), "{rejected:?}");
    assert!(world.sessions("ada").await.is_empty());
}

#[tokio::test]
async fn a_login_with_a_password_changed_since_is_rejected_with_the_user_as_it_is_now() {
    let world = World::with_ada().await;
    let user = world.ada().await;
    world.table.set_password(&name("ada"), &new_hash()).await.unwrap();
    let Err(OpenSessionError::HashChanged(fresh)) = world.log_in(&user, session_id(1), NOW).await else {
        panic!("a session was opened with the old password");
    };
    assert_eq!(fresh.password_hash, Ok(new_hash()));
    assert!(world.sessions("ada").await.is_empty());

    let session = new_session(session_id(1), NOW);
    world.table.open_session(&login(&fresh, &session), &policy()).await.unwrap();
    assert_eq!(world.sessions("ada").await.len(), 1);
}

#[tokio::test]
async fn a_login_clears_sessions_away_one_second_after_their_last_token_has_died() {
    let world = World::with_ada().await;
    for (index, now) in [(1, NOW), (2, NOW + 1), (3, NOW + 49 * HOUR)] {
        world.log_in(&world.ada().await, session_id(index), now).await.unwrap();
    }
    assert_eq!(world.sessions("ada").await.len(), 3);
    world.log_in(&world.ada().await, session_id(4), NOW + 49 * HOUR + 1).await.unwrap();
    let left: Vec<_> = world.sessions("ada").await.into_keys().collect();
    assert_eq!(left, [session_id(2), session_id(3), session_id(4)]);
}

#[tokio::test]
async fn a_login_beyond_the_bound_replaces_the_oldest_session() {
    let world = World::with_ada().await;
    for index in 1..=50 {
        let gone = world.log_in(&world.ada().await, session_id(index), NOW + u64::from(index)).await;
        assert_eq!(gone.unwrap(), []);
    }
    let gone = world.log_in(&world.ada().await, session_id(51), NOW + 51).await;
    assert_eq!(gone.unwrap(), [session_id(1)]);
    let left: Vec<_> = world.sessions("ada").await.into_keys().collect();
    assert_eq!(left, (2..=51).map(session_id).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_login_read_before_others_filled_the_row_still_keeps_the_bound() {
    let world = World::with_ada().await;
    let stale = world.ada().await;
    for index in 1..=50 {
        world.log_in(&world.ada().await, session_id(index), NOW + u64::from(index)).await.unwrap();
    }
    world.log_in(&stale, session_id(51), NOW + 51).await.unwrap();
    let left: Vec<_> = world.sessions("ada").await.into_keys().collect();
    assert_eq!(left, (2..=51).map(session_id).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_login_whose_answer_was_lost_succeeds_again_and_evicts_nobody() {
    let world = World::with_ada().await;
    for index in 1..=49 {
        world.log_in(&world.ada().await, session_id(index), NOW).await.unwrap();
    }
    let user = world.ada().await;
    world.log_in(&user, session_id(50), NOW).await.unwrap();
    world.log_in(&user, session_id(50), NOW).await.unwrap();
    assert_eq!(world.sessions("ada").await.len(), MAX_SESSIONS);
}

#[tokio::test]
async fn a_whole_row_of_ended_sessions_is_cleared_away_at_once() {
    let world = World::with_ada().await;
    for index in 1..=50 {
        world.log_in(&world.ada().await, session_id(index), NOW).await.unwrap();
    }
    world.log_in(&world.ada().await, session_id(51), NOW + 100 * HOUR).await.unwrap();
    let left: Vec<_> = world.sessions("ada").await.into_keys().collect();
    assert_eq!(left, [session_id(51)]);
}

#[tokio::test]
async fn sixty_four_parallel_reads_all_see_the_session() {
    let world = World::with_ada().await;
    world.log_in(&world.ada().await, session_id(1), NOW).await.unwrap();
    let reads: Vec<_> = (0..64)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move { world.ada().await })
        })
        .collect();
    for read in reads {
        let user = read.await.unwrap();
        assert_eq!(user.id, user_id(1));
        assert!(user.sessions.contains_key(&session_id(1)));
    }
}

#[tokio::test]
async fn a_login_while_refreshing_is_off_keeps_the_sessions_of_when_it_was_on() {
    let world = World::with_ada().await;
    world.log_in(&world.ada().await, session_id(1), NOW).await.unwrap();
    let (user, later) = (world.account("ada").await, NOW + 2 * HOUR);
    let off =
        SessionPolicy::new(policy().expiration(), policy().refresh_expiration(), RefreshSwitch::Off).unwrap();
    let session = new_session(session_id(2), later);
    world.table.open_session(&login(&user, &session), &off).await.unwrap();
    assert_eq!(world.sessions("ada").await.len(), 2);
}
