use std::net::{IpAddr, Ipv4Addr};

use authorizer::Authorizer;
use edge::{Cors, Environment, SettingError, respond};
use http::{HeaderMap, Method, Uri};
use jsonwebtoken::jwk::JwkSet;
use jwks::{DISCOVERY_PATH, Jwks};
use keyring::SigningKeys;
use serde_json::{Value, json};
use token::{Audience, Timestamp};
use users::UserTable;

use crate::{HttpRequest, NativeApi, NativeAuthorizer, NativeRejection, gateway::LIMIT};

/// The route behind the native authorizer of API Gateway.
const NATIVE_PATH: &str = "/protected";
/// The route behind our own authorizer, which looks the session up.
const CHECKED_PATH: &str = "/protected/now";

/// The route behind the native authorizer for access tokens, where there are any, with a scope for each method.
const ORDERS_PATH: &str = "/protected/orders";
const SCOPES: [(&str, &str); 2] = [("GET", "orders:read"), ("POST", "orders:write")];

/// Routes of somebody's API: what runs behind them answers with the claims that it was handed.
///
/// `examples/protected-api` deploys the same.
pub struct Protected {
    native: NativeAuthorizer,
    /// What access tokens for the first audience are for; none where there are none.
    orders: Option<Audience>,
    authorizer: Authorizer,
    /// Whether the authorizer is also asked about a request without the header.
    reads_cookie: bool,
    cors: Cors,
}

impl Protected {
    /// Routes for the tokens of the issuer that `environment` sets.
    pub fn new(
        users: UserTable,
        keys: SigningKeys,
        environment: &Environment<'_>,
    ) -> Result<Self, SettingError> {
        let policy = environment.access_policy()?;
        let orders = policy.and_then(|policy| policy.audiences.iter().next().map(|it| it.name.clone()));
        let native = NativeAuthorizer {
            issuer: environment.issuer_url()?,
            audience: vec![environment.issuer()?.audience().to_owned()],
            scopes: Vec::new(),
            api: NativeApi::Http,
        };
        let cors = environment.cors()?;
        let reads_cookie = environment.authorizer_cookie()?.is_some();
        let authorizer = Authorizer::new(Some(users), keys, environment)?;
        Ok(Self { native, orders, authorizer, reads_cookie, cors })
    }

    /// Whether `path` is one of them.
    pub(crate) fn has(&self, path: &str) -> bool {
        path == NATIVE_PATH || path == CHECKED_PATH || (path == ORDERS_PATH && self.orders.is_some())
    }

    /// The answer to an HTTP API's event, payload format 2.0; `jwks` serves the issuer's documents.
    ///
    /// API Gateway itself answers preflights of an API with a CORS configuration, before any authorizer is asked.
    pub(crate) async fn respond(&self, event: &str, jwks: &Jwks, now: Timestamp) -> Value {
        let event: Value = serde_json::from_str(event).unwrap_or_default();
        let text = |pointer| event.pointer(pointer).and_then(Value::as_str);
        let origin = text("/headers/origin").filter(|origin| self.cors.names(origin));
        let Some(origin) = origin else { return self.authorized(&event, jwks, now).await };
        let preflight = text("/requestContext/http/method") == Some("OPTIONS")
            && text("/headers/access-control-request-method").is_some();
        let answer = if preflight {
            json!({ "statusCode": 204, "headers": {
                "access-control-allow-methods": "GET, POST",
                "access-control-allow-headers": "authorization, traceparent, tracestate, baggage, sentry-trace",
            } })
        } else {
            self.authorized(&event, jwks, now).await
        };
        self.opened(answer, origin)
    }

    /// `answer`, readable for pages of `origin`.
    fn opened(&self, mut answer: Value, origin: &str) -> Value {
        if let Some(headers) = answer.get_mut("headers").and_then(Value::as_object_mut) {
            headers.insert("access-control-allow-origin".to_owned(), origin.into());
            headers.insert("vary".to_owned(), "Origin".into());
            if self.cors.allows_credentials() {
                headers.insert("access-control-allow-credentials".to_owned(), "true".into());
            }
        }
        answer
    }

    async fn authorized(&self, event: &Value, jwks: &Jwks, now: Timestamp) -> Value {
        let authorization = event.pointer("/headers/authorization").and_then(Value::as_str);
        if event.get("rawPath").is_some_and(|path| path == CHECKED_PATH) {
            return self.checked(event, authorization, now).await;
        }
        let keys = self.keys(jwks, now).await.unwrap_or(JwkSet { keys: Vec::new() });
        let of_orders = match &self.orders {
            Some(audience) if event.get("rawPath").is_some_and(|path| path == ORDERS_PATH) => {
                let method = event.pointer("/requestContext/http/method").and_then(Value::as_str);
                let scope = SCOPES.iter().find(|(of_method, _)| Some(*of_method) == method);
                // As API Gateway where the API has no such route.
                let Some((_, scope)) = scope else {
                    return api_answer(404, &json!({ "message": "Not Found" }));
                };
                Some(NativeAuthorizer {
                    issuer: self.native.issuer.clone(),
                    audience: vec![audience.as_str().to_owned()],
                    scopes: vec![(*scope).to_owned()],
                    api: NativeApi::Http,
                })
            }
            _ => None,
        };
        match of_orders.as_ref().unwrap_or(&self.native).authorize(authorization, &keys, now) {
            Ok(claims) => backend(&claims),
            Err(NativeRejection::NoToken) => rejected(401, "Bearer"),
            Err(NativeRejection::BadToken) => rejected(401, "Bearer error=\"invalid_token\""),
            Err(NativeRejection::MissingScope) => rejected(403, "Bearer error=\"insufficient_scope\""),
        }
    }

    /// The key set that the discovery document names. API Gateway keeps it for 2 hours; here it is always today's.
    async fn keys(&self, jwks: &Jwks, now: Timestamp) -> Option<JwkSet> {
        let discovery = document(jwks, DISCOVERY_PATH, now).await?;
        let path = discovery.get("jwks_uri")?.as_str()?.strip_prefix(self.native.issuer.as_str())?;
        serde_json::from_value(document(jwks, path, now).await?).ok()
    }

    /// API Gateway asks no Lambda authorizer about a request that lacks the header it is set to; in cookie mode it must
    /// be set to none.
    async fn checked(&self, event: &Value, authorization: Option<&str>, now: Timestamp) -> Value {
        if authorization.is_none() && !self.reads_cookie {
            return rejected(401, "Bearer");
        }
        let method = event.pointer("/requestContext/http/method").and_then(Value::as_str).unwrap_or_default();
        let question = json!({
            "version": "2.0",
            "type": "REQUEST",
            "routeArn": format!("arn:aws:execute-api:local:000000000000:local/$default/{method}{CHECKED_PATH}"),
            "identitySource": [authorization],
            "routeKey": event.get("routeKey"),
            "rawPath": event.get("rawPath"),
            "rawQueryString": event.get("rawQueryString"),
            "headers": event.get("headers"),
            "cookies": event.get("cookies"),
            "requestContext": event.get("requestContext"),
        });
        let Ok(answer) = self.authorizer.answer(&question.to_string(), now, LIMIT).await else {
            return api_answer(500, &json!({ "message": "Internal Server Error" }));
        };
        let is_authorized = answer.get("isAuthorized").is_some_and(|yes| *yes == true);
        match answer.get("context") {
            Some(claims) if is_authorized => backend(claims),
            _ => api_answer(403, &json!({ "message": "Forbidden" })),
        }
    }
}

/// The document at `path`, as whoever asks for it over HTTP gets it.
async fn document(jwks: &Jwks, path: &str, now: Timestamp) -> Option<Value> {
    let request = HttpRequest {
        method: Method::GET,
        uri: path.parse::<Uri>().ok()?,
        headers: HeaderMap::new(),
        body: Vec::new(),
        source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    let answer = respond(jwks, &Cors::default(), &request.to_event(now).to_string(), now, LIMIT).await;
    serde_json::from_str(answer.get("body")?.as_str()?).ok()
}

/// What is behind the routes.
fn backend(claims: &Value) -> Value {
    api_answer(200, &json!({ "claims": claims }))
}

/// API Gateway's own rejection.
fn rejected(status: u16, challenge: &str) -> Value {
    let message = if status == 401 { "Unauthorized" } else { "Forbidden" };
    let mut answer = api_answer(status, &json!({ "message": message }));
    if let Some(headers) = answer.get_mut("headers").and_then(Value::as_object_mut) {
        headers.insert("www-authenticate".to_owned(), challenge.into());
    }
    answer
}

fn api_answer(status: u16, body: &Value) -> Value {
    json!({
        "statusCode": status,
        "headers": { "content-type": "application/json" },
        "body": body.to_string(),
        "isBase64Encoded": false,
    })
}
