use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};

use super::{HashError, hexadecimal, number, parts};

/// The most iterations a stored hash may ask for: Django's default is 1,200,000 in release 6.0.
const MAX_ITERATIONS: u32 = 2_000_000;
const MAX_SALT_BYTES: usize = 64;
const SPRING_OUTPUT_BYTES: usize = 32;

/// PBKDF2 (RFC 8018, section 5.2).
#[derive(Clone, PartialEq)]
pub(crate) struct Pbkdf2Hash {
    prf: Prf,
    iterations: NonZeroU32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

/// The pseudorandom function. What broke SHA-1 are collisions, which HMAC does not rest on: RFC 6194, section 3.3.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Prf {
    HmacSha1,
    HmacSha256,
    HmacSha512,
}

impl Prf {
    const fn algorithm(self) -> pbkdf2::Algorithm {
        match self {
            Self::HmacSha1 => PBKDF2_HMAC_SHA1,
            Self::HmacSha256 => PBKDF2_HMAC_SHA256,
            Self::HmacSha512 => PBKDF2_HMAC_SHA512,
        }
    }

    /// As many as the hash function has; more would repeat all the iterations for each of them.
    const fn output_bytes(self) -> usize {
        match self {
            Self::HmacSha1 => 20,
            Self::HmacSha256 => 32,
            Self::HmacSha512 => 64,
        }
    }
}

impl Pbkdf2Hash {
    /// Django's `1000000$salt$output`: the salt is text, the output base64.
    pub(super) fn from_django(prf: Prf, text: &str) -> Result<Self, HashError> {
        let [iterations, salt, output] = parts(text)?;
        let output = STANDARD.decode(output).map_err(|_| HashError::Malformed)?;
        Self::new(prf, number(iterations)?, salt.into(), output)
    }

    /// Werkzeug's `pbkdf2:sha256:600000` and `salt$output`: the salt is text, the output hexadecimal.
    pub(super) fn from_werkzeug(method: &str, text: &str) -> Result<Self, HashError> {
        let method: Vec<&str> = method.split(':').collect();
        let [_, name, iterations] = method[..] else { return Err(HashError::Malformed) };
        let prf = match name {
            "sha1" => Prf::HmacSha1,
            "sha256" => Prf::HmacSha256,
            "sha512" => Prf::HmacSha512,
            _ => return Err(HashError::UnknownAlgorithm),
        };
        let [salt, output] = parts(text)?;
        Self::new(prf, number(iterations)?, salt.into(), hexadecimal(output)?)
    }

    /// Spring's salt and output in one hexadecimal text; the number of iterations goes with the name in front of it.
    ///
    /// With HMAC-SHA-1 Spring stores 32 bytes of output. The first 20 depend on no others, so they tell as much.
    pub(super) fn from_spring(
        prf: Prf,
        iterations: u32,
        salt_bytes: usize,
        text: &str,
    ) -> Result<Self, HashError> {
        let mut salt = hexadecimal(text)?;
        if salt.len() != salt_bytes + SPRING_OUTPUT_BYTES {
            return Err(HashError::Output);
        }
        let mut output = salt.split_off(salt_bytes);
        output.truncate(prf.output_bytes());
        Self::new(prf, iterations, salt, output)
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
        Self::new(Prf::HmacSha256, number(iterations)?, decode(salt)?, decode(output)?)
    }

    fn new(prf: Prf, iterations: u32, salt: Vec<u8>, output: Vec<u8>) -> Result<Self, HashError> {
        let iterations = NonZeroU32::new(iterations).ok_or(HashError::Parameters)?;
        if iterations.get() > MAX_ITERATIONS {
            return Err(HashError::Parameters);
        }
        if salt.is_empty() || salt.len() > MAX_SALT_BYTES {
            return Err(HashError::Salt);
        }
        if output.len() != prf.output_bytes() {
            return Err(HashError::Output);
        }
        Ok(Self { prf, iterations, salt, output })
    }

    pub(super) fn is_of(&self, password: &[u8]) -> bool {
        pbkdf2::verify(self.prf.algorithm(), self.iterations, &self.salt, password, &self.output).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use crate::{HashError, PasswordHash};

    const OUTPUT: &str = "ta0T3onBYvlYURKH1NQoQL300SyhGdvKwu/Gpk/ZbCU";

    fn rejection(text: &str) -> HashError {
        text.parse::<PasswordHash>().expect_err(text)
    }

    #[test]
    fn iterations_beyond_the_bounds_are_rejected() {
        for iterations in ["2000001", "4294967296", "0", "-1", "+1", "1e3", "", "i=1000"] {
            let text = format!("pbkdf2_sha256${iterations}$salt${OUTPUT}=");
            assert_eq!(rejection(&text), HashError::Parameters, "{text}");
        }
        for parameters in ["2000001", "i=2000001", "i=0", "i=1000,l=64", "l=32,i=1000", "i=1000,i=1", ""] {
            let text = format!("$pbkdf2-sha256${parameters}$c2FsdHNhbHQ${OUTPUT}");
            assert_eq!(rejection(&text), HashError::Parameters, "{text}");
        }
        for text in [
            format!("pbkdf2_sha256$2000000$salt${OUTPUT}="),
            format!("$pbkdf2-sha256$i=1,l=32$c2FsdA${OUTPUT}"),
        ] {
            assert!(text.parse::<PasswordHash>().is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_malformed_is_rejected() {
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
            (format!("pbkdf2_sha1$1000$salt${OUTPUT}="), HashError::Output),
            ("pbkdf2:sha256:1000$salt$AA".into(), HashError::Output),
            (format!("{{pbkdf2}}{}", "0".repeat(79)), HashError::Malformed),
            (format!("{{pbkdf2}}{}", "0".repeat(78)), HashError::Output),
            (format!("{{pbkdf2}}{}", "0".repeat(96)), HashError::Output),
            (format!("{{pbkdf2@SpringSecurity_v5_8}}{}", "0".repeat(80)), HashError::Output),
            (format!("{{pbkdf2@SpringSecurity_v6_0}}{}", "0".repeat(96)), HashError::UnknownAlgorithm),
            ("pbkdf2:sha256:1000$salt$A".into(), HashError::Malformed),
            ("pbkdf2:sha256:1000$salt$+A".into(), HashError::Malformed),
            ("pbkdf2:sha256$salt$AA".into(), HashError::Malformed),
            ("pbkdf2:md5:1000$salt$AA".into(), HashError::UnknownAlgorithm),
            ("pbkdf2:sha256:2000001$salt$AA".into(), HashError::Parameters),
        ] {
            assert_eq!(rejection(&text), error, "{text}");
        }
    }
}
