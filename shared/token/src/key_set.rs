use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use jsonwebtoken::jwk::Jwk;

use crate::{
    Algorithm, Key, KeyError, Schedule, Timestamp,
    strict_json::{self, JsonError},
};

/// The most that a secret of Secrets Manager holds, in bytes.
const MAX_SECRET_BYTES: usize = 65_536;

/// The keys of the one secret, or their public halves.
///
/// Never empty, no `kid` twice, no ambiguity between HS256 and the others: such a set cannot be built.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Vec<Key>,
}

/// Why a secret is no key set. Says which key by its place, never what is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// The secret is an empty string.
    #[error("the secret is empty")]
    Empty,
    /// More than Secrets Manager stores.
    #[error("the secret is longer than {MAX_SECRET_BYTES} bytes")]
    TooLong,
    /// It begins like a JSON object and is none.
    #[error("the secret is {0}")]
    Json(#[from] JsonError),
    /// It is a JSON object of another shape.
    #[error("the secret is not a key set: {0}")]
    Shape(String),
    /// `"keys": []`.
    #[error("the key set has no key")]
    NoKeys,
    /// One of its keys is refused.
    #[error("key {position} of the key set: {source}")]
    Key {
        /// 1 for the first key.
        position: usize,
        /// What is wrong with it.
        source: KeyError,
    },
    /// A bare string is one HS256 key, and a bad one.
    #[error("the secret: {0}")]
    BareSecret(KeyError),
    /// Two keys share a `kid`.
    #[error("two keys of the key set have the same kid")]
    DuplicateKeyId,
    /// A key that can sign where only public halves belong.
    #[error("the public keys hold a private key or a shared secret")]
    NotPublic,
    /// An HS256 key and one of another kind, and neither is on its way out.
    #[error("the key set mixes HS256 with other keys, and neither kind has an end (retires)")]
    MixedKinds,
}

/// The JSON form: `{"keys":[{"kid","alg","private_key"|"public_key"|"secret","published","signs_from","retires"}]}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKeySet {
    keys: Vec<StoredKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    kid: String,
    alg: Algorithm,
    /// PKCS#8 PEM; for RS256, ES256 and EdDSA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    private_key: Option<Zeroizing<String>>,
    /// The JWK; in place of `private_key` where only verifying is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_key: Option<Jwk>,
    /// base64url; for HS256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<Zeroizing<String>>,
    published: Timestamp,
    signs_from: Timestamp,
    #[serde(default)]
    retires: Option<Timestamp>,
}

impl KeySet {
    /// A set of these keys.
    pub fn new(keys: Vec<Key>) -> Result<Self, KeySetError> {
        if keys.is_empty() {
            return Err(KeySetError::NoKeys);
        }
        let mut ids: Vec<&str> = keys.iter().map(Key::id).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() < keys.len() {
            return Err(KeySetError::DuplicateKeyId);
        }
        let stays = |symmetric: bool| {
            let kind = move |key: &&Key| (key.algorithm() == Algorithm::HS256) == symmetric;
            keys.iter().filter(kind).any(|key| key.schedule().retires.is_none())
        };
        if stays(true) && stays(false) { Err(KeySetError::MixedKinds) } else { Ok(Self { keys }) }
    }

    /// The set that a secret holds: a JSON key set, or a bare string that is one HS256 key.
    ///
    /// A string that begins with `{` is meant as JSON and never taken for a key.
    pub fn from_secret(secret: &str) -> Result<Self, KeySetError> {
        if secret.trim().is_empty() {
            return Err(KeySetError::Empty);
        }
        if secret.len() > MAX_SECRET_BYTES {
            return Err(KeySetError::TooLong);
        }
        if !secret.trim_start().starts_with('{') {
            return Self::new(vec![Key::from_bare_secret(secret).map_err(KeySetError::BareSecret)?]);
        }
        let members = strict_json::parse_object(secret.as_bytes())?;
        let stored: StoredKeySet = serde_json::from_value(Value::Object(members))
            .map_err(|error| KeySetError::Shape(shape(&error)))?;
        let keys = stored.keys.into_iter().enumerate().map(|(index, key)| {
            Key::try_from(key).map_err(|source| KeySetError::Key { position: index + 1, source })
        });
        Self::new(keys.collect::<Result<_, _>>()?)
    }

    /// The set that [`Self::to_public`] wrote. Whoever can write it makes tokens that are accepted, so nothing else than
    /// public keys is taken from there.
    pub fn from_public(text: &str) -> Result<Self, KeySetError> {
        let keys = Self::from_secret(text)?;
        if keys.keys.iter().any(Key::can_sign) { Err(KeySetError::NotPublic) } else { Ok(keys) }
    }

    /// The JSON form, to be stored as the secret.
    pub fn to_secret(&self) -> Zeroizing<String> {
        to_json(self.keys.iter())
    }

    /// The JSON form of the public halves, for those who only verify; none if all keys are HS256, which have no such half.
    pub fn to_public(&self) -> Option<String> {
        let public: Vec<Key> = self.keys.iter().filter_map(Key::to_public).collect();
        (!public.is_empty()).then(|| to_json(public.iter()).to_string())
    }

    /// All keys, in the order of the secret.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The key that signs at `now`: of those that may, the one whose turn came last.
    pub fn signing_key(&self, now: Timestamp) -> Option<&Key> {
        let may_sign =
            |key: &&Key| key.can_sign() && key.verifies_at(now) && key.schedule().signs_from <= now;
        self.keys.iter().filter(may_sign).max_by_key(|key| key.schedule().signs_from)
    }

    /// The key called `id`, if its tokens are accepted at `now`.
    pub fn verification_key(&self, id: &str, now: Timestamp) -> Option<&Key> {
        self.keys.iter().find(|key| key.id() == id && key.verifies_at(now))
    }

    /// The key whose tokens have this header, in base64url, if they are accepted at `now`.
    pub(crate) fn key_of_header(&self, header: &str, now: Timestamp) -> Option<&Key> {
        self.keys.iter().find(|key| key.header() == header && key.verifies_at(now))
    }
}

fn to_json<'a>(keys: impl Iterator<Item = &'a Key>) -> Zeroizing<String> {
    let keys = keys.map(StoredKey::from).collect();
    Zeroizing::new(serde_json::to_string(&StoredKeySet { keys }).unwrap_or_default())
}

/// serde's message up to the value it quotes: a misplaced member may be key material.
fn shape(error: &serde_json::Error) -> String {
    let message = error.to_string();
    if message.starts_with("missing field") || message.starts_with("unknown variant") {
        message.split('`').nth(1).map_or_else(String::new, |name| {
            let what = if message.starts_with("missing") { "a member is missing" } else { "unknown alg" };
            if what == "unknown alg" { what.to_owned() } else { format!("{what}: {name}") }
        })
    } else {
        "a member is unknown or of the wrong type".to_owned()
    }
}

impl TryFrom<StoredKey> for Key {
    type Error = KeyError;

    fn try_from(stored: StoredKey) -> Result<Self, KeyError> {
        let schedule =
            Schedule { published: stored.published, signs_from: stored.signs_from, retires: stored.retires };
        match (stored.alg, stored.private_key, stored.public_key, stored.secret) {
            (Algorithm::HS256, None, None, Some(secret)) => {
                let secret =
                    URL_SAFE_NO_PAD.decode(secret.as_bytes()).map_err(|_| KeyError::SecretNotBase64)?;
                Self::from_secret(&stored.kid, &Zeroizing::new(secret), schedule)
            }
            (Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA, Some(pem), None, None) => {
                Self::from_pem(&stored.kid, stored.alg, &pem, schedule)
            }
            (Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA, None, Some(jwk), None) => {
                Self::from_public_jwk(&stored.kid, stored.alg, &jwk, schedule)
            }
            _ => Err(KeyError::WrongMember(stored.alg)),
        }
    }
}

impl From<&Key> for StoredKey {
    fn from(key: &Key) -> Self {
        let source = key.source().cloned();
        let (private_key, secret) = match key.algorithm() {
            Algorithm::HS256 => (None, source),
            Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA => (source, None),
        };
        let public_key = if key.can_sign() { None } else { key.public_jwk().cloned() };
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
        }
    }
}

#[cfg(test)]
#[path = "key_set_tests.rs"]
mod tests;
