//! A stand-in for API Gateway's native JWT authorizers, which no local tool has.
//!
//! It makes the checks that the developer guide of API Gateway lists ("Control access to HTTP APIs with JWT
//! authorizers", and the same of REST APIs), on the keys that the issuer serves and with another library than our verifier.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::Value;
use token::IssuerUrl;
use token::Timestamp;

/// What an `AWS::ApiGatewayV2::Authorizer` of the type `JWT` is set to, and the scopes of a route.
pub struct NativeAuthorizer {
    /// `Issuer`
    pub issuer: IssuerUrl,
    /// `Audience`
    pub audience: Vec<String>,
    /// `AuthorizationScopes` of the route; none are required where there are none.
    pub scopes: Vec<String>,
    /// Of which kind the API is.
    pub api: NativeApi,
}

/// Which API an authorizer belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NativeApi {
    /// An HTTP API: RSA alone.
    Http,
    /// A REST API: also ES256, and `AdditionalClaims`, each of which must have this value.
    Rest {
        /// The claims by name.
        additional_claims: Vec<(String, String)>,
    },
}

/// Why a request does not get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NativeRejection {
    /// There is no `Authorization` header.
    NoToken,
    /// The token fails a check.
    BadToken,
    /// It has none of the scopes.
    MissingScope,
}

impl NativeAuthorizer {
    /// The claims of the token in the value of the `Authorization` header; `keys` is the set that the issuer's
    /// discovery document names.
    pub fn authorize(
        &self,
        authorization: Option<&str>,
        keys: &JwkSet,
        now: Timestamp,
    ) -> Result<Value, NativeRejection> {
        let value = authorization.ok_or(NativeRejection::NoToken)?.trim();
        let token = match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => token.trim(),
            _ => value,
        };
        let claims = signed_claims(token, keys, &self.api).ok_or(NativeRejection::BadToken)?;
        if !self.accepts(&claims, now) {
            return Err(NativeRejection::BadToken);
        }
        let scopes = words(claims.get("scope").or_else(|| claims.get("scp")));
        let suffices = self.scopes.is_empty() || scopes.iter().any(|scope| self.scopes.contains(scope));
        if suffices { Ok(claims) } else { Err(NativeRejection::MissingScope) }
    }

    fn accepts(&self, claims: &Value, now: Timestamp) -> bool {
        let instant = |name| claims.get(name).map(|value| value.as_f64().unwrap_or(f64::NAN));
        #[expect(clippy::cast_precision_loss, reason = "instants are far below 2^53")]
        let now = now.seconds() as f64;
        let audience = claims.get("aud").or_else(|| claims.get("client_id"));
        let has_others = match &self.api {
            NativeApi::Http => true,
            NativeApi::Rest { additional_claims } => {
                additional_claims.iter().all(|(name, value)| claims.get(name).is_some_and(|it| it == value))
            }
        };
        has_others
            && claims.get("iss").is_some_and(|issuer| issuer == self.issuer.as_str())
            && list(audience).iter().any(|audience| self.audience.contains(audience))
            && instant("exp").is_some_and(|expires_at| now < expires_at)
            && instant("nbf").is_none_or(|not_before| not_before <= now)
            && instant("iat").is_none_or(|issued_at| issued_at <= now)
    }
}

/// What the token says if a key of the set, which its `kid` names, has signed it with an algorithm that the API takes.
fn signed_claims(token: &str, keys: &JwkSet, api: &NativeApi) -> Option<Value> {
    let header = decode_header(token).ok()?;
    let is_taken = match header.alg {
        Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512 => true,
        Algorithm::ES256 => *api != NativeApi::Http,
        _ => false,
    };
    if !is_taken {
        return None;
    }
    let key = DecodingKey::from_jwk(keys.find(&header.kid?)?).ok()?;
    let mut validation = Validation::new(header.alg);
    // The library would read the clock; `accepts` compares.
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_aud) = (false, false);
    decode(token, &key, &validation).ok().map(|decoded| decoded.claims)
}

/// A text or a list of texts.
fn list(value: Option<&Value>) -> Vec<String> {
    let one = |value: &Value| value.as_str().map(str::to_owned);
    match value {
        Some(Value::Array(values)) => values.iter().filter_map(one).collect(),
        other => other.and_then(one).into_iter().collect(),
    }
}

/// The words of a claim that is one text, or a list of them.
fn words(value: Option<&Value>) -> Vec<String> {
    list(value).iter().flat_map(|text| text.split_whitespace()).map(str::to_owned).collect()
}

#[cfg(test)]
#[path = "native_authorizer_tests.rs"]
mod tests;
