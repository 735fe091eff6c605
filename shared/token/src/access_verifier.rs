use serde_json::{Map, Value};

use crate::{
    Algorithm, Audience, Bearer, ClientId, IssuerUrl, KeySet, Lifetime, Timestamp, TokenError, TokenId,
    UnverifiedToken,
    access_token::{TYPE, USE},
    compact::Parts,
    problems::{self, Times},
    strict_json,
    verifier::key_named_by,
};

/// Decides what is accepted as an access token for one audience.
///
/// Never the token of a session, whose `typ` and `aud` are others, and never anything that an HS256 key has signed:
/// whoever verifies with such a key can sign with it too.
#[derive(Clone, Debug)]
pub struct AccessVerifier {
    issuer: IssuerUrl,
    audience: Audience,
}

/// A verified access token.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessToken {
    /// Who shows it.
    pub bearer: Bearer,
    /// `iat` and `exp`.
    pub lifetime: Lifetime,
    /// `jti`: this token.
    pub token_id: TokenId,
    claims: Map<String, Value>,
}

impl AccessVerifier {
    /// A verifier of access tokens that `issuer` makes for `audience`.
    pub fn new(issuer: IssuerUrl, audience: Audience) -> Self {
        Self { issuer, audience }
    }

    /// What `token` says, if it is an access token of ours for this audience and live at `now`.
    ///
    /// Whether the session goes on, or the client may still act, is not asked here.
    pub fn verify(&self, token: &str, keys: &KeySet, now: Timestamp) -> Result<AccessToken, TokenError> {
        let token = Parts::split(token)?;
        let header = token.read_header()?;
        let key = key_named_by(&header, problems::of_access_header(&header), keys, now)?;
        if key.algorithm() == Algorithm::HS256 {
            return Err(TokenError::Algorithm);
        }
        if !key.verifies(token.signing_input.as_bytes(), &token.signature) {
            return Err(TokenError::Signature);
        }
        let claims = strict_json::parse_object(&token.payload).map_err(TokenError::Payload)?;
        if text(&claims, "iss")? != self.issuer.as_str() {
            return Err(TokenError::Issuer);
        }
        if text(&claims, "aud")? != self.audience.as_str() {
            return Err(TokenError::Audience);
        }
        check_use(&claims)?;
        let lifetime = Lifetime { issued_at: instant(&claims, "iat")?, expires_at: instant(&claims, "exp")? };
        let times = Times {
            issued_at: Some(lifetime.issued_at),
            expires_at: Some(lifetime.expires_at),
            not_before: not_before(&claims)?,
        };
        if let Some(problem) = times.problems(now).next() {
            return Err(problem);
        }
        let (bearer, token_id) = (bearer(&claims)?, identifier(&claims, "jti")?);
        Ok(AccessToken { bearer, lifetime, token_id, claims })
    }
}

impl AccessToken {
    /// Every claim, as signed.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// `sub`.
    pub fn subject(&self) -> String {
        match &self.bearer {
            Bearer::User { id, .. } => id.to_string(),
            Bearer::Client(id) => id.to_string(),
        }
    }
}

impl UnverifiedToken<'_> {
    /// Whether its `typ` says that it is an access token.
    pub fn says_access_token(&self) -> bool {
        self.header().get("typ").and_then(Value::as_str) == Some(TYPE)
    }

    /// Like [`problems`](Self::problems), of an access token and in the order of [`AccessVerifier`].
    pub fn access_problems(&self, now: Timestamp) -> Vec<TokenError> {
        let header = self.header();
        let mut problems: Vec<_> = problems::of_access_header(header).collect();
        if header.get("alg").and_then(Value::as_str) == Some(Algorithm::HS256.name()) {
            problems.push(TokenError::Algorithm);
        }
        let claims = match self.unverified_claims() {
            Ok(claims) => claims,
            Err(error) => {
                problems.push(error);
                return problems;
            }
        };
        problems.extend([text(&claims, "iss"), text(&claims, "aud")].into_iter().filter_map(Result::err));
        problems.extend(check_use(&claims).err());
        let (issued_at, expires_at) = (instant(&claims, "iat"), instant(&claims, "exp"));
        let not_before = not_before(&claims);
        problems.extend(issued_at.err().into_iter().chain(expires_at.err()).chain(not_before.err()));
        let times = Times {
            issued_at: issued_at.ok(),
            expires_at: expires_at.ok(),
            not_before: not_before.ok().flatten(),
        };
        problems.extend(times.problems(now));
        problems.extend(bearer(&claims).err());
        problems.extend(identifier::<TokenId>(&claims, "jti").err());
        problems
    }

    /// Who shows it, as sent, if it is an access token.
    pub fn unverified_bearer(&self) -> Option<Bearer> {
        bearer(&self.unverified_claims().ok()?).ok()
    }
}

/// A token of a session names it; one of a client names the client twice.
fn bearer(claims: &Map<String, Value>) -> Result<Bearer, TokenError> {
    if claims.contains_key("sid") {
        return Ok(Bearer::User {
            id: identifier(claims, "sub")?,
            username: text(claims, "username")?.to_owned(),
            session_id: identifier(claims, "sid")?,
            logged_in_at: instant(claims, "auth_time")?,
        });
    }
    let id: ClientId = identifier(claims, "sub")?;
    if identifier::<ClientId>(claims, "client_id")? == id {
        Ok(Bearer::Client(id))
    } else {
        Err(TokenError::ClaimMistyped("client_id"))
    }
}

fn check_use(claims: &Map<String, Value>) -> Result<(), TokenError> {
    if text(claims, "token_use")? == USE { Ok(()) } else { Err(TokenError::ClaimMistyped("token_use")) }
}

fn not_before(claims: &Map<String, Value>) -> Result<Option<Timestamp>, TokenError> {
    claims.contains_key("nbf").then(|| instant(claims, "nbf")).transpose()
}

fn member<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a Value, TokenError> {
    claims.get(name).ok_or(TokenError::ClaimMissing(name))
}

fn text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, TokenError> {
    member(claims, name)?.as_str().ok_or(TokenError::ClaimMistyped(name))
}

fn identifier<T: std::str::FromStr>(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<T, TokenError> {
    text(claims, name)?.parse().map_err(|_| TokenError::ClaimMistyped(name))
}

fn instant(claims: &Map<String, Value>, name: &'static str) -> Result<Timestamp, TokenError> {
    member(claims, name)?.as_u64().and_then(Timestamp::from_seconds).ok_or(TokenError::ClaimMistyped(name))
}

#[cfg(test)]
#[path = "access_verifier_tests.rs"]
mod tests;
