use std::fmt;

use aws_lc_rs::{constant_time, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use token::Entropy;
use zeroize::Zeroizing;

/// Before every secret, so that scanners of repositories know one that leaked.
const PREFIX: &str = "lks";

/// What a machine client proves itself with: `lks_`, the secret's id, 256 random bits and a CRC-32 of all before it.
///
/// Nothing stands for it but its hash; it is shown once. Scanners find it by
/// `lks_[0-9a-f]{8}_[A-Za-z0-9_-]{43}_[0-9a-f]{8}`, and the CRC-32 (ISO 3309, as zlib computes it) tells chance hits apart.
pub struct ClientSecret {
    id: SecretId,
    text: Zeroizing<String>,
}

/// Which of a client's secrets it is; says nothing about the secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretId(String);

/// The SHA-256 of a secret, in base64url. Of 256 random bits nobody finds them again, so no slow hash is needed.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretHash(String);

impl ClientSecret {
    /// The secret of this randomness.
    pub fn new(id: Entropy, halves: [Entropy; 2]) -> Self {
        let id = u32::from_be_bytes([id.0[0], id.0[1], id.0[2], id.0[3]]);
        let id = SecretId(format!("{id:08x}"));
        let bits = Zeroizing::new(halves.map(|half| half.0).concat());
        let secret = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(&*bits));
        let text = Zeroizing::new(format!("{PREFIX}_{}_{}", id.0, *secret));
        let checksum = crc32fast::hash(text.as_bytes());
        Self { id, text: Zeroizing::new(format!("{}_{checksum:08x}", *text)) }
    }

    /// Which one it is.
    pub fn id(&self) -> &SecretId {
        &self.id
    }

    /// The secret itself, to be shown once.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What is stored of it.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.text)
    }
}

impl SecretId {
    pub(crate) fn stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The id as it stands in the secret.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl SecretHash {
    /// What is stored of a secret that somebody presents, whatever it is.
    pub fn of(presented: &str) -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, presented.as_bytes())))
    }

    pub(crate) fn stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both are of one secret, in the same time wherever they differ.
    pub fn is_same_as(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientSecret({})", self.id)
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_a_prefix_an_id_256_bits_and_a_checksum() {
        let secret = ClientSecret::new(Entropy([0xa1; 16]), [Entropy([2; 16]), Entropy([3; 16])]);
        let text = secret.expose();
        assert_eq!(text, "lks_a1a1a1a1_AgICAgICAgICAgICAgICAgMDAwMDAwMDAwMDAwMDAwM_f19008cd");
        let (before, checksum) = text.rsplit_once('_').unwrap();
        assert_eq!(checksum, format!("{:08x}", crc32fast::hash(before.as_bytes())));
        assert_eq!(secret.id().as_str(), "a1a1a1a1");
        assert!(secret.hash().is_same_as(&SecretHash::of(text)));
        assert!(!secret.hash().is_same_as(&SecretHash::of(&text[1..])));
    }

    #[test]
    fn neither_a_secret_nor_its_hash_shows_itself() {
        let secret = ClientSecret::new(Entropy([0xa1; 16]), [Entropy([2; 16]), Entropy([3; 16])]);
        assert_eq!(format!("{secret:?} {:?}", secret.hash()), "ClientSecret(a1a1a1a1) SecretHash");
    }
}
