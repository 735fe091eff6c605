use std::{fmt, str::FromStr};

use argon2_rust::Params;
use phc::{Output, Salt};

pub(crate) use self::argon2_hash::{Argon2Hash, params_of};
use self::{
    bcrypt_hash::BcryptHash,
    pbkdf2_hash::{Pbkdf2Hash, Prf},
    scrypt_hash::ScryptHash,
};
use crate::{Password, Verdict};

mod argon2_hash;
mod bcrypt_hash;
mod pbkdf2_hash;
mod scrypt_hash;

/// The longest text read; no hash within the other bounds has more.
const MAX_TEXT_BYTES: usize = 256;
/// What is recognised by its name only to be rejected: without salt, of one pass, or of a hash function that is broken.
const TOO_WEAK: [&str; 5] = ["md5", "unsalted_md5", "sha1", "unsalted_sha1", "crypt"];

/// A password hash within bounds: what it asks for has been checked before any work is done.
///
/// New ones are Argon2id. Those of other programs are verified as these did, and replaced at the next login:
///
/// | algorithm | texts |
/// | --- | --- |
/// | Argon2 | `$argon2id$v=19$m=19456,t=2,p=1$salt$output`, also `argon2i` and `argon2d`; Django's `argon2$argon2id$…` |
/// | PBKDF2 with HMAC-SHA-256 | `$pbkdf2-sha256$i=600000$salt$output`, passlib's `$pbkdf2-sha256$29000$salt$output`, Django's `pbkdf2_sha256$1000000$salt$output`, Werkzeug's `pbkdf2:sha256:600000$salt$output`, Spring's `{pbkdf2@SpringSecurity_v5_8}…` |
/// | PBKDF2 with HMAC-SHA-1 or SHA-512 | Django's `pbkdf2_sha1$1000000$salt$output`, Werkzeug's `pbkdf2:sha1:600000$salt$output`, Spring's `{pbkdf2}…` |
/// | bcrypt | `$2a$`, `$2b$` and `$2y$`, Django's `bcrypt$$2b$…` |
/// | bcrypt of SHA-256 | Django's `bcrypt_sha256$$2b$…` |
/// | scrypt | `$scrypt$ln=16,r=8,p=1$salt$output`, Django's `scrypt$16384$salt$8$5$output`, Werkzeug's `scrypt:32768:8:1$salt$output`, Spring's `{scrypt}…` |
///
/// Before bcrypt there may be Spring's `{bcrypt}` or Dovecot's `{BLF-CRYPT}`, before Argon2 Spring's `{argon2}`.
///
/// The text is kept as it was read. What the other program hashed was a password as typed, ours is in NFC: where
/// the two differ, which takes a keyboard that sends accents apart from their letters, the password is rejected, and
/// needs to be set anew. bcrypt reads 72 bytes: whoever knows those logs in, and what was typed then, all of it, is
/// the password from there on.
#[derive(Clone, PartialEq)]
pub struct PasswordHash {
    text: String,
    pub(crate) scheme: Scheme,
}

/// How the password was hashed, and into what.
#[derive(Clone, PartialEq)]
pub(crate) enum Scheme {
    Argon2(Argon2Hash),
    Other(OtherHash),
}

/// What is verified until it is replaced, and never made.
#[derive(Clone, PartialEq)]
pub(crate) enum OtherHash {
    Pbkdf2(Pbkdf2Hash),
    Bcrypt(BcryptHash),
    Scrypt(ScryptHash),
}

/// Why a text is no password hash, or why hashing failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Empty or beginning with `!`, as Django writes it for a user who cannot log in with a password.
    #[error("there is no password: the hash is empty or marked as unusable")]
    Unusable,
    /// An algorithm that is named, and not worth verifying.
    #[error("the password hash is of {0}, which is too weak")]
    TooWeak(&'static str),
    /// An algorithm that is not known here.
    #[error("the password hash is not of Argon2, PBKDF2, bcrypt or scrypt in a form that is known here")]
    UnknownAlgorithm,
    /// Argon2, but not a PHC string, or one with longer parts than there can be.
    #[error("the password hash is not a PHC string")]
    NotPhc(#[source] Option<phc::Error>),
    /// Not in one of the forms of its algorithm.
    #[error("the password hash is malformed")]
    Malformed,
    /// Another version than 19 (0x13, RFC 9106).
    #[error("the password hash is not of Argon2 version 19")]
    NotVersion19,
    /// More work or memory than a login may cost, or parameters that the algorithm does not have.
    #[error("the password hash has parameters that are out of bounds")]
    Parameters,
    /// No salt, or one of a length that is out of bounds.
    #[error("the password hash has a salt that is out of bounds")]
    Salt,
    /// No output, or one of a length that is out of bounds.
    #[error("the password hash has an output that is out of bounds")]
    Output,
    /// Argon2 could not run.
    #[error("Argon2 failed")]
    Argon2(#[source] argon2_rust::Error),
}

impl PasswordHash {
    pub(crate) fn new(params: Params, salt: Salt, output: Output) -> Self {
        let argon2 = Argon2Hash::new(params, salt, output);
        Self { text: argon2.to_string(), scheme: Scheme::Argon2(argon2) }
    }

    /// The text, to be stored and never to be shown.
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl OtherHash {
    /// Whether `password` is the one behind this; the outputs are compared in constant time.
    pub(crate) fn verify(&self, password: &Password) -> Verdict {
        let password = password.as_bytes();
        let matches = match self {
            Self::Pbkdf2(hash) => hash.is_of(password),
            Self::Bcrypt(hash) => hash.is_of(password),
            Self::Scrypt(hash) => hash.is_of(password),
        };
        if matches { Verdict::Match } else { Verdict::Mismatch }
    }
}

impl FromStr for PasswordHash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self { scheme: scheme(text)?, text: text.to_owned() })
    }
}

fn scheme(text: &str) -> Result<Scheme, HashError> {
    if text.is_empty() || text.starts_with('!') {
        return Err(HashError::Unusable);
    }
    if text.len() > MAX_TEXT_BYTES {
        return Err(HashError::Malformed);
    }
    if let Some((prefix, rest)) = text.strip_prefix('{').and_then(|text| text.split_once('}')) {
        return prefixed(prefix, rest);
    }
    let Some((name, rest)) = text.split_once('$') else {
        return Err(HashError::UnknownAlgorithm);
    };
    let other = match name {
        "argon2" => return Ok(Scheme::Argon2(format!("${rest}").parse()?)),
        "pbkdf2_sha256" => OtherHash::Pbkdf2(Pbkdf2Hash::from_django(Prf::HmacSha256, rest)?),
        "pbkdf2_sha1" => OtherHash::Pbkdf2(Pbkdf2Hash::from_django(Prf::HmacSha1, rest)?),
        "bcrypt" => OtherHash::Bcrypt(BcryptHash::plain(rest)?),
        "bcrypt_sha256" => OtherHash::Bcrypt(BcryptHash::of_sha256(rest)?),
        "scrypt" => OtherHash::Scrypt(ScryptHash::from_django(rest)?),
        "" => match rest.split_once('$') {
            Some(("argon2id" | "argon2i" | "argon2d", _)) => return Ok(Scheme::Argon2(text.parse()?)),
            Some(("pbkdf2-sha256", rest)) => OtherHash::Pbkdf2(Pbkdf2Hash::from_phc(rest)?),
            Some(("2a" | "2b" | "2y", _)) => OtherHash::Bcrypt(BcryptHash::plain(text)?),
            Some(("scrypt", rest)) => OtherHash::Scrypt(ScryptHash::from_phc(rest)?),
            _ => return Err(HashError::UnknownAlgorithm),
        },
        name if name.starts_with("pbkdf2:") => OtherHash::Pbkdf2(Pbkdf2Hash::from_werkzeug(name, rest)?),
        name if name.starts_with("scrypt:") => OtherHash::Scrypt(ScryptHash::from_werkzeug(name, rest)?),
        name => {
            let weak = TOO_WEAK.into_iter().find(|weak| *weak == name);
            return Err(weak.map_or(HashError::UnknownAlgorithm, HashError::TooWeak));
        }
    };
    Ok(Scheme::Other(other))
}

/// A hash of `Spring`'s `DelegatingPasswordEncoder` or of Dovecot, which name the algorithm in front.
fn prefixed(prefix: &str, text: &str) -> Result<Scheme, HashError> {
    match prefix {
        "bcrypt" | "BLF-CRYPT" => Ok(Scheme::Other(OtherHash::Bcrypt(BcryptHash::plain(text)?))),
        "pbkdf2" => spring_pbkdf2(Prf::HmacSha1, 185_000, 8, text),
        "pbkdf2@SpringSecurity_v5_8" => spring_pbkdf2(Prf::HmacSha256, 310_000, 16, text),
        "scrypt" | "scrypt@SpringSecurity_v5_8" => {
            Ok(Scheme::Other(OtherHash::Scrypt(ScryptHash::from_spring(text)?)))
        }
        "argon2" | "argon2@SpringSecurity_v5_8" | "ARGON2I" | "ARGON2ID" => Ok(Scheme::Argon2(text.parse()?)),
        "noop" | "PLAIN" => Err(HashError::TooWeak("plain text")),
        _ => Err(HashError::UnknownAlgorithm),
    }
}

/// What `PasswordEncoderFactories` of Spring Security makes under a name; an encoder with other settings writes the same
/// name, and its hashes match no password here.
fn spring_pbkdf2(prf: Prf, iterations: u32, salt_bytes: usize, text: &str) -> Result<Scheme, HashError> {
    let hash = Pbkdf2Hash::from_spring(prf, iterations, salt_bytes, text)?;
    Ok(Scheme::Other(OtherHash::Pbkdf2(hash)))
}

/// Bytes in hexadecimal digits.
fn hexadecimal(text: &str) -> Result<Vec<u8>, HashError> {
    let digit = |byte: u8| char::from(byte).to_digit(16).ok_or(HashError::Malformed);
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(HashError::Malformed);
    }
    pairs
        .map(|pair| {
            let value = pair.iter().try_fold(0, |value, byte| Ok(value * 16 + digit(*byte)?))?;
            u8::try_from(value).map_err(|_| HashError::Malformed)
        })
        .collect()
}

/// The parts of a text between `$`, if there are just so many.
fn parts<const N: usize>(text: &str) -> Result<[&str; N], HashError> {
    let parts: Vec<&str> = text.splitn(N + 1, '$').collect();
    parts.try_into().map_err(|_| HashError::Malformed)
}

/// A number in digits alone; `str::parse` takes a sign too.
fn number(text: &str) -> Result<u32, HashError> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or(HashError::Parameters)
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rejection(text: &str) -> HashError {
        text.parse::<PasswordHash>().expect_err(text)
    }

    #[test]
    fn what_nobody_can_log_in_with_is_rejected() {
        for text in ["", "!", "!VY3fVh12gq3fERf5deezXJEJwAOhNwz1usTJIrGr"] {
            assert_eq!(rejection(text), HashError::Unusable, "{text}");
        }
        for (text, name) in [
            ("md5$O4onRKM5sNqgZLVV8OOaRg$b969f3609f96f027ca7da6aa9d4d2e50", "md5"),
            ("sha1$salt$aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d", "sha1"),
            ("unsalted_sha1$$aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d", "unsalted_sha1"),
            ("{noop}correct horse", "plain text"),
        ] {
            assert_eq!(rejection(text), HashError::TooWeak(name), "{text}");
        }
    }

    #[test]
    fn what_is_no_hash_is_rejected() {
        for text in [
            "$",
            "$$",
            "garbage",
            "argon2id",
            "$argon2id",
            "b969f3609f96f027ca7da6aa9d4d2e50",
            "{sha256}$pbkdf2-sha256$29000$9n4vhfC.t3YOYcwZ4/zfGw$zjOpEcgHNMF9goUSxElbA9miSy0OAAC.ISwNxJkTuNw",
            "{",
            "{bcrypt",
            "$6$salt$hash",
            "$1$salt$hash",
            "$argon2$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q",
            "\0",
        ] {
            assert_eq!(rejection(text), HashError::UnknownAlgorithm, "{text}");
        }
        assert_eq!(rejection(&format!("$argon2id${}", "A".repeat(247))), HashError::Malformed);
        for text in ["argon2$", "argon2$scrypt$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q"] {
            assert!(matches!(rejection(text), HashError::NotPhc(_) | HashError::UnknownAlgorithm), "{text}");
        }
    }

    #[test]
    fn a_hash_is_not_printed() {
        let text = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert_eq!(format!("{:?}", text.parse::<PasswordHash>().unwrap()), "PasswordHash(..)");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic_and_what_it_accepts_it_keeps(
            start in "|!|argon2|bcrypt|bcrypt_sha256|scrypt|pbkdf2_sha256|\\{pbkdf2\\}[0-9a-f]{76,81}|\\{scrypt\\}|\\$(argon2id|pbkdf2-sha256|scrypt|2b)",
            rest in "(\\$([0-9]{1,3}|(ln|i|m)=[0-9]{1,3}(,r=8,p=1|,t=2,p=1)?|[./A-Za-z0-9]{22}|[./A-Za-z0-9]{43}=?|\\PC{0,20})){0,7}",
        ) {
            let text = start + &rest;
            if let Ok(hash) = text.parse::<PasswordHash>() {
                prop_assert_eq!(hash.expose(), text);
            }
        }
    }
}
