use std::{fmt, str::FromStr};

use base64::{Engine, display::Base64Display, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, Serializer};

/// 128 bits from a cryptographic random source, drawn at the edge and handed in.
#[derive(Clone, Copy)]
pub struct Entropy(pub [u8; 16]);

/// Why a text is no identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an identifier is 22 characters of base64url")]
pub struct IdentifierError;

/// What the decoder wants room for when it reads an identifier.
const DECODED_BYTES: usize = 18;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// The identifier made of these random bits.
            pub const fn new(entropy: Entropy) -> Self {
                Self(entropy.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Base64Display::new(&self.0, &URL_SAFE_NO_PAD).fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = IdentifierError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0; DECODED_BYTES];
                let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).map_err(|_| IdentifierError)?;
                let bytes = bytes.get(..length).unwrap_or_default();
                Ok(Self(bytes.try_into().map_err(|_| IdentifierError)?))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

identifier!(
    /// `sub`: one user for ever; a name registered again has another.
    UserId
);
identifier!(
    /// `sid`: one session, from its login to its end.
    SessionId
);
identifier!(
    /// `jti`: one token.
    TokenId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_reads_what_it_printed() {
        let id = UserId::new(Entropy([7; 16]));
        assert_eq!(id.to_string().len(), 22);
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "short", "BwcHBwcHBwcHBwcHBwcHBw==", "BwcHBwcHBwcHBwcHBwcHB!"] {
            assert_eq!(text.parse::<UserId>(), Err(IdentifierError), "{text}");
        }
    }
}
