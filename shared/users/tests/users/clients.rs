//! Rows of machine clients, among those of users and of failed logins.

use std::error::Error;

use aws_sdk_dynamodb::types::AttributeValue;
use token::{ClientId, Entropy};
use tokio::task::JoinSet;
use users::{
    AddressFailures, ClientChangeError, ClientSecret, LastChange, MAX_SECRETS, MachineClient, SecretHash,
    StoreError, StoredSecret,
};

use crate::world::{NOW, World, at, name, policy, session_id, try_id};

const AUDIENCES: &str = "https://orders.example.com=orders:read orders:write;https://billing.example.com";

fn id(index: u8) -> ClientId {
    ClientId::new(Entropy([index; 16]))
}

fn secret(index: u8) -> ClientSecret {
    ClientSecret::new(Entropy([index; 16]), [Entropy([index; 16]), Entropy([index; 16])])
}

/// Made as many seconds after [`NOW`] as its index.
pub(crate) fn stored(index: u8) -> StoredSecret {
    let secret = secret(index);
    StoredSecret { id: secret.id().clone(), hash: secret.hash(), created_at: at(NOW + u64::from(index)) }
}

pub(crate) fn client(index: u8) -> MachineClient {
    MachineClient {
        id: id(index),
        name: "nightly report".to_owned(),
        enabled: true,
        audiences: AUDIENCES.parse().unwrap(),
        secrets: vec![stored(1)],
        created_at: at(NOW),
        last_change: None,
    }
}

async fn with_client() -> World {
    let world = World::new().await;
    world.table.create_client(&client(1)).await.unwrap();
    world
}

fn key(index: u8) -> String {
    format!("client#{}", id(index))
}

/// The client as the function that gives tokens reads it.
async fn for_token(world: &World, index: u8) -> Result<Option<MachineClient>, StoreError> {
    world.table.for_token(Some(id(index)), None, at(NOW)).await.map(|read| read.client)
}

async fn overwrite(world: &World, key: &str, attribute: &str, value: AttributeValue) {
    let write = world.client.update_item().table_name(&world.table_name).key("pk", s(key));
    let write = write.update_expression("SET #a = :a").expression_attribute_names("#a", attribute);
    write.expression_attribute_values(":a", value).send().await.unwrap();
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(text: &str) -> AttributeValue {
    AttributeValue::N(text.to_owned())
}

fn m<const N: usize>(members: [(&str, AttributeValue); N]) -> AttributeValue {
    AttributeValue::M(members.map(|(name, value)| (name.to_owned(), value)).into())
}

#[tokio::test]
async fn a_client_comes_out_as_it_went_in_and_only_the_hash_of_its_secret_is_there() {
    let world = with_client().await;
    assert_eq!(world.table.find_client(id(1)).await.unwrap(), Some(client(1)));
    assert_eq!(for_token(&world, 1).await.unwrap(), Some(client(1)));
    assert_eq!(world.table.clients().await.unwrap().clients, [client(1)]);
    assert_eq!(
        (world.table.find_client(id(2)).await.unwrap(), for_token(&world, 2).await.unwrap()),
        (None, None)
    );
    let nobody = world.table.for_token(None, None, at(NOW)).await.unwrap();
    assert_eq!(nobody.client, None);

    let row = world.row(&key(1)).await;
    let told = format!("{row:?}");
    let random = secret(1).expose().split('_').nth(2).unwrap().to_owned();
    assert!(!told.contains("lks_") && !told.contains(&random), "{told}");
    let found = for_token(&world, 1).await.unwrap().unwrap();
    assert_eq!(found.secret_of(&SecretHash::of(secret(1).expose())), Some(&stored(1)));
    assert_eq!(found.secret_of(&SecretHash::of(secret(2).expose())), None);
}

#[tokio::test]
async fn each_change_bears_the_administrators_name_and_changes_nothing_else() {
    let world = World::new().await;
    let change = |seconds| LastChange { at: at(NOW + seconds), by: "ada".into() };
    let of = |seconds| world.table.clone().in_the_name_of(change(seconds));
    of(1).create_client(&client(1)).await.unwrap();
    let mut expected = MachineClient { last_change: Some(change(1)), ..client(1) };
    assert_eq!(for_token(&world, 1).await.unwrap().as_ref(), Some(&expected));

    of(2).set_client_enabled(id(1), false).await.unwrap();
    expected = MachineClient { enabled: false, last_change: Some(change(2)), ..expected };
    assert_eq!(for_token(&world, 1).await.unwrap().as_ref(), Some(&expected));

    of(3).set_client_audiences(id(1), &"a=b".parse().unwrap()).await.unwrap();
    expected = MachineClient { audiences: "a=b".parse().unwrap(), last_change: Some(change(3)), ..expected };
    assert_eq!(for_token(&world, 1).await.unwrap().as_ref(), Some(&expected));

    let after = [stored(1), stored(2)];
    of(4).set_client_secrets(id(1), &[stored(1)], &after).await.unwrap();
    expected = MachineClient { secrets: after.into(), last_change: Some(change(4)), ..expected };
    assert_eq!(for_token(&world, 1).await.unwrap().as_ref(), Some(&expected));

    of(5).set_client_enabled(id(1), true).await.unwrap();
    assert!(for_token(&world, 1).await.unwrap().unwrap().enabled);
    world.table.delete_client(id(1)).await.unwrap();
    assert_eq!(for_token(&world, 1).await.unwrap(), None);
    world.table.delete_client(id(1)).await.unwrap();
}

#[tokio::test]
async fn no_change_brings_a_client_back_and_none_is_created_over_another() {
    let world = World::new().await;
    let changes = [
        world.table.set_client_enabled(id(1), true).await,
        world.table.set_client_audiences(id(1), &"a".parse().unwrap()).await,
        world.table.set_client_secrets(id(1), &[], &[stored(1)]).await,
        world.table.set_client_secrets(id(1), &[stored(1)], &[]).await,
    ];
    for changed in changes {
        assert!(matches!(changed, Err(ClientChangeError::NoSuchClient)), "{changed:?}");
    }
    assert_eq!(world.table.find_client(id(1)).await.unwrap(), None);
    let first = MachineClient { name: "first".to_owned(), ..client(1) };
    world.table.create_client(&first).await.unwrap();
    world.table.create_client(&client(1)).await.unwrap();
    assert_eq!(world.table.find_client(id(1)).await.unwrap(), Some(first));
}

#[tokio::test]
async fn a_malformed_row_names_its_attribute_and_prints_no_value() {
    for (attribute, value) in [
        ("client_id", s("s3cret")),
        ("client_id", n("1")),
        ("name", n("1")),
        ("enabled", s("s3cret")),
        ("audiences", s("s3cret;;")),
        ("audiences", s("a=s3cret  s3cret")),
        ("secrets", s("s3cret")),
        ("secrets", AttributeValue::L(vec![s("s3cret")])),
        ("created_at", s("s3cret")),
        ("created_at", n("-1")),
    ] {
        let world = with_client().await;
        world.table.create_client(&client(2)).await.unwrap();
        overwrite(&world, &key(1), attribute, value).await;
        for error in
            [world.table.find_client(id(1)).await.unwrap_err(), for_token(&world, 1).await.unwrap_err()]
        {
            let StoreError::Malformed(row) = &error else { panic!("{error:?}") };
            assert_eq!(row.attribute, attribute);
            assert!(row.to_string().ends_with(" in the row of a machine client"), "{row}");
            let mut cause: Option<&dyn Error> = Some(&error);
            while let Some(error) = cause {
                assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
                cause = error.source();
            }
        }
        let listed = world.table.clients().await.unwrap();
        assert_eq!((listed.clients, listed.unreadable), (vec![client(2)], 1), "it hides no other");
        // What is wrong with the row keeps nobody from disabling or deleting the client.
        world.table.set_client_enabled(id(1), false).await.unwrap();
        world.table.delete_client(id(1)).await.unwrap();
        assert_eq!(world.table.clients().await.unwrap().unreadable, 0);
    }
}

#[tokio::test]
async fn a_secret_of_a_newer_version_is_not_read_and_locks_nobody_out() {
    for newer in [
        m([("jwk", s("{}")), ("created_at", n("1"))]),
        m([("sha512", s("x")), ("created_at", n("1"))]),
        m([("sha256", n("1")), ("created_at", n("1"))]),
        m([("sha256", s("x"))]),
        s("a newer form"),
    ] {
        let world = with_client().await;
        let mut secrets = world.row(&key(1)).await["secrets"].as_m().unwrap().clone();
        secrets.insert("newer".to_owned(), newer);
        let secrets = AttributeValue::M(secrets);
        overwrite(&world, &key(1), "secrets", secrets.clone()).await;
        let found = for_token(&world, 1).await.unwrap().unwrap();
        assert_eq!(found.secrets.len(), 1);
        assert!(found.secret_of(&secret(1).hash()).is_some());
        // Secrets that were not read are not overwritten either.
        let set = world.table.set_client_secrets(id(1), &found.secrets, &[stored(2)]).await;
        assert!(matches!(set, Err(ClientChangeError::ChangedMeanwhile)), "{set:?}");
        assert_eq!(world.row(&key(1)).await["secrets"], secrets);
    }
}

#[tokio::test]
async fn every_write_of_a_clients_row_keeps_unknown_members() {
    let world = with_client().await;
    overwrite(&world, &key(1), "last_used", m([("day", n("19511"))])).await;
    assert_eq!(for_token(&world, 1).await.unwrap(), Some(client(1)));
    world.table.set_client_enabled(id(1), false).await.unwrap();
    world.table.set_client_audiences(id(1), &"a".parse().unwrap()).await.unwrap();
    world.table.set_client_secrets(id(1), &[stored(1)], &[stored(2)]).await.unwrap();
    let row = world.row(&key(1)).await;
    assert_eq!(row["last_used"], m([("day", n("19511"))]));
}

#[tokio::test]
async fn secrets_are_replaced_only_while_they_are_those_that_were_read() {
    let world = with_client().await;
    let set = async |before: &[StoredSecret], after: &[StoredSecret]| {
        world.table.set_client_secrets(id(1), before, after).await
    };
    let both = [stored(1), stored(2)];
    set(&[stored(1)], &both).await.unwrap();
    // The client sends a write again whose answer was lost.
    set(&[stored(1)], &both).await.unwrap();
    let stale = set(&[stored(1)], &[stored(1), stored(3)]).await;
    assert!(matches!(stale, Err(ClientChangeError::ChangedMeanwhile)), "{stale:?}");
    assert_eq!(for_token(&world, 1).await.unwrap().unwrap().secrets, both);
    set(&both, &[stored(2)]).await.unwrap();
    assert_eq!(for_token(&world, 1).await.unwrap().unwrap().secrets, [stored(2)]);
}

#[tokio::test]
async fn secrets_are_read_the_oldest_first_whatever_their_ids() {
    let world = with_client().await;
    let of = |index: u8, seconds| StoredSecret { created_at: at(NOW + seconds), ..stored(index) };
    let (old, new) = (of(9, 1), of(3, 2));
    world.table.set_client_secrets(id(1), &[stored(1)], &[new.clone(), old.clone()]).await.unwrap();
    assert_eq!(for_token(&world, 1).await.unwrap().unwrap().secrets, [old, new]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_rotations_at_the_same_time_one_wins_and_the_others_change_nothing() {
    let world = World::new().await;
    for round in 0..40 {
        let client = client(round);
        world.table.create_client(&client).await.unwrap();
        let mut rotations = JoinSet::new();
        for index in 2..=7 {
            let (world, client) = (world.clone(), client.clone());
            rotations.spawn(async move {
                let after = [stored(1), stored(index)];
                (index, world.table.set_client_secrets(client.id, &client.secrets, &after).await)
            });
        }
        let mut winners = Vec::new();
        for (index, result) in rotations.join_all().await {
            match result {
                Ok(()) => winners.push(index),
                Err(ClientChangeError::ChangedMeanwhile) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}");
        let secrets = for_token(&world, round).await.unwrap().unwrap().secrets;
        assert_eq!(secrets, [stored(1), stored(winners[0])], "round {round}");
        assert_eq!(secrets.len(), MAX_SECRETS);
    }
}

/// Whatever comes first: an administrator's change never makes a row of a client that is deleted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_client_does_not_come_back_by_a_change_at_the_same_time() {
    let world = World::new().await;
    for round in 0..100 {
        let client = client(round);
        world.table.create_client(&client).await.unwrap();
        let mut changes = JoinSet::new();
        for _ in 0..2 {
            let (world, client) = (world.clone(), client.clone());
            changes.spawn(async move {
                let after = [stored(1), stored(2)];
                let results = [
                    world.table.set_client_secrets(client.id, &client.secrets, &after).await,
                    world.table.set_client_enabled(client.id, true).await,
                    world.table.set_client_audiences(client.id, &client.audiences).await,
                ];
                for error in results.into_iter().filter_map(Result::err) {
                    assert!(matches!(error, ClientChangeError::NoSuchClient), "{error:?}");
                }
            });
        }
        world.table.delete_client(client.id).await.unwrap();
        changes.join_all().await;
        assert_eq!(for_token(&world, round).await.unwrap(), None, "round {round}");
    }
}

#[tokio::test]
async fn wrong_secrets_and_failed_logins_from_one_address_are_counted_apart() {
    let world = World::with_ada().await;
    let address = "203.0.113.7".parse().unwrap();
    let of_clients = async || {
        let read = world.table.for_token(Some(id(1)), Some(&address), at(NOW)).await.unwrap();
        read.from_address.failures
    };
    let of_logins = async || {
        let read = world.table.for_login(&name("ada"), Some(&address), at(NOW)).await.unwrap();
        (read.attempts.failures, read.from_address.failures)
    };
    for _ in 0..3 {
        world.table.record_wrong_secret_from(&address, &try_id(), at(NOW)).await.unwrap();
    }
    assert_eq!((of_clients().await, of_logins().await), (3, (0, 0)));
    world.table.record_failure_from(&address, &try_id(), at(NOW)).await.unwrap();
    assert_eq!((of_clients().await, of_logins().await), (3, (0, 1)));
    let row = world.row("client-address#203.0.113.7").await;
    assert_eq!(row["failures"], n("3"));
    // DynamoDB removes it, and until then it counts no longer.
    let later = world.table.for_token(None, Some(&address), at(NOW + 900)).await.unwrap();
    assert_eq!(later.from_address, AddressFailures::default());
    let same = try_id();
    for _ in 0..2 {
        world.table.record_wrong_secret_from(&address, &same, at(NOW)).await.unwrap();
    }
    assert_eq!(of_clients().await, 4, "a write that is repeated counts once");
}

#[tokio::test]
async fn no_list_or_change_of_users_meets_a_client() {
    let world = World::with_ada().await;
    world.table.create_client(&client(1)).await.unwrap();
    let address = "203.0.113.7".parse().unwrap();
    world.table.record_wrong_secret_from(&address, &try_id(), at(NOW)).await.unwrap();
    let before = world.row(&key(1)).await;

    let listed = world.table.list(None).await.unwrap();
    assert_eq!(
        listed.users.into_iter().map(|user| user.unwrap().username).collect::<Vec<_>>(),
        [name("ada")]
    );
    let exported = world.table.export(None).await.unwrap();
    assert_eq!(
        exported.users.into_iter().map(|user| user.unwrap().username).collect::<Vec<_>>(),
        [name("ada")]
    );
    let pruned = world.table.prune(None, &policy(), at(NOW + 10_000_000)).await.unwrap();
    assert_eq!((pruned.sessions, pruned.failed), (0, 0));
    for text in [id(1).to_string(), key(1)] {
        let username = name(&text);
        assert_eq!(world.table.find(&username).await.unwrap(), None);
        let read = world.table.for_login(&username, None, at(NOW)).await.unwrap();
        assert_eq!(read.user, None, "it cannot log in");
        assert!(world.table.disable(&username).await.is_err());
        assert!(world.table.delete(&username).await.is_err());
    }
    assert_eq!(world.row(&key(1)).await, before);
}

#[tokio::test]
async fn a_user_who_is_called_like_a_client_is_another_row() {
    let world = with_client().await;
    // Names are folded to lower case, so the row of the user is not even that of the client's name.
    for (number, text) in
        [key(1), id(1).to_string(), "client#nobody".to_owned(), "client-address#203.0.113.7".to_owned()]
            .into_iter()
            .enumerate()
    {
        let user = world.add(&text, u8::try_from(number).unwrap() + 1).await;
        world.log_in(&user, session_id(1), NOW).await.unwrap();
        world.table.record_failure(&user.username, &try_id(), at(NOW)).await.unwrap();
    }
    assert_eq!(for_token(&world, 1).await.unwrap(), Some(client(1)));
    assert_eq!(world.table.clients().await.unwrap().clients, [client(1)]);
    let address = "203.0.113.7".parse().unwrap();
    let read = world.table.for_token(None, Some(&address), at(NOW)).await.unwrap();
    assert_eq!((read.client, read.from_address), (None, AddressFailures::default()));
    assert_eq!(world.table.list(None).await.unwrap().users.len(), 4);

    world.table.delete_client(id(1)).await.unwrap();
    assert_eq!(world.table.list(None).await.unwrap().users.len(), 4, "the users stay");
}
