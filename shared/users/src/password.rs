use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// The longest password, in bytes of UTF-8 after NFC.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// A password as typed, in NFC and otherwise untouched: never trimmed, folded or cut.
///
/// Its bytes are overwritten when it is dropped.
pub struct Password(Zeroizing<String>);

/// Why a text is no password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// There is nothing to check.
    #[error("the password is empty")]
    Empty,
    /// More than [`MAX_PASSWORD_BYTES`].
    #[error("the password is longer than {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
}

impl Password {
    /// Whether this is the same text as another.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl TryFrom<String> for Password {
    type Error = PasswordError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = Zeroizing::new(text);
        // All of it is allocated at once: a string that grows leaves copies behind.
        let mut password = Zeroizing::new(String::with_capacity(MAX_PASSWORD_BYTES));
        for character in text.nfc() {
            if password.len() + character.len_utf8() > MAX_PASSWORD_BYTES {
                return Err(PasswordError::TooLong);
            }
            password.push(character);
        }
        if password.is_empty() { Err(PasswordError::Empty) } else { Ok(Self(password)) }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Result<Vec<u8>, PasswordError> {
        Password::try_from(text.to_owned()).map(|password| password.as_bytes().to_vec())
    }

    #[test]
    fn a_password_is_nfc_and_nothing_else() {
        for (text, kept) in [
            (" secret\n", " secret\n"),
            (" ", " "),
            ("a\0b", "a\0b"),
            ("Secret", "Secret"),
            ("Jose\u{301}", "Jos\u{e9}"),
            ("\u{fb01}\u{200d}\u{212b}", "\u{fb01}\u{200d}\u{c5}"),
        ] {
            assert_eq!(bytes(text), Ok(kept.as_bytes().to_vec()), "{text:?}");
        }
    }

    #[test]
    fn a_password_has_1_to_1024_bytes_after_normalisation() {
        assert_eq!(bytes(""), Err(PasswordError::Empty));
        assert_eq!(bytes("x"), Ok(b"x".to_vec()));
        assert_eq!(bytes(&"x".repeat(1024)), Ok(vec![b'x'; 1024]));
        assert_eq!(bytes(&"x".repeat(1025)), Err(PasswordError::TooLong));
        // 1,536 bytes as typed, 1,024 in NFC; then one more.
        assert_eq!(bytes(&"e\u{301}".repeat(512)), Ok("\u{e9}".repeat(512).into_bytes()));
        assert_eq!(bytes(&"e\u{301}".repeat(513)), Err(PasswordError::TooLong));
    }

    #[test]
    fn a_password_is_not_printed() {
        let password = Password::try_from("hunter2".to_owned()).unwrap();
        assert_eq!(format!("{password:?}"), "Password(..)");
    }
}
