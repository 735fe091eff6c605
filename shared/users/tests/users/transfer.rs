use token::CustomClaims;
use users::{IfDifferent, ImportError, Imported, PageStart, Status, UserRecord};

use crate::world::{NOW, World, at, name, new_hash, old_hash, session_id, user_id};

fn record(username: &str, id: Option<u8>) -> UserRecord {
    UserRecord {
        username: name(username),
        id: id.map(user_id),
        password_hash: old_hash(),
        claims: r#"{"role":"admin"}"#.parse().unwrap(),
        status: Status::Disabled,
        created_at: id.map(|_| at(NOW - 1)),
    }
}

async fn import(
    world: &World,
    record: &UserRecord,
    if_different: IfDifferent,
) -> Result<Imported, ImportError> {
    world.table.import(record, if_different, user_id(99), at(NOW)).await
}

async fn exported(world: &World) -> Vec<UserRecord> {
    let (mut records, mut start): (_, Option<PageStart>) = (Vec::new(), None);
    loop {
        let page = world.table.export(start.as_ref()).await.unwrap();
        records.extend(page.users.into_iter().map(Result::unwrap));
        start = page.next;
        if start.is_none() {
            return records;
        }
    }
}

#[tokio::test]
async fn a_record_goes_in_once_and_comes_out_as_it_went_in() {
    let world = World::new().await;
    let record = record("ada", Some(7));
    assert_eq!(import(&world, &record, IfDifferent::Refuse).await.unwrap(), Imported::Created);
    assert_eq!(import(&world, &record, IfDifferent::Refuse).await.unwrap(), Imported::Unchanged);
    assert_eq!(import(&world, &record, IfDifferent::Replace).await.unwrap(), Imported::Unchanged);
    assert_eq!(exported(&world).await, [record]);
    let user = world.ada().await;
    assert_eq!((user.id, user.enabled, user.created_at), (user_id(7), false, at(NOW - 1)));
}

#[tokio::test]
async fn a_record_without_id_and_instant_gets_new_ones_and_keeps_them() {
    let world = World::new().await;
    let record = record("ada", None);
    assert_eq!(import(&world, &record, IfDifferent::Refuse).await.unwrap(), Imported::Created);
    let user = world.ada().await;
    assert_eq!((user.id, user.created_at), (user_id(99), at(NOW)));
    let again = world.table.import(&record, IfDifferent::Refuse, user_id(98), at(NOW + 5)).await;
    assert_eq!(again.unwrap(), Imported::Unchanged);
    assert_eq!(world.ada().await, user);
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_counts_as_the_creation_it_was() {
    let world = World::new().await;
    for _lost_answer in 0..2 {
        let imported = import(&world, &record("ada", None), IfDifferent::Refuse).await;
        assert_eq!(imported.unwrap(), Imported::Created);
    }
}

#[tokio::test]
async fn a_user_who_differs_is_kept_and_the_difference_is_named() {
    let world = World::new().await;
    let same = record("ada", Some(7));
    import(&world, &same, IfDifferent::Refuse).await.unwrap();
    let before = world.ada().await;
    for (record, attribute) in [
        (UserRecord { password_hash: new_hash(), ..same.clone() }, "password_hash"),
        (UserRecord { claims: CustomClaims::default(), ..same.clone() }, "claims"),
        (UserRecord { status: Status::Enabled, ..same.clone() }, "enabled"),
        (UserRecord { created_at: Some(at(NOW)), ..same.clone() }, "created_at"),
    ] {
        let refused = import(&world, &record, IfDifferent::Refuse).await;
        assert!(matches!(refused, Err(ImportError::Different(named)) if named == attribute), "{refused:?}");
    }
    for if_different in [IfDifferent::Refuse, IfDifferent::Replace] {
        let refused = import(&world, &record("ada", Some(8)), if_different).await;
        assert!(matches!(refused, Err(ImportError::OtherId)), "{refused:?}");
    }
    assert_eq!(world.ada().await, before);
}

#[tokio::test]
async fn a_replaced_user_keeps_the_id_and_loses_the_sessions() {
    let world = World::with_ada().await;
    world.log_in(&world.ada().await, session_id(1), NOW).await.unwrap();
    let record = UserRecord { password_hash: new_hash(), ..record("ada", None) };
    assert_eq!(import(&world, &record, IfDifferent::Replace).await.unwrap(), Imported::Replaced);
    let user = world.ada().await;
    assert_eq!((user.id, user.created_at), (user_id(1), at(NOW)));
    assert_eq!((user.enabled, user.claims.to_string().as_str()), (false, r#"{"role":"admin"}"#));
    assert_eq!(user.password_hash, Ok(new_hash()));
    assert!(user.sessions.is_empty());
}
