use token::CustomClaims;
use users::{ChangeError, CreateError};

use crate::world::{NOW, World, at, name, new_hash, new_user, old_hash, session_id, try_id, user_id};

#[tokio::test]
async fn a_created_user_is_found_under_every_spelling_of_the_name() {
    let world = World::new().await;
    let mut user = new_user("  AD\u{c1}  ", 1);
    user.claims = r#"{"roles":["admin"]}"#.parse().unwrap();
    world.table.create(&user, at(NOW)).await.unwrap();

    for spelling in ["ad\u{e1}", "AD\u{c1}", "ada\u{301}"] {
        let found = world.user(spelling).await;
        assert_eq!(found.id, user_id(1));
        assert_eq!(found.username.as_str(), "ad\u{e1}");
        assert!(found.enabled);
        assert_eq!(found.password_hash, Ok(old_hash()));
        assert_eq!(found.claims, user.claims);
        assert_eq!(found.created_at, at(NOW));
        assert!(found.sessions.is_empty());
    }
    assert_eq!(world.table.find(&name("ada")).await.unwrap(), None);
}

#[tokio::test]
async fn creating_never_overwrites() {
    let world = World::with_ada().await;
    let before = world.ada().await;
    let mut other = new_user("ADA", 2);
    other.password_hash = new_hash();
    let rejected = world.table.create(&other, at(NOW + 1)).await;
    assert!(matches!(rejected, Err(CreateError::AlreadyExists)), "{rejected:?}");
    assert_eq!(world.ada().await, before);
}

#[tokio::test]
async fn creating_is_done_when_the_row_is_our_own() {
    let world = World::with_ada().await;
    world.table.create(&new_user("ada", 1), at(NOW)).await.unwrap();
}

#[tokio::test]
async fn disabling_ends_every_session_and_enabling_brings_none_back() {
    let world = World::with_ada().await;
    world.log_in(&world.ada().await, session_id(1), NOW).await.unwrap();

    world.table.disable(&name("ada")).await.unwrap();
    let user = world.ada().await;
    assert!(!user.enabled);
    assert!(user.sessions.is_empty());

    world.table.enable(&name("ada")).await.unwrap();
    let user = world.ada().await;
    assert!(user.enabled);
    assert!(user.sessions.is_empty());
}

#[tokio::test]
async fn a_new_password_ends_every_session() {
    let world = World::with_ada().await;
    world.log_in(&world.ada().await, session_id(1), NOW).await.unwrap();

    world.table.set_password(&name("ada"), &new_hash()).await.unwrap();
    let user = world.ada().await;
    assert_eq!(user.password_hash, Ok(new_hash()));
    assert!(user.sessions.is_empty());
}

#[tokio::test]
async fn new_claims_end_no_session() {
    let world = World::with_ada().await;
    world.log_in(&world.ada().await, session_id(1), NOW).await.unwrap();

    let claims: CustomClaims = r#"{"role":"auditor"}"#.parse().unwrap();
    world.table.set_claims(&name("ada"), &claims).await.unwrap();
    let user = world.ada().await;
    assert_eq!(user.claims, claims);
    assert!(user.sessions.contains_key(&session_id(1)));
}

#[tokio::test]
async fn a_deleted_user_is_gone_and_the_name_is_free() {
    let world = World::with_ada().await;
    world.table.delete(&name("ada")).await.unwrap();
    assert_eq!(world.table.find(&name("ada")).await.unwrap(), None);
    assert_eq!(world.add("ada", 2).await.id, user_id(2));
}

#[tokio::test]
async fn changing_nobody_creates_nobody() {
    let world = World::new().await;
    let ada = name("ada");
    let changes = [
        world.table.disable(&ada).await,
        world.table.enable(&ada).await,
        world.table.set_password(&ada, &new_hash()).await,
        world.table.set_claims(&ada, &CustomClaims::default()).await,
        world.table.delete(&ada).await,
    ];
    for change in changes {
        assert!(matches!(change, Err(ChangeError::NoSuchUser)), "{change:?}");
    }
    assert_eq!(world.table.find(&ada).await.unwrap(), None);
}

#[tokio::test]
async fn the_listing_holds_each_user_once_and_no_attempts() {
    let world = World::with_ada().await;
    world.add("grace", 2).await;
    world.table.disable(&name("grace")).await.unwrap();
    world.log_in(&world.ada().await, session_id(1), NOW).await.unwrap();
    world.table.record_failure(&name("mallory"), &try_id(), at(NOW)).await.unwrap();

    let page = world.table.list(None).await.unwrap();
    assert_eq!(page.next, None);
    let mut users: Vec<_> = page.users.into_iter().map(Result::unwrap).collect();
    users.sort_by_key(|user| user.id);
    let rows: Vec<_> =
        users.iter().map(|user| (user.username.as_str(), user.id, user.enabled, user.sessions)).collect();
    assert_eq!(rows, [("ada", user_id(1), true, 1), ("grace", user_id(2), false, 0)]);
}

#[tokio::test]
async fn a_listing_longer_than_a_page_goes_on_where_the_page_ended() {
    let world = World::new().await;
    // `Scan` ends a page at 1 MiB: some 40 bytes of claims more than 1,000 a row, and 1,300 rows.
    let claims: CustomClaims = format!(r#"{{"x":"{}"}}"#, "x".repeat(1000)).parse().unwrap();
    for index in 0..1300_u32 {
        let mut user = new_user(&format!("user {index}"), 1);
        user.claims = claims.clone();
        world.table.create(&user, at(NOW)).await.unwrap();
    }
    let mut names = Vec::new();
    let mut pages = 0;
    let mut start = None;
    loop {
        let page = world.table.list(start.as_ref()).await.unwrap();
        pages += 1;
        names.extend(page.users.into_iter().map(|user| user.unwrap().username));
        start = page.next;
        if start.is_none() {
            break;
        }
    }
    assert!(pages > 1);
    assert_eq!(names.len(), 1300);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 1300);
}

#[tokio::test]
async fn making_the_table_again_changes_nothing() {
    let world = World::with_ada().await;
    world.table.create_table().await.unwrap();
    assert_eq!(world.ada().await.id, user_id(1));
}

#[tokio::test]
async fn rows_of_attempts_expire_by_their_own_attribute() {
    let world = World::new().await;
    let answer = world.client.describe_time_to_live().table_name(&world.table_name).send().await.unwrap();
    let description = answer.time_to_live_description.unwrap();
    assert_eq!(description.attribute_name.as_deref(), Some("expires_at"));
}

#[tokio::test]
async fn who_has_come_under_the_name_since_is_not_changed() {
    let world = World::new().await;
    world.add("ada", 2).await;
    let of_another = world.table.only(user_id(1));
    for changed in [
        of_another.disable(&name("ada")).await,
        of_another.enable(&name("ada")).await,
        of_another.set_password(&name("ada"), &new_hash()).await,
        of_another.set_claims(&name("ada"), &CustomClaims::default()).await,
    ] {
        assert!(matches!(changed, Err(ChangeError::NoSuchUser)), "{changed:?}");
    }
    world.table.only(user_id(2)).disable(&name("ada")).await.unwrap();
    assert!(!world.ada().await.enabled);
}
