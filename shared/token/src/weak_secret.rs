//! What is too weak to be an HS256 key: nothing that a person typed, and nothing that is public.
//!
//! No test proves that bytes were drawn at random. These rules reject what is known to go wrong: a phrase, one
//! letter many times, a public key's text, or a key set that was garbled on its way into the secret.

use base64::{
    Engine,
    alphabet::{Alphabet, STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

use crate::KeyError;

/// What a secret that is no key set begins with: whoever writes it means the rest to be an HS256 key.
const PREFIX: &str = "hs256:";
/// The fewest bytes of a key: as long as the hash (RFC 7518 §3.2).
pub(crate) const MIN_BYTES: usize = 32;
/// The most bytes of a bare key: a block of SHA-256, beyond which HMAC hashes the key first. A DER public key of RSA
/// or P-256 is longer.
const MAX_BARE_BYTES: usize = 64;
/// The fewest different bytes among those of a bare key. 32 random bytes have fewer less than once in 10^15 times.
const MIN_DIFFERENT_BARE_BYTES: usize = 16;
/// The fewest in a key set, where a key may be text that was drawn as hex and then encoded: that has 16 at most.
const MIN_DIFFERENT_BYTES: usize = 8;
/// The DER header of an Ed25519 public key (RFC 8410 §4), the one kind that is as short as a secret.
const ED25519_DER: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The bytes of a bare secret: `hs256:` and 32 to 64 random bytes in hex, base64 or base64url.
pub(crate) fn parse_bare(text: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let encoded = text.trim().strip_prefix(PREFIX).ok_or(KeyError::NotABareSecret)?;
    let bytes = decode(encoded).ok_or(KeyError::NotABareSecret)?;
    if bytes.len() < MIN_BYTES {
        return Err(KeyError::SecretTooShort(bytes.len()));
    }
    if bytes.len() > MAX_BARE_BYTES {
        return Err(KeyError::NotABareSecret);
    }
    // Letters alone may be a phrase that happens to be base64; bytes that are text were typed before they were encoded.
    let is_text = bytes.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    if is_one_case(encoded) || is_text || bytes.starts_with(&ED25519_DER) {
        return Err(KeyError::Guessable);
    }
    check_variety(&bytes, MIN_DIFFERENT_BARE_BYTES)?;
    Ok(bytes)
}

/// Rejects the secret of an HS256 key in a key set if it is one that a person would think of.
pub(crate) fn check(secret: &[u8]) -> Result<(), KeyError> {
    let is_prose = secret.iter().all(|byte| byte.is_ascii_alphabetic() || b" -_.,'\n".contains(byte));
    if is_prose { Err(KeyError::Guessable) } else { check_variety(secret, MIN_DIFFERENT_BYTES) }
}

fn check_variety(bytes: &[u8], minimum: usize) -> Result<(), KeyError> {
    let mut different = Zeroizing::new(bytes.to_vec());
    different.sort_unstable();
    different.dedup();
    if minimum <= different.len() { Ok(()) } else { Err(KeyError::Guessable) }
}

/// Whether a text that is not hex has letters of one case alone; 43 random characters of base64 have both.
fn is_one_case(encoded: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| encoded.as_bytes().iter().any(kind);
    let both_cases = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    !is_hex(encoded) && !both_cases
}

fn is_hex(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn decode(encoded: &str) -> Option<Zeroizing<Vec<u8>>> {
    if is_hex(encoded) {
        let byte = |at| u8::from_str_radix(encoded.get(at..at + 2)?, 16).ok();
        return (0..encoded.len()).step_by(2).map(byte).collect::<Option<Vec<u8>>>().map(Zeroizing::new);
    }
    let of = |alphabet: &Alphabet| {
        let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        GeneralPurpose::new(alphabet, lenient).decode(encoded).ok().map(Zeroizing::new)
    };
    of(&URL_SAFE).or_else(|| of(&STANDARD))
}

/// A bare secret for tests.
#[cfg(test)]
pub(crate) const SOUND_BARE: &str = "hs256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    #[test]
    fn what_openssl_draws_is_a_key_in_hex_and_in_both_alphabets() {
        let bytes = parse_bare(&format!("hs256:{HEX}")).unwrap();
        assert_eq!((bytes.len(), bytes.first(), bytes.last()), (32, Some(&0x9f), Some(&0x08)));
        assert_eq!(parse_bare(&format!("hs256:{}\n", HEX.to_uppercase())).unwrap(), bytes);
        for text in [
            "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
            "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg",
            "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg",
        ] {
            assert_eq!(parse_bare(&format!("hs256:{text}")).unwrap(), bytes, "{text}");
        }
    }

    #[test]
    fn ten_thousand_random_secrets_are_all_accepted() {
        for _ in 0..10_000 {
            let always = crate::Schedule { published: ZERO, signs_from: ZERO, retires: None };
            let key = crate::Key::generate(crate::Algorithm::HS256, always).unwrap();
            let text = key.source().as_str();
            assert!(parse_bare(&format!("hs256:{text}")).is_ok(), "{text}");
        }
    }

    const ZERO: crate::Timestamp = match crate::Timestamp::from_seconds(0) {
        Some(zero) => zero,
        None => crate::Timestamp::MAX,
    };

    #[test]
    fn what_has_no_prefix_or_is_not_32_to_64_bytes_is_no_bare_secret() {
        for (text, error) in [
            (HEX, KeyError::NotABareSecret),
            (
                "HS256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                KeyError::NotABareSecret,
            ),
            ("hs256:correct horse battery staple, correct horse", KeyError::NotABareSecret),
            ("hs256:django-insecure-9y$1@q^k!v0_x=u8z&w3(t5)r7*p2#o4m6n", KeyError::NotABareSecret),
            ("hs256:n4bQgYhMfWWaL+qgxVrQFaO_TxsrC4Is0V1sFbDwCgg", KeyError::NotABareSecret),
            ("hs256:", KeyError::SecretTooShort(0)),
            ("hs256:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDw", KeyError::SecretTooShort(30)),
        ] {
            assert_eq!(parse_bare(text).unwrap_err(), error, "{text}");
        }
        assert_eq!(parse_bare(&format!("hs256:{}", HEX.repeat(3))).unwrap_err(), KeyError::NotABareSecret);
        assert!(parse_bare(&format!("hs256:{}", HEX.repeat(2))).is_ok());
    }

    #[test]
    fn a_public_or_guessable_text_is_rejected_even_behind_the_prefix() {
        let encoded = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
        let ed25519 = [&ED25519_DER[..], &[0x5a; 16], &(0..16).collect::<Vec<u8>>()].concat();
        for text in [
            "k".repeat(43),
            "0".repeat(64),
            "correcthorsebatterystaplecorrecthorsebattery".to_owned(),
            encoded(b"correct horse battery staple, correct"),
            encoded(br#"{"keys":[{"kid":"a","alg":"HS256","secret":"#),
            encoded(&[7; 32]),
            encoded(&ed25519),
        ] {
            assert_eq!(parse_bare(&format!("hs256:{text}")).unwrap_err(), KeyError::Guessable, "{text}");
        }
    }

    #[test]
    fn a_typed_secret_of_a_key_set_is_rejected_and_a_django_secret_key_is_not() {
        for text in [
            "correct horse battery staple, again",
            &"k".repeat(32),
            "0101010101010101010101010101010101010101",
        ] {
            assert_eq!(check(text.as_bytes()), Err(KeyError::Guessable), "{text}");
        }
        assert_eq!(check(HEX.as_bytes()), Ok(()));
        assert_eq!(check(b"9y$1@q^k!v0_x=u8z&w3(t5)r7*p2#o4m6n9y$1@q^k!v0_x=u"), Ok(()));
    }
}
