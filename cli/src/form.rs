//! Why the service refuses a token whatever its age: the rules on its form that need neither a key
//! nor the service's settings.

use serde_json::{Map, Value};
use token::{Lifetime, SessionId, Timestamp, TokenError, TokenId, UserId};

/// The instants of a token; both must be there.
pub(crate) fn lifetime(claims: &Map<String, Value>) -> Result<Lifetime, TokenError> {
    Ok(Lifetime { issued_at: instant(claims, "iat")?, expires_at: instant(claims, "exp")? })
}

/// Every rule that header and claims break, in the order in which the service tests them.
pub(crate) fn problems(
    header: &Map<String, Value>,
    claims: &Map<String, Value>,
    now: Timestamp,
) -> Vec<TokenError> {
    let mut problems = Vec::new();
    if header.contains_key("crit") || header.contains_key("b64") {
        problems.push(TokenError::Extension);
    }
    if header.contains_key("enc") || header.contains_key("zip") {
        problems.push(TokenError::Encrypted);
    }
    if header.get("typ").and_then(Value::as_str) != Some("JWT") {
        problems.push(TokenError::Type);
    }
    for name in ["iss", "aud", "username"] {
        problems.extend(text(claims, name).err());
    }
    problems.extend(identifier::<UserId>(claims, "sub").err());
    problems.extend(identifier::<TokenId>(claims, "jti").err());
    problems.extend(identifier::<SessionId>(claims, "sid").err());
    problems.extend(instant(claims, "iat").err());
    problems.extend(instant(claims, "exp").err());
    if claims.contains_key("nbf") {
        match instant(claims, "nbf") {
            Ok(not_before) if now < not_before => problems.push(TokenError::NotYetValid),
            Ok(_) => {}
            Err(problem) => problems.push(problem),
        }
    }
    problems
}

fn claim<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a Value, TokenError> {
    claims.get(name).ok_or(TokenError::ClaimMissing(name))
}

fn text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, TokenError> {
    claim(claims, name)?.as_str().ok_or(TokenError::ClaimMistyped(name))
}

fn identifier<T: std::str::FromStr>(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<T, TokenError> {
    text(claims, name)?.parse().map_err(|_| TokenError::ClaimMistyped(name))
}

fn instant(claims: &Map<String, Value>, name: &'static str) -> Result<Timestamp, TokenError> {
    let seconds = claim(claims, name)?.as_u64();
    seconds.and_then(Timestamp::from_seconds).ok_or(TokenError::ClaimMistyped(name))
}
