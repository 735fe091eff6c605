//! The signature layer against the example tokens of RFC 7515, RFC 7520 and RFC 8037.
//!
//! Their payloads are not claims of ours, so nothing beyond the signature is asked. Where the
//! vectors come from stands in `testdata/rfc/README.md`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use token::{Algorithm, Key, Schedule, Timestamp, UnverifiedToken};

macro_rules! testdata {
    ($name:literal) => {
        include_str!(concat!("../testdata/rfc/", $name))
    };
}

/// The order n of P-256, big-endian (FIPS 186-5, SP 800-186 §3.2.1.3).
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
    0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
/// The order L of Ed25519, little-endian (RFC 8032 §5.1).
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10,
];

struct Vector {
    source: &'static str,
    key: Key,
    token: &'static str,
}

fn schedule() -> Schedule {
    let epoch = Timestamp::from_seconds(0).unwrap();
    Schedule { published: epoch, signs_from: epoch, retires: None }
}

fn pem(algorithm: Algorithm, pem: &str) -> Key {
    Key::from_pem("rfc", algorithm, pem, schedule()).unwrap()
}

fn secret(base64url: &str) -> Key {
    Key::from_secret("rfc", &URL_SAFE_NO_PAD.decode(base64url).unwrap(), schedule()).unwrap()
}

fn vectors() -> [Vector; 6] {
    [
        Vector {
            source: "RFC 7515 A.1",
            key: secret(
                "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
            ),
            token: testdata!("rfc7515-a1.jws"),
        },
        Vector {
            source: "RFC 7515 A.2",
            key: pem(Algorithm::RS256, testdata!("rfc7515-a2.pem")),
            token: testdata!("rfc7515-a2.jws"),
        },
        Vector {
            source: "RFC 7515 A.3",
            key: pem(Algorithm::ES256, testdata!("rfc7515-a3.pem")),
            token: testdata!("rfc7515-a3.jws"),
        },
        Vector {
            source: "RFC 7520 4.1",
            key: pem(Algorithm::RS256, testdata!("rfc7520-4.1.pem")),
            token: testdata!("rfc7520-4.1.jws"),
        },
        Vector {
            source: "RFC 7520 4.4",
            key: secret("hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"),
            token: testdata!("rfc7520-4.4.jws"),
        },
        Vector {
            source: "RFC 8037 A.4",
            key: pem(Algorithm::EdDSA, testdata!("rfc8037-a4.pem")),
            token: testdata!("rfc8037-a4.jws"),
        },
    ]
}

fn parsed(vector: &Vector) -> UnverifiedToken<'static> {
    UnverifiedToken::parse(vector.token.trim_end()).unwrap()
}

#[test]
fn the_example_tokens_verify_with_their_keys() {
    for vector in vectors() {
        let token = parsed(&vector);
        assert_eq!(token.header()["alg"], vector.key.algorithm().name(), "{}", vector.source);
        assert!(
            vector.key.verifies(token.signing_input().as_bytes(), token.signature()),
            "{}",
            vector.source
        );
    }
}

#[test]
fn the_deterministic_signatures_are_reproduced() {
    for vector in vectors().iter().filter(|vector| vector.key.algorithm() != Algorithm::ES256) {
        let token = parsed(vector);
        let signature = vector.key.sign(token.signing_input().as_bytes()).unwrap();
        assert_eq!(signature, token.signature(), "{}", vector.source);
    }
}

#[test]
fn one_flipped_bit_of_message_or_signature_is_rejected() {
    for vector in vectors() {
        let token = parsed(&vector);
        let (message, signature) = (token.signing_input().as_bytes(), token.signature());
        for bit in 0..message.len() * 8 {
            assert!(!vector.key.verifies(&flipped(message, bit), signature), "{} {bit}", vector.source);
        }
        for bit in 0..signature.len() * 8 {
            assert!(!vector.key.verifies(message, &flipped(signature, bit)), "{} {bit}", vector.source);
        }
    }
}

#[test]
fn a_signature_of_another_length_is_rejected() {
    for vector in vectors() {
        let token = parsed(&vector);
        let (message, signature) = (token.signing_input().as_bytes(), token.signature());
        let shorter = signature.split_last().unwrap().1;
        for wrong in [&[], shorter, &[signature, &[0]].concat(), &[&[0], signature].concat()] {
            assert!(!vector.key.verifies(message, wrong), "{} {}", vector.source, wrong.len());
        }
    }
}

#[test]
fn the_signature_of_one_example_is_rejected_for_every_other_key_and_message() {
    let vectors = vectors();
    for (place, vector) in vectors.iter().enumerate() {
        let token = parsed(vector);
        for (other_place, other) in vectors.iter().enumerate().filter(|(other, _)| *other != place) {
            let message = token.signing_input().as_bytes();
            assert!(!other.key.verifies(message, token.signature()), "{place} {other_place}");
            let message = parsed(other).signing_input().to_owned();
            assert!(!vector.key.verifies(message.as_bytes(), token.signature()), "{place} {other_place}");
        }
    }
}

/// CVE-2022-21449, and the range check of FIPS 186-5 §6.4.2: r and s are in 1..n.
#[test]
fn an_es256_signature_out_of_range_is_rejected() {
    let [_, _, vector, ..] = vectors();
    let message = parsed(&vector).signing_input().as_bytes().to_vec();
    let (zero, mut one) = ([0; 32], [0; 32]);
    one[31] = 1;
    let signature = parsed(&vector).signature().to_vec();
    let (r, s) = signature.split_at(32);
    for (r, s) in [
        (&zero[..], &zero[..]),
        (&zero, s),
        (r, &zero),
        (&P256_ORDER, &P256_ORDER),
        (&P256_ORDER, s),
        (r, &P256_ORDER),
        (&one, &one),
        (&[0xff; 32], &[0xff; 32]),
    ] {
        assert!(!vector.key.verifies(&message, &[r, s].concat()), "{r:?} {s:?}");
    }
}

/// RFC 8032 §5.1.7: S is below L, otherwise anyone can make a second signature of each message.
#[test]
fn an_ed25519_signature_with_s_beyond_the_order_is_rejected() {
    let [.., vector] = vectors();
    let token = parsed(&vector);
    let mut signature = token.signature().to_vec();
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(ED25519_ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    assert!(!vector.key.verifies(token.signing_input().as_bytes(), &signature));
}

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}
