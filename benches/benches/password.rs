//! Hashing and verifying a password, beside the argon2 crate with the same parameters.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::hint::black_box;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use criterion::Criterion;
use token::Entropy;
use users::{Hasher, Password, PasswordHash, Verdict};

const PASSWORD: &str = "correct horse battery staple";
const SALT: [u8; 16] = [7; 16];

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(30);
    let hasher = Hasher::new();
    let (right, wrong) = (password(PASSWORD), password("correct horse battery stable"));
    let hash = hasher.hash(&right, Entropy(SALT)).unwrap();
    assert_eq!(hasher.verify(&right, &hash), Ok(Verdict::Match));
    assert_eq!(hasher.verify(&wrong, &hash), Ok(Verdict::Mismatch));

    // The parameters are read from our own hash, so that both sides do the same work.
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params(&hash));
    let mut arena = vec![Block::new(); argon2.params().block_count()];
    let mut output = [0; 32];

    let mut group = criterion.benchmark_group("Argon2id");
    group.bench_function("argon2 alone, fresh memory", |bencher| {
        bencher.iter(|| {
            argon2.hash_password_into(black_box(PASSWORD.as_bytes()), &SALT, &mut output).unwrap();
        });
    });
    group.bench_function("argon2 alone, memory used again", |bencher| {
        bencher.iter(|| {
            let password = black_box(PASSWORD.as_bytes());
            argon2.hash_password_into_with_memory(password, &SALT, &mut output, &mut arena).unwrap();
        });
    });
    group.bench_function("hash", |bencher| {
        bencher.iter(|| hasher.hash(black_box(&right), Entropy(SALT)).unwrap());
    });
    group.bench_function("verify the right password", |bencher| {
        bencher.iter(|| hasher.verify(black_box(&right), &hash).unwrap());
    });
    group.bench_function("verify a wrong password", |bencher| {
        bencher.iter(|| hasher.verify(black_box(&wrong), &hash).unwrap());
    });
    group.bench_function("verify for an unknown user", |bencher| {
        bencher.iter(|| hasher.verify_dummy(black_box(&right)).unwrap());
    });
    group.finish();
    criterion.final_summary();
}

fn password(text: &str) -> Password {
    Password::try_from(text.to_owned()).unwrap()
}

/// The parameters that a PHC string names: `$argon2id$v=19$m=19456,t=2,p=1$…`.
fn params(hash: &PasswordHash) -> Params {
    let parameters = hash.expose().split('$').nth(3).unwrap();
    let number = |name: &str| -> u32 {
        let mut pairs = parameters.split(',').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).unwrap().1.parse().unwrap()
    };
    Params::new(number("m"), number("t"), number("p"), Some(32)).unwrap()
}
