//! Keys that are parsed once. jsonwebtoken's own provider parses the private key again at every
//! signature, which for RS256 costs more than the signature itself.

use std::fmt;

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
        KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use jsonwebtoken::{EncodingKey, jwk::Jwk};
use serde::{Deserialize, Serialize};

use crate::KeyError;

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

/// The smallest HMAC secret: as long as the hash (RFC 7518 §3.2).
const MIN_SECRET_BYTES: usize = 32;
/// The largest RSA modulus in bytes: 4096 bits. Beyond, signatures alone fill a token.
const MAX_MODULUS_BYTES: usize = 512;

/// A key in the form that signs and verifies.
pub(crate) enum Material {
    Rs256(RsaKeyPair, ParsedPublicKey),
    Es256(EcdsaKeyPair, ParsedPublicKey),
    EdDsa(Ed25519KeyPair, ParsedPublicKey),
    Hs256(Box<hmac::Key>),
}

impl Material {
    /// A private key out of a PKCS#8 PEM text, and its public JWK without `kid` and `use`.
    pub(crate) fn from_pem(algorithm: Algorithm, pem: &str) -> Result<(Self, Jwk), KeyError> {
        let pem = pem.as_bytes();
        let (material, key) = match algorithm {
            Algorithm::RS256 => {
                let key = EncodingKey::from_rsa_pem(pem).map_err(|_| KeyError::NotAnRsaKey)?;
                let pair = RsaKeyPair::from_der(key.as_bytes()).map_err(|_| KeyError::NotAnRsaKey)?;
                if pair.public_modulus_len() > MAX_MODULUS_BYTES {
                    return Err(KeyError::NotAnRsaKey);
                }
                let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())
                    .map_err(|_| KeyError::NotAnRsaKey)?;
                (Self::Rs256(pair, public), key)
            }
            Algorithm::ES256 => {
                let key = EncodingKey::from_ec_pem(pem).map_err(|_| KeyError::NotAP256Key)?;
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_bytes())
                    .map_err(|_| KeyError::NotAP256Key)?;
                let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref())
                    .map_err(|_| KeyError::NotAP256Key)?;
                (Self::Es256(pair, public), key)
            }
            Algorithm::EdDSA => {
                let key = EncodingKey::from_ed_pem(pem).map_err(|_| KeyError::NotAnEd25519Key)?;
                let pair =
                    Ed25519KeyPair::from_pkcs8(key.as_bytes()).map_err(|_| KeyError::NotAnEd25519Key)?;
                let public = ParsedPublicKey::new(&ED25519, pair.public_key().as_ref())
                    .map_err(|_| KeyError::NotAnEd25519Key)?;
                (Self::EdDsa(pair, public), key)
            }
            Algorithm::HS256 => return Err(KeyError::WrongMember(algorithm)),
        };
        let jwk = Jwk::from_encoding_key(&key, algorithm.into()).map_err(|_| KeyError::NoPublicKey)?;
        Ok((material, jwk))
    }

    /// An HMAC key; refuses secrets below 256 bits, the empty one among them.
    pub(crate) fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(KeyError::SecretTooShort(secret.len()));
        }
        Ok(Self::Hs256(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret))))
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rs256(..) => Algorithm::RS256,
            Self::Es256(..) => Algorithm::ES256,
            Self::EdDsa(..) => Algorithm::EdDSA,
            Self::Hs256(_) => Algorithm::HS256,
        }
    }

    /// The JWS signature of `message`; none when the crypto library fails, which no input causes.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Rs256(pair, _) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Self::Es256(pair, _) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
            Self::EdDsa(pair, _) => Some(pair.try_sign(message).ok()?.as_ref().to_vec()),
            Self::Hs256(key) => Some(hmac::sign(key, message).as_ref().to_vec()),
        }
    }

    /// Whether `signature` is this key's signature of `message`; HMAC is compared in constant time.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rs256(_, public) | Self::Es256(_, public) | Self::EdDsa(_, public) => {
                public.verify_sig(message, signature).is_ok()
            }
            Self::Hs256(key) => hmac::verify(key, message, signature).is_ok(),
        }
    }
}

impl Algorithm {
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
