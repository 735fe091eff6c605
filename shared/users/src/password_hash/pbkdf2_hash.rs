use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};

use super::{HashError, number, parts};

/// The most iterations a stored hash may ask for: Django's default is 1,200,000 in release 6.0.
const MAX_ITERATIONS: u32 = 2_000_000;
const MAX_SALT_BYTES: usize = 64;
/// As many as SHA-256 has; more would repeat all the iterations for each 32 bytes.
const OUTPUT_BYTES: usize = 32;

/// PBKDF2 with HMAC-SHA-256 (RFC 8018, section 5.2).
#[derive(Clone, PartialEq)]
pub(crate) struct Pbkdf2Hash {
    iterations: NonZeroU32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Pbkdf2Hash {
    /// Django's `1000000$salt$output`: the salt is text, the output base64.
    pub(super) fn from_django(text: &str) -> Result<Self, HashError> {
        let [iterations, salt, output] = parts(text)?;
        let output = STANDARD.decode(output).map_err(|_| HashError::Malformed)?;
        Self::new(number(iterations)?, salt.into(), output)
    }

    /// The PHC string's `i=600000,l=32$salt$output`, or passlib's `29000$salt$output`, whose base64 has `.` for `+`.
    pub(super) fn from_phc(text: &str) -> Result<Self, HashError> {
        let [parameters, salt, output] = parts(text)?;
        let iterations = match parameters.strip_prefix("i=") {
            Some(iterations) => iterations.strip_suffix(",l=32").unwrap_or(iterations),
            None => parameters,
        };
        let decode =
            |text: &str| STANDARD_NO_PAD.decode(text.replace('.', "+")).map_err(|_| HashError::Malformed);
        Self::new(number(iterations)?, decode(salt)?, decode(output)?)
    }

    fn new(iterations: u32, salt: Vec<u8>, output: Vec<u8>) -> Result<Self, HashError> {
        let iterations = NonZeroU32::new(iterations).ok_or(HashError::Parameters)?;
        if iterations.get() > MAX_ITERATIONS {
            return Err(HashError::Parameters);
        }
        if salt.is_empty() || salt.len() > MAX_SALT_BYTES {
            return Err(HashError::Salt);
        }
        if output.len() != OUTPUT_BYTES {
            return Err(HashError::Output);
        }
        Ok(Self { iterations, salt, output })
    }

    pub(super) fn is_of(&self, password: &[u8]) -> bool {
        pbkdf2::verify(PBKDF2_HMAC_SHA256, self.iterations, &self.salt, password, &self.output).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use crate::{HashError, PasswordHash};

    const OUTPUT: &str = "ta0T3onBYvlYURKH1NQoQL300SyhGdvKwu/Gpk/ZbCU";

    fn refusal(text: &str) -> HashError {
        text.parse::<PasswordHash>().expect_err(text)
    }

    #[test]
    fn iterations_beyond_the_bounds_are_refused() {
        for iterations in ["2000001", "4294967296", "0", "-1", "+1", "1e3", "", "i=1000"] {
            let text = format!("pbkdf2_sha256${iterations}$salt${OUTPUT}=");
            assert_eq!(refusal(&text), HashError::Parameters, "{text}");
        }
        for parameters in ["2000001", "i=2000001", "i=0", "i=1000,l=64", "l=32,i=1000", "i=1000,i=1", ""] {
            let text = format!("$pbkdf2-sha256${parameters}$c2FsdHNhbHQ${OUTPUT}");
            assert_eq!(refusal(&text), HashError::Parameters, "{text}");
        }
        for text in [
            format!("pbkdf2_sha256$2000000$salt${OUTPUT}="),
            format!("$pbkdf2-sha256$i=1,l=32$c2FsdA${OUTPUT}"),
        ] {
            assert!(text.parse::<PasswordHash>().is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for (text, error) in [
            (format!("pbkdf2_sha256$1000$salt${OUTPUT}"), HashError::Malformed),
            (format!("pbkdf2_sha256$1000$salt${OUTPUT}=$"), HashError::Malformed),
            ("pbkdf2_sha256$1000$salt".into(), HashError::Malformed),
            (format!("pbkdf2_sha256$1000$${OUTPUT}="), HashError::Salt),
            (format!("pbkdf2_sha256$1000${}${OUTPUT}=", "s".repeat(65)), HashError::Salt),
            ("pbkdf2_sha256$1000$salt$".into(), HashError::Output),
            ("pbkdf2_sha256$1000$salt$AAAA".into(), HashError::Output),
            (format!("$pbkdf2-sha256$1000$salt!${OUTPUT}"), HashError::Malformed),
            (format!("$pbkdf2-sha512$1000$c2FsdA${OUTPUT}"), HashError::UnknownAlgorithm),
        ] {
            assert_eq!(refusal(&text), error, "{text}");
        }
    }
}
