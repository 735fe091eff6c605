//! The public halves of the keys in their own table, and the functions that read nothing else.

use aws::AwsSettings;
use harness::{Event, LOGIN_AT, PUBLIC_KEYS_TABLE, PublicKeysTable, SecretsManager, World, at};
use http::Method;
use keyring::PublicKeys;
use rotate_keys::RotationError;
use serde_json::json;
use token::{Algorithm, Key, KeySet, Schedule};

use crate::rotation::{STEPS, event, rotation};

const NO_KEYS: &str = r#"{"keys":[]}"#;
const JWK_SET: &str = "/.well-known/jwks.json";

async fn table() -> PublicKeysTable {
    PublicKeysTable::create(&harness::DynamoDb::start().await.endpoint).await
}

fn set() -> KeySet {
    let always = Schedule { published: at(0), signs_from: at(0), retires: None };
    KeySet::new(vec![Key::generate(Algorithm::ES256, always).unwrap()]).unwrap()
}

async fn rotate(secrets: &SecretsManager, published: &PublicKeys) -> Result<(), RotationError> {
    let token = secrets.begin_rotation().unwrap();
    for step in STEPS {
        let rotation = rotation(secrets, Some(published.clone()), &[]);
        rotation.handle(&event(step, &token), at(LOGIN_AT)).await?;
    }
    Ok(())
}

/// What the schedule does.
async fn publish(secrets: &SecretsManager, table: &PublicKeysTable) -> Result<(), RotationError> {
    let rotation = rotation(secrets, Some(table.keys.clone()), &[]);
    rotation.handle(&json!({ "Step": "publish" }), at(LOGIN_AT)).await.map(drop)
}

#[tokio::test]
async fn verify_sessions_and_documents_read_the_table_and_never_the_secret() {
    let (secrets, table) = (SecretsManager::start(NO_KEYS).await, table().await);
    let world = World::with_public_keys(&secrets, &table.keys).await;
    world.create("ada", "correct horse battery").await;
    let documents = Event::http_api(&Method::GET, JWK_SET);
    assert_eq!(world.send(JWK_SET, &documents, LOGIN_AT).await.status, 503, "nothing is published yet");

    rotate(&secrets, &table.keys).await.unwrap();
    let token = world.log_in("ada", "correct horse battery", LOGIN_AT).await.token().to_owned();
    let token = world.refresh(&token, LOGIN_AT).await.token().to_owned();
    secrets.calls();
    let verified = world.post("/auth/verify", &json!({ "token": token }), LOGIN_AT).await;
    assert_eq!((verified.status, &verified.body["claims"]["username"]), (200, &json!("ada")));
    assert_eq!(world.list_sessions(&token, LOGIN_AT).await.status, 200);
    assert_eq!(world.log_out(&token, LOGIN_AT).await.status, 204);
    let served = world.send(JWK_SET, &documents, LOGIN_AT).await;
    let in_force = KeySet::from_secret(&secrets.labelled("AWSCURRENT").unwrap().1.unwrap()).unwrap();
    assert_eq!(served.body["keys"][0]["kid"], in_force.keys()[0].id());
    assert_eq!(secrets.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_published_holds_no_private_member() {
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let (secrets, table) = (SecretsManager::start(NO_KEYS).await, table().await);
        let token = secrets.begin_rotation().unwrap();
        let rotation = rotation(&secrets, Some(table.keys.clone()), &[("SIGNING_ALGORITHM", algorithm)]);
        for step in STEPS {
            rotation.handle(&event(step, &token), at(LOGIN_AT)).await.unwrap();
        }
        let published = table.published().await.unwrap();
        let published: serde_json::Value = serde_json::from_str(&published).unwrap();
        let key = published["keys"][0].as_object().unwrap();
        let members: Vec<_> = key.keys().map(String::as_str).collect();
        assert_eq!(members, ["alg", "kid", "public_key", "published", "retires", "signs_from"]);
        let public = key["public_key"].as_object().unwrap();
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(!public.contains_key(private), "{algorithm}: {private}");
        }
    }
}

#[tokio::test]
async fn a_rotation_whose_publication_fails_says_so_and_is_finished_by_the_next_try() {
    let (secrets, table) = (SecretsManager::start(NO_KEYS).await, table().await);
    let silent = AwsSettings::embedded("http://127.0.0.1:9".to_owned()).dynamodb();
    let failed = rotate(&secrets, &PublicKeys::new(silent, PUBLIC_KEYS_TABLE)).await.unwrap_err();
    assert_eq!(failed.to_string(), "the public keys could not be published");
    let token = secrets.labelled("AWSCURRENT").unwrap().0;
    let again = rotation(&secrets, Some(table.keys.clone()), &[]);
    again.handle(&event("finishSecret", &token), at(LOGIN_AT)).await.unwrap();
    assert!(table.published().await.is_some());
}

#[tokio::test]
async fn the_schedule_publishes_what_was_changed_by_hand_and_keeps_the_last_good_keys() {
    let (secrets, table) = (SecretsManager::start(NO_KEYS).await, table().await);
    publish(&secrets, &table).await.unwrap();
    assert_eq!(table.published().await, None, "there is no key to publish");
    let by_hand = set();
    secrets.put_by_hand(&by_hand.to_secret());
    publish(&secrets, &table).await.unwrap();
    assert_eq!(table.published().await, by_hand.to_public());
    secrets.put_by_hand("canary");
    let rejected = publish(&secrets, &table).await.unwrap_err();
    assert!(!format!("{rejected:?}").contains("canary"), "{rejected:?}");
    assert_eq!(table.published().await, by_hand.to_public());
}

#[tokio::test]
async fn keys_without_a_public_half_leave_what_was_published_and_say_what_to_do() {
    let good = set();
    let (secrets, table) = (SecretsManager::start(&good.to_secret()).await, table().await);
    publish(&secrets, &table).await.unwrap();
    secrets.put_by_hand("hs256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
    let rejected = publish(&secrets, &table).await.unwrap_err();
    let cause = std::error::Error::source(&rejected).unwrap().to_string();
    assert!(cause.contains("VerifiersReadSecret=true"), "{cause}");
    assert_eq!(table.published().await, good.to_public());
    let symmetric = rotation(&secrets, Some(table.keys.clone()), &[("SIGNING_ALGORITHM", "HS256")]);
    symmetric.handle(&json!({ "Step": "publish" }), at(LOGIN_AT)).await.unwrap();
    assert_eq!(table.published().await, good.to_public());
    rotate(&secrets, &table.keys).await.unwrap();
    let published = KeySet::from_public(&table.published().await.unwrap()).unwrap();
    assert_eq!(
        published.keys().len(),
        1,
        "the public key of the ring that rotates away from the bare string"
    );
}

#[tokio::test]
async fn nothing_but_public_keys_is_taken_from_the_table() {
    let good = set();
    let (secrets, table) = (SecretsManager::start(&good.to_secret()).await, table().await);
    let bare = "hs256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    for forged in [good.to_secret().to_string(), bare.to_owned()] {
        table.put(&forged).await;
        let world = World::with_public_keys(&secrets, &table.keys).await;
        let documents = Event::http_api(&Method::GET, JWK_SET);
        assert_eq!(world.send(JWK_SET, &documents, LOGIN_AT).await.status, 503);
    }
}

#[tokio::test]
async fn a_publication_that_finds_its_keys_there_writes_nothing() {
    let (secrets, table) = (SecretsManager::start(&set().to_secret()).await, table().await);
    publish(&secrets, &table).await.unwrap();
    secrets.calls();
    publish(&secrets, &table).await.unwrap();
    assert_eq!(secrets.calls(), ["GetSecretValue"], "after a write the secret is read again");
}

#[tokio::test]
async fn what_a_retired_key_signed_is_rejected_within_the_cache_time_by_who_reads_the_table() {
    let both = KeySet::new([set().keys(), set().keys()].concat()).unwrap();
    let (secrets, table) = (SecretsManager::start(&both.to_secret()).await, table().await);
    publish(&secrets, &table).await.unwrap();
    let world = World::with_public_keys(&secrets, &table.keys).await;
    world.create("ada", "correct horse battery").await;
    let leaked = world.log_in("ada", "correct horse battery", LOGIN_AT).await.token().to_owned();
    assert_eq!(world.post("/auth/verify", &json!({ "token": leaked }), LOGIN_AT).await.status, 200);
    let kid = both.signing_key(at(LOGIN_AT)).unwrap().id();
    secrets.put_by_hand(&both.without(kid, at(LOGIN_AT)).unwrap().unwrap().to_secret());
    publish(&secrets, &table).await.unwrap();
    let rejected = world.post("/auth/verify", &json!({ "token": leaked }), LOGIN_AT + 300).await;
    assert_eq!((rejected.status, rejected.code()), (400, "invalid_token"));
    assert_eq!(world.list_sessions(&leaked, LOGIN_AT + 300).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_publications_at_a_time_the_newer_keys_are_left() {
    let (secrets, table) = (SecretsManager::start(NO_KEYS).await, table().await);
    let sets = [set(), set()];
    for round in 0..200 {
        let next = &sets[round % 2];
        let change = async {
            secrets.put_by_hand(&next.to_secret());
            publish(&secrets, &table).await
        };
        let (scheduled, changed) = tokio::join!(publish(&secrets, &table), change);
        scheduled.and(changed).unwrap();
        assert_eq!(table.published().await, next.to_public(), "round {round}");
    }
}

#[tokio::test]
async fn a_secret_that_changes_under_every_publication_is_given_up_and_not_waited_for() {
    let (secrets, table) = (SecretsManager::start(&set().to_secret()).await, table().await);
    secrets.alternate_with(&set().to_secret());
    let rejected = publish(&secrets, &table).await.unwrap_err();
    let cause = std::error::Error::source(&rejected).unwrap().to_string();
    assert_eq!(cause, "the secret was changed during each of 5 publications");
}
