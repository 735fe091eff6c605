//! RSA moduli whose primes can be computed: those of an Infineon library (ROCA, CVE-2017-15361).
//!
//! Its primes are `k * M + (65537^a mod M)`, where `M` is the product of the first primes. So the modulus is a power of
//! 65537 modulo each small prime, which is true of one random modulus in some 10^8 (Nemec, Sys, Svenda, Klinec, Matyas:
//! "The Return of Coppersmith's Attack", CCS 2017, §3).

/// The odd primes up to 167: every `M` of that library is a multiple of them.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether a big-endian modulus has the fingerprint of ROCA.
pub(crate) fn is_roca(modulus: &[u8]) -> bool {
    PRIMES.into_iter().all(|prime| is_power_of_65537(remainder(modulus, prime), prime))
}

fn remainder(modulus: &[u8], prime: u32) -> u32 {
    modulus.iter().fold(0, |remainder, byte| (remainder << 8 | u32::from(*byte)) % prime)
}

fn is_power_of_65537(number: u32, prime: u32) -> bool {
    let mut power = 1;
    for _ in 1..prime {
        if power == number {
            return true;
        }
        power = power * (65_537 % prime) % prime;
    }
    false
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;
    use crate::{Algorithm, Key, Schedule, Timestamp};

    /// A modulus made by the formula above, of two primes of 1,024 bits, with the 126 primes up to 701 in `M`.
    fn roca() -> Vec<u8> {
        let hex = include_str!("../testdata/roca.hex").trim();
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn a_modulus_of_the_formula_has_the_fingerprint() {
        assert_eq!(roca().len(), 256);
        assert!(is_roca(&roca()));
    }

    #[test]
    fn its_neighbours_and_the_moduli_that_we_draw_have_not() {
        let mut neighbour = roca();
        neighbour[255] ^= 2;
        assert!(!is_roca(&neighbour));
        let now = Timestamp::from_seconds(0).unwrap();
        let schedule = Schedule { published: now, signs_from: now, retires: None };
        let key = Key::generate(Algorithm::RS256, schedule).unwrap();
        let jwk = serde_json::to_value(key.public_jwk().unwrap()).unwrap();
        assert!(!is_roca(&URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap()));
    }
}
