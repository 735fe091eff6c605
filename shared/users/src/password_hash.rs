use std::{fmt, str::FromStr};

use argon2::{
    Params, Version,
    password_hash::phc::{self, Output, Salt},
};

/// The most memory a stored hash may ask for, in KiB: 64 MiB.
const MAX_MEMORY: u32 = 65_536;
/// The most passes a stored hash may ask for.
const MAX_PASSES: u32 = 10;
/// The most lanes a stored hash may ask for.
const MAX_LANES: u32 = 4;
/// The shortest salt and the shortest output accepted, in bytes; the parser ends them at 48 and at 64.
const MIN_SALT_BYTES: usize = 8;
const MIN_OUTPUT_BYTES: usize = 16;
/// The longest text read; no hash within the other bounds has more.
const MAX_TEXT_BYTES: usize = 256;

/// An Argon2id hash within bounds: what it asks for has been checked before any work is done.
///
/// Its text is a PHC string, `$argon2id$v=19$m=19456,t=2,p=1$salt$output`.
#[derive(Clone, PartialEq)]
pub struct PasswordHash {
    text: String,
    params: Params,
    salt: Salt,
    output: Output,
}

/// Why a text is no password hash, or why hashing failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Not a PHC string, or one with longer parts than there can be.
    #[error("the password hash is not a PHC string")]
    NotPhc(#[source] Option<phc::Error>),
    /// Another algorithm than Argon2id.
    #[error("the password hash is not of Argon2id")]
    NotArgon2id,
    /// Another version than 19 (0x13, RFC 9106).
    #[error("the password hash is not of Argon2 version 19")]
    NotVersion19,
    /// Parameters other than `m`, `t` and `p` in this order, or beyond 64 MiB, 10 passes or 4 lanes.
    #[error("the password hash has parameters that are out of bounds")]
    Parameters,
    /// No salt, or one outside 8 to 48 bytes.
    #[error("the password hash has a salt that is out of bounds")]
    Salt,
    /// No output, or one outside 16 to 64 bytes.
    #[error("the password hash has an output that is out of bounds")]
    Output,
    /// Argon2 refused to run.
    #[error("Argon2 failed")]
    Argon2(#[source] argon2::Error),
}

impl PasswordHash {
    pub(crate) fn new(params: Params, salt: Salt, output: Output) -> Self {
        let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
        let text = format!("$argon2id$v=19${}${salt}${output}", parameter_text(memory, passes, lanes));
        Self { text, params, salt, output }
    }

    /// The PHC string, to be stored and never to be shown.
    pub fn expose(&self) -> &str {
        &self.text
    }

    pub(crate) fn params(&self) -> &Params {
        &self.params
    }

    pub(crate) fn salt(&self) -> &Salt {
        &self.salt
    }

    pub(crate) fn output(&self) -> &Output {
        &self.output
    }
}

impl FromStr for PasswordHash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.starts_with("$argon2id$") {
            return Err(HashError::NotArgon2id);
        }
        if text.len() > MAX_TEXT_BYTES {
            return Err(HashError::NotPhc(None));
        }
        let hash = phc::PasswordHash::new(text).map_err(refused)?;
        if hash.version != Some(Version::V0x13.into()) {
            return Err(HashError::NotVersion19);
        }
        let salt = hash.salt.filter(|salt| salt.len() >= MIN_SALT_BYTES).ok_or(HashError::Salt)?;
        let output = hash.hash.filter(|output| output.len() >= MIN_OUTPUT_BYTES).ok_or(HashError::Output)?;
        let params = bounded(&hash.params, output.len())?;
        Ok(Self { text: text.to_owned(), params, salt, output })
    }
}

/// The parser has bounds of its own for salts and outputs; to the reader of a log they are the same as ours.
fn refused(error: phc::Error) -> HashError {
    match error {
        phc::Error::SaltTooShort | phc::Error::SaltTooLong => HashError::Salt,
        phc::Error::OutputSize { .. } => HashError::Output,
        error => HashError::NotPhc(Some(error)),
    }
}

fn bounded(params: &phc::ParamsString, output_bytes: usize) -> Result<Params, HashError> {
    let number = |name| params.get_decimal(name).ok_or(HashError::Parameters);
    let (memory, passes, lanes) = (number("m")?, number("t")?, number("p")?);
    if memory > MAX_MEMORY || passes > MAX_PASSES || lanes > MAX_LANES {
        return Err(HashError::Parameters);
    }
    // The parser accepts a parameter twice, and others that would change the result, such as `keyid`.
    if params.as_str() != parameter_text(memory, passes, lanes) {
        return Err(HashError::Parameters);
    }
    Params::new(memory, passes, lanes, Some(output_bytes)).map_err(|_| HashError::Parameters)
}

fn parameter_text(memory: u32, passes: u32, lanes: u32) -> String {
    format!("m={memory},t={passes},p={lanes}")
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: &str = "c29tZXNhbHQ";
    const OUTPUT: &str = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

    fn refusal(text: &str) -> HashError {
        text.parse::<PasswordHash>().expect_err(text)
    }

    #[test]
    fn a_hash_within_bounds_is_read_and_printed_back() {
        for parameters in ["m=19456,t=2,p=1", "m=65536,t=10,p=4", "m=8,t=1,p=1"] {
            let text = format!("$argon2id$v=19${parameters}${SALT}${OUTPUT}");
            let hash = text.parse::<PasswordHash>().unwrap();
            assert_eq!(hash.expose(), text);
            assert_eq!(PasswordHash::new(hash.params.clone(), hash.salt, hash.output), hash);
        }
    }

    #[test]
    fn parameters_beyond_the_bounds_are_refused() {
        for parameters in [
            "m=4194304,t=2,p=1",
            "m=65537,t=2,p=1",
            "m=4294967295,t=2,p=1",
            "m=19456,t=500,p=1",
            "m=19456,t=11,p=1",
            "m=19456,t=0,p=1",
            "m=19456,t=2,p=16777215",
            "m=19456,t=2,p=5",
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
            assert_eq!(refusal(&text), HashError::Parameters, "{parameters}");
        }
    }

    #[test]
    fn other_algorithms_and_versions_are_refused() {
        let rest = format!("m=19456,t=2,p=1${SALT}${OUTPUT}");
        assert_eq!(refusal(&format!("$argon2i$v=19${rest}")), HashError::NotArgon2id);
        assert_eq!(refusal(&format!("$argon2d$v=19${rest}")), HashError::NotArgon2id);
        assert_eq!(refusal(&format!("$scrypt$v=19${rest}")), HashError::NotArgon2id);
        assert_eq!(refusal(&format!("$argon2id$v=16${rest}")), HashError::NotVersion19);
        assert_eq!(refusal(&format!("$argon2id${rest}")), HashError::NotVersion19);
    }

    #[test]
    fn salts_and_outputs_out_of_bounds_are_refused() {
        let text = |salt: &str, output: &str| format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${output}");
        // 7, 15 and 65 bytes.
        assert!(matches!(refusal(&text("c29tZXNhbA", OUTPUT)), HashError::Salt | HashError::NotPhc(_)));
        assert_eq!(refusal(&text(SALT, "AAAAAAAAAAAAAAAAAAAA")), HashError::Output);
        assert_eq!(refusal(&text(&"A".repeat(87), OUTPUT)), HashError::Salt);
        assert_eq!(refusal("$argon2id$v=19$m=19456,t=2,p=1"), HashError::Salt);
        assert_eq!(refusal(&format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}")), HashError::Output);
    }

    #[test]
    fn what_is_no_hash_of_argon2id_is_refused() {
        for text in [
            "",
            "$",
            "garbage",
            "argon2id",
            "$argon2id",
            "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
            "pbkdf2_sha256$600000$salt$hash",
            "\0",
        ] {
            assert_eq!(refusal(text), HashError::NotArgon2id, "{text}");
        }
    }

    #[test]
    fn what_is_no_phc_string_is_refused() {
        let hash = format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}${OUTPUT}");
        for text in [format!("{hash}$"), format!("{hash}!"), "$argon2id$v=x".into(), hash + &"A".repeat(200)]
        {
            assert!(matches!(refusal(&text), HashError::NotPhc(_)), "{text}");
        }
    }

    #[test]
    fn a_hash_is_not_printed() {
        let hash: PasswordHash = format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}${OUTPUT}").parse().unwrap();
        assert_eq!(format!("{hash:?}"), "PasswordHash(..)");
    }
}
