//! The bare cryptography that a call cannot do without, timed in this process beside ours.

use std::{hint::black_box, time::Instant};

use argon2_rust::{Argon2, Params, Version};
use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde_json::Value;
use token::{Claims, Issuer, KeySet, Timestamp, UnverifiedToken, Verifier};

use crate::{Scenario, median, scenario};

const SECRET: &str = "hs256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// Medians in microseconds; `raw` is aws-lc-rs with a key that is parsed once, over the bytes of the same token.
#[derive(Clone, Copy, Debug)]
pub struct Floors {
    pub raw_rs256_sign: f64,
    pub rs256_issue: f64,
    pub raw_hs256_round: f64,
    /// Making a token and checking it.
    pub hs256_round: f64,
    /// Argon2id of today's parameters, in memory that is used again.
    pub hash: f64,
}

/// All of them one after the other, `samples` times.
pub fn measure(scenario: &Scenario, samples: usize) -> Floors {
    let now = scenario.keys.keys()[0].schedule().signs_from.plus(token::Seconds::new(60));
    let issuer = Issuer::new(scenario::ISSUER.parse().unwrap(), "latchkey".parse().unwrap());
    let verifier = Verifier::new(issuer.clone());
    let claims = verifier.verify(&scenario.token, &scenario.keys, now).unwrap();
    let message = UnverifiedToken::parse(&scenario.token).unwrap().signing_input().as_bytes().to_vec();
    let rsa = rsa_key(&scenario.secret);
    let mut signature = vec![0; rsa.public_modulus_len()];
    let (random, hmac_key) = (SystemRandom::new(), hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()));
    let secret = KeySet::from_secret(SECRET).unwrap();
    let mut hasher = Argon2::new(argon2_rust::Algorithm::Argon2id, Version::V0x13, Params::OWASP).hasher();
    let mut tag = [0; 32];
    let mut times = [const { Vec::new() }; 5];
    for _ in 0..samples {
        times[0].push(timed(20, || {
            rsa.sign(&RSA_PKCS1_SHA256, &random, black_box(&message), &mut signature).unwrap();
        }));
        times[1].push(timed(20, || drop(black_box(issuer.issue(black_box(&claims), &scenario.keys, now)))));
        times[2].push(timed(200, || {
            let tag = hmac::sign(&hmac_key, black_box(&message));
            hmac::verify(&hmac_key, black_box(&message), tag.as_ref()).unwrap();
        }));
        times[3].push(timed(200, || round_trip((&issuer, &verifier), &claims, &secret, now)));
        times[4].push(timed(1, || {
            hasher.hash_into(scenario::PASSWORD.as_bytes(), b"sixteen bytes it", &mut tag).unwrap();
        }));
    }
    let [raw_rs256_sign, rs256_issue, raw_hs256_round, hs256_round, hash] = times.map(|times| median(&times));
    Floors { raw_rs256_sign, rs256_issue, raw_hs256_round, hs256_round, hash }
}

fn round_trip((issuer, verifier): (&Issuer, &Verifier), claims: &Claims, keys: &KeySet, now: Timestamp) {
    let token = issuer.issue(black_box(claims), keys, now).unwrap();
    black_box(verifier.verify(&token, keys, now).unwrap());
}

fn rsa_key(secret: &str) -> RsaKeyPair {
    let secret: Value = serde_json::from_str(secret).unwrap();
    let pem = pem::parse(secret["keys"][0]["private_key"].as_str().unwrap()).unwrap();
    RsaKeyPair::from_pkcs8(pem.contents()).unwrap()
}

fn timed(times: u32, mut work: impl FnMut()) -> f64 {
    let began = Instant::now();
    for _ in 0..times {
        work();
    }
    began.elapsed().as_secs_f64() * 1e6 / f64::from(times)
}
