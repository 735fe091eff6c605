//! Access tokens: what a service is shown in place of the token of the session (RFC 9068).

use serde_json::{Map, Value};

use crate::{
    Audience, ClientId, CustomClaims, IssueError, Issuer, KeySet, Lifetime, Scopes, SessionId, Timestamp,
    TokenId, UserId, issuer::sign_compact,
};

/// `typ` of an access token (RFC 9068 §2.1).
pub(crate) const TYPE: &str = "at+jwt";
/// `token_use`, which an authorizer of a REST API can demand.
pub(crate) const USE: &str = "access";

/// Claims of a user that an access token does not hand on: each would say something else of the token than is true, and
/// some verifiers believe it (RFC 6749, 7662, 7800, 8176, 8693, 9068, 9396; API Gateway takes `scp` for `scope`).
const NOT_HANDED_ON: [&str; 11] = [
    "scope",
    "scopes",
    "scp",
    "authorization_details",
    "client_id",
    "azp",
    "act",
    "may_act",
    "cnf",
    "acr",
    "amr",
];

/// What an access token is to say.
#[derive(Clone, Copy, Debug)]
pub struct AccessGrant<'a> {
    /// `aud`: the one service that it is for.
    pub audience: &'a Audience,
    /// Who shows it there.
    pub bearer: &'a Bearer,
    /// `scope`.
    pub scopes: &'a Scopes,
    /// `iat` and `exp`.
    pub lifetime: Lifetime,
    /// `jti`: this token.
    pub token_id: TokenId,
    /// The user's own claims.
    pub custom: &'a CustomClaims,
}

/// Who shows an access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// A user in a session.
    User {
        /// `sub`.
        id: UserId,
        /// `username`.
        username: String,
        /// `sid`.
        session_id: SessionId,
        /// `auth_time`: the login.
        logged_in_at: Timestamp,
    },
    /// A program: `sub` and `client_id`.
    Client(ClientId),
}

impl Issuer {
    /// The access token of this grant, signed by the key whose turn it is at `now`.
    pub fn issue_access(
        &self,
        grant: AccessGrant<'_>,
        keys: &KeySet,
        now: Timestamp,
    ) -> Result<String, IssueError> {
        let key = keys.signing_key(now).ok_or(IssueError::NoSigningKey)?;
        let payload =
            serde_json::to_vec(&self.access_claims(grant)).map_err(|_| IssueError::SigningFailed)?;
        sign_compact(key, &key.header_of(TYPE), &payload).ok_or(IssueError::SigningFailed)
    }

    fn access_claims(&self, grant: AccessGrant<'_>) -> Map<String, Value> {
        let AccessGrant { audience, bearer, scopes, lifetime, token_id, custom } = grant;
        let mut members = custom.as_map().clone();
        members.retain(|name, _| !NOT_HANDED_ON.contains(&name.as_str()));
        let mut set = |name: &str, value: Value| {
            members.insert(name.to_owned(), value);
        };
        set("iss", self.url().as_str().into());
        set("aud", audience.as_str().into());
        set("iat", lifetime.issued_at.seconds().into());
        set("exp", lifetime.expires_at.seconds().into());
        set("jti", token_id.to_string().into());
        set("token_use", USE.into());
        if !scopes.is_empty() {
            set("scope", scopes.to_string().into());
        }
        match bearer {
            Bearer::User { id, username, session_id, logged_in_at } => {
                set("sub", id.to_string().into());
                set("username", username.as_str().into());
                set("sid", session_id.to_string().into());
                set("auth_time", logged_in_at.seconds().into());
                // Nothing else opens a session (RFC 8176 §2).
                set("amr", Value::from(["pwd"].as_slice()));
                // The web page or app of the service itself (RFC 9068 §2.2).
                set("client_id", self.audience().into());
            }
            Bearer::Client(id) => {
                set("sub", id.to_string().into());
                set("client_id", id.to_string().into());
            }
        }
        members
    }
}

#[cfg(test)]
#[path = "access_token_tests.rs"]
mod tests;
