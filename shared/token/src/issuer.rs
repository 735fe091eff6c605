use std::str::FromStr;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    Claims, CustomClaims, IssuerUrl, Key, KeySet, Lifetime, MAX_TOKEN_BYTES, SessionId, Timestamp, TokenId,
    UserId,
};

/// The longest audience, in bytes.
const MAX_AUDIENCE_BYTES: usize = 256;

/// Makes tokens in the name of one issuer for one audience.
///
/// ```
/// use token::{
///     Algorithm, CustomClaims, Entropy, Issuer, Key, KeySet, RefreshSwitch, Schedule, SessionId, SessionPolicy,
///     Subject, Timestamp, TokenId, UserId, Verifier,
/// };
///
/// let now = Timestamp::from_seconds(1_685_728_800).unwrap();
/// let always = Schedule { published: now, signs_from: now, retires: None };
/// let keys = KeySet::new(vec![Key::generate(Algorithm::ES256, always)?])?;
/// let issuer = Issuer::new("https://login.example.com".parse()?, "latchkey".parse()?);
/// let policy = SessionPolicy::new(
///     SessionPolicy::DEFAULT_EXPIRATION,
///     SessionPolicy::DEFAULT_REFRESH_EXPIRATION,
///     RefreshSwitch::On,
/// )?;
/// // Identifiers are 128 bits of a cryptographic random source; these are for show.
/// let claims = issuer.claims(
///     Subject { id: UserId::new(Entropy([1; 16])), username: "ada" },
///     SessionId::new(Entropy([2; 16])),
///     TokenId::new(Entropy([3; 16])),
///     policy.log_in(now),
///     CustomClaims::default(),
/// );
/// let token = issuer.issue(&claims, &keys, now)?;
///
/// assert_eq!(Verifier::new(issuer).verify(&token, &keys, now), Ok(claims));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Issuer {
    url: IssuerUrl,
    audience: Audience,
}

/// `aud`: the name of those whom tokens are meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audience(String);

/// Why a name cannot be `aud`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {MAX_AUDIENCE_BYTES} bytes and no control character, quote or backslash")]
pub struct AudienceError;

/// The user whom a token is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    /// `sub`: the identity.
    pub id: UserId,
    /// `username`: for people.
    pub username: &'a str,
}

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
    /// An issuer of this URL for this audience.
    pub fn new(url: IssuerUrl, audience: Audience) -> Self {
        Self { url, audience }
    }

    /// `iss`.
    pub fn url(&self) -> &IssuerUrl {
        &self.url
    }

    /// `aud`.
    pub fn audience(&self) -> &str {
        &self.audience.0
    }

    /// The claims of a token for this user in this session.
    pub fn claims(
        &self,
        subject: Subject<'_>,
        session_id: SessionId,
        token_id: TokenId,
        lifetime: Lifetime,
        custom: CustomClaims,
    ) -> Claims {
        Claims {
            issuer: self.url.as_str().to_owned(),
            audience: self.audience.0.clone(),
            subject: subject.id,
            username: subject.username.to_owned(),
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
        sign_compact(key, key.header(), &payload).ok_or(IssueError::SigningFailed)
    }
}

/// The compact serialization of RFC 7515 §3.1.
pub(crate) fn sign_compact(key: &Key, header: &str, payload: &[u8]) -> Option<String> {
    let mut token = String::with_capacity(MAX_TOKEN_BYTES);
    token.push_str(header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Some(token)
}

impl Audience {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Audience {
    type Err = AudienceError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let plain = !name.chars().any(|c| c.is_control() || matches!(c, '"' | '\\'));
        let sound = plain && (1..=MAX_AUDIENCE_BYTES).contains(&name.len());
        if sound { Ok(Self(name.to_owned())) } else { Err(AudienceError) }
    }
}

#[cfg(test)]
#[path = "issuer_tests.rs"]
mod tests;
