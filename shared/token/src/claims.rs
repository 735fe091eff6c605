use std::{fmt, str::FromStr};

use serde_json::{Map, Value};

use crate::{Lifetime, SessionId, Timestamp, TokenError, TokenId, UserId, strict_json};

/// Claim names that an administrator cannot set: ours, and those that verifiers give a meaning (RFC 7519 §4.1).
const RESERVED: [&str; 12] = [
    "iss",
    "aud",
    "sub",
    "username",
    "iat",
    "exp",
    "nbf",
    "jti",
    "sid",
    "orig_iat",
    "auth_time",
    "token_use",
];

/// The most that custom claims may take as JSON, in bytes: with the longest of everything else a
/// token stays below [`MAX_TOKEN_BYTES`](crate::MAX_TOKEN_BYTES), as a test computes.
const MAX_CUSTOM_BYTES: usize = 1024;

/// What a verified token says.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    /// `iss`: who issued the token.
    pub issuer: String,
    /// `aud`: whom it is meant for.
    pub audience: String,
    /// `sub`: the user, for ever.
    pub subject: UserId,
    /// `username`: the user's name in its canonical form.
    pub username: String,
    /// `iat` and `exp`.
    pub lifetime: Lifetime,
    /// `jti`: this token.
    pub token_id: TokenId,
    /// `sid`: the session.
    pub session_id: SessionId,
    /// The user's own claims, read afresh at each refresh.
    pub custom: CustomClaims,
}

/// Claims that an administrator gave a user: roles, groups, `scope` and the like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomClaims(Map<String, Value>);

/// Why an object cannot be a user's claims.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CustomClaimsError {
    /// Not a JSON object with unique members.
    #[error("claims must be a JSON object: {0}")]
    NotAnObject(#[from] strict_json::JsonError),
    /// A name that the service itself fills in.
    #[error("the claim \"{0}\" is reserved")]
    Reserved(String),
    /// They would make tokens too long.
    #[error("claims may take {MAX_CUSTOM_BYTES} bytes of JSON; these take {0}")]
    TooLong(usize),
}

impl Claims {
    /// The claims as the JSON object that is signed.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut members = self.custom.0.clone();
        members.insert("iss".into(), self.issuer.clone().into());
        members.insert("aud".into(), self.audience.clone().into());
        members.insert("sub".into(), self.subject.to_string().into());
        members.insert("username".into(), self.username.clone().into());
        members.insert("iat".into(), self.lifetime.issued_at.seconds().into());
        members.insert("exp".into(), self.lifetime.expires_at.seconds().into());
        members.insert("jti".into(), self.token_id.to_string().into());
        members.insert("sid".into(), self.session_id.to_string().into());
        members
    }

    /// The claims of a decoded JSON object; each must be there and of its type.
    ///
    /// Says nothing about whether they are true: that is [`Verifier`](crate::Verifier)'s part.
    pub(crate) fn from_json(mut members: Map<String, Value>) -> Result<Self, TokenError> {
        Ok(Self {
            issuer: take_string(&mut members, "iss")?,
            audience: take_string(&mut members, "aud")?,
            subject: take_identifier(&mut members, "sub")?,
            username: take_string(&mut members, "username")?,
            lifetime: Lifetime {
                issued_at: take_instant(&mut members, "iat")?,
                expires_at: take_instant(&mut members, "exp")?,
            },
            token_id: take_identifier(&mut members, "jti")?,
            session_id: take_identifier(&mut members, "sid")?,
            custom: CustomClaims(members),
        })
    }
}

fn take_string(members: &mut Map<String, Value>, name: &'static str) -> Result<String, TokenError> {
    match members.remove(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(TokenError::ClaimMistyped(name)),
        None => Err(TokenError::ClaimMissing(name)),
    }
}

fn take_identifier<T: FromStr>(
    members: &mut Map<String, Value>,
    name: &'static str,
) -> Result<T, TokenError> {
    take_string(members, name)?.parse().map_err(|_| TokenError::ClaimMistyped(name))
}

/// A JSON integer in 0..2^53: no string, no fraction, no exponent, no sign (CVE-2026-25537 was such a confusion).
pub(crate) fn take_instant(
    members: &mut Map<String, Value>,
    name: &'static str,
) -> Result<Timestamp, TokenError> {
    let value = members.remove(name).ok_or(TokenError::ClaimMissing(name))?;
    value.as_u64().and_then(Timestamp::from_seconds).ok_or(TokenError::ClaimMistyped(name))
}

impl CustomClaims {
    /// These claims, unless one of them is reserved or they are too long.
    pub fn new(members: Map<String, Value>) -> Result<Self, CustomClaimsError> {
        if let Some(name) = members.keys().find(|name| RESERVED.contains(&name.as_str())) {
            return Err(CustomClaimsError::Reserved(name.clone()));
        }
        let claims = Self(members);
        let length = claims.to_string().len();
        if length > MAX_CUSTOM_BYTES {
            return Err(CustomClaimsError::TooLong(length));
        }
        Ok(claims)
    }

    /// The claims by name.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl FromStr for CustomClaims {
    type Err = CustomClaimsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(strict_json::parse_object(text.as_bytes())?)
    }
}

impl fmt::Display for CustomClaims {
    /// Compact JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string(&self.0).map_err(|_| fmt::Error)?;
        f.write_str(&json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_administrator_cannot_set_a_reserved_claim() {
        for name in RESERVED {
            let claims = format!(r#"{{"role":"admin","{name}":"x"}}"#).parse::<CustomClaims>();
            assert_eq!(claims, Err(CustomClaimsError::Reserved(name.into())));
        }
    }

    #[test]
    fn custom_claims_end_at_1024_bytes() {
        let claims =
            |length: usize| format!(r#"{{"r":"{}"}}"#, "x".repeat(length - 8)).parse::<CustomClaims>();
        assert_eq!(claims(1024).unwrap().to_string().len(), 1024);
        assert_eq!(claims(1025), Err(CustomClaimsError::TooLong(1025)));
    }

    #[test]
    fn custom_claims_are_one_object_without_duplicates() {
        for text in ["[]", "1", "{\"a\":1,\"a\":2}", ""] {
            assert!(matches!(text.parse::<CustomClaims>(), Err(CustomClaimsError::NotAnObject(_))), "{text}");
        }
    }
}
