use users::{EndSessionsError, Session};

use crate::world::{NOW, World, name, new_session, session_id, user_id};

#[tokio::test]
async fn a_session_is_found_as_it_was_opened() {
    let world = World::with_ada().await;
    world.log_in(&world.ada().await, session_id(1), NOW).await.unwrap();
    assert_eq!(
        world.sessions("ada").await.get(&session_id(1)),
        Some(&Session::from(&new_session(session_id(1), NOW)))
    );
}

#[tokio::test]
async fn ending_a_session_ends_that_one_and_can_be_repeated() {
    let world = World::with_ada().await;
    for index in [1, 2] {
        world.log_in(&world.ada().await, session_id(index), NOW).await.unwrap();
    }
    for ended in [1, 0] {
        let told = world.table.end_session(&name("ada"), user_id(1), session_id(1)).await.unwrap();
        assert_eq!(told.count, ended);
        let left: Vec<_> = world.sessions("ada").await.into_keys().collect();
        assert_eq!(left, [session_id(2)]);
    }
}

#[tokio::test]
async fn ending_all_sessions_can_be_repeated() {
    let world = World::with_ada().await;
    for index in [1, 2] {
        world.log_in(&world.ada().await, session_id(index), NOW).await.unwrap();
    }
    for ended in [2, 0] {
        let told = world.table.end_all_sessions(&name("ada"), user_id(1)).await.unwrap();
        assert_eq!(told.count, ended);
        assert!(world.sessions("ada").await.is_empty());
    }
}

#[tokio::test]
async fn a_token_of_the_names_former_user_ends_no_session_of_the_present_one() {
    let world = World::with_ada().await;
    world.log_in(&world.ada().await, session_id(1), NOW).await.unwrap();
    world.table.end_session(&name("ada"), user_id(9), session_id(1)).await.unwrap();
    world.table.end_all_sessions(&name("ada"), user_id(9)).await.unwrap();
    assert!(world.sessions("ada").await.contains_key(&session_id(1)));
}

#[tokio::test]
async fn ending_sessions_of_nobody_succeeds_and_writes_no_row() {
    let world = World::new().await;
    world.table.end_session(&name("ada"), user_id(1), session_id(1)).await.unwrap();
    world.table.end_all_sessions(&name("ada"), user_id(1)).await.unwrap();
    assert_eq!(world.table.find(&name("ada")).await.unwrap(), None);
}

#[tokio::test]
async fn one_session_ends_all_and_can_say_so_again() {
    let world = World::with_ada().await;
    for index in [1, 2] {
        world.log_in(&world.ada().await, session_id(index), NOW).await.unwrap();
    }
    for ended in [2, 0] {
        let told = world.table.end_all_sessions_with(&name("ada"), user_id(1), session_id(1)).await.unwrap();
        assert_eq!(told.count, ended);
        assert!(world.sessions("ada").await.is_empty());
    }
}

#[tokio::test]
async fn a_session_that_has_ended_ends_no_other() {
    let world = World::with_ada().await;
    world.log_in(&world.ada().await, session_id(2), NOW).await.unwrap();
    let rejected = world.table.end_all_sessions_with(&name("ada"), user_id(1), session_id(1)).await;
    assert!(matches!(rejected, Err(EndSessionsError::SessionEnded)), "{rejected:?}");
    assert!(world.sessions("ada").await.contains_key(&session_id(2)));
}

#[tokio::test]
async fn a_session_of_somebody_who_is_gone_ends_nothing_and_succeeds() {
    let world = World::new().await;
    world.table.end_all_sessions_with(&name("ada"), user_id(1), session_id(1)).await.unwrap();
    assert_eq!(world.table.find(&name("ada")).await.unwrap(), None);
    world.add("ada", 2).await;
    world.log_in(&world.ada().await, session_id(1), NOW).await.unwrap();
    world.table.end_all_sessions_with(&name("ada"), user_id(1), session_id(1)).await.unwrap();
    assert!(world.sessions("ada").await.contains_key(&session_id(1)), "of another ada");
}
