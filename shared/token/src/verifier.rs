use serde_json::{Map, Value};

use crate::{
    Claims, Issuer, Key, KeySet, SessionId, Timestamp, TokenError, TokenId, UserId,
    claims::UnverifiedClaims,
    compact::Parts,
    problems::{self, Times},
};

/// Decides what is accepted as a token of ours at all.
///
/// jsonwebtoken leaves most of this to its caller: by default it allows 60 s of leeway, accepts
/// tokens without `iss` and `aud`, and ignores `iat`, `typ` and `crit`. [`Issuer`] has an example.
#[derive(Clone, Debug)]
pub struct Verifier {
    issuer: Issuer,
}

/// The claims of a token of ours that may have expired: good for ending the token's own session and nothing else.
///
/// There is deliberately no way from here to [`Claims`].
#[derive(Clone, Debug, PartialEq)]
pub struct MaybeExpiredClaims(Claims);

impl Verifier {
    /// A verifier of the tokens that `issuer` makes.
    pub fn new(issuer: Issuer) -> Self {
        Self { issuer }
    }

    /// The claims of `token`, if it is one of ours and live at `now`.
    ///
    /// The signature is checked before any claim is read, with the algorithm of the key: the
    /// header names a key and chooses nothing else. Whether the user still exists is not asked here.
    pub fn verify(&self, token: &str, keys: &KeySet, now: Timestamp) -> Result<Claims, TokenError> {
        let (claims, times) = self.signed_claims(token, keys, now)?;
        times.problems(now).next().map_or(Ok(claims), Err)
    }

    /// Like [`verify`](Self::verify), but also accepts a token that has expired.
    pub fn verify_even_expired(
        &self,
        token: &str,
        keys: &KeySet,
        now: Timestamp,
    ) -> Result<MaybeExpiredClaims, TokenError> {
        let (claims, times) = self.signed_claims(token, keys, now)?;
        let unforgiven = times.problems(now).find(|problem| *problem != TokenError::Expired);
        unforgiven.map_or(Ok(MaybeExpiredClaims(claims)), Err)
    }

    /// The claims of a token that we have signed for our audience, whatever its age.
    fn signed_claims(
        &self,
        token: &str,
        keys: &KeySet,
        now: Timestamp,
    ) -> Result<(Claims, Times), TokenError> {
        let token = Parts::split(token)?;
        check_signature(&token, keys, now)?;
        let read = UnverifiedClaims::read(&token.payload)?;
        let (times, claims) = (read.times, read.into_claims()?);
        if claims.issuer != self.issuer.url().as_str() {
            return Err(TokenError::Issuer);
        }
        if claims.audience != self.issuer.audience() {
            return Err(TokenError::Audience);
        }
        Ok((claims, times))
    }
}

impl MaybeExpiredClaims {
    /// `sub`: whose session it is or was.
    pub fn subject(&self) -> UserId {
        self.0.subject
    }

    /// `username`: under which name to find the user.
    pub fn username(&self) -> &str {
        &self.0.username
    }

    /// `sid`: the one session that may be ended.
    pub fn session_id(&self) -> SessionId {
        self.0.session_id
    }

    /// `jti`: which token it is, for the log.
    pub fn token_id(&self) -> TokenId {
        self.0.token_id
    }
}

/// Header and signature, in the order in which they can be believed.
fn check_signature(token: &Parts<'_>, keys: &KeySet, now: Timestamp) -> Result<(), TokenError> {
    // Nearly every header is, to the letter, the one that a key of ours writes. Comparing it saves parsing JSON.
    let key = if let Some(key) = keys.key_of_header(token.header, now) {
        key
    } else {
        let header = token.read_header()?;
        key_named_by(&header, problems::of_header(&header), keys, now)?
    };
    if key.verifies(token.signing_input.as_bytes(), &token.signature) {
        Ok(())
    } else {
        Err(TokenError::Signature)
    }
}

/// The key that a header names, if there are no `problems` with the header.
pub(crate) fn key_named_by<'a>(
    header: &Map<String, Value>,
    mut problems: impl Iterator<Item = TokenError>,
    keys: &'a KeySet,
    now: Timestamp,
) -> Result<&'a Key, TokenError> {
    if let Some(problem) = problems.next() {
        return Err(problem);
    }
    let key_id = header.get("kid").and_then(Value::as_str).ok_or(TokenError::UnknownKey)?;
    let key = keys.verification_key(key_id, now).ok_or(TokenError::UnknownKey)?;
    if header.get("alg").and_then(Value::as_str) == Some(key.algorithm().name()) {
        Ok(key)
    } else {
        Err(TokenError::Algorithm)
    }
}

#[cfg(test)]
#[path = "verifier_tests.rs"]
mod tests;
