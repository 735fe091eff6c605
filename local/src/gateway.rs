use std::time::Duration;

use edge::respond;
use jwks::{DISCOVERY_PATH, JWK_SET_PATH, Jwks};
use login::Login;
use refresh::Refresh;
use serde_json::{Value, json};
use token::Timestamp;
use verify::Verify;

/// How long a request may take, as in [`edge::start`].
const LIMIT: Duration = Duration::from_secs(8);

/// The function behind a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// `functions/login`
    Login,
    /// `functions/refresh`
    Refresh,
    /// `functions/verify`
    Verify,
    /// `functions/jwks`
    Jwks,
}

/// Every route; template.yaml has the same, as a test holds.
pub const ROUTES: [(&str, Function); 5] = [
    ("/auth/login", Function::Login),
    ("/auth/refresh", Function::Refresh),
    ("/auth/verify", Function::Verify),
    (JWK_SET_PATH, Function::Jwks),
    (DISCOVERY_PATH, Function::Jwks),
];

/// The use cases behind their routes.
pub struct Gateway {
    /// `/auth/login`
    pub login: Login,
    /// `/auth/refresh`
    pub refresh: Refresh,
    /// `/auth/verify`
    pub verify: Verify,
    /// The two documents.
    pub jwks: Jwks,
}

impl Gateway {
    /// The answer of the function at `path` to `event`; API Gateway's own 404 where there is none.
    pub async fn respond(&self, path: &str, event: &str, now: Timestamp) -> Value {
        match ROUTES.iter().find(|(route, _)| *route == path) {
            Some((_, Function::Login)) => respond(&self.login, event, now, LIMIT).await,
            Some((_, Function::Refresh)) => respond(&self.refresh, event, now, LIMIT).await,
            Some((_, Function::Verify)) => respond(&self.verify, event, now, LIMIT).await,
            Some((_, Function::Jwks)) => respond(&self.jwks, event, now, LIMIT).await,
            None => json!({
                "statusCode": 404,
                "headers": { "content-type": "application/json" },
                "body": r#"{"message":"Not Found"}"#,
                "isBase64Encoded": false,
            }),
        }
    }
}
