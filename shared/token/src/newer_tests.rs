//! Sets of an imagined next version: this one uses what it knows and loses nothing.

use serde_json::{Value, json};

use crate::{Algorithm, Key, KeyError, KeySet, KeySetError, RotationPolicy, Schedule, Seconds, Timestamp};

const T: u64 = 1_685_728_800;
const DAY: u64 = 86_400;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

fn stored(algorithm: Algorithm) -> Value {
    let schedule = Schedule { published: at(T), signs_from: at(T), retires: None };
    let set = KeySet::new(vec![Key::generate(algorithm, schedule).unwrap()]).unwrap();
    serde_json::from_str(&set.to_secret()).unwrap()
}

/// A key of an algorithm that is not known yet, and with members that are not known yet.
fn newer_key(kid: &str) -> Value {
    json!({
        "kid": kid, "alg": "ML-DSA-44", "seed": "canary", "published": T, "signs_from": T + DAY,
        "retires": T + 10 * DAY, "attested": { "by": ["hsm"] },
    })
}

/// What the next version may write: members more in the set, in a key and in a JWK, and a key more.
fn newer_set(algorithm: Algorithm) -> Value {
    let mut set = stored(algorithm);
    set["version"] = json!(2);
    set["keys"][0]["use"] = json!({ "purpose": "sessions" });
    set["keys"].as_array_mut().unwrap().push(newer_key("newer"));
    set
}

fn read(set: &Value) -> Result<KeySet, KeySetError> {
    KeySet::from_secret(&set.to_string())
}

fn json_of(set: &KeySet) -> Value {
    serde_json::from_str(&set.to_secret()).unwrap()
}

#[test]
fn unknown_members_and_algorithms_are_ignored_and_written_back_unchanged() {
    for algorithm in Algorithm::ALL {
        let set = newer_set(algorithm);
        let keys = read(&set).unwrap();
        assert_eq!((keys.keys().len(), keys.keys()[0].algorithm()), (1, algorithm));
        assert!(keys.signing_key(at(T)).is_some());
        assert!(keys.verification_key("newer", at(T + DAY)).is_none(), "nothing verifies with it");
        assert_eq!(json_of(&keys), set);
    }
}

#[test]
fn a_public_key_keeps_the_unknown_members_of_its_jwk() {
    let private = read(&stored(Algorithm::ES256)).unwrap();
    let mut set: Value = serde_json::from_str(&private.to_public().unwrap()).unwrap();
    set["keys"][0]["public_key"]["x-rotated-by"] = json!("hsm");
    assert_eq!(json_of(&read(&set).unwrap()), set);
}

#[test]
fn a_rotation_keeps_what_a_newer_version_wrote_until_it_retires() {
    let set = newer_set(Algorithm::ES256);
    let policy = RotationPolicy::new(Algorithm::ES256, Seconds::new(3600), Seconds::new(3600));
    let before = read(&set).unwrap();
    let after = KeySet::rotated(Some(&before), policy, at(T + DAY)).unwrap();
    assert!(before.is_followed_by(&after, at(T + DAY)));
    let written = json_of(&after);
    assert_eq!((&written["version"], &written["keys"][0]["use"]), (&set["version"], &set["keys"][0]["use"]));
    assert_eq!(written["keys"][2], newer_key("newer"));
    let without = KeySet::new(after.keys().to_vec()).unwrap();
    assert!(!before.is_followed_by(&without, at(T + DAY)), "a set that lost something does not come next");
    let later = KeySet::rotated(Some(&after), policy, at(T + 10 * DAY)).unwrap();
    assert!(after.is_followed_by(&later, at(T + 10 * DAY)));
    assert!(json_of(&later)["keys"].as_array().unwrap().iter().all(|key| key["kid"] != "newer"));
    assert_eq!(json_of(&later)["version"], 2);
}

#[test]
fn a_key_of_a_newer_version_can_be_retired_and_outlives_the_retirement_of_others() {
    let keys = read(&newer_set(Algorithm::ES256)).unwrap();
    let left = keys.without("newer", at(T)).unwrap().unwrap();
    let expected = {
        let mut set = newer_set(Algorithm::ES256);
        set["keys"] = json!([json_of(&keys)["keys"][0]]);
        set
    };
    assert_eq!(json_of(&left), expected);
    let left = json_of(&keys.without(keys.keys()[0].id(), at(T)).unwrap().unwrap());
    assert_eq!((&left["keys"][1], &left["version"]), (&newer_key("newer"), &json!(2)));
}

#[test]
fn what_is_ambiguous_is_still_rejected() {
    let mut twice = newer_set(Algorithm::ES256);
    twice["keys"][1]["kid"] = twice["keys"][0]["kid"].clone();
    assert_eq!(read(&twice).unwrap_err(), KeySetError::DuplicateKeyId);
    let mut both = newer_set(Algorithm::ES256);
    both["keys"][0]["secret"] = json!("x");
    let source = KeyError::WrongMember(Algorithm::ES256);
    assert_eq!(read(&both).unwrap_err(), KeySetError::Key { position: 1, source });
    for alg in [json!(null), json!(["ES256"]), json!(1)] {
        let mut set = newer_set(Algorithm::ES256);
        set["keys"][1]["alg"] = alg;
        assert!(matches!(read(&set), Err(KeySetError::Shape(_))));
    }
    let mut none_known = newer_set(Algorithm::ES256);
    none_known["keys"] = json!([newer_key("newer")]);
    assert_eq!(read(&none_known).unwrap_err(), KeySetError::NoKnownKeys);
}

#[test]
fn what_a_newer_version_stored_is_neither_published_nor_printed() {
    let keys = read(&newer_set(Algorithm::ES256)).unwrap();
    let public = keys.to_public().unwrap();
    assert!(
        !public.contains("canary") && !public.contains("version") && !public.contains("purpose"),
        "{public}"
    );
    assert!(!format!("{keys:?}").contains("canary"));
}

#[test]
fn public_keys_of_a_newer_version_are_read_unless_one_of_them_is_private() {
    let private = read(&stored(Algorithm::ES256)).unwrap();
    let public: Value = serde_json::from_str(&private.to_public().unwrap()).unwrap();
    let mut newer = public.clone();
    newer["version"] = json!(2);
    newer["keys"][0]["use"] = json!("sig");
    newer["keys"].as_array_mut().unwrap().push(json!({ "kid": "n", "alg": "ML-DSA-44", "public_key": {} }));
    let keys = KeySet::from_public(&newer.to_string()).unwrap();
    assert_eq!((keys.keys().len(), keys.keys()[0].id()), (1, private.keys()[0].id()));
    for member in ["private_key", "secret"] {
        let mut leaked = newer.clone();
        leaked["keys"][1][member] = json!("x");
        assert_eq!(KeySet::from_public(&leaked.to_string()).unwrap_err(), KeySetError::NotPublic);
    }
}
