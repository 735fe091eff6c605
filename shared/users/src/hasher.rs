use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use argon2_rust::{Algorithm, Argon2, Params, Version};
use phc::{Output, Salt};
use token::Entropy;

use crate::{
    HashError, Password, PasswordHash,
    password_hash::{Argon2Hash, Scheme, params_of},
};

/// Memory of today's hashes in KiB: with two passes and one lane the floor of OWASP's Password Storage Cheat Sheet.
const MEMORY: u32 = 19_456;
/// Passes over that memory.
const PASSES: u32 = 2;
/// Lanes; a Lambda function has few cores, and more lanes would only help an attacker who has many.
const LANES: u32 = 1;
/// Bytes of today's outputs; salts have 16 (RFC 9106, section 3.1).
const OUTPUT_BYTES: usize = 32;
/// An arena of today's parameters: one block for each KiB.
const TODAYS_BLOCKS: u32 = MEMORY;
/// How many arenas wait for the next hash: 19 MiB each.
const MAX_IDLE_ARENAS: usize = 4;

/// Hashes and verifies passwords, in memory that is used again.
///
/// Touching 19 MiB of fresh memory costs as much as the hash itself, so each hash borrows an arena and gives it
/// back, wiped. Clones share the arenas. A hash keeps one core busy for 5 to 15 ms, by the vector instructions that the
/// processor has.
#[derive(Clone, Default)]
pub struct Hasher {
    idle: Arc<Mutex<Vec<Arena>>>,
}

/// Memory for one hash at a time.
type Arena = argon2_rust::Hasher;

/// Whether a password is the one that was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It is.
    Match,
    /// It is another one.
    Mismatch,
}

impl Hasher {
    /// A hasher that has no memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the first arena and writes to each page of it, which takes as long as half a hash and more: for a function
    /// that starts.
    pub fn prepare(&self) -> Result<(), HashError> {
        let once = todays_params()?.to_builder().passes(1).build().map_err(HashError::Argon2)?;
        self.derive(&[], argon2(Algorithm::Argon2id, once), &[0; 16], OUTPUT_BYTES).map(drop)
    }

    /// The hash of `password` with today's parameters and this salt.
    pub fn hash(&self, password: &Password, salt: Entropy) -> Result<PasswordHash, HashError> {
        let salt = Salt::new(&salt.0).map_err(|_| HashError::Salt)?;
        let params = todays_params()?;
        let argon2 = argon2(Algorithm::Argon2id, params);
        let output = self.derive(password.as_bytes(), argon2, &salt, OUTPUT_BYTES)?;
        Ok(PasswordHash::new(params, salt, output))
    }

    /// Whether `password` is the one behind `hash`; the outputs are compared in constant time.
    pub fn verify(&self, password: &Password, hash: &PasswordHash) -> Result<Verdict, HashError> {
        let Argon2Hash { algorithm, params, salt, output } = match &hash.scheme {
            Scheme::Argon2(argon2) => argon2,
            Scheme::Other(other) => return Ok(other.verify(password)),
        };
        let derived = self.derive(password.as_bytes(), argon2(*algorithm, *params), salt, output.len())?;
        // `Output` compares in constant time.
        Ok(if derived == *output { Verdict::Match } else { Verdict::Mismatch })
    }

    /// Does the work of verifying against a hash of today's parameters that no password has.
    ///
    /// For an unknown user, so that the answer takes as long as for a known one.
    pub fn verify_dummy(&self, password: &Password) -> Result<(), HashError> {
        self.hash(password, Entropy([0; 16])).map(drop)
    }

    /// Whether `hash` is weaker than today's and should be replaced when its password is next seen.
    ///
    /// It is not of Argon2id or not written as our own, memory or work, memory times passes, is below today's, or
    /// the salt or the output is shorter: fewer passes over more memory are as strong.
    pub fn needs_upgrade(&self, hash: &PasswordHash) -> bool {
        let Scheme::Argon2(Argon2Hash { algorithm: Algorithm::Argon2id, params, salt, output }) =
            &hash.scheme
        else {
            return true;
        };
        let (memory, passes) = (params.memory_kib(), params.passes());
        memory < MEMORY
            || u64::from(memory) * u64::from(passes) < u64::from(MEMORY) * u64::from(PASSES)
            || salt.len() < Salt::RECOMMENDED_LENGTH
            || output.len() < OUTPUT_BYTES
            || !hash.expose().starts_with('$')
    }

    fn derive(
        &self,
        password: &[u8],
        argon2: Argon2,
        salt: &[u8],
        output_bytes: usize,
    ) -> Result<Output, HashError> {
        let mut arena = self.borrow_arena(argon2);
        let mut failure = None;
        let output = Output::init_with(output_bytes, |out| {
            failure = arena.hash_into(password, salt, out).err();
            Ok(())
        });
        self.give_back(arena);
        if let Some(error) = failure {
            return Err(HashError::Argon2(error));
        }
        output.map_err(|_| HashError::Output)
    }

    /// Memory for one hash of these parameters; what is borrowed and not given back is freed.
    fn borrow_arena(&self, argon2: Argon2) -> Arena {
        // An arena grown for an old hash would keep up to 128 MiB for ever.
        if argon2.params().memory_blocks() > TODAYS_BLOCKS {
            return argon2.hasher();
        }
        let Some(mut arena) = self.lock().pop() else { return argon2.hasher() };
        arena.set_argon2(argon2);
        arena
    }

    fn give_back(&self, arena: Arena) {
        if arena.reserved_blocks() != TODAYS_BLOCKS as usize {
            return;
        }
        let mut idle = self.lock();
        if idle.len() < MAX_IDLE_ARENAS {
            idle.push(arena);
        }
    }

    /// How many hashes could begin at once without asking for memory.
    pub fn idle_arenas(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arena>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn argon2(algorithm: Algorithm, params: Params) -> Argon2 {
    Argon2::new(algorithm, Version::V0x13, params)
}

fn todays_params() -> Result<Params, HashError> {
    params_of(MEMORY, PASSES, LANES, OUTPUT_BYTES).map_err(HashError::Argon2)
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("idle", &self.idle_arenas()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        text.to_owned().try_into().unwrap()
    }

    fn verdict(text: &str, hash: &str) -> Verdict {
        Hasher::new().verify(&password(text), &hash.parse().unwrap()).unwrap()
    }

    fn upgrade(hash: &str) -> bool {
        Hasher::new().needs_upgrade(&hash.parse().unwrap())
    }

    /// From `src/test.c` of the reference implementation (<https://github.com/P-H-C/phc-winner-argon2>): Argon2id,
    /// version 0x13, all with the salt `somesalt`.
    #[test]
    fn the_hashes_of_the_reference_implementation_verify() {
        for hash in [
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$9qWtwbpyPd3vm1rB1GThgPzZ3/ydHL92zKL+15XZypg",
        ] {
            assert_eq!(verdict("password", hash), Verdict::Match, "{hash}");
            assert_eq!(verdict("sassword", hash), Verdict::Mismatch, "{hash}");
        }
    }

    #[test]
    fn a_new_hash_has_todays_parameters_and_verifies() {
        let hasher = Hasher::new();
        let hash = hasher.hash(&password("correct horse"), Entropy([9; 16])).unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$CQkJCQkJCQkJCQkJCQkJCQ$"));
        assert_eq!(hash.expose().parse(), Ok(hash.clone()));
        assert_eq!(hasher.verify(&password("correct horse"), &hash), Ok(Verdict::Match));
        assert!(!hasher.needs_upgrade(&hash));
    }

    #[test]
    fn every_byte_of_a_password_counts() {
        let hasher = Hasher::new();
        let long = "x".repeat(1023);
        let hash = hasher.hash(&password(&format!("{long}y")), Entropy([1; 16])).unwrap();
        for (text, verdict) in [
            (format!("{long}y"), Verdict::Match),
            (format!("{long}z"), Verdict::Mismatch),
            (format!("{long}Y"), Verdict::Mismatch),
            // Where bcrypt stops reading.
            (format!("{}z{}y", "x".repeat(72), "x".repeat(950)), Verdict::Mismatch),
            (format!("{}z{}y", "x".repeat(71), "x".repeat(951)), Verdict::Mismatch),
        ] {
            assert_eq!(hasher.verify(&password(&text), &hash), Ok(verdict));
        }
    }

    #[test]
    fn composed_and_decomposed_spellings_are_one_password() {
        let hasher = Hasher::new();
        let hash = hasher.hash(&password("jos\u{e9}"), Entropy([1; 16])).unwrap();
        for (text, verdict) in [
            ("jose\u{301}", Verdict::Match),
            ("jose", Verdict::Mismatch),
            ("jos\u{e9} ", Verdict::Mismatch),
            ("jos\u{e9}\0", Verdict::Mismatch),
            ("JOS\u{c9}", Verdict::Mismatch),
        ] {
            assert_eq!(hasher.verify(&password(text), &hash), Ok(verdict), "{text:?}");
        }
    }

    #[test]
    fn a_hash_weaker_than_todays_wants_an_upgrade() {
        let rest = "c29tZXNhbHRzb21lc2FsdA$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        for (parameters, expected) in [
            ("m=19456,t=2,p=1", false),
            ("m=19455,t=2,p=1", true),
            ("m=19456,t=1,p=1", true),
            ("m=12288,t=4,p=1", true),
            ("m=47104,t=1,p=1", false),
            ("m=65536,t=3,p=4", false),
        ] {
            assert_eq!(upgrade(&format!("$argon2id$v=19${parameters}${rest}")), expected, "{parameters}");
        }
        assert!(upgrade(
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
        ));
        assert!(upgrade("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$CTFhFdXPJO1aFaMaO6Mm5Q"));
    }

    #[test]
    fn arenas_are_used_again_and_few_are_kept() {
        let hasher = Hasher::new();
        let today = argon2(Algorithm::Argon2id, todays_params().unwrap());
        let idle = |hasher: &Hasher| hasher.lock().iter().map(Arena::reserved_blocks).collect::<Vec<_>>();
        let of_today = TODAYS_BLOCKS as usize;
        assert!(idle(&hasher).is_empty());
        hasher.prepare().unwrap();
        assert_eq!(idle(&hasher), [of_today]);
        hasher.verify_dummy(&password("x")).unwrap();
        assert_eq!(idle(&hasher), [of_today]);

        let mut arenas: Vec<_> = (0..6).map(|_| hasher.clone().borrow_arena(today)).collect();
        assert!(idle(&hasher).is_empty());
        for mut arena in arenas.drain(..) {
            arena.reserve().unwrap();
            hasher.give_back(arena);
        }
        assert_eq!(idle(&hasher), [of_today; MAX_IDLE_ARENAS]);

        let small = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let large = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        for hash in [small, large] {
            let verdict = hasher.verify(&password("password"), &hash.parse().unwrap());
            assert_eq!(verdict, Ok(Verdict::Match), "{hash}");
            assert_eq!(idle(&hasher), [of_today; MAX_IDLE_ARENAS], "{hash}");
        }
    }

    #[test]
    fn hashes_at_the_same_time_do_not_disturb_each_other() {
        let hasher = Hasher::new();
        let hash = hasher.hash(&password("correct horse"), Entropy([9; 16])).unwrap();
        std::thread::scope(|scope| {
            for number in 0..6 {
                let (hasher, hash) = (hasher.clone(), &hash);
                scope.spawn(move || {
                    for _ in 0..3 {
                        let right = hasher.verify(&password("correct horse"), hash);
                        let wrong = hasher.verify(&password(&format!("wrong {number}")), hash);
                        assert_eq!((right, wrong), (Ok(Verdict::Match), Ok(Verdict::Mismatch)));
                    }
                });
            }
        });
    }
}

#[cfg(test)]
#[path = "hasher_differential.rs"]
mod differential;
