use token::CustomClaims;
use users::{
    Assurance, IfDifferent, ImportError, Imported, Origin, PageStart, Reservation, Status, UserRecord,
};

use crate::world::{NOW, World, at, name, new_hash, old_hash, session_id, user_id};

fn record(username: &str, id: Option<u8>) -> UserRecord {
    UserRecord {
        username: name(username),
        id: id.map(user_id),
        origin: None,
        password_hash: Some(old_hash()),
        claims: r#"{"role":"admin"}"#.parse().unwrap(),
        status: Status::Disabled,
        created_at: id.map(|_| at(NOW - 1)),
        email: None,
        locale: None,
    }
}

async fn import(
    world: &World,
    record: &UserRecord,
    if_different: IfDifferent,
) -> Result<Imported, ImportError> {
    world.table.import(record, Assurance::Record, if_different, user_id(99), at(NOW)).await
}

/// The import of `record` in a later run, which draws another id.
async fn import_again(
    world: &World,
    record: &UserRecord,
    if_different: IfDifferent,
) -> Result<Imported, ImportError> {
    world.table.import(record, Assurance::Record, if_different, user_id(98), at(NOW)).await
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
    assert_eq!(import(&world, &record, IfDifferent::Reject).await.unwrap(), Imported::Created);
    assert_eq!(import(&world, &record, IfDifferent::Reject).await.unwrap(), Imported::Unchanged);
    assert_eq!(import(&world, &record, IfDifferent::Replace).await.unwrap(), Imported::Unchanged);
    assert_eq!(exported(&world).await, [record]);
    let user = world.ada().await;
    assert_eq!((user.id, user.enabled, user.created_at), (user_id(7), false, at(NOW - 1)));
}

#[tokio::test]
async fn a_record_without_id_and_instant_gets_new_ones_and_keeps_them() {
    let world = World::new().await;
    let record = record("ada", None);
    assert_eq!(import(&world, &record, IfDifferent::Reject).await.unwrap(), Imported::Created);
    let user = world.ada().await;
    assert_eq!((user.id, user.created_at), (user_id(99), at(NOW)));
    let again =
        world.table.import(&record, Assurance::Record, IfDifferent::Reject, user_id(98), at(NOW + 5)).await;
    assert_eq!(again.unwrap(), Imported::Unchanged);
    assert_eq!(world.ada().await, user);
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_counts_as_the_creation_it_was() {
    let world = World::new().await;
    for _lost_answer in 0..2 {
        let imported = import(&world, &record("ada", None), IfDifferent::Reject).await;
        assert_eq!(imported.unwrap(), Imported::Created);
    }
}

#[tokio::test]
async fn a_user_who_differs_is_kept_and_the_difference_is_named() {
    let world = World::new().await;
    let same = record("ada", Some(7));
    import(&world, &same, IfDifferent::Reject).await.unwrap();
    let before = world.ada().await;
    for (record, attribute) in [
        (UserRecord { password_hash: Some(new_hash()), ..same.clone() }, "password_hash"),
        (UserRecord { claims: CustomClaims::default(), ..same.clone() }, "claims"),
        (UserRecord { status: Status::Enabled, ..same.clone() }, "enabled"),
        (UserRecord { created_at: Some(at(NOW)), ..same.clone() }, "created_at"),
    ] {
        let rejected = import(&world, &record, IfDifferent::Reject).await;
        assert!(
            matches!(&rejected, Err(ImportError::ChangedBoth(named)) if *named == [attribute]),
            "{rejected:?}"
        );
    }
    for if_different in [IfDifferent::Reject, IfDifferent::Replace] {
        let rejected = import(&world, &record("ada", Some(8)), if_different).await;
        assert!(matches!(rejected, Err(ImportError::OtherId)), "{rejected:?}");
    }
    assert_eq!(world.ada().await, before);
}

fn came_as(name: &str, key: u64) -> Origin {
    Origin { name: name.to_owned(), key: Some(key.to_string()) }
}

/// `record` of somebody who is in no state to be told from others but by where they came from.
fn from_django(username: &str, name: &str, key: u64) -> UserRecord {
    UserRecord { origin: Some(came_as(name, key)), status: Status::Enabled, ..record(username, None) }
}

#[tokio::test]
async fn a_replaced_user_keeps_the_id_and_loses_the_sessions() {
    let world = World::new().await;
    let before = from_django("ada", "Ada", 7);
    import(&world, &before, IfDifferent::Reject).await.unwrap();
    world.log_in(&world.ada().await, session_id(1), NOW).await.unwrap();
    let record = UserRecord { password_hash: Some(new_hash()), status: Status::Disabled, ..before };
    assert_eq!(import_again(&world, &record, IfDifferent::Replace).await.unwrap(), Imported::Replaced);
    let user = world.ada().await;
    assert_eq!((user.id, user.created_at), (user_id(99), at(NOW)));
    assert_eq!((user.enabled, user.claims.to_string().as_str()), (false, r#"{"role":"admin"}"#));
    assert_eq!(user.password_hash, Ok(new_hash()));
    assert!(user.sessions.is_empty());
}

#[tokio::test]
async fn nothing_of_one_person_is_given_to_another_of_the_same_name() {
    let world = World::new().await;
    import(&world, &from_django("root", "root", 1), IfDifferent::Reject).await.unwrap();
    let root: users::Username = name("root");
    let before = world.table.find(&root).await.unwrap();
    let born = |record: UserRecord| UserRecord { created_at: Some(at(NOW - 9)), ..record };
    import(&world, &born(from_django("bob", "bob", 2)), IfDifferent::Reject).await.unwrap();
    for assurance in [Assurance::Record, Assurance::Administrator] {
        for if_different in [IfDifferent::Reject, IfDifferent::Update, IfDifferent::Replace] {
            for other in [
                // Another spelling is another person there; so is another key, and another date of joining.
                from_django("root", "Root", 3),
                from_django("root", "root", 3),
                UserRecord {
                    origin: Some(Origin { name: "Root".into(), key: None }),
                    ..record("root", None)
                },
                UserRecord { created_at: Some(at(NOW - 8)), ..from_django("bob", "bob", 2) },
            ] {
                let rejected =
                    world.table.import(&other, assurance, if_different, user_id(98), at(NOW)).await;
                assert!(matches!(rejected, Err(ImportError::OtherPerson(_))), "{rejected:?}");
            }
        }
    }
    assert_eq!(world.table.find(&root).await.unwrap(), before);
}

#[tokio::test]
async fn a_user_who_was_not_imported_is_somebody_else_unless_an_administrator_says_so() {
    let world = World::with_ada().await;
    let there = from_django("ada", "ada", 7);
    let rejected = import(&world, &there, IfDifferent::Replace).await;
    assert!(matches!(rejected, Err(ImportError::NotImported("claims"))), "{rejected:?}");
    let import = |if_different| {
        world.table.import(&there, Assurance::Administrator, if_different, user_id(98), at(NOW))
    };
    let rejected = import(IfDifferent::Reject).await;
    assert!(matches!(rejected, Err(ImportError::ChangedBoth(_))), "{rejected:?}");
    assert_eq!(import(IfDifferent::Replace).await.unwrap(), Imported::Replaced);
    assert_eq!(world.ada().await.id, user_id(1));
    assert_eq!(import(IfDifferent::Reject).await.unwrap(), Imported::Unchanged);
}

#[tokio::test]
async fn what_was_changed_here_since_the_last_import_is_told_from_what_was_changed_there() {
    let world = World::new().await;
    let first = from_django("ada", "Ada", 7);
    import(&world, &first, IfDifferent::Reject).await.unwrap();
    let with_claims = UserRecord { claims: r#"{"role":"user"}"#.parse().unwrap(), ..first.clone() };
    world.log_in(&world.ada().await, session_id(1), NOW).await.unwrap();
    let rejected = import_again(&world, &with_claims, IfDifferent::Reject).await;
    assert!(
        matches!(&rejected, Err(ImportError::ChangedThere(named)) if *named == ["claims"]),
        "{rejected:?}"
    );
    assert_eq!(import_again(&world, &with_claims, IfDifferent::Update).await.unwrap(), Imported::Updated);
    assert_eq!(world.ada().await.sessions.len(), 1, "claims end no session");

    // A login here replaces the hash.
    world.table.set_password(&name("ada"), &new_hash()).await.unwrap();
    for if_different in [IfDifferent::Reject, IfDifferent::Update, IfDifferent::Replace] {
        assert_eq!(import_again(&world, &with_claims, if_different).await.unwrap(), Imported::ChangedHere);
    }
    assert_eq!(world.ada().await.password_hash, Ok(new_hash()));

    // Disabled there, and nothing else: the new hash stays.
    let disabled = UserRecord { status: Status::Disabled, ..with_claims.clone() };
    assert_eq!(import_again(&world, &disabled, IfDifferent::Update).await.unwrap(), Imported::Updated);
    let user = world.ada().await;
    assert!(!user.enabled && user.password_hash == Ok(new_hash()));

    // Another password there as well: somebody has to decide.
    let both = UserRecord { password_hash: None, ..disabled };
    let rejected = import_again(&world, &both, IfDifferent::Update).await;
    assert!(
        matches!(&rejected, Err(ImportError::ChangedBoth(named)) if *named == ["password_hash"]),
        "{rejected:?}"
    );
    assert_eq!(world.ada().await.password_hash, Ok(new_hash()));
    assert_eq!(import_again(&world, &both, IfDifferent::Replace).await.unwrap(), Imported::Replaced);
    assert!(world.ada().await.password_hash.is_err());
}

#[tokio::test]
async fn a_user_without_a_password_comes_out_as_they_went_in() {
    let world = World::new().await;
    let record =
        UserRecord { password_hash: None, origin: Some(came_as("Ada", 7)), ..record("ada", Some(7)) };
    assert_eq!(import(&world, &record, IfDifferent::Reject).await.unwrap(), Imported::Created);
    assert_eq!(import(&world, &record, IfDifferent::Reject).await.unwrap(), Imported::Unchanged);
    assert_eq!(exported(&world).await, [record]);
}

#[tokio::test]
async fn an_export_of_before_undoes_what_was_changed_since() {
    let world = World::new().await;
    import(&world, &from_django("ada", "Ada", 7), IfDifferent::Reject).await.unwrap();
    let before = exported(&world).await;
    world.table.disable(&name("ada")).await.unwrap();
    for (if_different, enabled) in [(IfDifferent::Update, false), (IfDifferent::Replace, true)] {
        let _ = import_again(&world, &before[0], if_different).await;
        assert_eq!(world.ada().await.enabled, enabled, "{if_different:?}");
    }
    assert_eq!(exported(&world).await, before);
}

#[tokio::test]
async fn a_reserved_name_is_its_owners_alone() {
    let world = World::new().await;
    let reserve = async |origin: Option<&Origin>| {
        world.table.reserve(&name("root"), origin, user_id(50), at(NOW)).await.unwrap()
    };
    let root = from_django("root", "root", 1);
    let other = from_django("root", "Root", 2);
    assert_eq!(reserve(root.origin.as_ref()).await, Reservation::Reserved);
    assert_eq!(reserve(root.origin.as_ref()).await, Reservation::Theirs);
    assert!(!world.table.find(&name("root")).await.unwrap().unwrap().enabled);
    assert_eq!(exported(&world).await, [], "a reserved name is no user");
    let rejected = import(&world, &other, IfDifferent::Replace).await;
    assert!(matches!(rejected, Err(ImportError::Reserved(Some(_)))), "{rejected:?}");
    assert_eq!(import(&world, &root, IfDifferent::Reject).await.unwrap(), Imported::Created);
    assert_eq!(import(&world, &root, IfDifferent::Reject).await.unwrap(), Imported::Unchanged);
    assert_eq!(reserve(other.origin.as_ref()).await, Reservation::OfAnother(root.origin.clone()));
    assert_eq!(reserve(root.origin.as_ref()).await, Reservation::Theirs);
}

#[tokio::test]
async fn a_name_reserved_for_several_goes_to_the_one_an_administrator_names() {
    let world = World::new().await;
    let (root, other) = (from_django("root", "root", 1), from_django("root", "Root", 2));
    for origin in [&root.origin, &other.origin] {
        world.table.reserve(&name("root"), origin.as_ref(), user_id(50), at(NOW)).await.unwrap();
    }
    for record in [&root, &other] {
        let rejected = import(&world, record, IfDifferent::Replace).await;
        assert!(matches!(rejected, Err(ImportError::Reserved(None))), "{rejected:?}");
    }
    let named =
        world.table.import(&other, Assurance::Administrator, IfDifferent::Reject, user_id(51), at(NOW));
    assert_eq!(named.await.unwrap(), Imported::Created);
    let exported = exported(&world).await;
    assert_eq!(exported.len(), 1);
    assert_eq!(exported[0].origin, other.origin);
}
