use std::io::Write;

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};
use base64::{
    Engine,
    alphabet::BCRYPT,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

use super::{HashError, number, parts};

/// The highest cost a stored hash may ask for: about a second.
const MAX_COST: u32 = 14;
const MIN_COST: u32 = 4;
/// What bcrypt reads of a password and the zero byte after it.
const KEY_BYTES: usize = 72;
const SALT_TEXT_BYTES: usize = 22;
const SALT_BYTES: usize = 16;
/// One byte of the cipher's output is left out, by every implementation.
const OUTPUT_BYTES: usize = 23;

/// bcrypt's own alphabet; some implementations fill the last bits with chance.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &BCRYPT,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// bcrypt (Provos and Mazières, "A Future-Adaptable Password Scheme").
#[derive(Clone, PartialEq)]
pub(crate) struct BcryptHash {
    input: Input,
    cost: u32,
    salt: [u8; SALT_BYTES],
    output: [u8; OUTPUT_BYTES],
}

#[derive(Clone, Copy, PartialEq)]
enum Input {
    Password,
    /// The SHA-256 of the password in hexadecimal digits, 64 of them.
    Sha256,
}

impl BcryptHash {
    /// `$2b$12$…`, of the first 72 bytes of the password.
    pub(super) fn plain(text: &str) -> Result<Self, HashError> {
        Self::new(text, Input::Password)
    }

    /// bcrypt of the password's SHA-256.
    pub(super) fn of_sha256(text: &str) -> Result<Self, HashError> {
        Self::new(text, Input::Sha256)
    }

    fn new(text: &str, input: Input) -> Result<Self, HashError> {
        let ["", "2a" | "2b" | "2y", cost, rest] = parts(text)? else {
            return Err(HashError::Malformed);
        };
        let cost = number(cost).ok().filter(|_| cost.len() == 2).ok_or(HashError::Parameters)?;
        if !(MIN_COST..=MAX_COST).contains(&cost) {
            return Err(HashError::Parameters);
        }
        let (salt, output) = rest.split_at_checked(SALT_TEXT_BYTES).ok_or(HashError::Malformed)?;
        let decode = |text: &str| BASE64.decode(text).map_err(|_| HashError::Malformed);
        let salt = decode(salt)?.try_into().map_err(|_| HashError::Salt)?;
        let output = decode(output)?.try_into().map_err(|_| HashError::Output)?;
        Ok(Self { input, cost, salt, output })
    }

    pub(super) fn is_of(&self, password: &[u8]) -> bool {
        let mut key = Zeroizing::new(Vec::with_capacity(KEY_BYTES));
        match self.input {
            Input::Password => key.extend(password.iter().take(KEY_BYTES)),
            Input::Sha256 => {
                for byte in digest(&SHA256, password).as_ref() {
                    // Writing to a vector cannot fail.
                    let _ = write!(key, "{byte:02x}");
                }
            }
        }
        // Where the C implementations stop reading: a password with a zero byte is none that anyone hashed.
        let has_zero = key.contains(&0);
        if key.len() < KEY_BYTES {
            key.push(0);
        }
        let output = Zeroizing::new(bcrypt::bcrypt(self.cost, self.salt, &key));
        let same = output
            .first_chunk()
            .is_some_and(|output: &[u8; OUTPUT_BYTES]| verify_slices_are_equal(output, &self.output).is_ok());
        same && !has_zero
    }
}

#[cfg(test)]
mod tests {
    use crate::{HashError, PasswordHash};

    const SALT: &str = "Wur20iBrUaPdMrbHTHETaO";
    const OUTPUT: &str = "r2.LZY9LRYwYKSCtLe1WM/HUGUqWXcG";

    fn rejection(text: &str) -> HashError {
        text.parse::<PasswordHash>().expect_err(text)
    }

    #[test]
    fn costs_beyond_the_bounds_are_rejected() {
        for cost in ["15", "31", "99", "03", "00", "4", "012", "+12", "1x", ""] {
            for before in ["", "bcrypt$", "bcrypt_sha256$"] {
                let text = format!("{before}$2b${cost}${SALT}{OUTPUT}");
                assert_eq!(rejection(&text), HashError::Parameters, "{text}");
            }
        }
        assert!(format!("$2b$14${SALT}{OUTPUT}").parse::<PasswordHash>().is_ok());
    }

    #[test]
    fn what_is_no_bcrypt_string_is_rejected() {
        for (text, error) in [
            (format!("$2b$12${SALT}"), HashError::Output),
            (format!("$2b$12${SALT}{OUTPUT}A"), HashError::Output),
            (format!("$2b$12${SALT}{OUTPUT}AAAA"), HashError::Output),
            (format!("$2b$12${SALT}{}", OUTPUT.replace('.', "+")), HashError::Malformed),
            (format!("$2b$12${SALT}{OUTPUT}$"), HashError::Malformed),
            (
                "$2b$12$\u{20ac}\u{20ac}\u{20ac}\u{20ac}\u{20ac}\u{20ac}\u{20ac}\u{20ac}".into(),
                HashError::Malformed,
            ),
            (format!("bcrypt$2b$12${SALT}{OUTPUT}"), HashError::Malformed),
            (format!("bcrypt_sha256$$2x$12${SALT}{OUTPUT}"), HashError::Malformed),
            (format!("$2x$12${SALT}{OUTPUT}"), HashError::UnknownAlgorithm),
            ("$2b$".into(), HashError::Malformed),
        ] {
            assert_eq!(rejection(&text), error, "{text}");
        }
    }
}
