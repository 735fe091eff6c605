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

/// Before the 22 characters of a client's id, which no user's id has.
const CLIENT: &str = "lkc_";

/// `client_id` of a machine client, and `sub` of its tokens; never given again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(UserId);

/// Why a text is no id of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a client's id is {CLIENT} and 22 characters of base64url")]
pub struct ClientIdError;

impl ClientId {
    /// The id made of these random bits.
    pub const fn new(entropy: Entropy) -> Self {
        Self(UserId::new(entropy))
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{CLIENT}{}", self.0)
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientId({self})")
    }
}

impl FromStr for ClientId {
    type Err = ClientIdError;

    fn from_str(text: &str) -> Result<Self, ClientIdError> {
        let rest = text.strip_prefix(CLIENT).ok_or(ClientIdError)?;
        rest.parse().map(Self).map_err(|_| ClientIdError)
    }
}

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

    #[test]
    fn no_id_of_a_client_is_one_of_a_user_or_the_other_way_round() {
        let (client, user) = (ClientId::new(Entropy([7; 16])), UserId::new(Entropy([7; 16])));
        assert_eq!(client.to_string(), "lkc_BwcHBwcHBwcHBwcHBwcHBw");
        assert_eq!(client.to_string().parse(), Ok(client));
        assert_eq!(user.to_string().parse::<ClientId>(), Err(ClientIdError));
        assert_eq!(client.to_string().parse::<UserId>(), Err(IdentifierError));
        for text in ["", "lkc_", "lkc_lkc_BwcHBwcHBwcHBwcHBwcHBw", "LKC_BwcHBwcHBwcHBwcHBwcHBw"] {
            assert_eq!(text.parse::<ClientId>(), Err(ClientIdError), "{text}");
        }
    }
}
