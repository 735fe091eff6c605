use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::{
    Algorithm, Key, KeyError, Timestamp,
    newer::{Newer, NewerMembers},
    stored,
    strict_json::JsonError,
};

/// The most that a secret of Secrets Manager holds, in bytes.
const MAX_SECRET_BYTES: usize = 65_536;

/// The keys of the one secret, or their public halves.
///
/// Never empty, no `kid` twice, no ambiguity between HS256 and the others: such a set cannot be built. What a newer
/// version put into it is not used and not lost.
///
/// ```
/// use token::{Algorithm, Key, KeySet, Schedule, Timestamp};
///
/// let at = |seconds| Timestamp::from_seconds(seconds).unwrap();
/// let schedule = Schedule { published: at(0), signs_from: at(100), retires: None };
/// let keys = KeySet::new(vec![Key::generate(Algorithm::ES256, schedule)?])?;
/// assert!(keys.signing_key(at(99)).is_none());
/// assert!(keys.signing_key(at(100)).is_some());
/// assert_eq!(KeySet::from_secret(&keys.to_secret())?.keys()[0].id(), keys.keys()[0].id());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Vec<Key>,
    newer: Newer,
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
    /// Keys of a newer version alone.
    #[error("the key set has no key of an algorithm that this version knows")]
    NoKnownKeys,
    /// One of its keys is rejected.
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

impl KeySet {
    /// A set of these keys.
    pub fn new(keys: Vec<Key>) -> Result<Self, KeySetError> {
        Self::with_newer(keys, Newer::default())
    }

    /// A set of these keys, and of what a newer version put beside them.
    pub(crate) fn with_newer(keys: Vec<Key>, newer: Newer) -> Result<Self, KeySetError> {
        if keys.is_empty() {
            return Err(if newer.keys.is_empty() { KeySetError::NoKeys } else { KeySetError::NoKnownKeys });
        }
        let of_newer = newer.keys.iter().filter_map(NewerMembers::key_id);
        let mut ids: Vec<&str> = keys.iter().map(Key::id).chain(of_newer).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() < all {
            return Err(KeySetError::DuplicateKeyId);
        }
        let stays = |symmetric: bool| {
            let kind = move |key: &&Key| (key.algorithm() == Algorithm::HS256) == symmetric;
            keys.iter().filter(kind).any(|key| key.schedule().retires.is_none())
        };
        if stays(true) && stays(false) { Err(KeySetError::MixedKinds) } else { Ok(Self { keys, newer }) }
    }

    /// The set that a secret holds: a JSON key set, or `hs256:` and one HS256 key in hex or base64.
    ///
    /// Anything else is rejected: a text without the prefix was not meant to be a key.
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
        let (keys, newer) = stored::read(secret)?;
        Self::with_newer(keys, newer)
    }

    /// The set that [`Self::to_public`] wrote. Whoever can write it makes tokens that are accepted, so nothing else than
    /// public keys is taken from there.
    pub fn from_public(text: &str) -> Result<Self, KeySetError> {
        let keys = Self::from_secret(text)?;
        let signs = keys.keys.iter().any(Key::can_sign);
        let may_sign = keys.newer.keys.iter().any(NewerMembers::has_private_member);
        if signs || may_sign { Err(KeySetError::NotPublic) } else { Ok(keys) }
    }

    /// The JSON form, to be stored as the secret.
    pub fn to_secret(&self) -> Zeroizing<String> {
        stored::write(self.keys.iter(), &self.newer)
    }

    /// The JSON form of the public halves, for those who only verify; none if all keys are HS256, which have no such half.
    ///
    /// What a newer version put into the set is left out: which of it is private, only that version knows.
    pub fn to_public(&self) -> Option<String> {
        let public: Vec<Key> = self.keys.iter().filter_map(Key::to_public).collect();
        (!public.is_empty()).then(|| stored::write(public.iter(), &Newer::default()).to_string())
    }

    /// What a newer version put into the set.
    pub(crate) fn newer(&self) -> &Newer {
        &self.newer
    }

    /// All keys that this version can use, in the order of the secret.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The key that signs at `now`: of those that may, the one whose turn came last.
    pub fn signing_key(&self, now: Timestamp) -> Option<&Key> {
        let may_sign =
            |key: &&Key| key.can_sign() && key.verifies_at(now) && key.schedule().signs_from <= now;
        self.keys.iter().filter(may_sign).max_by_key(|key| key.schedule().signs_from)
    }

    /// Stands for `text` in a log: whoever has no private key cannot find out what it was, and the next rotation gives
    /// it another. 11 characters of base64url; none while no key signs.
    pub fn pseudonym(&self, text: &str, now: Timestamp) -> Option<String> {
        let source = self.signing_key(now)?.source();
        let key = hmac::Key::new(hmac::HMAC_SHA256, source.as_bytes());
        let key = hmac::sign(&key, b"latchkey pseudonyms in logs");
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()), text.as_bytes());
        Some(URL_SAFE_NO_PAD.encode(tag.as_ref().get(..8)?))
    }

    /// Whether one of the keys is an HS256 secret that is not retired at `now`: whoever verifies with it can sign.
    pub fn has_symmetric_key(&self, now: Timestamp) -> bool {
        let is_in_force = |key: &Key| key.schedule().retires.is_none_or(|retires| now < retires);
        self.keys.iter().any(|key| key.algorithm() == Algorithm::HS256 && is_in_force(key))
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

#[cfg(test)]
#[path = "key_set_tests.rs"]
mod tests;
