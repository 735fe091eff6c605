use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::*;
use crate::{Schedule, public_jwk_set, weak_secret::SOUND_BARE};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

fn schedule(published: u64, signs_from: u64, retires: Option<u64>) -> Schedule {
    Schedule { published: at(published), signs_from: at(signs_from), retires: retires.map(at) }
}

fn hmac_key(id: &str, schedule: Schedule) -> Key {
    Key::from_secret(id, &[7; 32], schedule).unwrap()
}

/// The secret of a set with one key of `algorithm`, as JSON to be spoilt.
fn stored(algorithm: Algorithm) -> Value {
    let set = KeySet::new(vec![Key::generate(algorithm, schedule(10, 20, None)).unwrap()]).unwrap();
    serde_json::from_str(&set.to_secret()).unwrap()
}

fn rejection(secret: &Value) -> KeySetError {
    KeySet::from_secret(&secret.to_string()).unwrap_err()
}

fn rejected_key(secret: &Value) -> KeyError {
    match rejection(secret) {
        KeySetError::Key { position: 1, source } => source,
        other => panic!("{other}"),
    }
}

#[test]
fn a_bare_string_is_one_hs256_key_that_always_signed() {
    let set = KeySet::from_secret(SOUND_BARE).unwrap();
    let key = set.signing_key(at(0)).unwrap();
    assert_eq!(key.algorithm(), Algorithm::HS256);
    assert_eq!(key.id(), KeySet::from_secret(&format!("{SOUND_BARE}\n")).unwrap().keys()[0].id());
    assert_ne!(key.id(), KeySet::from_secret(&format!("{SOUND_BARE}01")).unwrap().keys()[0].id());
}

#[test]
fn weak_bare_strings_are_rejected() {
    for secret in ["", " ", "\n"] {
        assert_eq!(KeySet::from_secret(secret).unwrap_err(), KeySetError::Empty);
    }
    let error = KeySet::from_secret(&SOUND_BARE[..68]).unwrap_err();
    assert_eq!(error, KeySetError::BareSecret(KeyError::SecretTooShort(31)));
}

#[test]
fn text_that_is_no_random_secret_is_rejected() {
    let pem = include_str!("../testdata/rsa1024.pem");
    let set = KeySet::new(vec![hmac_key("k", schedule(0, 0, None))]).unwrap().to_secret();
    let garbled = set.replacen('{', "", 1);
    for secret in [
        pem,
        &pem.replace("PRIVATE", "PUBLIC"),
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDLxVWqG5yJ4bDk7yQvZ0cKcY8X9w9w user@host",
        "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "correct horse battery staple, and then some",
        &"k".repeat(64),
        &garbled,
        "[]",
    ] {
        let error = KeySet::from_secret(secret).unwrap_err();
        assert_eq!(error, KeySetError::BareSecret(KeyError::NotABareSecret), "{secret}");
    }
    for secret in ["k".repeat(65_537), format!("{{{}", " ".repeat(65_536))] {
        assert_eq!(KeySet::from_secret(&secret).unwrap_err(), KeySetError::TooLong);
    }
}

#[test]
fn hs256_beside_other_keys_is_rejected_unless_one_kind_is_on_its_way_out() {
    let symmetric = |retires| hmac_key("h", schedule(0, 0, retires));
    let public = |retires| Key::generate(Algorithm::ES256, schedule(0, 0, retires)).unwrap();
    let mixed = KeySet::new(vec![symmetric(None), public(None)]).unwrap_err();
    assert_eq!(mixed, KeySetError::MixedKinds);
    for keys in [vec![symmetric(Some(9)), public(None)], vec![symmetric(None), public(Some(9))]] {
        assert!(KeySet::new(keys).is_ok());
    }
}

#[test]
fn the_public_halves_verify_what_the_private_ones_sign_and_sign_nothing() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        let set = KeySet::new(vec![Key::generate(algorithm, schedule(10, 20, None)).unwrap()]).unwrap();
        let json = set.to_public().unwrap();
        assert!(!json.contains("PRIVATE") && !json.contains("private_key"));
        let public = KeySet::from_public(&json).unwrap();
        let (private_key, public_key) = (&set.keys()[0], &public.keys()[0]);
        assert_eq!(
            (public_key.id(), public_key.algorithm(), public_key.schedule()),
            (private_key.id(), algorithm, private_key.schedule())
        );
        let signature = private_key.sign(b"message").unwrap();
        assert!(public_key.verifies(b"message", &signature));
        assert!(!public_key.verifies(b"massage", &signature));
        assert_eq!(public_key.sign(b"message"), None);
        assert!(public.signing_key(at(20)).is_none());
        assert_eq!(public_jwk_set(&public, at(10)), public_jwk_set(&set, at(10)));
        assert_eq!(public.to_public(), Some(json));
        assert_eq!(KeySet::from_public(&set.to_secret()).unwrap_err(), KeySetError::NotPublic);
    }
    let bare = KeySet::from_secret(SOUND_BARE).unwrap();
    assert_eq!(bare.to_public(), None);
    for secret in [bare.to_secret().as_str(), SOUND_BARE] {
        assert_eq!(KeySet::from_public(secret).unwrap_err(), KeySetError::NotPublic);
    }
}

#[test]
fn a_public_key_must_be_of_its_kid_alg_curve_and_size() {
    let public = |algorithm| -> Value {
        let set = KeySet::new(vec![Key::generate(algorithm, schedule(10, 20, None)).unwrap()]).unwrap();
        serde_json::from_str(&set.to_public().unwrap()).unwrap()
    };
    for (algorithm, member, value) in [
        (Algorithm::ES256, "kid", "other"),
        (Algorithm::ES256, "alg", "ES384"),
        (Algorithm::ES256, "crv", "P-384"),
        (Algorithm::ES256, "x", "AAAA"),
        (Algorithm::EdDSA, "x", "AAAA"),
        (Algorithm::RS256, "n", "AQAB"),
        (Algorithm::RS256, "e", "!"),
    ] {
        let mut secret = public(algorithm);
        secret["keys"][0]["public_key"][member] = value.into();
        assert_eq!(rejected_key(&secret), KeyError::NotAPublicKey, "{algorithm} {member}");
    }
    for (member, value) in [
        ("use", json!("enc")),
        ("key_ops", json!(["encrypt"])),
        ("key_ops", json!(["sign", "verify"])),
        ("key_ops", json!([])),
        ("d", json!("AAAA")),
        ("k", json!("AAAA")),
        ("qi", json!(null)),
    ] {
        let mut secret = public(Algorithm::RS256);
        secret["keys"][0]["public_key"][member] = value;
        assert_eq!(rejected_key(&secret), KeyError::NotAPublicKey, "{member}");
    }
    let mut secret = public(Algorithm::RS256);
    secret["keys"][0]["public_key"]["key_ops"] = json!(["verify"]);
    assert!(KeySet::from_public(&secret.to_string()).is_ok());
    let hex = include_str!("../testdata/roca.hex").trim();
    let roca: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    secret["keys"][0]["public_key"]["n"] = URL_SAFE_NO_PAD.encode(roca).into();
    assert_eq!(rejected_key(&secret), KeyError::WeakModulus);
    let mut secret = public(Algorithm::EdDSA);
    secret["keys"][0]["private_key"] = "x".into();
    assert_eq!(rejected_key(&secret), KeyError::WrongMember(Algorithm::EdDSA));
}

#[test]
fn a_key_set_of_every_algorithm_survives_the_secret() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA, Algorithm::HS256] {
        let set = KeySet::new(vec![Key::generate(algorithm, schedule(10, 20, Some(30))).unwrap()]).unwrap();
        let read = KeySet::from_secret(&set.to_secret()).unwrap();
        let (before, after) = (&set.keys()[0], &read.keys()[0]);
        assert_eq!(
            (after.id(), after.algorithm(), after.schedule()),
            (before.id(), algorithm, before.schedule())
        );
        let signature = before.sign(b"message").unwrap();
        assert!(after.verifies(b"message", &signature));
        assert!(!after.verifies(b"massage", &signature));
    }
}

#[test]
fn json_that_is_no_key_set_is_rejected() {
    for (secret, expected) in [
        (json!({ "keys": [] }), KeySetError::NoKeys),
        (json!({}), KeySetError::Shape("a member is missing: keys".into())),
        (json!({ "keys": 1 }), KeySetError::Shape("a member is of the wrong type".into())),
        (json!({ "keys": [1] }), KeySetError::Shape("a member is of the wrong type".into())),
        (json!({ "keys": [{}] }), KeySetError::Shape("a member is missing: alg".into())),
        (json!({ "keys": [{ "alg": "RS256" }] }), KeySetError::Shape("a member is missing: kid".into())),
        (json!({ "keys": [], "x": 1 }), KeySetError::NoKeys),
    ] {
        assert_eq!(rejection(&secret), expected, "{secret}");
    }
    assert_eq!(KeySet::from_secret("{").unwrap_err(), KeySetError::Json(JsonError::Malformed));
    let twice = r#"{"keys":[],"keys":[]}"#;
    assert_eq!(KeySet::from_secret(twice).unwrap_err(), KeySetError::Json(JsonError::DuplicateMember));
}

#[test]
fn a_key_must_be_of_its_algorithm() {
    let mut secret = stored(Algorithm::EdDSA);
    for (alg, expected) in [
        ("RS256", KeyError::NotAnRsaKey),
        ("ES256", KeyError::NotAP256Key),
        ("HS256", KeyError::WrongMember(Algorithm::HS256)),
    ] {
        secret["keys"][0]["alg"] = alg.into();
        assert_eq!(rejected_key(&secret), expected);
    }
    secret["keys"][0]["alg"] = "none".into();
    assert_eq!(rejection(&secret), KeySetError::NoKnownKeys);
    let mut secret = stored(Algorithm::HS256);
    secret["keys"][0]["alg"] = "RS256".into();
    assert_eq!(rejected_key(&secret), KeyError::WrongMember(Algorithm::RS256));
}

#[test]
fn rsa_below_2048_bits_and_other_curves_are_rejected() {
    let mut secret = stored(Algorithm::RS256);
    secret["keys"][0]["private_key"] = include_str!("../testdata/rsa1024.pem").into();
    assert_eq!(rejected_key(&secret), KeyError::NotAnRsaKey);
    secret["keys"][0]["private_key"] = include_str!("../testdata/p384.pem").into();
    secret["keys"][0]["alg"] = "ES256".into();
    assert_eq!(rejected_key(&secret), KeyError::NotAP256Key);
}

#[test]
fn short_and_unreadable_hs256_secrets_are_rejected() {
    let mut secret = stored(Algorithm::HS256);
    secret["keys"][0]["secret"] = "".into();
    assert_eq!(rejected_key(&secret), KeyError::SecretTooShort(0));
    secret["keys"][0]["secret"] = "not base64!".into();
    assert_eq!(rejected_key(&secret), KeyError::SecretNotBase64);
    let phrase = URL_SAFE_NO_PAD.encode("correct horse battery staple, again");
    for guessable in [phrase, URL_SAFE_NO_PAD.encode([7; 32])] {
        secret["keys"][0]["secret"] = guessable.into();
        assert_eq!(rejected_key(&secret), KeyError::Guessable);
        // A rotation of an earlier version carried it over; it goes when its last token has died.
        secret["keys"][0]["retires"] = 100.into();
        assert!(KeySet::from_secret(&secret.to_string()).is_ok());
        secret["keys"][0]["retires"] = Value::Null;
    }
}

#[test]
fn bad_key_ids_and_disordered_schedules_are_rejected() {
    for id in ["", "a b", "\"", "ä", &"k".repeat(65)] {
        assert_eq!(Key::from_secret(id, &[7; 32], schedule(0, 0, None)).unwrap_err(), KeyError::BadKeyId);
    }
    for (published, signs_from, retires) in [(2, 1, None), (1, 1, Some(1)), (1, 5, Some(4))] {
        let key = Key::from_secret("k", &[7; 32], schedule(published, signs_from, retires));
        assert_eq!(key.unwrap_err(), KeyError::DisorderedSchedule);
    }
}

#[test]
fn two_keys_of_one_id_are_rejected() {
    let keys = vec![hmac_key("k", schedule(0, 0, None)), hmac_key("k", schedule(5, 5, None))];
    assert_eq!(KeySet::new(keys).unwrap_err(), KeySetError::DuplicateKeyId);
}

#[test]
fn the_newest_key_whose_turn_has_come_signs_and_every_published_one_verifies() {
    let set = KeySet::new(vec![
        hmac_key("old", schedule(0, 0, Some(300))),
        hmac_key("next", schedule(100, 200, None)),
    ])
    .unwrap();
    let signs = |now| set.signing_key(at(now)).map(Key::id);
    let verifies = |id, now| set.verification_key(id, at(now)).is_some();
    assert_eq!(
        (signs(0), signs(199), signs(200), signs(400)),
        (Some("old"), Some("old"), Some("next"), Some("next"))
    );
    assert!(!verifies("next", 99) && verifies("next", 100));
    assert!(verifies("old", 299) && !verifies("old", 300));
    assert!(!verifies("other", 100));
}

#[test]
fn a_set_whose_keys_have_all_retired_signs_nothing() {
    let set = KeySet::new(vec![hmac_key("k", schedule(10, 10, Some(20)))]).unwrap();
    assert!(set.signing_key(at(9)).is_none());
    assert!(set.signing_key(at(20)).is_none());
}

#[test]
fn the_jwk_set_holds_public_members_only() {
    for (algorithm, members) in [
        (Algorithm::RS256, vec!["alg", "e", "kid", "kty", "n", "use"]),
        (Algorithm::ES256, vec!["alg", "crv", "kid", "kty", "use", "x", "y"]),
        (Algorithm::EdDSA, vec!["alg", "crv", "kid", "kty", "use", "x"]),
    ] {
        let set = KeySet::new(vec![Key::generate(algorithm, schedule(10, 20, Some(30))).unwrap()]).unwrap();
        let jwks = public_jwk_set(&set, at(10));
        let jwk = jwks["keys"][0].as_object().unwrap();
        assert_eq!(jwk.keys().collect::<Vec<_>>(), members);
        assert_eq!((jwk["alg"].as_str(), jwk["use"].as_str()), (Some(algorithm.name()), Some("sig")));
        assert_eq!(jwk["kid"], set.keys()[0].id());
        for hidden in [9, 30] {
            assert_eq!(public_jwk_set(&set, at(hidden)), json!({ "keys": [] }));
        }
    }
}

#[test]
fn an_hs256_key_is_never_published() {
    let set = KeySet::from_secret(SOUND_BARE).unwrap();
    assert_eq!(public_jwk_set(&set, at(0)), json!({ "keys": [] }));
}

#[test]
fn a_generated_key_is_called_by_its_rfc_7638_thumbprint() {
    // The key and the thumbprint of RFC 7638 §3.1 check the thumbprint that ids are made of.
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_str(include_str!("../testdata/rfc7638.json")).unwrap();
    let thumbprint = jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap();
    assert_eq!(thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    let key = Key::generate(Algorithm::ES256, schedule(0, 0, None)).unwrap();
    let own = key.public_jwk().unwrap().thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap();
    assert_eq!(key.id(), own);
}

#[test]
fn no_key_material_is_printed() {
    let set = KeySet::from_secret(SOUND_BARE).unwrap();
    assert!(!format!("{set:?}").contains(&SOUND_BARE[6..40]));
    let error = KeySet::from_secret(&format!("{SOUND_BARE}x")).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(&SOUND_BARE[6..40]));
    let mut secret = stored(Algorithm::HS256);
    let material = secret["keys"][0]["secret"].as_str().unwrap().to_owned();
    secret["keys"][0]["private_key"] = secret["keys"][0]["secret"].clone();
    secret["keys"][0][material.as_str()] = 1.into();
    for error in [rejection(&secret), KeySet::from_secret(&format!("{{\"{material}\"")).unwrap_err()] {
        assert!(!format!("{error} {error:?}").contains(&material));
    }
}
