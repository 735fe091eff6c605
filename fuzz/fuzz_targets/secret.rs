//! No secret makes the key set reader panic; one that it accepts survives being stored again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use token::KeySet;

fuzz_target!(|secret: &str| {
    let Ok(keys) = KeySet::from_secret(secret) else { return };
    assert!(!keys.keys().is_empty());
    let stored = KeySet::from_secret(&keys.to_secret()).expect("we read what we stored");
    assert_eq!(ids(&keys), ids(&stored));
    for key in keys.keys() {
        let signature = key.sign(b"message");
        assert_eq!(signature.is_some(), key.can_sign());
        assert!(signature.is_none_or(|signature| key.verifies(b"message", &signature)));
    }
});

fn ids(keys: &KeySet) -> Vec<String> {
    keys.keys().iter().map(|key| format!("{key:?}")).collect()
}
