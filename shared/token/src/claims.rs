use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

use crate::{
    Lifetime, SessionId, Timestamp, TokenError, TokenId, UserId,
    problems::Times,
    strict_json::{self, JsonError, Members},
};

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
        match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        }
    }
}

/// What a payload says, as far as it can be read. Whether it is true is [`Verifier`](crate::Verifier)'s part.
pub(crate) struct UnverifiedClaims {
    /// All of ours; none if one of them is missing or mistyped.
    pub(crate) claims: Option<Claims>,
    /// The instants among them, each by itself.
    pub(crate) times: Times,
    /// Which claims are missing or mistyped.
    pub(crate) problems: Vec<TokenError>,
}

impl UnverifiedClaims {
    /// Reads the claims of a decoded payload; each must be there and of its type, but for `nbf`, which may be absent.
    pub(crate) fn read(payload: &[u8]) -> Result<Self, TokenError> {
        let members = strict_json::parse_members(payload).map_err(TokenError::Payload)?;
        let mut reader = ClaimReader { members, problems: Vec::new() };
        let (issuer, audience) = (reader.string("iss"), reader.string("aud"));
        let (subject, username) = (reader.identifier("sub"), reader.string("username"));
        let (token_id, session_id) = (reader.identifier("jti"), reader.identifier("sid"));
        let (issued_at, expires_at) = (reader.instant("iat"), reader.instant("exp"));
        let not_before = if reader.members.has("nbf") { reader.instant("nbf") } else { None };
        let times = Times { issued_at, expires_at, not_before };
        let ClaimReader { members, problems } = reader;
        let claims = || {
            Some(Claims {
                issuer: issuer?,
                audience: audience?,
                subject: subject?,
                username: username?,
                lifetime: times.lifetime()?,
                token_id: token_id?,
                session_id: session_id?,
                custom: CustomClaims(members.others),
            })
        };
        Ok(Self { claims: claims(), times, problems })
    }

    /// The claims, or the first that is missing or mistyped.
    pub(crate) fn into_claims(self) -> Result<Claims, TokenError> {
        match (self.problems.first(), self.claims) {
            (Some(problem), _) => Err(*problem),
            (None, Some(claims)) => Ok(claims),
            // Never: what is not there was noted. A token is rejected all the same.
            (None, None) => Err(TokenError::Payload(JsonError::NotAnObject)),
        }
    }
}

/// Takes claims out of a payload and notes those that are missing or mistyped.
struct ClaimReader {
    members: ClaimSet,
    problems: Vec<TokenError>,
}

impl ClaimReader {
    fn string(&mut self, name: &'static str) -> Option<String> {
        let read = self.members.take_string(name);
        self.noted(read)
    }

    fn identifier<T: FromStr>(&mut self, name: &'static str) -> Option<T> {
        let read = self.members.take_identifier(name);
        self.noted(read)
    }

    fn instant(&mut self, name: &'static str) -> Option<Timestamp> {
        let read = self.members.take_instant(name);
        self.noted(read)
    }

    fn noted<T>(&mut self, read: Result<T, TokenError>) -> Option<T> {
        read.map_err(|error| self.problems.push(error)).ok()
    }
}

impl Serialize for Claims {
    /// The JSON object that is signed. No name occurs twice: [`CustomClaims`] has none of ours.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("iss", &self.issuer)?;
        members.serialize_entry("aud", &self.audience)?;
        members.serialize_entry("sub", &self.subject)?;
        members.serialize_entry("username", &self.username)?;
        members.serialize_entry("iat", &self.lifetime.issued_at)?;
        members.serialize_entry("exp", &self.lifetime.expires_at)?;
        members.serialize_entry("jti", &self.token_id)?;
        members.serialize_entry("sid", &self.session_id)?;
        for (name, value) in &self.custom.0 {
            members.serialize_entry(name, value)?;
        }
        members.end()
    }
}

/// The claims that a verifier looks at, in the order of [`ClaimSet::ours`].
const OURS: [&str; 9] = ["iss", "aud", "sub", "username", "iat", "exp", "jti", "sid", "nbf"];

/// The members of a payload: ours each in a place of its own. Most tokens have few others, so this saves building a
/// map for each token.
#[derive(Default)]
struct ClaimSet {
    ours: [Option<Value>; OURS.len()],
    others: Map<String, Value>,
}

impl Members for ClaimSet {
    fn has(&self, name: &str) -> bool {
        match OURS.iter().zip(&self.ours).find(|(ours, _)| **ours == name) {
            Some((_, place)) => place.is_some(),
            None => self.others.contains_key(name),
        }
    }

    fn insert(&mut self, name: Cow<'_, str>, value: Value) {
        match self.place(&name) {
            Some(place) => *place = Some(value),
            None => Members::insert(&mut self.others, name, value),
        }
    }
}

impl ClaimSet {
    fn place(&mut self, name: &str) -> Option<&mut Option<Value>> {
        OURS.iter().zip(&mut self.ours).find(|(ours, _)| **ours == name).map(|(_, place)| place)
    }

    fn take(&mut self, name: &'static str) -> Result<Value, TokenError> {
        self.place(name).and_then(Option::take).ok_or(TokenError::ClaimMissing(name))
    }

    fn take_string(&mut self, name: &'static str) -> Result<String, TokenError> {
        match self.take(name)? {
            Value::String(text) => Ok(text),
            _ => Err(TokenError::ClaimMistyped(name)),
        }
    }

    fn take_identifier<T: FromStr>(&mut self, name: &'static str) -> Result<T, TokenError> {
        self.take_string(name)?.parse().map_err(|_| TokenError::ClaimMistyped(name))
    }

    /// A JSON integer in 0..2^53: no string, no fraction, no exponent, no sign (CVE-2026-25537 was such a confusion).
    fn take_instant(&mut self, name: &'static str) -> Result<Timestamp, TokenError> {
        self.take(name)?.as_u64().and_then(Timestamp::from_seconds).ok_or(TokenError::ClaimMistyped(name))
    }
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

    /// A custom claim of that name would stand in the token twice.
    #[test]
    fn every_claim_that_we_write_or_read_is_reserved() {
        let id = crate::Entropy([1; 16]);
        let at = |seconds| Timestamp::from_seconds(seconds).unwrap();
        let claims = Claims {
            issuer: "i".into(),
            audience: "a".into(),
            subject: UserId::new(id),
            username: "u".into(),
            lifetime: Lifetime { issued_at: at(1), expires_at: at(2) },
            token_id: TokenId::new(id),
            session_id: SessionId::new(id),
            custom: CustomClaims::default(),
        };
        let written = claims.to_json();
        assert_eq!(written.len(), 8);
        for name in written.keys().map(String::as_str).chain(OURS) {
            assert!(RESERVED.contains(&name), "{name}");
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
