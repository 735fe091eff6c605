use std::{fmt, sync::Arc};

use aws_lc_rs::{
    digest,
    encoding::{AsDer, Pkcs8V1Der},
    hmac,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{Jwk, KeyOperations, PublicKeyUse, ThumbprintHash};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::{Algorithm, Timestamp, key_pair::KeyPair, newer::NewerMembers, weak_secret};

/// The longest `kid`, in bytes. A thumbprint has 43.
const MAX_KEY_ID_BYTES: usize = 64;

/// The members of a JWK that only a private or symmetric key has (RFC 7518 §6.2.2, §6.3.2, §6.4, RFC 8037 §2).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// One key: what it is called, how it signs, and when. A public key verifies and never signs.
#[derive(Clone)]
pub struct Key {
    id: String,
    /// The header of its tokens, in base64url.
    header: String,
    schedule: Schedule,
    pair: Arc<KeyPair>,
    /// The public half for the JWK set; none for HS256.
    public_jwk: Option<Jwk>,
    /// What the secret holds for this key, to write it back unchanged: PEM, base64url or, of a public key, its JWK.
    source: Zeroizing<String>,
    /// What else a newer version stored with it.
    newer: NewerMembers,
}

/// When a key is known, signs, and is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// From here on the key is in the JWK set and verifies.
    pub published: Timestamp,
    /// From here on the key signs, unless a newer one does.
    pub signs_from: Timestamp,
    /// From here on the key neither signs nor verifies; none while its end is not decided.
    pub retires: Option<Timestamp>,
}

/// Why a key is rejected. No variant carries key material.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Empty, too long or with characters beyond the printable ASCII ones.
    #[error("a key id must have 1 to {MAX_KEY_ID_BYTES} printable ASCII characters")]
    BadKeyId,
    /// Not an RSA private key in PKCS#8 PEM of 2048 to 4096 bits.
    #[error("an RS256 key must be an RSA private key of 2048 to 4096 bits in PKCS#8 PEM")]
    NotAnRsaKey,
    /// Not a P-256 private key in PKCS#8 PEM.
    #[error("an ES256 key must be a P-256 private key in PKCS#8 PEM")]
    NotAP256Key,
    /// Not an Ed25519 private key in PKCS#8 PEM.
    #[error("an EdDSA key must be an Ed25519 private key in PKCS#8 PEM")]
    NotAnEd25519Key,
    /// `public_key` is no JWK of the key's `kid` and `alg`, or not one for signatures alone.
    #[error(
        "the public key must be a JWK of the same kid and alg, for verifying signatures and without private \
         members, 2048 to 4096 bits if RSA"
    )]
    NotAPublicKey,
    /// A modulus whose primes can be computed (ROCA, CVE-2017-15361).
    #[error("the RSA modulus can be factored (CVE-2017-15361): make another key")]
    WeakModulus,
    /// Neither a key set nor `hs256:` and random bytes.
    #[error(
        "neither a key set nor hs256: and 32 to 64 random bytes in hex or base64, such as `openssl rand -hex 32` draws"
    )]
    NotABareSecret,
    /// A phrase, one letter many times, or something public.
    #[error("an HS256 secret must be drawn at random, such as by `openssl rand -hex 32`; this one was not")]
    Guessable,
    /// Below 256 bits (RFC 7518 §3.2); holds the length in bytes.
    #[error("an HS256 secret must have at least 32 bytes; this one has {0}")]
    SecretTooShort(usize),
    /// Not base64url without padding.
    #[error("an HS256 secret in a key set must be base64url without padding")]
    SecretNotBase64,
    /// `secret` belongs to HS256, `private_key` or `public_key` to the others.
    #[error("a key of algorithm {0} has the wrong kind of key material")]
    WrongMember(Algorithm),
    /// The public half could not be computed.
    #[error("the public key could not be computed")]
    NoPublicKey,
    /// The instants are not in their order.
    #[error("a key must be published no later than it signs, and sign before it retires")]
    DisorderedSchedule,
    /// The crypto library could not make a key.
    #[error("the key could not be generated")]
    NotGenerated,
}

impl Key {
    /// The key of a PKCS#8 PEM text under this id.
    pub fn from_pem(id: &str, algorithm: Algorithm, pem: &str, schedule: Schedule) -> Result<Self, KeyError> {
        let (pair, mut jwk) = KeyPair::from_pem(algorithm, pem)?;
        jwk.common.key_id = Some(checked_id(id)?);
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Self::new(id, schedule, pair, Some(jwk), pem.to_owned())
    }

    /// The public key of a JWK under this id; verifies and never signs.
    ///
    /// The JWK must be of this `kid` and `alg` and for signatures (RFC 7517 §4.2, §4.3). One with a private member is
    /// rejected: that key is no secret any more.
    pub fn from_public_jwk(
        id: &str,
        algorithm: Algorithm,
        jwk: &Map<String, Value>,
        schedule: Schedule,
    ) -> Result<Self, KeyError> {
        if PRIVATE_MEMBERS.iter().any(|member| jwk.contains_key(*member)) {
            return Err(KeyError::NotAPublicKey);
        }
        let jwk = Value::Object(jwk.clone());
        let source = jwk.to_string();
        let jwk: Jwk = serde_json::from_value(jwk).map_err(|_| KeyError::NotAPublicKey)?;
        let common = &jwk.common;
        let expected = jsonwebtoken::Algorithm::from(algorithm).into();
        let is_named = common.key_id.as_deref() == Some(id) && common.key_algorithm == Some(expected);
        let is_for_signatures =
            common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature);
        let verifies = common.key_operations.as_ref().is_none_or(|it| *it == [KeyOperations::Verify]);
        if !(is_named && is_for_signatures && verifies) {
            return Err(KeyError::NotAPublicKey);
        }
        let pair = KeyPair::from_public_jwk(algorithm, &jwk)?;
        Self::new(id, schedule, pair, Some(jwk), source)
    }

    /// The HS256 key of at least 32 bytes under this id.
    pub fn from_secret(id: &str, secret: &[u8], schedule: Schedule) -> Result<Self, KeyError> {
        let pair = KeyPair::from_secret(secret)?;
        Self::new(id, schedule, pair, None, URL_SAFE_NO_PAD.encode(secret))
    }

    /// The HS256 key of a secret that is no key set: `hs256:` and 32 to 64 random bytes in hex or base64.
    ///
    /// Its id is derived from the bytes and tells nothing about them. It is not the RFC 7638 thumbprint, which of a
    /// symmetric key is a plain hash of the secret (§7).
    pub fn from_bare_secret(secret: &str) -> Result<Self, KeyError> {
        let secret = weak_secret::parse_bare(secret)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let tag = hmac::sign(&key, b"latchkey key id of a bare secret");
        let id = URL_SAFE_NO_PAD.encode(tag.as_ref().get(..16).unwrap_or_default());
        let start = Timestamp::from_seconds(0).unwrap_or(Timestamp::MAX);
        Self::from_secret(&id, &secret, Schedule { published: start, signs_from: start, retires: None })
    }

    /// A new key, drawn from the operating system's random source, called by its RFC 7638 thumbprint.
    pub fn generate(algorithm: Algorithm, schedule: Schedule) -> Result<Self, KeyError> {
        let der = match algorithm {
            Algorithm::RS256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::NotGenerated)?;
                let der: Pkcs8V1Der = pair.as_der().map_err(|_| KeyError::NotGenerated)?;
                Zeroizing::new(der.as_ref().to_vec())
            }
            Algorithm::ES256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
                    .map_err(|_| KeyError::NotGenerated)?;
                Zeroizing::new(pair.to_pkcs8v1().map_err(|_| KeyError::NotGenerated)?.as_ref().to_vec())
            }
            Algorithm::EdDSA => {
                let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::NotGenerated)?;
                Zeroizing::new(pair.to_pkcs8v1().map_err(|_| KeyError::NotGenerated)?.as_ref().to_vec())
            }
            Algorithm::HS256 => {
                let mut secret = Zeroizing::new([0_u8; 32]);
                fill_with_random_bytes(secret.as_mut())?;
                let id = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, secret.as_ref()).as_ref());
                // 256 random bits cannot be guessed from their hash, unlike a person's secret.
                return Self::from_secret(&id, secret.as_ref(), schedule);
            }
        };
        let pem = pem::encode(&pem::Pem::new("PRIVATE KEY", der.to_vec()));
        let (pair, mut jwk) = KeyPair::from_pem(algorithm, &pem)?;
        let id = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| KeyError::NoPublicKey)?;
        jwk.common.key_id = Some(id.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Self::new(&id, schedule, pair, Some(jwk), pem)
    }

    fn new(
        id: &str,
        schedule: Schedule,
        pair: KeyPair,
        public_jwk: Option<Jwk>,
        source: String,
    ) -> Result<Self, KeyError> {
        let (id, algorithm) = (checked_id(id)?, pair.algorithm());
        let header = header_of("JWT", algorithm, &id);
        Ok(Self {
            id,
            header,
            schedule: schedule.checked()?,
            pair: Arc::new(pair),
            public_jwk,
            source: Zeroizing::new(source),
            newer: NewerMembers::default(),
        })
    }

    /// This key with what else a newer version stored with it.
    pub(crate) fn with_newer(self, newer: NewerMembers) -> Self {
        Self { newer, ..self }
    }

    /// What else a newer version stored with it.
    pub(crate) fn newer(&self) -> &NewerMembers {
        &self.newer
    }

    /// This key by another schedule.
    pub(crate) fn with_schedule(&self, schedule: Schedule) -> Result<Self, KeyError> {
        Ok(Self { schedule: schedule.checked()?, ..self.clone() })
    }

    /// The public half alone; none for HS256.
    pub(crate) fn to_public(&self) -> Option<Self> {
        let jwk = self.public_jwk.as_ref()?;
        let pair = KeyPair::from_public_jwk(self.algorithm(), jwk).ok()?;
        let source = serde_json::to_value(jwk).ok()?.to_string();
        Self::new(&self.id, self.schedule, pair, Some(jwk.clone()), source).ok()
    }

    /// The `kid`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The JOSE header of its tokens, `{"typ":"JWT","alg":…,"kid":…}` in base64url.
    pub(crate) fn header(&self) -> &str {
        &self.header
    }

    /// The JOSE header of a token of another `typ`, in base64url.
    pub(crate) fn header_of(&self, typ: &str) -> String {
        header_of(typ, self.algorithm(), &self.id)
    }

    /// The one algorithm of this key.
    pub fn algorithm(&self) -> Algorithm {
        self.pair.algorithm()
    }

    /// When it is published, signs and retires.
    pub fn schedule(&self) -> Schedule {
        self.schedule
    }

    /// Whether tokens of this key are accepted at `now`.
    pub fn verifies_at(&self, now: Timestamp) -> bool {
        self.schedule.published <= now && self.schedule.retires.is_none_or(|retires| now < retires)
    }

    /// The public key as of RFC 7517, with `kid`, `use` and `alg`; none for HS256.
    pub fn public_jwk(&self) -> Option<&Jwk> {
        self.public_jwk.as_ref()
    }

    /// Whether it has a private half.
    pub fn can_sign(&self) -> bool {
        self.pair.can_sign()
    }

    /// Whether `other` is the same key, whatever its schedule.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.id == other.id && self.algorithm() == other.algorithm() && self.source == other.source
    }

    /// The signature of `message`; none for a public key, and when the crypto library fails.
    pub fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.pair.sign(message)
    }

    /// Whether `signature` is this key's signature of `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.pair.verifies(message, signature)
    }

    /// The key as the secret stores it.
    pub(crate) fn source(&self) -> &Zeroizing<String> {
        &self.source
    }
}

impl KeyError {
    /// What a private key of `algorithm` must be.
    pub(crate) fn not_a_key_of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::RS256 => Self::NotAnRsaKey,
            Algorithm::ES256 => Self::NotAP256Key,
            Algorithm::EdDSA => Self::NotAnEd25519Key,
            Algorithm::HS256 => Self::WrongMember(algorithm),
        }
    }
}

impl Schedule {
    fn checked(self) -> Result<Self, KeyError> {
        let ordered =
            self.published <= self.signs_from && self.retires.is_none_or(|retires| self.signs_from < retires);
        if ordered { Ok(self) } else { Err(KeyError::DisorderedSchedule) }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm())
            .field("schedule", &self.schedule)
            .finish_non_exhaustive()
    }
}

fn header_of(typ: &str, algorithm: Algorithm, id: &str) -> String {
    // Nothing in it that JSON escapes: `checked_id` rejects that.
    URL_SAFE_NO_PAD.encode(format!(r#"{{"typ":"{typ}","alg":"{algorithm}","kid":"{id}"}}"#))
}

fn checked_id(id: &str) -> Result<String, KeyError> {
    let printable = id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
    if id.is_empty() || id.len() > MAX_KEY_ID_BYTES || !printable {
        Err(KeyError::BadKeyId)
    } else {
        Ok(id.to_owned())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a key is made of the operating system's randomness, never of a caller's"
)]
fn fill_with_random_bytes(bytes: &mut [u8]) -> Result<(), KeyError> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| KeyError::NotGenerated)
}
