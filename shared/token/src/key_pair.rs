//! Keys that are parsed once. jsonwebtoken's own provider parses the private key again at every
//! signature, which for RS256 costs more than the signature itself.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    hmac,
    rand::SystemRandom,
    rsa::PublicEncryptingKey,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
        KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
        RsaPublicKeyComponents,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    EncodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk},
};
use serde::{Deserialize, Serialize};

use crate::{KeyError, weak_modulus::is_roca, weak_secret};

/// How a key signs: the `alg` of RFC 7518 §3.1 and RFC 8037 §3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256; the only one that both native authorizers of API Gateway accept.
    RS256,
    /// ECDSA on P-256 with SHA-256; REST API authorizers accept it, HTTP API ones do not.
    ES256,
    /// Ed25519; no native authorizer accepts it.
    EdDSA,
    /// HMAC with SHA-256: whoever can verify can also sign.
    HS256,
}

/// The smallest RSA modulus in bytes: 2048 bits (RFC 7518 §3.3).
const MIN_MODULUS_BYTES: usize = 256;
/// The largest RSA modulus in bytes: 4096 bits. Beyond, signatures alone fill a token.
const MAX_MODULUS_BYTES: usize = 512;

/// A key in the form that signs and verifies.
pub(crate) enum KeyPair {
    /// Both halves.
    Private(PrivateKey, ParsedPublicKey),
    /// The public half alone: it verifies and cannot sign.
    Public(Algorithm, ParsedPublicKey),
    /// HMAC, which has one key for both.
    Hs256(Box<hmac::Key>),
}

/// The half that signs.
pub(crate) enum PrivateKey {
    Rs256(RsaKeyPair),
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

impl KeyPair {
    /// A private key out of a PKCS#8 PEM text, and its public JWK without `kid` and `use`.
    pub(crate) fn from_pem(algorithm: Algorithm, pem: &str) -> Result<(Self, Jwk), KeyError> {
        let pem = pem.as_bytes();
        let rejected = KeyError::not_a_key_of(algorithm);
        let (pair, public, key) = match algorithm {
            Algorithm::RS256 => {
                let key = EncodingKey::from_rsa_pem(pem).map_err(|_| rejected)?;
                let pair = RsaKeyPair::from_der(key.as_bytes()).map_err(|_| rejected)?;
                if pair.public_modulus_len() > MAX_MODULUS_BYTES {
                    return Err(KeyError::NotAnRsaKey);
                }
                let public = parsed(algorithm, pair.public_key().as_ref())?;
                (PrivateKey::Rs256(pair), public, key)
            }
            Algorithm::ES256 => {
                let key = EncodingKey::from_ec_pem(pem).map_err(|_| rejected)?;
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_bytes())
                    .map_err(|_| rejected)?;
                let public = parsed(algorithm, pair.public_key().as_ref())?;
                (PrivateKey::Es256(pair), public, key)
            }
            Algorithm::EdDSA => {
                let key = EncodingKey::from_ed_pem(pem).map_err(|_| rejected)?;
                let pair = Ed25519KeyPair::from_pkcs8(key.as_bytes()).map_err(|_| rejected)?;
                let public = parsed(algorithm, pair.public_key().as_ref())?;
                (PrivateKey::EdDsa(pair), public, key)
            }
            Algorithm::HS256 => return Err(KeyError::WrongMember(algorithm)),
        };
        let jwk = Jwk::from_encoding_key(&key, algorithm.into()).map_err(|_| KeyError::NoPublicKey)?;
        check_modulus(&jwk)?;
        Ok((Self::Private(pair, public), jwk))
    }

    /// A public key out of its JWK.
    pub(crate) fn from_public_jwk(algorithm: Algorithm, jwk: &Jwk) -> Result<Self, KeyError> {
        let bytes = public_key_bytes(algorithm, &jwk.algorithm).ok_or(KeyError::NotAPublicKey)?;
        check_modulus(jwk)?;
        let public = parsed(algorithm, &bytes).map_err(|_| KeyError::NotAPublicKey)?;
        Ok(Self::Public(algorithm, public))
    }

    /// An HMAC key; rejects secrets below 256 bits, the empty one among them.
    pub(crate) fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < weak_secret::MIN_BYTES {
            return Err(KeyError::SecretTooShort(secret.len()));
        }
        Ok(Self::Hs256(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret))))
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Private(PrivateKey::Rs256(_), _) => Algorithm::RS256,
            Self::Private(PrivateKey::Es256(_), _) => Algorithm::ES256,
            Self::Private(PrivateKey::EdDsa(_), _) => Algorithm::EdDSA,
            Self::Public(algorithm, _) => *algorithm,
            Self::Hs256(_) => Algorithm::HS256,
        }
    }

    pub(crate) fn can_sign(&self) -> bool {
        !matches!(self, Self::Public(..))
    }

    /// The JWS signature of `message`; none for a public key, and when the crypto library fails, which no input causes.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Private(PrivateKey::Rs256(pair), _) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Self::Private(PrivateKey::Es256(pair), _) => {
                Some(pair.sign(&random, message).ok()?.as_ref().to_vec())
            }
            Self::Private(PrivateKey::EdDsa(pair), _) => Some(pair.try_sign(message).ok()?.as_ref().to_vec()),
            Self::Public(..) => None,
            Self::Hs256(key) => Some(hmac::sign(key, message).as_ref().to_vec()),
        }
    }

    /// Whether `signature` is this key's signature of `message`; HMAC is compared in constant time.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Private(_, public) | Self::Public(_, public) => {
                public.verify_sig(message, signature).is_ok()
            }
            Self::Hs256(key) => hmac::verify(key, message, signature).is_ok(),
        }
    }
}

/// A public key in the encodings that the crypto library reads.
fn parsed(algorithm: Algorithm, bytes: &[u8]) -> Result<ParsedPublicKey, KeyError> {
    let key = match algorithm {
        Algorithm::RS256 => ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, bytes),
        Algorithm::ES256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes),
        Algorithm::EdDSA => ParsedPublicKey::new(&ED25519, bytes),
        Algorithm::HS256 => return Err(KeyError::WrongMember(algorithm)),
    };
    key.map_err(|_| KeyError::not_a_key_of(algorithm))
}

fn check_modulus(jwk: &Jwk) -> Result<(), KeyError> {
    let AlgorithmParameters::RSA(rsa) = &jwk.algorithm else { return Ok(()) };
    let modulus = URL_SAFE_NO_PAD.decode(&rsa.n).map_err(|_| KeyError::NotAPublicKey)?;
    if is_roca(&modulus) { Err(KeyError::WeakModulus) } else { Ok(()) }
}

/// The members of a JWK as the bytes that [`parsed`] takes: X.509 for RSA, the point for the curves.
fn public_key_bytes(algorithm: Algorithm, members: &AlgorithmParameters) -> Option<Vec<u8>> {
    let decode = |member: &str| URL_SAFE_NO_PAD.decode(member).ok();
    match (algorithm, members) {
        (Algorithm::RS256, AlgorithmParameters::RSA(rsa)) => {
            let (n, e) = (decode(&rsa.n)?, decode(&rsa.e)?);
            if !(MIN_MODULUS_BYTES..=MAX_MODULUS_BYTES).contains(&n.len()) {
                return None;
            }
            let key: PublicEncryptingKey = RsaPublicKeyComponents { n, e }.try_into().ok()?;
            Some(AsDer::<PublicKeyX509Der<'_>>::as_der(&key).ok()?.as_ref().to_vec())
        }
        (Algorithm::ES256, AlgorithmParameters::EllipticCurve(point))
            if point.curve == EllipticCurve::P256 =>
        {
            let (x, y) = (decode(&point.x)?, decode(&point.y)?);
            // The uncompressed form of SEC 1 §2.3.3.
            (x.len() == 32 && y.len() == 32).then(|| [&[4], x.as_slice(), y.as_slice()].concat())
        }
        (Algorithm::EdDSA, AlgorithmParameters::OctetKeyPair(point))
            if point.curve == EllipticCurve::Ed25519 =>
        {
            decode(&point.x)
        }
        _ => None,
    }
}

impl Algorithm {
    /// All that a key can have.
    pub const ALL: [Self; 4] = [Self::RS256, Self::ES256, Self::EdDSA, Self::HS256];

    /// The algorithm of this name in a JOSE header; names are compared exactly (RFC 7515 §4.1.1).
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// The name in a JOSE header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
            Self::HS256 => "HS256",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<Algorithm> for jsonwebtoken::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::RS256 => Self::RS256,
            Algorithm::ES256 => Self::ES256,
            Algorithm::EdDSA => Self::EdDSA,
            Algorithm::HS256 => Self::HS256,
        }
    }
}
