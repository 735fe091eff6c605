use token::{AccessAudiences, ClientId, Timestamp};

use crate::{LastChange, SecretHash, SecretId};

/// How many secrets a client has at most: the one in use and the one that takes its place.
pub const MAX_SECRETS: usize = 2;

/// A program that gets access tokens by itself (RFC 6749 §4.4). It has a row of its own, cannot log in and has no session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineClient {
    /// `client_id`, and `sub` of its tokens; never given again.
    pub id: ClientId,
    /// What people call it.
    pub name: String,
    /// Whether it gets tokens.
    pub enabled: bool,
    /// What its tokens may be for, with the scopes that they may have there.
    pub audiences: AccessAudiences,
    /// Its secrets, the oldest first.
    pub secrets: Vec<StoredSecret>,
    /// When it was created.
    pub created_at: Timestamp,
    /// The last change by an administrator.
    pub last_change: Option<LastChange>,
}

/// What is stored of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    /// Which one it is.
    pub id: SecretId,
    /// Its hash.
    pub hash: SecretHash,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A client's name for people: one line of 1 to 100 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientName(String);

/// Why a text cannot be the name of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a client's name must have 1 to 100 characters, none of them a control character")]
pub struct ClientNameError;

impl MachineClient {
    /// Which of its secrets this hash is of, if any. Both are compared, whichever it is.
    pub fn secret_of<'s>(&'s self, presented: &SecretHash) -> Option<&'s StoredSecret> {
        let same = |found, secret: &'s StoredSecret| {
            if secret.hash.is_same_as(presented) { Some(secret) } else { found }
        };
        self.secrets.iter().fold(None, same)
    }
}

impl ClientName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for ClientName {
    type Err = ClientNameError;

    fn from_str(text: &str) -> Result<Self, ClientNameError> {
        let text = text.trim();
        let sound = (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if sound { Ok(Self(text.to_owned())) } else { Err(ClientNameError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_1_to_100_characters() {
        for name in ["x", "Billing worker (Zürich)", &"é".repeat(100)] {
            assert_eq!(name.parse::<ClientName>().map(|name| name.0), Ok(name.to_owned()));
        }
        for name in ["", "  ", "a\nb", "\u{1b}[31m", &"x".repeat(101)] {
            assert_eq!(name.parse::<ClientName>(), Err(ClientNameError), "{name:?}");
        }
    }
}
