use users::{RenameError, StoreError};

use crate::world::{NOW, World, at, name, session_id, user_id};

#[tokio::test]
async fn a_renamed_user_is_the_same_person_without_sessions() {
    let world = World::with_ada().await;
    let before = world.ada().await;
    world.log_in(&before, session_id(1), NOW).await.unwrap();
    world.table.rename(&name("ada"), &name("Ada.Lovelace")).await.unwrap();
    assert_eq!(world.table.find(&name("ada")).await.unwrap(), None);
    let after = world.table.find(&name("ada.lovelace")).await.unwrap().unwrap();
    assert!(after.sessions.is_empty());
    assert_eq!(
        (after.id, &after.password_hash, &after.claims),
        (before.id, &before.password_hash, &before.claims)
    );
    assert_eq!((after.enabled, after.created_at), (before.enabled, before.created_at));
}

#[tokio::test]
async fn a_name_that_is_taken_stays_its_owners() {
    let world = World::with_ada().await;
    let before = world.ada().await;
    world.table.reserve(&name("root"), None, user_id(50), at(NOW)).await.unwrap();
    for taken in ["ada", "ADA", "root"] {
        let rejected = world.table.rename(&name("ada"), &name(taken)).await;
        assert!(matches!(rejected, Err(RenameError::Taken)), "{taken} {rejected:?}");
    }
    let nobody = world.table.rename(&name("bob"), &name("eve")).await;
    assert!(matches!(nobody, Err(RenameError::NoSuchUser)), "{nobody:?}");
    assert_eq!(world.ada().await, before);
}

#[tokio::test]
async fn two_renames_at_a_time_leave_one_user() {
    let world = World::with_ada().await;
    let (ada, one, other) = (name("ada"), name("one"), name("other"));
    let (first, second) = tokio::join!(world.table.rename(&ada, &one), world.table.rename(&ada, &other));
    let expected = |result: &Result<(), RenameError>| {
        matches!(
            result,
            Ok(()) | Err(RenameError::NoSuchUser | RenameError::Store(StoreError::Contended { .. }))
        )
    };
    assert!(
        expected(&first) && expected(&second) && (first.is_ok() != second.is_ok()),
        "{first:?} {second:?}"
    );
    let mut left = 0;
    for name in [&ada, &one, &other] {
        left += usize::from(world.table.find(name).await.unwrap().is_some());
    }
    assert_eq!(left, 1);
}
