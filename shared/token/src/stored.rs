//! The JSON form of a key set:
//! `{"keys":[{"kid","alg","private_key"|"public_key"|"secret","published","signs_from","retires"}]}`.
//!
//! Versions read each other's sets: during a deployment the old functions read what the new rotation wrote, and after a
//! rollback as well. So members and algorithms that this version does not know are ignored and kept. What is ambiguous
//! in the members that it does know is rejected.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::{
    Algorithm, Key, KeyError, KeySetError, Schedule, Timestamp,
    newer::{Newer, NewerMembers},
    strict_json, weak_secret,
};

/// A key as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredKey {
    kid: String,
    alg: Algorithm,
    /// PKCS#8 PEM; for RS256, ES256 and EdDSA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    private_key: Option<Zeroizing<String>>,
    /// The JWK; in place of `private_key` where only verifying is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_key: Option<Map<String, Value>>,
    /// base64url; for HS256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<Zeroizing<String>>,
    published: Timestamp,
    signs_from: Timestamp,
    #[serde(default)]
    retires: Option<Timestamp>,
    #[serde(flatten)]
    newer: NewerMembers,
}

#[derive(Serialize)]
#[serde(untagged)]
enum StoredEntry<'a> {
    Known(Box<StoredKey>),
    Newer(&'a NewerMembers),
}

#[derive(Serialize)]
struct StoredKeySet<'a> {
    keys: Vec<StoredEntry<'a>>,
    #[serde(flatten)]
    newer: &'a NewerMembers,
}

/// The keys of a stored set, and what else is in it.
pub(crate) fn read(secret: &str) -> Result<(Vec<Key>, Newer), KeySetError> {
    let mut members = strict_json::parse_object(secret.as_bytes())?;
    let entries = match members.remove("keys") {
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(wrong_type()),
        None => return Err(missing("keys")),
    };
    let mut newer = Newer { members: NewerMembers::new(members), keys: Vec::new() };
    let mut keys = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let Value::Object(entry) = entry else { return Err(wrong_type()) };
        if is_of_known_algorithm(&entry)? {
            let stored: StoredKey =
                serde_json::from_value(Value::Object(entry)).map_err(|error| shape(&error))?;
            let key = Key::try_from(stored);
            keys.push(key.map_err(|source| KeySetError::Key { position: index + 1, source })?);
        } else {
            newer.keys.push(NewerMembers::new(entry));
        }
    }
    Ok((keys, newer))
}

/// The JSON form of these keys and of what else belongs to their set.
pub(crate) fn write<'a>(keys: impl Iterator<Item = &'a Key>, newer: &Newer) -> Zeroizing<String> {
    let known = keys.map(|key| StoredEntry::Known(Box::new(StoredKey::from(key))));
    let keys = known.chain(newer.keys.iter().map(StoredEntry::Newer)).collect();
    let stored = StoredKeySet { keys, newer: &newer.members };
    Zeroizing::new(serde_json::to_string(&stored).unwrap_or_default())
}

fn is_of_known_algorithm(entry: &Map<String, Value>) -> Result<bool, KeySetError> {
    match entry.get("alg") {
        Some(Value::String(name)) => Ok(Algorithm::named(name).is_some()),
        Some(_) => Err(wrong_type()),
        None => Err(missing("alg")),
    }
}

fn missing(member: &str) -> KeySetError {
    KeySetError::Shape(format!("a member is missing: {member}"))
}

fn wrong_type() -> KeySetError {
    KeySetError::Shape("a member is of the wrong type".to_owned())
}

/// serde's message up to the value it quotes: a misplaced member may be key material.
fn shape(error: &serde_json::Error) -> KeySetError {
    let message = error.to_string();
    match message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        Some(member) => missing(member),
        None => wrong_type(),
    }
}

impl TryFrom<StoredKey> for Key {
    type Error = KeyError;

    fn try_from(stored: StoredKey) -> Result<Self, KeyError> {
        let schedule =
            Schedule { published: stored.published, signs_from: stored.signs_from, retires: stored.retires };
        let key = match (stored.alg, stored.private_key, stored.public_key, stored.secret) {
            (Algorithm::HS256, None, None, Some(secret)) => {
                let secret = URL_SAFE_NO_PAD.decode(secret.as_bytes()).map(Zeroizing::new);
                let secret = secret.map_err(|_| KeyError::SecretNotBase64)?;
                let key = Self::from_secret(&stored.kid, &secret, schedule)?;
                // A key on its way out was carried over by a rotation, perhaps one of a version that did not ask.
                if schedule.retires.is_none() {
                    weak_secret::check(&secret)?;
                }
                key
            }
            (Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA, Some(pem), None, None) => {
                Self::from_pem(&stored.kid, stored.alg, &pem, schedule)?
            }
            (Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA, None, Some(jwk), None) => {
                Self::from_public_jwk(&stored.kid, stored.alg, &jwk, schedule)?
            }
            _ => return Err(KeyError::WrongMember(stored.alg)),
        };
        Ok(key.with_newer(stored.newer))
    }
}

impl From<&Key> for StoredKey {
    fn from(key: &Key) -> Self {
        let source = key.source().clone();
        let (private_key, public_key, secret) = match (key.algorithm(), key.can_sign()) {
            (Algorithm::HS256, _) => (None, None, Some(source)),
            (_, true) => (Some(source), None, None),
            (_, false) => (None, serde_json::from_str(&source).ok(), None),
        };
        let Schedule { published, signs_from, retires } = key.schedule();
        Self {
            kid: key.id().to_owned(),
            alg: key.algorithm(),
            private_key,
            public_key,
            secret,
            published,
            signs_from,
            retires,
            newer: key.newer().clone(),
        }
    }
}
