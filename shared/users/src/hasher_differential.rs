//! Two implementations that share no code must agree on every bit: `argon2-rust`, which hashes, and `RustCrypto`'s.

use std::sync::LazyLock;

use argon2::{Block, Params as OtherParams, Version as OtherVersion};
use proptest::prelude::*;

use super::*;

/// One for all, so that what a hash left in the arena would show in the next.
static HASHER: LazyLock<Hasher> = LazyLock::new(Hasher::new);

/// What `RustCrypto`'s crate makes of the same input.
fn other(algorithm: Algorithm, params: &Params, password: &[u8], salt: &[u8]) -> Vec<u8> {
    let algorithm = match algorithm {
        Algorithm::Argon2d => argon2::Algorithm::Argon2d,
        Algorithm::Argon2i => argon2::Algorithm::Argon2i,
        Algorithm::Argon2id => argon2::Algorithm::Argon2id,
    };
    let mut output = vec![0; params.tag_len_bytes()];
    let params =
        OtherParams::new(params.memory_kib(), params.passes(), params.lanes(), Some(output.len())).unwrap();
    let mut memory = vec![Block::new(); params.block_count()];
    argon2::Argon2::new(algorithm, OtherVersion::V0x13, params)
        .hash_password_into_with_memory(password, salt, &mut output, &mut memory)
        .unwrap();
    output
}

fn ours(algorithm: Algorithm, params: Params, password: &[u8], salt: &[u8]) -> Vec<u8> {
    HASHER
        .derive(password, Argon2::new(algorithm, Version::V0x13, params), salt, params.tag_len_bytes())
        .unwrap()
        .as_bytes()
        .to_vec()
}

#[test]
fn todays_hash_is_the_same_of_both() {
    let params = todays_params().unwrap();
    for (password, salt) in [(&b""[..], [0; 16]), (b"correct horse", [7; 16]), (&[0xff; 1024], [255; 16])] {
        let ours = ours(Algorithm::Argon2id, params, password, &salt);
        assert_eq!(ours, other(Algorithm::Argon2id, &params, password, &salt));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Every parameter set that a stored hash may have, up to a memory that is quick to fill.
    #[test]
    fn every_hash_is_the_same_of_both(
        algorithm in prop::sample::select(Algorithm::ALL.to_vec()),
        (memory, passes, lanes) in (0_u32..=2048, 1_u32..=10, 1_u32..=8),
        output_bytes in 16_usize..=64,
        password in prop::collection::vec(any::<u8>(), 0..=1024),
        salt in prop::collection::vec(any::<u8>(), 8..=48),
    ) {
        let params = params_of(8 * lanes + memory, passes, lanes, output_bytes).unwrap();
        let ours = ours(algorithm, params, &password, &salt);
        prop_assert_eq!(ours, other(algorithm, &params, &password, &salt));
    }
}
