use serde_json::{Value, json};

use crate::{Key, KeySet, Timestamp};

/// The JWK set of RFC 7517 §5 that verifiers fetch: the public half of every key that verifies at `now`.
///
/// HS256 keys have no public half and are left out; the set of a bare secret is empty.
pub fn public_jwk_set(keys: &KeySet, now: Timestamp) -> Value {
    let public: Vec<_> =
        keys.keys().iter().filter(|key| key.verifies_at(now)).filter_map(Key::public_jwk).collect();
    json!({ "keys": public })
}
