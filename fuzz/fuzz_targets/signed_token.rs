//! Any header and payload under a right signature: no panic, and what is accepted obeys every rule.
#![no_main]

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use token::{Issuer, Key, KeySet, Schedule, Timestamp, UnverifiedToken, Verifier};

const NOW: u64 = 1_685_728_800;

struct World {
    keys: KeySet,
    verifier: Verifier,
    now: Timestamp,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let now = Timestamp::from_seconds(NOW).expect("below 2^53");
    let schedule = Schedule { published: now, signs_from: now, retires: None };
    let key = Key::from_secret("key", &[9; 32], schedule).expect("long enough");
    let url = "https://issuer.example".parse().expect("a sound URL");
    let issuer = Issuer::new(url, "latchkey".parse().expect("a sound name"));
    World { keys: KeySet::new(vec![key]).expect("one key"), verifier: Verifier::new(issuer), now }
});

// The input is the header and the payload, parted by the first line feed.
fuzz_target!(|text: &[u8]| {
    let World { keys, verifier, now } = &*WORLD;
    let Some(end) = text.iter().position(|byte| *byte == b'\n') else { return };
    let (header, payload) = (&text[..end], &text[end + 1..]);
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = keys.keys()[0].sign(input.as_bytes()).expect("HMAC does not fail");
    let token = format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature));
    let problems = UnverifiedToken::parse(&token).map(|token| token.problems(*now));
    let Ok(claims) = verifier.verify(&token, keys, *now) else { return };
    assert_eq!(problems, Ok(Vec::new()));
    let header: Map<String, Value> = serde_json::from_slice(header).expect("an accepted header is JSON");
    assert_eq!(header["typ"], "JWT");
    assert_eq!(header["alg"], "HS256");
    assert_eq!(header["kid"], "key");
    assert!(!["crit", "b64", "enc", "zip", "cty"].iter().any(|name| header.contains_key(*name)));
    let members: Map<String, Value> = serde_json::from_slice(payload).expect("accepted claims are JSON");
    assert_eq!(members["iss"], "https://issuer.example");
    assert_eq!(members["aud"], "latchkey");
    let instant = |name: &str| members[name].as_u64().expect("an accepted instant is an integer");
    assert!(instant("iat") <= NOW + 5 && NOW < instant("exp"));
    assert!(instant("exp") - instant("iat") <= 4026 * 86_400);
    assert!(!members.contains_key("nbf") || instant("nbf") <= NOW);
    assert_eq!(claims.lifetime.issued_at.seconds(), instant("iat"));
    assert_eq!(claims.lifetime.expires_at.seconds(), instant("exp"));
    assert_eq!(claims.subject.to_string(), members["sub"]);
    assert_eq!(claims.session_id.to_string(), members["sid"]);
});
