//! Issuing, verifying and refreshing a token, beside the bare signature with the same parsed key.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::hint::black_box;

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
        KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use criterion::Criterion;
use token::{
    Algorithm, Claims, Entropy, Issuer, Key, KeySet, RefreshSwitch, Schedule, Seconds, SessionId,
    SessionPolicy, Subject, Timestamp, TokenId, UnverifiedToken, UserId, Verifier,
};

/// Private keys that the RFCs publish, 2048 bits for RSA: see `shared/token/testdata/rfc/README.md`.
const RSA_PEM: &str = include_str!("../../shared/token/testdata/rfc/rfc7515-a2.pem");
const P256_PEM: &str = include_str!("../../shared/token/testdata/rfc/rfc7515-a3.pem");
const ED25519_PEM: &str = include_str!("../../shared/token/testdata/rfc/rfc8037-a4.pem");
const SECRET: [u8; 32] = [9; 32];

type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;
type Verify = Box<dyn Fn(&[u8], &[u8]) -> bool>;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA, Algorithm::HS256] {
        compare(&mut criterion, algorithm);
    }
    criterion.final_summary();
}

fn compare(criterion: &mut Criterion, algorithm: Algorithm) {
    let issuer = Issuer::new("https://issuer.example".parse().unwrap(), "latchkey".parse().unwrap());
    let verifier = Verifier::new(issuer.clone());
    let policy = SessionPolicy::new(Seconds::new(3600), Seconds::new(172_800), RefreshSwitch::On).unwrap();
    let login = Timestamp::from_seconds(1_685_728_800).unwrap();
    let now = login.plus(Seconds::new(600));
    let keys = KeySet::new(vec![key(algorithm, login)]).unwrap();
    let claims = claims(&issuer, &policy, login);
    let token = issuer.issue(&claims, &keys, now).unwrap();
    let parsed = UnverifiedToken::parse(&token).unwrap();
    let (message, signature) = (parsed.signing_input().as_bytes(), parsed.signature());
    let (sign, verify) = bare(algorithm);
    // What is compared must be the same work.
    assert!(verify(message, signature));
    assert!(verify(message, &sign(message)));

    let mut group = criterion.benchmark_group(algorithm.name());
    group.bench_function("sign, aws-lc-rs alone", |bencher| bencher.iter(|| sign(black_box(message))));
    group.bench_function("issue", |bencher| {
        bencher.iter(|| issuer.issue(black_box(&claims), &keys, now).unwrap());
    });
    group.bench_function("verify, aws-lc-rs alone", |bencher| {
        bencher.iter(|| assert!(verify(black_box(message), black_box(signature))));
    });
    group.bench_function("verify", |bencher| {
        bencher.iter(|| verifier.verify(black_box(&token), &keys, now).unwrap());
    });
    group.bench_function("refresh", |bencher| {
        bencher.iter(|| {
            let mut claims = verifier.verify(black_box(&token), &keys, now).unwrap();
            claims.lifetime = policy.refresh(claims.lifetime, now).unwrap();
            issuer.issue(&claims, &keys, now).unwrap()
        });
    });
    group.finish();
}

fn claims(issuer: &Issuer, policy: &SessionPolicy, login: Timestamp) -> Claims {
    issuer.claims(
        Subject { id: UserId::new(Entropy([1; 16])), username: "ada" },
        SessionId::new(Entropy([2; 16])),
        TokenId::new(Entropy([3; 16])),
        policy.log_in(login),
        r#"{"groups":["editors","staff"],"scope":"read write"}"#.parse().unwrap(),
    )
}

fn pem(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::RS256 => RSA_PEM,
        Algorithm::ES256 => P256_PEM,
        Algorithm::EdDSA => ED25519_PEM,
        Algorithm::HS256 => "",
    }
}

fn key(algorithm: Algorithm, from: Timestamp) -> Key {
    let schedule = Schedule { published: from, signs_from: from, retires: None };
    if algorithm == Algorithm::HS256 {
        Key::from_secret("key", &SECRET, schedule).unwrap()
    } else {
        Key::from_pem("key", algorithm, pem(algorithm), schedule).unwrap()
    }
}

/// The bare primitive with a key that is parsed once.
fn bare(algorithm: Algorithm) -> (Sign, Verify) {
    let der = || pem::parse(pem(algorithm)).unwrap().into_contents();
    let random = SystemRandom::new();
    match algorithm {
        Algorithm::RS256 => {
            let pair = RsaKeyPair::from_pkcs8(&der()).unwrap();
            let public =
                ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref()).unwrap();
            let sign = move |message: &[u8]| {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            };
            (Box::new(sign), with_public(public))
        }
        Algorithm::ES256 => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der()).unwrap();
            let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref()).unwrap();
            let sign = move |message: &[u8]| pair.sign(&random, message).unwrap().as_ref().to_vec();
            (Box::new(sign), with_public(public))
        }
        Algorithm::EdDSA => {
            let pair = Ed25519KeyPair::from_pkcs8(&der()).unwrap();
            let public = ParsedPublicKey::new(&ED25519, pair.public_key().as_ref()).unwrap();
            (Box::new(move |message| pair.sign(message).as_ref().to_vec()), with_public(public))
        }
        Algorithm::HS256 => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
            let verifying = key.clone();
            (
                Box::new(move |message| hmac::sign(&key, message).as_ref().to_vec()),
                Box::new(move |message, signature| hmac::verify(&verifying, message, signature).is_ok()),
            )
        }
    }
}

fn with_public(public: ParsedPublicKey) -> Verify {
    Box::new(move |message, signature| public.verify_sig(message, signature).is_ok())
}
