use serde_json::{Map, Value};

use crate::{Claims, Issuer, Key, KeySet, Timestamp, TokenError, compact::Parts};

/// Decides what is accepted as a token of ours at all.
///
/// jsonwebtoken leaves most of this to its caller: by default it allows 60 s of leeway, accepts
/// tokens without `iss` and `aud`, and ignores `iat`, `typ` and `crit`.
#[derive(Clone, Debug)]
pub struct Verifier {
    issuer: Issuer,
    age: Age,
}

/// How old a token may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    /// It must be live.
    Live,
    /// It may have expired.
    Any,
}

impl Verifier {
    /// A verifier of the tokens that `issuer` makes.
    pub fn new(issuer: Issuer) -> Self {
        Self { issuer, age: Age::Live }
    }

    /// The same, which also accepts tokens that have expired: for ending their session, and nothing else.
    pub fn of_any_age(issuer: Issuer) -> Self {
        Self { issuer, age: Age::Any }
    }

    /// The claims of `token`, if it is one of ours and live at `now`.
    ///
    /// The signature is checked before any claim is read, with the algorithm of the key: the
    /// header names a key and chooses nothing else. Whether the user still exists is not asked here.
    pub fn verify(&self, token: &str, keys: &KeySet, now: Timestamp) -> Result<Claims, TokenError> {
        let token = Parts::split(token)?;
        check_signature(&token, keys, now)?;
        let claims = self.check_claims(&token.payload, now)?;
        match self.age {
            Age::Live if !claims.lifetime.is_live(now) => Err(TokenError::Expired),
            Age::Live | Age::Any => Ok(claims),
        }
    }

    fn check_claims(&self, payload: &[u8], now: Timestamp) -> Result<Claims, TokenError> {
        let (claims, not_before) = Claims::from_payload(payload)?;
        if claims.issuer != self.issuer.url().as_str() {
            return Err(TokenError::Issuer);
        }
        if claims.audience != self.issuer.audience() {
            return Err(TokenError::Audience);
        }
        if not_before.is_some_and(|not_before| now < not_before) {
            return Err(TokenError::NotYetValid);
        }
        if now < claims.lifetime.issued_at {
            return Err(TokenError::IssuedInFuture);
        }
        Ok(claims)
    }
}

/// Header and signature, in the order in which they can be believed.
fn check_signature(token: &Parts<'_>, keys: &KeySet, now: Timestamp) -> Result<(), TokenError> {
    // A header that is the one which a key of ours writes, to the letter, holds nothing that has to be looked for.
    let key = match keys.key_of_header(token.header, now) {
        Some(key) => key,
        None => key_of(&token.read_header()?, keys, now)?,
    };
    if key.verifies(token.signing_input.as_bytes(), &token.signature) {
        Ok(())
    } else {
        Err(TokenError::Signature)
    }
}

/// The key that a header names, if the header asks for nothing that we do not do.
fn key_of<'a>(header: &Map<String, Value>, keys: &'a KeySet, now: Timestamp) -> Result<&'a Key, TokenError> {
    if header.contains_key("crit") || header.contains_key("b64") {
        return Err(TokenError::Extension);
    }
    if header.contains_key("enc") || header.contains_key("zip") {
        return Err(TokenError::Encrypted);
    }
    if header.get("typ").and_then(Value::as_str) != Some("JWT") {
        return Err(TokenError::Type);
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
