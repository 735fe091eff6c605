//! `POST /auth/verify`: what a token says and how long it lasts, for services that cannot check a signature.
//!
//! Reads nothing but the keys, unless the caller asks whether the session has ended: that is in the user's row.

use edge::{
    About, AuditSubject, Endpoint, Environment, Rejection, Request, Response, SettingError, live_user,
};
use http::{Method, StatusCode};
use keyring::SigningKeys;
use serde_json::json;
use token::{Claims, SessionPolicy, Timestamp, Verifier};
use users::UserTable;

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
    fn response(&self, claims: &Claims, now: Timestamp) -> Response {
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
        let check_session = body.flag("check_session")?;
        let claims = self.keys.verify(&self.verifier, &token, now).await?;
        let subject = AuditSubject::from(&claims);
        if check_session {
            live_user(&self.users, &claims).await.map_err(|reason| Rejection::from(reason).about(subject))?;
        }
        Ok(self.response(&claims, now)).about(subject)
    }
}
