use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    Claims, CustomClaims, Key, KeySet, Lifetime, MAX_TOKEN_BYTES, SessionId, Timestamp, TokenId, UserId,
};

/// The longest issuer and audience, in bytes.
const MAX_PARTY_BYTES: usize = 256;

/// Makes tokens in the name of one issuer for one audience.
#[derive(Clone, Debug)]
pub struct Issuer {
    name: String,
    audience: String,
}

/// Why a name cannot be `iss` or `aud`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {MAX_PARTY_BYTES} bytes and no control character, quote or backslash")]
pub struct PartyError;

/// Why no token could be made. Both are faults of ours or of the secret, never of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// No key of the set signs at this instant.
    #[error("no key of the key set signs now")]
    NoSigningKey,
    /// The crypto library or the serializer failed.
    #[error("signing failed")]
    SigningFailed,
}

impl Issuer {
    /// An issuer of this name for this audience.
    pub fn new(name: &str, audience: &str) -> Result<Self, PartyError> {
        Ok(Self { name: checked(name)?, audience: checked(audience)? })
    }

    /// `iss`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `aud`.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// The claims of a token for this user and session.
    pub fn claims(
        &self,
        (subject, username): (UserId, &str),
        session_id: SessionId,
        token_id: TokenId,
        lifetime: Lifetime,
        custom: CustomClaims,
    ) -> Claims {
        Claims {
            issuer: self.name.clone(),
            audience: self.audience.clone(),
            subject,
            username: username.to_owned(),
            lifetime,
            token_id,
            session_id,
            custom,
        }
    }

    /// The token of these claims, signed by the key whose turn it is at `now`.
    pub fn issue(&self, claims: &Claims, keys: &KeySet, now: Timestamp) -> Result<String, IssueError> {
        let key = keys.signing_key(now).ok_or(IssueError::NoSigningKey)?;
        let payload = serde_json::to_vec(claims).map_err(|_| IssueError::SigningFailed)?;
        sign_compact(key, &payload).ok_or(IssueError::SigningFailed)
    }
}

/// The compact serialization of RFC 7515 §3.1.
fn sign_compact(key: &Key, payload: &[u8]) -> Option<String> {
    let mut token = String::with_capacity(MAX_TOKEN_BYTES);
    token.push_str(key.header());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Some(token)
}

fn checked(name: &str) -> Result<String, PartyError> {
    let sound = !name.is_empty()
        && name.len() <= MAX_PARTY_BYTES
        && !name.chars().any(|c| c.is_control() || matches!(c, '"' | '\\'));
    if sound { Ok(name.to_owned()) } else { Err(PartyError) }
}

#[cfg(test)]
#[path = "issuer_tests.rs"]
mod tests;
