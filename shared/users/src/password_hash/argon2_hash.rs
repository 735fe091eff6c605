use std::{fmt, str::FromStr};

use argon2_rust::{
    Algorithm, Params,
    params::{Memory, TagLen},
};
use phc::{Output, Salt};

use super::HashError;

/// The most memory a stored hash may ask for, in KiB: 128 MiB. Django asks for 100.
const MAX_MEMORY: u32 = 131_072;
/// The most passes a stored hash may ask for.
const MAX_PASSES: u32 = 10;
/// The most memory times passes: 10 passes over 64 MiB.
const MAX_WORK: u32 = 655_360;
/// The most lanes a stored hash may ask for; as many as Django does.
const MAX_LANES: u32 = 8;
/// The shortest salt and the shortest output accepted, in bytes; the parser ends them at 48 and at 64.
const MIN_SALT_BYTES: usize = 8;
const MIN_OUTPUT_BYTES: usize = 16;
/// The one version read, 0x13.
const VERSION: u32 = 19;

/// An Argon2 hash, as of a PHC string.
#[derive(Clone, PartialEq)]
pub(crate) struct Argon2Hash {
    pub(crate) algorithm: Algorithm,
    pub(crate) params: Params,
    pub(crate) salt: Salt,
    pub(crate) output: Output,
}

impl Argon2Hash {
    pub(crate) fn new(params: Params, salt: Salt, output: Output) -> Self {
        Self { algorithm: Algorithm::Argon2id, params, salt, output }
    }
}

impl fmt::Display for Argon2Hash {
    /// The PHC string.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (memory, passes, lanes) = (self.params.memory_kib(), self.params.passes(), self.params.lanes());
        let parameters = parameter_text(memory, passes, lanes);
        write!(f, "${}$v={VERSION}${parameters}${}${}", self.algorithm.as_str(), self.salt, self.output)
    }
}

impl FromStr for Argon2Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hash = phc::PasswordHash::new(text).map_err(rejected)?;
        let algorithm = algorithm(hash.algorithm.as_str()).ok_or(HashError::UnknownAlgorithm)?;
        if hash.version != Some(VERSION) {
            return Err(HashError::NotVersion19);
        }
        let salt = hash.salt.filter(|salt| salt.len() >= MIN_SALT_BYTES).ok_or(HashError::Salt)?;
        let output = hash.hash.filter(|output| output.len() >= MIN_OUTPUT_BYTES).ok_or(HashError::Output)?;
        let params = bounded(&hash.params, output.len())?;
        Ok(Self { algorithm, params, salt, output })
    }
}

fn algorithm(name: &str) -> Option<Algorithm> {
    Algorithm::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
}

/// The parser has bounds of its own for salts and outputs; to the reader of a log they are the same as ours.
fn rejected(error: phc::Error) -> HashError {
    match error {
        phc::Error::SaltTooShort | phc::Error::SaltTooLong => HashError::Salt,
        phc::Error::OutputSize { .. } => HashError::Output,
        error => HashError::NotPhc(Some(error)),
    }
}

fn bounded(params: &phc::ParamsString, output_bytes: usize) -> Result<Params, HashError> {
    let number = |name| params.get_decimal(name).ok_or(HashError::Parameters);
    let (memory, passes, lanes) = (number("m")?, number("t")?, number("p")?);
    if memory > MAX_MEMORY || passes > MAX_PASSES || lanes > MAX_LANES || memory * passes > MAX_WORK {
        return Err(HashError::Parameters);
    }
    // The parser accepts a parameter twice, and others that would change the result, such as `keyid`.
    if params.as_str() != parameter_text(memory, passes, lanes) {
        return Err(HashError::Parameters);
    }
    params_of(memory, passes, lanes, output_bytes).map_err(|_| HashError::Parameters)
}

/// The parameters, if Argon2 has such; memory in KiB.
pub(crate) fn params_of(
    memory: u32,
    passes: u32,
    lanes: u32,
    output_bytes: usize,
) -> Result<Params, argon2_rust::Error> {
    let (memory, output) = (Memory::kib(memory.into()), TagLen::bytes(output_bytes as u64));
    Params::builder().memory(memory).passes(passes).lanes(lanes).threads(1).tag_len(output).build()
}

fn parameter_text(memory: u32, passes: u32, lanes: u32) -> String {
    format!("m={memory},t={passes},p={lanes}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PasswordHash, password_hash::Scheme};

    const SALT: &str = "c29tZXNhbHQ";
    const OUTPUT: &str = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

    fn rejection(text: &str) -> HashError {
        text.parse::<PasswordHash>().expect_err(text)
    }

    #[test]
    fn a_hash_within_bounds_is_read_and_printed_back() {
        for parameters in
            ["m=19456,t=2,p=1", "m=65536,t=10,p=4", "m=131072,t=5,p=1", "m=102400,t=2,p=8", "m=8,t=1,p=1"]
        {
            let text = format!("$argon2id$v=19${parameters}${SALT}${OUTPUT}");
            let hash = text.parse::<PasswordHash>().unwrap();
            assert_eq!(hash.expose(), text);
            let Scheme::Argon2(argon2) = hash.scheme.clone() else { panic!("{text}") };
            assert_eq!(PasswordHash::new(argon2.params, argon2.salt, argon2.output), hash);
        }
    }

    #[test]
    fn parameters_beyond_the_bounds_are_rejected() {
        for parameters in [
            "m=4194304,t=2,p=1",
            "m=131073,t=2,p=1",
            "m=4294967295,t=2,p=1",
            "m=19456,t=500,p=1",
            "m=19456,t=11,p=1",
            "m=19456,t=0,p=1",
            "m=19456,t=2,p=16777215",
            "m=131072,t=6,p=1",
            "m=19456,t=2,p=9",
            "m=19456,t=2,p=0",
            "m=7,t=2,p=1",
            "m=19456,t=2",
            "t=2,p=1",
            "t=2,m=19456,p=1",
            "m=19456,t=2,p=1,t=500",
            "m=19456,m=4194304,t=2,p=1",
            "m=19456,t=2,p=1,keyid=8PDw8A",
            "m=19456,t=2,p=1,data=Dw8PDw8P",
        ] {
            let text = format!("$argon2id$v=19${parameters}${SALT}${OUTPUT}");
            assert_eq!(rejection(&text), HashError::Parameters, "{parameters}");
        }
    }

    #[test]
    fn other_versions_are_rejected() {
        let rest = format!("m=19456,t=2,p=1${SALT}${OUTPUT}");
        assert_eq!(rejection(&format!("$argon2id$v=16${rest}")), HashError::NotVersion19);
        assert_eq!(rejection(&format!("$argon2i$v=16${rest}")), HashError::NotVersion19);
        assert_eq!(rejection(&format!("argon2$argon2i${rest}")), HashError::NotVersion19);
        assert_eq!(rejection(&format!("$argon2id${rest}")), HashError::NotVersion19);
    }

    #[test]
    fn salts_and_outputs_out_of_bounds_are_rejected() {
        let text = |salt: &str, output: &str| format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${output}");
        // 7, 15 and 65 bytes.
        assert!(matches!(rejection(&text("c29tZXNhbA", OUTPUT)), HashError::Salt | HashError::NotPhc(_)));
        assert_eq!(rejection(&text(SALT, "AAAAAAAAAAAAAAAAAAAA")), HashError::Output);
        assert_eq!(rejection(&text(&"A".repeat(87), OUTPUT)), HashError::Salt);
        assert_eq!(rejection("$argon2id$v=19$m=19456,t=2,p=1"), HashError::Salt);
        assert_eq!(rejection(&format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}")), HashError::Output);
    }

    #[test]
    fn what_is_no_phc_string_is_rejected() {
        let hash = format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}${OUTPUT}");
        for text in [format!("{hash}$"), format!("{hash}!"), "$argon2id$v=x".into()] {
            assert!(matches!(rejection(&text), HashError::NotPhc(_)), "{text}");
        }
    }
}
