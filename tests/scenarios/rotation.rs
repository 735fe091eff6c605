//! The rotation function against a strict Secrets Manager, and sessions across rotations.

use edge::Environment;
use harness::{
    Event, FIRST_VERSION, ISSUER, LOGIN_AT, PublicKeysTable, SECRET_ARN, SecretsManager, World, at,
};
use http::Method;
use keyring::PublicKeys;
use rotate_keys::{RotateKeys, RotationError};
use serde_json::{Value, json};
use token::{Algorithm, KeySet, Timestamp};

pub(crate) const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];
const NO_KEYS: &str = r#"{"keys":[]}"#;
const HOUR: u64 = 3600;
/// From drawing a key to its first signature.
const LEAD: u64 = 600 + 300 + 3900 + 2 * HOUR;

pub(crate) fn rotation(
    secrets: &SecretsManager,
    published: Option<PublicKeys>,
    settings: &[(&str, &str)],
) -> RotateKeys {
    let lookup = |variable: &str| match variable {
        "SIGNING_SECRET" => Some(SECRET_ARN.to_owned()),
        "JWT_ISSUER" => Some(ISSUER.to_owned()),
        // Quicker to draw than RSA.
        other => {
            let set = settings.iter().find(|(name, _)| *name == other).map(|(_, value)| (*value).to_owned());
            set.or_else(|| (other == "SIGNING_ALGORITHM").then(|| "ES256".to_owned()))
        }
    };
    RotateKeys::new(secrets.signing_secret(), published, &Environment::new(&lookup)).unwrap()
}

pub(crate) fn event(step: &str, token: &str) -> Value {
    json!({ "Step": step, "SecretId": SECRET_ARN, "ClientRequestToken": token, "RotationToken": "x" })
}

async fn run(secrets: &SecretsManager, token: &str, now: u64) -> Result<(), RotationError> {
    run_and_publish(secrets, None, token, now).await
}

async fn run_and_publish(
    secrets: &SecretsManager,
    table: Option<&PublicKeysTable>,
    token: &str,
    now: u64,
) -> Result<(), RotationError> {
    for step in STEPS {
        let published = table.map(|table| table.keys.clone());
        rotation(secrets, published, &[]).handle(&event(step, token), at(now)).await?;
    }
    Ok(())
}

/// Begins a rotation and does all of it.
pub(crate) async fn rotate(secrets: &SecretsManager, now: u64) {
    let token = secrets.begin_rotation().unwrap();
    run(secrets, &token, now).await.unwrap();
    assert_eq!(secrets.labelled("AWSCURRENT").unwrap().0, token);
}

pub(crate) fn keys(secrets: &SecretsManager, label: &str) -> KeySet {
    KeySet::from_secret(&secrets.labelled(label).unwrap().1.unwrap()).unwrap()
}

/// A secret with one key that signs.
async fn rotated_once() -> SecretsManager {
    let secrets = SecretsManager::start(NO_KEYS).await;
    rotate(&secrets, LOGIN_AT).await;
    secrets.calls();
    secrets
}

#[tokio::test]
async fn before_the_first_rotation_logins_are_rejected_with_503_and_after_it_they_work() {
    let secrets = SecretsManager::start(NO_KEYS).await;
    let world = World::with_secret(&secrets).await;
    world.create("ada", "correct horse battery").await;
    let rejected = world.log_in("ada", "correct horse battery", LOGIN_AT).await;
    assert_eq!((rejected.status, rejected.code()), (503, "temporarily_unavailable"));
    rotate(&secrets, LOGIN_AT).await;
    assert_eq!(world.log_in("ada", "correct horse battery", LOGIN_AT).await.status, 200);
}

#[tokio::test]
async fn the_key_is_of_the_algorithm_that_is_set_and_rs256_unless_set() {
    for (setting, expected) in [
        ("", Algorithm::RS256),
        ("RS256", Algorithm::RS256),
        ("ES256", Algorithm::ES256),
        ("EdDSA", Algorithm::EdDSA),
        ("HS256", Algorithm::HS256),
    ] {
        let secrets = SecretsManager::start(NO_KEYS).await;
        let token = secrets.begin_rotation().unwrap();
        let rotation = rotation(&secrets, None, &[("SIGNING_ALGORITHM", setting)]);
        for step in STEPS {
            rotation.handle(&event(step, &token), at(LOGIN_AT)).await.unwrap();
        }
        assert_eq!(keys(&secrets, "AWSCURRENT").keys()[0].algorithm(), expected);
    }
}

#[tokio::test]
async fn every_step_can_be_repeated() {
    let secrets = rotated_once().await;
    let token = secrets.begin_rotation().unwrap();
    for step in STEPS {
        let mut values = std::collections::BTreeSet::new();
        for _ in 0..3 {
            rotation(&secrets, None, &[]).handle(&event(step, &token), at(LOGIN_AT)).await.unwrap();
            values.insert(secrets.labelled("AWSPENDING").unwrap());
        }
        assert_eq!(values.len(), 1, "{step} changed the pending value");
    }
    let set = keys(&secrets, "AWSCURRENT");
    assert_eq!(set.keys().len(), 2);
    assert_eq!(u64::from(set.keys()[1].schedule().signs_from), LOGIN_AT + LEAD);
    assert_eq!(secrets.calls().iter().filter(|call| *call == "UpdateSecretVersionStage").count(), 1);
}

#[tokio::test]
async fn killed_after_any_call_the_same_steps_end_where_they_would_have() {
    for applies in [false, true] {
        for calls in 0.. {
            let secrets = rotated_once().await;
            let old = keys(&secrets, "AWSCURRENT");
            let token = secrets.begin_rotation().unwrap();
            secrets.fail_after(calls, applies);
            let table = PublicKeysTable::create(&harness::DynamoDb::start().await.endpoint).await;
            let killed = run_and_publish(&secrets, Some(&table), &token, LOGIN_AT).await;
            let current = secrets.labelled("AWSCURRENT").expect("a version in force at every instant");
            KeySet::from_secret(&current.1.unwrap()).unwrap();
            secrets.recover();
            run_and_publish(&secrets, Some(&table), &token, LOGIN_AT + 60).await.unwrap();
            let set = keys(&secrets, "AWSCURRENT");
            assert_eq!(table.published().await, set.to_public());
            assert_eq!(secrets.labelled("AWSCURRENT").unwrap().0, token);
            assert_eq!(set.keys().len(), 2, "after {calls} calls");
            assert_eq!(set.keys()[0].id(), old.keys()[0].id());
            let puts = secrets.calls().iter().filter(|call| *call == "PutSecretValue").count();
            assert_eq!(puts, 1, "the pending value is stored once");
            if killed.is_ok() {
                assert_eq!(calls, 14, "as many as a whole rotation makes");
                break;
            }
        }
    }
}

#[tokio::test]
async fn sixteen_runs_at_once_store_one_key() {
    for _ in 0..20 {
        let secrets = rotated_once().await;
        let token = secrets.begin_rotation().unwrap();
        let (rotation, event) = (rotation(&secrets, None, &[]), event("createSecret", &token));
        let runs = (0..16).map(|_| rotation.handle(&event, at(LOGIN_AT)));
        for result in futures_util::future::join_all(runs).await {
            result.unwrap();
        }
        run(&secrets, &token, LOGIN_AT).await.unwrap();
        assert_eq!(keys(&secrets, "AWSCURRENT").keys().len(), 2);
    }
}

#[tokio::test]
async fn what_is_no_rotation_of_this_secret_is_rejected_and_changes_nothing() {
    let secrets = rotated_once().await;
    let token = secrets.begin_rotation().unwrap();
    let good = event("createSecret", &token);
    let with = |member: &str, value: Value| {
        let mut event = good.clone();
        event[member] = value;
        event
    };
    let cases = [
        (json!({}), "the event has no Step, SecretId and ClientRequestToken"),
        (json!(null), "the event has no Step, SecretId and ClientRequestToken"),
        (with("Step", json!(4)), "the event has no Step, SecretId and ClientRequestToken"),
        (
            with("Step", json!("create_secret")),
            "the step is none of createSecret, setSecret, testSecret and finishSecret",
        ),
        (
            with("SecretId", json!("arn:aws:secretsmanager:eu-west-1:123456789012:secret:other-a1B2c3")),
            "the event is about another secret than SIGNING_SECRET",
        ),
        (
            with("ClientRequestToken", json!("22222222-0000-0000-0000-000000000000")),
            "the secret has no version of this ClientRequestToken",
        ),
        (with("ClientRequestToken", json!(FIRST_VERSION)), "the version is not labelled AWSPENDING"),
    ];
    for (event, said) in cases {
        let rejected = rotation(&secrets, None, &[]).handle(&event, at(LOGIN_AT)).await.unwrap_err();
        assert_eq!(rejected.to_string(), said);
    }
    secrets.enable_rotation(false);
    let rejected = rotation(&secrets, None, &[]).handle(&good, at(LOGIN_AT)).await.unwrap_err();
    assert_eq!(rejected.to_string(), "the secret is not enabled for rotation");
    let changing = |call: &String| call.starts_with("Put") || call.starts_with("Update");
    assert!(!secrets.calls().iter().any(changing));
}

#[tokio::test]
async fn the_steps_in_another_order_are_rejected_or_do_nothing() {
    let secrets = rotated_once().await;
    let token = secrets.begin_rotation().unwrap();
    for step in ["testSecret", "finishSecret"] {
        let rejected =
            rotation(&secrets, None, &[]).handle(&event(step, &token), at(LOGIN_AT)).await.unwrap_err();
        assert!(matches!(rejected, RotationError::NoPendingValue), "{rejected}");
    }
    run(&secrets, &token, LOGIN_AT).await.unwrap();
    let after = secrets.labelled("AWSCURRENT");
    run(&secrets, &token, LOGIN_AT + 9).await.unwrap();
    assert_eq!(secrets.labelled("AWSCURRENT"), after, "a rotation that is over is left alone");
}

#[tokio::test]
async fn a_pending_set_that_is_corrupt_never_comes_into_force() {
    let secrets = rotated_once().await;
    let before = secrets.labelled("AWSCURRENT");
    let token = secrets.begin_rotation().unwrap();
    rotation(&secrets, None, &[]).handle(&event("createSecret", &token), at(LOGIN_AT)).await.unwrap();
    secrets.corrupt("AWSPENDING", "canary-short");
    for (step, said) in [
        ("testSecret", "the AWSPENDING version cannot be used"),
        ("finishSecret", "the secret has no version of this ClientRequestToken"),
    ] {
        let rejected =
            rotation(&secrets, None, &[]).handle(&event(step, &token), at(LOGIN_AT)).await.unwrap_err();
        assert_eq!(rejected.to_string(), said);
        assert!(!format!("{rejected:?}").contains("canary"));
    }
    assert_eq!(secrets.labelled("AWSCURRENT"), before);
    rotate(&secrets, LOGIN_AT + 60).await;
}

#[tokio::test]
async fn a_pending_set_whose_new_key_does_not_sign_never_comes_into_force() {
    for first in [true, false] {
        let secrets = SecretsManager::start(NO_KEYS).await;
        if !first {
            rotate(&secrets, LOGIN_AT).await;
        }
        let before = secrets.labelled("AWSCURRENT");
        let token = secrets.begin_rotation().unwrap();
        rotation(&secrets, None, &[]).handle(&event("createSecret", &token), at(LOGIN_AT)).await.unwrap();
        let mut pending = keys(&secrets, "AWSPENDING").keys().to_vec();
        let new = KeySet::new(vec![pending.pop().unwrap()]).unwrap().to_public().unwrap();
        pending.extend(KeySet::from_public(&new).unwrap().keys().iter().cloned());
        secrets.corrupt("AWSPENDING", &KeySet::new(pending).unwrap().to_secret());
        for step in ["testSecret", "finishSecret"] {
            let rejected = rotation(&secrets, None, &[]).handle(&event(step, &token), at(LOGIN_AT)).await;
            assert!(matches!(rejected, Err(RotationError::DoesNotSign)), "{rejected:?}");
        }
        assert_eq!(secrets.labelled("AWSCURRENT"), before);
    }
}

#[tokio::test]
async fn the_trial_of_a_rotation_that_is_not_begun_succeeds_and_changes_nothing() {
    let secrets = rotated_once().await;
    let before = secrets.labelled("AWSCURRENT");
    let token = secrets.begin_rotation().unwrap();
    rotation(&secrets, None, &[]).handle(&event("createSecret", &token), at(LOGIN_AT)).await.unwrap();
    secrets.corrupt("AWSPENDING", &keys(&secrets, "AWSCURRENT").to_secret());
    rotation(&secrets, None, &[]).handle(&event("testSecret", &token), at(LOGIN_AT)).await.unwrap();
    assert_eq!(secrets.labelled("AWSCURRENT"), before);
}

#[tokio::test]
async fn a_key_that_was_taken_out_of_the_secret_by_emptying_it_does_not_come_back() {
    let secrets = rotated_once().await;
    let token = secrets.begin_rotation().unwrap();
    rotation(&secrets, None, &[]).handle(&event("createSecret", &token), at(LOGIN_AT)).await.unwrap();
    secrets.put_by_hand(NO_KEYS);
    let rejected = rotation(&secrets, None, &[]).handle(&event("finishSecret", &token), at(LOGIN_AT)).await;
    assert!(matches!(rejected, Err(RotationError::NotTheNext)), "{rejected:?}");
    assert_eq!(secrets.labelled("AWSCURRENT").unwrap().1.as_deref(), Some(NO_KEYS));
    rotate(&secrets, LOGIN_AT + 60).await;
    assert_eq!(keys(&secrets, "AWSCURRENT").keys().len(), 1);
}

#[tokio::test]
async fn a_rotation_is_given_up_when_the_secret_was_changed_meanwhile_and_the_next_one_works() {
    let secrets = rotated_once().await;
    let token = secrets.begin_rotation().unwrap();
    rotation(&secrets, None, &[]).handle(&event("createSecret", &token), at(LOGIN_AT)).await.unwrap();
    let other = KeySet::rotated(None, policy(), at(LOGIN_AT)).unwrap();
    secrets.put_by_hand(&other.to_secret());
    let rejected = run(&secrets, &token, LOGIN_AT).await.unwrap_err();
    assert!(matches!(rejected, RotationError::NotTheNext), "{rejected}");
    assert_eq!(keys(&secrets, "AWSCURRENT").keys()[0].id(), other.keys()[0].id());
    rotate(&secrets, LOGIN_AT + 60).await;
    assert_eq!(keys(&secrets, "AWSCURRENT").keys()[0].id(), other.keys()[0].id());
}

#[tokio::test]
async fn a_rotation_that_took_so_long_that_nobody_would_know_the_key_is_given_up() {
    let secrets = rotated_once().await;
    let token = secrets.begin_rotation().unwrap();
    rotation(&secrets, None, &[]).handle(&event("createSecret", &token), at(LOGIN_AT)).await.unwrap();
    let rejected = run(&secrets, &token, LOGIN_AT + 601).await.unwrap_err();
    assert!(matches!(rejected, RotationError::TooLate), "{rejected}");
    assert_eq!(keys(&secrets, "AWSCURRENT").keys().len(), 1);
    rotate(&secrets, LOGIN_AT + 700).await;
    assert_eq!(keys(&secrets, "AWSCURRENT").keys().len(), 2);
}

fn policy() -> token::RotationPolicy {
    token::RotationPolicy::new(Algorithm::ES256, token::Seconds::new(3600), token::Seconds::new(HOUR))
}

#[tokio::test]
async fn a_bare_secret_is_rotated_away_from_and_its_tokens_live_to_their_end() {
    let secrets =
        SecretsManager::start("hs256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08").await;
    let world = World::with_secret(&secrets).await;
    world.create("ada", "correct horse battery").await;
    let last_login = LOGIN_AT + LEAD - 1;
    rotate(&secrets, LOGIN_AT).await;
    let token = world.log_in("ada", "correct horse battery", last_login).await.token().to_owned();
    assert_eq!(header(&token)["alg"], "HS256");
    let refreshed = world.refresh(&token, last_login + HOUR - 1).await;
    assert_eq!(header(refreshed.token())["alg"], "ES256");
}

fn header(token: &str) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let head = token.split('.').next().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head).unwrap()).unwrap()
}

/// The worked example's session, 2 days and 1 hour long, with three rotations in it.
#[tokio::test]
async fn three_rotations_inside_one_session_log_nobody_out() {
    let secrets = rotated_once().await;
    let world = World::with_secret(&secrets).await;
    world.create("ada", "correct horse battery").await;
    let mut token = world.log_in("ada", "correct horse battery", LOGIN_AT).await.token().to_owned();
    let mut signers = std::collections::BTreeSet::new();
    let mut published = Vec::new();
    for half_hour in 1..=96 {
        let now = LOGIN_AT + half_hour * 1800;
        if [10, 40, 70].contains(&half_hour) {
            rotate(&secrets, now).await;
        }
        let answer = world.refresh(&token, now).await;
        assert_eq!(answer.status, 200, "after {half_hour} half hours: {answer:?}");
        // The token before it lives to its own end, 30 minutes on.
        let old = world.refresh(&token, now + 1799).await;
        assert_eq!(old.status, if half_hour == 96 { 400 } else { 200 });
        token = answer.token().to_owned();
        let kid = header(&token)["kid"].as_str().unwrap().to_owned();
        published.push((now, key_ids(&world, now).await));
        // API Gateway reads the set every two hours: the key must stand in what it read then.
        let known_for_two_hours = published.iter().filter(|(then, _)| now - then <= 2 * HOUR);
        if signers.insert(kid.clone()) && half_hour > 4 {
            assert!(known_for_two_hours.into_iter().all(|(_, ids)| ids.contains(&kid)), "{kid} is too new");
        }
    }
    assert_eq!(signers.len(), 4);
    let end = LOGIN_AT + 96 * 1800 + HOUR;
    assert_eq!(u64::from(world_claims_end(&secrets, &token, at(end - 1))), end);
}

#[tokio::test]
async fn a_retired_key_s_tokens_are_rejected_after_the_cache_time_and_the_next_key_signs_at_once() {
    let secrets = rotated_once().await;
    rotate(&secrets, LOGIN_AT).await;
    let world = World::with_secret(&secrets).await;
    world.create("ada", "correct horse battery").await;
    let leaked = world.log_in("ada", "correct horse battery", LOGIN_AT).await.token().to_owned();
    let kid = header(&leaked)["kid"].as_str().unwrap().to_owned();
    let left = keys(&secrets, "AWSCURRENT").without(&kid, at(LOGIN_AT + 1)).unwrap().unwrap();
    secrets.put_by_hand(&left.to_secret());

    let after = LOGIN_AT + 300;
    let rejected = world.refresh(&leaked, after).await;
    assert_eq!((rejected.status, rejected.code()), (400, "invalid_token"));
    assert_eq!(world.post("/auth/verify", &json!({ "token": leaked }), after).await.status, 400);
    assert!(!key_ids(&world, after).await.contains(&kid));
    let fresh = world.log_in("ada", "correct horse battery", after).await.token().to_owned();
    assert_eq!(header(&fresh)["kid"], *left.keys()[0].id());
    assert_eq!(world.refresh(&fresh, after + 1).await.status, 200);
}

async fn key_ids(world: &World, now: u64) -> Vec<String> {
    let path = "/.well-known/jwks.json";
    let answer = world.send(path, &Event::http_api(&Method::GET, path), now).await;
    let keys = answer.body["keys"].as_array().unwrap();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// The `exp` of a token that the keys of the secret accept at `now`.
fn world_claims_end(secrets: &SecretsManager, token: &str, now: Timestamp) -> Timestamp {
    let verifier =
        token::Verifier::new(token::Issuer::new(ISSUER.parse().unwrap(), "latchkey".parse().unwrap()));
    verifier.verify(token, &keys(secrets, "AWSCURRENT"), now).unwrap().lifetime.expires_at
}
