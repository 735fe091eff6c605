use std::time::Duration;

use access_token::AccessToken;
use client_token::ClientToken;
use edge::{Cors, respond};
use jwks::{CLIENT_TOKEN_PATH, DISCOVERY_PATH, JWK_SET_PATH, Jwks};
use login::Login;
use password::ChangePassword;
use redeem::Redeem;
use refresh::Refresh;
use request_letter::RequestLetter;
use serde_json::{Value, json};
use sessions::Sessions;
use token::Timestamp;
use verify::Verify;

use crate::Protected;

/// How long a request may take, as in [`edge::start`].
pub(crate) const LIMIT: Duration = Duration::from_secs(8);

/// The function behind a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// `functions/login`
    Login,
    /// `functions/refresh`
    Refresh,
    /// `functions/verify`
    Verify,
    /// `functions/sessions`
    Sessions,
    /// `functions/password`
    Password,
    /// `functions/access-token`
    AccessToken,
    /// `functions/client-token`
    ClientToken,
    /// `functions/redeem`
    Redeem,
    /// `functions/request-letter`
    RequestLetter,
    /// `functions/jwks`
    Jwks,
}

/// Every route; a part in braces stands for any one part. template.yaml has the same, as a test holds.
pub const ROUTES: [(&str, Function); 15] = [
    ("/auth/login", Function::Login),
    ("/auth/refresh", Function::Refresh),
    ("/auth/verify", Function::Verify),
    ("/auth/logout", Function::Sessions),
    ("/auth/sessions", Function::Sessions),
    ("/auth/sessions/{sid}", Function::Sessions),
    ("/auth/password", Function::Password),
    ("/auth/access", Function::AccessToken),
    (CLIENT_TOKEN_PATH, Function::ClientToken),
    ("/auth/code", Function::Redeem),
    ("/auth/registration/complete", Function::Redeem),
    ("/auth/recovery", Function::RequestLetter),
    ("/auth/recovery/complete", Function::Redeem),
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
    /// `/auth/logout`, `/auth/sessions` and below it
    pub sessions: Sessions,
    /// `/auth/password`
    pub password: ChangePassword,
    /// `/auth/access`, where there are access tokens.
    pub access_token: Option<AccessToken>,
    /// `/oauth2/token`, where machine clients get them.
    pub client_token: Option<ClientToken>,
    /// `/auth/code` and where codes are redeemed, where there are codes.
    pub redeem: Option<Redeem>,
    /// `/auth/recovery`, where letters are sent.
    pub request_letter: Option<RequestLetter>,
    /// The two documents.
    pub jwks: Jwks,
    /// The pages of other origins that may call.
    pub cors: Cors,
    /// `/protected` and below it, which are no routes of template.yaml.
    pub protected: Protected,
}

impl Gateway {
    /// The answer of the function at `path` to `event`; API Gateway's own 404 where there is none.
    pub async fn respond(&self, path: &str, event: &str, now: Timestamp) -> Value {
        if self.protected.has(path) {
            return self.protected.respond(event, &self.jwks, now).await;
        }
        let function = ROUTES.iter().find(|(route, _)| leads_to(route, path)).map(|(_, function)| function);
        match function {
            Some(Function::Login) => respond(&self.login, &self.cors, event, now, LIMIT).await,
            Some(Function::Refresh) => respond(&self.refresh, &self.cors, event, now, LIMIT).await,
            Some(Function::Verify) => respond(&self.verify, &self.cors, event, now, LIMIT).await,
            Some(Function::Sessions) => respond(&self.sessions, &self.cors, event, now, LIMIT).await,
            Some(Function::Password) => respond(&self.password, &self.cors, event, now, LIMIT).await,
            Some(Function::Jwks) => respond(&self.jwks, &self.cors, event, now, LIMIT).await,
            Some(Function::AccessToken) => match &self.access_token {
                Some(access_token) => respond(access_token, &self.cors, event, now, LIMIT).await,
                None => no_route(),
            },
            Some(Function::ClientToken) => match &self.client_token {
                Some(client_token) => respond(client_token, &self.cors, event, now, LIMIT).await,
                None => no_route(),
            },
            Some(Function::Redeem) => match &self.redeem {
                Some(redeem) => respond(redeem, &self.cors, event, now, LIMIT).await,
                None => no_route(),
            },
            Some(Function::RequestLetter) => match &self.request_letter {
                Some(request_letter) => respond(request_letter, &self.cors, event, now, LIMIT).await,
                None => no_route(),
            },
            None => no_route(),
        }
    }
}

fn no_route() -> Value {
    json!({
        "statusCode": 404,
        "headers": { "content-type": "application/json" },
        "body": r#"{"message":"Not Found"}"#,
        "isBase64Encoded": false,
    })
}

/// Whether `path` is `route`, or what it stands for.
fn leads_to(route: &str, path: &str) -> bool {
    let same = |(of_route, of_path): (&str, &str)| {
        of_route == of_path || (of_route.starts_with('{') && !of_path.is_empty())
    };
    route.split('/').count() == path.split('/').count() && route.split('/').zip(path.split('/')).all(same)
}

#[cfg(test)]
mod tests {
    use super::leads_to;

    #[test]
    fn a_part_in_braces_is_any_one_part() {
        assert!(leads_to("/auth/sessions", "/auth/sessions"));
        for path in ["/auth/sessions/a", "/auth/sessions/{sid}"] {
            assert!(leads_to("/auth/sessions/{sid}", path), "{path}");
        }
        for path in ["/auth/sessions", "/auth/sessions/", "/auth/sessions/a/b", "/auth/others/a", ""] {
            assert!(!leads_to("/auth/sessions/{sid}", path), "{path}");
        }
    }
}
