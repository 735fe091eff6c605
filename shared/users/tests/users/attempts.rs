use token::Seconds;
use tokio::task::JoinSet;
use users::{
    AddressFailures, Attempts, BeforeLogin, EarlierFailures, OpenSessionError, TryClaim, VerifiedLogin,
};

use crate::world::{
    HOUR, NOW, World, at, login, name, new_hash, new_session, policy, session_id, try_id, user_id,
};

async fn attempts(world: &World, username: &str, now: u64) -> Attempts {
    world.table.for_login(&name(username), None, at(now)).await.unwrap().attempts
}

async fn fail(world: &World, username: &str, now: u64) {
    world.table.record_failure(&name(username), &try_id(), at(now)).await.unwrap();
}

#[tokio::test]
async fn failures_are_counted_for_known_and_unknown_names_alike() {
    let world = World::with_ada().await;
    for username in ["ada", "nobody"] {
        assert_eq!(attempts(&world, username, NOW).await, Attempts::default());
        for count in 1..=6_u32 {
            let now = NOW + u64::from(count);
            fail(&world, username, now).await;
            let expected = Attempts { failures: count, last_failure: Some(at(now)) };
            assert_eq!(attempts(&world, username, now).await, expected);
        }
        assert_eq!(attempts(&world, username, NOW + 6).await.retry_after(at(NOW + 7)), Some(Seconds::new(9)));
    }
}

#[tokio::test]
async fn one_call_reads_the_user_and_the_attempts() {
    let world = World::with_ada().await;
    fail(&world, "ada", NOW).await;
    fail(&world, "nobody", NOW).await;

    let BeforeLogin { user, attempts, .. } =
        world.table.for_login(&name("Ada"), None, at(NOW)).await.unwrap();
    assert_eq!(user.unwrap().id, user_id(1));
    assert_eq!(attempts.failures, 1);

    let BeforeLogin { user, attempts, .. } =
        world.table.for_login(&name("nobody"), None, at(NOW)).await.unwrap();
    assert_eq!(user, None);
    assert_eq!(attempts.failures, 1);
}

#[tokio::test]
async fn a_success_forgets_the_failures() {
    let world = World::with_ada().await;
    fail(&world, "ada", NOW).await;
    world.table.clear_attempts(&name("ada")).await.unwrap();
    assert_eq!(attempts(&world, "ada", NOW).await, Attempts::default());

    fail(&world, "ada", NOW + 1).await;
    assert_eq!(attempts(&world, "ada", NOW + 1).await.failures, 1);
}

#[tokio::test]
async fn forgetting_nothing_writes_no_row() {
    let world = World::new().await;
    world.table.clear_attempts(&name("ada")).await.unwrap();
    let rows = world.client.scan().table_name(&world.table_name).send().await.unwrap();
    assert_eq!(rows.count(), 0);
}

#[tokio::test]
async fn failures_a_day_old_no_longer_count_though_their_row_is_there() {
    let world = World::new().await;
    for _ in 0..9 {
        fail(&world, "ada", NOW).await;
    }
    let day = 24 * HOUR;
    assert_eq!(attempts(&world, "ada", NOW + day - 1).await.failures, 9);
    assert_eq!(attempts(&world, "ada", NOW + day).await, Attempts::default());

    fail(&world, "ada", NOW + day).await;
    let started_over = Attempts { failures: 1, last_failure: Some(at(NOW + day)) };
    assert_eq!(attempts(&world, "ada", NOW + day).await, started_over);
}

#[tokio::test]
async fn a_failure_within_a_day_goes_on_counting_and_counts_for_another_day() {
    let world = World::new().await;
    let day = 24 * HOUR;
    fail(&world, "ada", NOW).await;
    fail(&world, "ada", NOW + day - 1).await;
    assert_eq!(attempts(&world, "ada", NOW + 2 * day - 2).await.failures, 2);
}

#[tokio::test]
async fn of_many_claims_at_once_one_is_granted_and_counts_as_a_failure() {
    let world = World::with_ada().await;
    for _ in 0..4 {
        fail(&world, "ada", NOW).await;
    }
    let read = attempts(&world, "ada", NOW).await;
    assert!(read.must_claim());
    let mut claims = JoinSet::new();
    for _ in 0..16 {
        let world = world.clone();
        claims.spawn(async move {
            world.table.claim_try(&name("ada"), &read, &try_id(), at(NOW + 1)).await.unwrap()
        });
    }
    let granted = claims.join_all().await.into_iter().filter(|claim| *claim == TryClaim::Granted).count();
    assert_eq!(granted, 1);
    let counted = attempts(&world, "ada", NOW + 1).await;
    assert_eq!(counted, read.and_one(at(NOW + 1)));
    assert_eq!(counted.retry_after(at(NOW + 1)), Some(Seconds::new(5)));
}

#[tokio::test]
async fn a_login_after_failures_forgets_them_with_the_session_it_opens_or_does_neither() {
    let world = World::with_ada().await;
    fail(&world, "ada", NOW).await;
    let user = world.account("ada").await;
    let open = async || {
        let session = new_session(session_id(1), NOW);
        let login = VerifiedLogin { earlier_failures: EarlierFailures::Forget, ..login(&user, &session) };
        world.table.open_session(&login, &policy()).await
    };
    world.table.disable(&name("ada")).await.unwrap();
    assert!(matches!(open().await, Err(OpenSessionError::UserDisabled)));
    assert_eq!(attempts(&world, "ada", NOW).await.failures, 1);
    world.table.enable(&name("ada")).await.unwrap();
    for _lost_answer in 0..2 {
        open().await.unwrap();
        assert_eq!(attempts(&world, "ada", NOW).await, Attempts::default());
        assert_eq!(world.sessions("ada").await.len(), 1);
    }
    world.table.set_password(&name("ada"), &new_hash()).await.unwrap();
    assert!(matches!(open().await, Err(OpenSessionError::HashChanged(_))));
}

async fn from_address(world: &World, address: &str, now: u64) -> AddressFailures {
    let address = address.parse().unwrap();
    world.table.for_login(&name("ada"), Some(&address), at(now)).await.unwrap().from_address
}

#[tokio::test]
async fn failures_of_an_address_count_for_fifteen_minutes_from_the_first_though_their_row_is_there() {
    let world = World::with_ada().await;
    let address = "203.0.113.7".parse().unwrap();
    for second in 0..3 {
        world.table.record_failure_from(&address, &try_id(), at(NOW + second)).await.unwrap();
    }
    let counted = AddressFailures { failures: 3, until: Some(at(NOW + 900)) };
    assert_eq!(from_address(&world, "203.0.113.7", NOW + 899).await, counted);
    assert_eq!(from_address(&world, "203.0.113.7", NOW + 900).await, AddressFailures::default());
    assert_eq!(from_address(&world, "203.0.113.8", NOW).await, AddressFailures::default());
    assert_eq!(attempts(&world, "ada", NOW).await, Attempts::default());

    world.table.record_failure_from(&address, &try_id(), at(NOW + 900)).await.unwrap();
    let started_over = AddressFailures { failures: 1, until: Some(at(NOW + 1800)) };
    assert_eq!(from_address(&world, "203.0.113.7", NOW + 900).await, started_over);
}

#[tokio::test]
async fn of_many_failures_of_an_address_at_once_none_is_lost() {
    let world = World::with_ada().await;
    for now in [NOW, NOW + 900] {
        let mut failures = JoinSet::new();
        for _ in 0..16 {
            let world = world.clone();
            let address = "203.0.113.7".parse().unwrap();
            failures.spawn(async move {
                world.table.record_failure_from(&address, &try_id(), at(now)).await.unwrap();
            });
        }
        failures.join_all().await;
        assert_eq!(from_address(&world, "203.0.113.7", now).await.failures, 16);
    }
}
