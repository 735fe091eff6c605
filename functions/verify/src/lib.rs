//! `POST /auth/verify`: what a token says and how long it lasts, for services that cannot check a signature.
//!
//! Reads nothing but the keys, unless the caller asks whether the session has ended: that is in the user's row.

use edge::{
    About, AuditDetails, Endpoint, Environment, Rejection, Request, Response, SettingError, TokenCheck,
    live_user,
};
use http::{Method, StatusCode};
use keyring::SigningKeys;
use serde_json::json;
use token::{Claims, SessionPolicy, Timestamp, Verifier};
use users::UserTable;

/// The paths at which clients of `djangorestframework-jwt` ask. That package read the user at each verification
/// and gave the token back, and its clients count on both.
const OLD_PATHS: [&str; 2] = ["/api-token-verify/", "/auth/jwt/verify/"];
/// What a proxy says that has mapped such a path to ours.
const COMPATIBLE: &str = "latchkey-compatible";
const COMPATIBLE_WITH: &str = "djangorestframework-jwt";

/// The use case and all that it may touch.
pub struct Verify {
    users: UserTable,
    keys: SigningKeys,
    policy: SessionPolicy,
    verifier: Verifier,
}

impl Verify {
    /// Verifying by the policy and the tokens of the issuer that `environment` sets.
    pub fn new(
        users: UserTable,
        keys: SigningKeys,
        environment: &Environment<'_>,
    ) -> Result<Self, SettingError> {
        let verifier = Verifier::new(environment.issuer()?);
        Ok(Self { users, keys, policy: environment.session_policy()?, verifier })
    }

    /// The claims, and in seconds from `now` when the token dies, can no longer be refreshed, and when its
    /// session is over at the latest.
    fn response(&self, claims: &Claims, given_back: Option<&str>, now: Timestamp) -> Response {
        let lifetime = claims.lifetime;
        let mut body = json!({
            "claims": claims.to_json(),
            "expires_in": lifetime.expires_at.time_left(now).get(),
            "session_expires_in": self.policy.session_end(lifetime).time_left(now).get(),
        });
        let left = self.policy.refresh_time_left(lifetime.issued_at, now);
        if let (Some(left), Some(members)) = (left, body.as_object_mut()) {
            members.insert("refresh_expires_in".to_owned(), left.get().into());
        }
        if let (Some(token), Some(members)) = (given_back, body.as_object_mut()) {
            members.insert("token".to_owned(), token.into());
        }
        Response::json(StatusCode::OK, &body)
    }
}

impl Endpoint for Verify {
    const NAME: &'static str = "verify";
    const METHODS: &'static [Method] = &[Method::POST];

    async fn warm_up(&self, now: Timestamp) {
        self.keys.warm_up(now).await;
    }

    async fn handle(&self, request: &Request, now: Timestamp) -> Result<Response, Rejection> {
        let mut body = request.json()?;
        let token = body.string("token")?;
        let is_old = is_of_old_client(request);
        let check_session = body.flag("check_session")? || is_old;
        let check = TokenCheck { keys: &self.keys, verifier: &self.verifier };
        let claims = check.verify(&token, now).await?;
        let details = AuditDetails::from(&claims);
        if check_session && let Err(reason) = live_user(&self.users, &claims).await {
            return Err(Rejection::from(reason).about(details));
        }
        Ok(self.response(&claims, is_old.then_some(&*token), now)).about(details)
    }
}

fn is_of_old_client(request: &Request) -> bool {
    let at_old_path = OLD_PATHS.iter().any(|path| request.path().ends_with(path));
    at_old_path || request.text(COMPATIBLE) == Some(COMPATIBLE_WITH)
}
