//! `GET /.well-known/jwks.json` and `GET /.well-known/openid-configuration`: where tokens come from
//! and how to verify them. API Gateway's authorizers and every JWT library read these two.

use edge::{Endpoint, Environment, Reason, Rejection, Request, Response, SettingError};
use http::{HeaderValue, Method, StatusCode, header};
use keyring::SigningKeys;
use serde_json::{Map, Value, json};
use token::{AccessPolicy, IssuerUrl, KeySet, Timestamp, public_jwk_set};

/// Where the JWK set is, below the issuer.
pub const JWK_SET_PATH: &str = "/.well-known/jwks.json";
/// Where the discovery document is, below the issuer (OpenID Connect Discovery 1.0 §4).
pub const DISCOVERY_PATH: &str = "/.well-known/openid-configuration";

/// Where machine clients get their tokens.
pub const CLIENT_TOKEN_PATH: &str = "/oauth2/token";

/// Verifiers may keep the documents for 5 minutes: a new key is published hours before it signs.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The use case and all that it may touch.
pub struct Jwks {
    keys: SigningKeys,
    issuer: IssuerUrl,
    /// None where there are no access tokens.
    access: Option<AccessPolicy>,
    /// Whether machine clients get them.
    machine_clients: bool,
}

impl Jwks {
    /// The documents of the issuer that `environment` sets.
    pub fn new(keys: SigningKeys, environment: &Environment<'_>) -> Result<Self, SettingError> {
        Ok(Self {
            keys,
            issuer: environment.issuer_url()?,
            // Whose setting is wrong says the function that gives access tokens, and does not start. The keys, by which everybody
            // verifies, must not go with it.
            access: environment.access_policy().unwrap_or_default(),
            machine_clients: environment.machine_clients().unwrap_or_default(),
        })
    }

    /// The members of OpenID Connect Discovery that say something true here: there is no authorization endpoint.
    fn discovery(&self, keys: &KeySet, now: Timestamp) -> Value {
        let mut algorithms: Vec<_> = keys
            .keys()
            .iter()
            .filter(|key| key.verifies_at(now) && key.public_jwk().is_some())
            .map(|key| key.algorithm().name())
            .collect();
        algorithms.sort_unstable();
        algorithms.dedup();
        let mut document = json!({
            "issuer": self.issuer.as_str(),
            "jwks_uri": self.issuer.join(JWK_SET_PATH),
            "id_token_signing_alg_values_supported": algorithms,
            "response_types_supported": ["token"],
            "subject_types_supported": ["public"],
            "claims_supported": ["iss", "aud", "sub", "username", "iat", "exp", "jti", "sid"],
        });
        if let (Some(policy), Some(members)) = (&self.access, document.as_object_mut()) {
            members.extend(self.of_access_tokens(policy));
        }
        document
    }

    /// What the document says beside where there are access tokens (RFC 8414 §2).
    fn of_access_tokens(&self, policy: &AccessPolicy) -> Map<String, Value> {
        let mut scopes: Vec<_> =
            policy.audiences.iter().flat_map(|audience| audience.scopes.iter()).collect();
        scopes.sort_unstable();
        scopes.dedup();
        let mut members = Map::new();
        let mut say = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
        if !scopes.is_empty() {
            say("scopes_supported", scopes.into());
        }
        if self.machine_clients {
            say("token_endpoint", self.issuer.join(CLIENT_TOKEN_PATH).into());
            say("grant_types_supported", json!(["client_credentials"]));
            say(
                "token_endpoint_auth_methods_supported",
                json!(["client_secret_basic", "client_secret_post"]),
            );
        }
        members
    }
}

impl Endpoint for Jwks {
    const NAME: &'static str = "jwks";
    const METHODS: &'static [Method] = &[Method::GET, Method::HEAD];

    async fn warm_up(&self, now: Timestamp) {
        self.keys.warm_up(now).await;
    }

    async fn handle(&self, request: &Request, now: Timestamp) -> Result<Response, Rejection> {
        let keys = self.keys.current(now).await?;
        // A REST API puts its stage in front, and an API of your own a path, which is then in the issuer too.
        let document = match request.path().rsplit('/').next() {
            Some("jwks.json") => public_jwk_set(&keys, now),
            Some("openid-configuration") => self.discovery(&keys, now),
            _ => return Err(Reason::NotFound.into()),
        };
        Ok(Response::json(StatusCode::OK, &document).with_header(header::CACHE_CONTROL, CACHE_CONTROL))
    }
}
