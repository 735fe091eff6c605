//! The rules on a token that need neither a key nor the service's settings, each in one place.
//!
//! [`Verifier`](crate::Verifier) reports the first that a token breaks, `latchkey token explain` shows all.

use serde_json::{Map, Value};

use crate::{
    Algorithm, Lifetime, MAX_TOKEN_BYTES, Timestamp, UnverifiedToken, access_token, claims::UnverifiedClaims,
    strict_json::JsonError,
};

/// Why a text is not accepted as a token. For logs and people at a terminal; callers get less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Beyond [`MAX_TOKEN_BYTES`].
    #[error("longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    /// Not three parts; a JWE has five.
    #[error("not three parts separated by dots")]
    NotCompact,
    /// Padding, another alphabet, white space, stray bits or an empty part.
    #[error("a part is not strict base64url")]
    NotBase64Url,
    /// The header is no JSON object with unique members.
    #[error("the header is {0}")]
    Header(JsonError),
    /// `crit` or `b64`: extensions that a verifier must understand or reject (RFC 7515 §4.1.11, RFC 7797).
    #[error("the header asks for an extension")]
    Extension,
    /// `enc` or `zip`: members of encrypted tokens.
    #[error("the header is one of an encrypted token")]
    Encrypted,
    /// `cty`: the payload is something else than claims, such as another token (RFC 7519 §5.2).
    #[error("the header has cty, so the payload is not a set of claims")]
    ContentType,
    /// `typ` is absent or another than `JWT`.
    #[error("typ is not JWT")]
    Type,
    /// `typ` is absent or another than `at+jwt`, which an access token has.
    #[error("typ is not at+jwt")]
    AccessType,
    /// `kid` is absent, no string, or names no published, unretired key.
    #[error("kid names no key of ours")]
    UnknownKey,
    /// `alg` is not the one algorithm of the key.
    #[error("alg is not the algorithm of the key")]
    Algorithm,
    /// The signature is not this key's over these bytes.
    #[error("the signature is wrong")]
    Signature,
    /// The payload is no JSON object with unique members.
    #[error("the payload is {0}")]
    Payload(JsonError),
    /// A claim is absent.
    #[error("the claim {0} is missing")]
    ClaimMissing(&'static str),
    /// A claim is of another type or out of range.
    #[error("the claim {0} has the wrong type or range")]
    ClaimMistyped(&'static str),
    /// `iss` is somebody else.
    #[error("iss is another issuer")]
    Issuer,
    /// `aud` is somebody else.
    #[error("aud is another audience")]
    Audience,
    /// `nbf` is in the future.
    #[error("nbf is in the future")]
    NotYetValid,
    /// `iat` is further in the future than clocks differ.
    #[error("iat is in the future")]
    IssuedInFuture,
    /// `exp - iat` is longer than any session that a policy allows.
    #[error("exp is later than any session of ours can last")]
    LivesTooLong,
    /// `now >= exp`.
    #[error("the token has expired")]
    Expired,
}

impl UnverifiedToken<'_> {
    /// Every reason to reject this token at `now` that needs neither a key nor the service's settings.
    ///
    /// They come in the order in which [`Verifier`](crate::Verifier) looks for them. An empty list does not mean
    /// that the token is accepted: its key, signature, `iss` and `aud` are not looked at here.
    ///
    /// ```
    /// use token::{Timestamp, TokenError, UnverifiedToken};
    ///
    /// // {"typ":"JWT","alg":"none","kid":"k"} and {"iat":1,"exp":2}
    /// let token = UnverifiedToken::parse("eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIiwia2lkIjoiayJ9.eyJpYXQiOjEsImV4cCI6Mn0.AA")?;
    /// let problems = token.problems(Timestamp::from_seconds(1_685_728_800).unwrap());
    /// assert_eq!(problems.first(), Some(&TokenError::Algorithm));
    /// assert_eq!(problems.last(), Some(&TokenError::Expired));
    /// # Ok::<(), TokenError>(())
    /// ```
    pub fn problems(&self, now: Timestamp) -> Vec<TokenError> {
        let mut problems: Vec<_> = of_header(self.header()).collect();
        match UnverifiedClaims::read(self.payload()) {
            Ok(read) => {
                let of_times = read.times.problems(now);
                problems.extend(read.problems.into_iter().chain(of_times));
            }
            Err(error) => problems.push(error),
        }
        problems
    }
}

/// What is wrong with a header, whatever the keys are.
///
/// `kid` and `alg` come last: which key and which algorithm they must name, only the key set knows.
pub(crate) fn of_header(header: &Map<String, Value>) -> impl Iterator<Item = TokenError> {
    of_header_with(header, "JWT", TokenError::Type)
}

/// The same of an access token.
pub(crate) fn of_access_header(header: &Map<String, Value>) -> impl Iterator<Item = TokenError> {
    of_header_with(header, access_token::TYPE, TokenError::AccessType)
}

fn of_header_with(
    header: &Map<String, Value>,
    typ: &str,
    other_type: TokenError,
) -> impl Iterator<Item = TokenError> {
    let has = |name| header.contains_key(name);
    let text = |name| header.get(name).and_then(Value::as_str);
    let is_known = |name| Algorithm::named(name).is_some();
    [
        (has("crit") || has("b64")).then_some(TokenError::Extension),
        (has("enc") || has("zip")).then_some(TokenError::Encrypted),
        has("cty").then_some(TokenError::ContentType),
        (text("typ") != Some(typ)).then_some(other_type),
        text("kid").is_none().then_some(TokenError::UnknownKey),
        (!text("alg").is_some_and(is_known)).then_some(TokenError::Algorithm),
    ]
    .into_iter()
    .flatten()
}

/// The instants of a token, as far as they can be read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    pub(crate) issued_at: Option<Timestamp>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) not_before: Option<Timestamp>,
}

impl Times {
    /// `iat` and `exp`, if both are there.
    pub(crate) fn lifetime(self) -> Option<Lifetime> {
        Some(Lifetime { issued_at: self.issued_at?, expires_at: self.expires_at? })
    }

    /// What is wrong with these instants at `now`. That the token has expired comes last: for ending its session,
    /// that alone is forgiven.
    pub(crate) fn problems(self, now: Timestamp) -> impl Iterator<Item = TokenError> {
        let lifetime = self.lifetime();
        [
            self.not_before.filter(|not_before| now < *not_before).map(|_| TokenError::NotYetValid),
            lifetime.filter(|lifetime| !lifetime.has_begun(now)).map(|_| TokenError::IssuedInFuture),
            lifetime.filter(|lifetime| lifetime.is_too_long()).map(|_| TokenError::LivesTooLong),
            lifetime.filter(|lifetime| !lifetime.is_live(now)).map(|_| TokenError::Expired),
        ]
        .into_iter()
        .flatten()
    }
}

#[cfg(test)]
#[path = "problems_tests.rs"]
mod tests;
