//! A Lambda authorizer for the routes of other APIs: the token in the `Authorization` header, and where it is
//! set up so, that in the cookie, and whether its session has ended. It takes the tokens of sessions, or access tokens
//! for one audience.
//!
//! REST APIs ask with `TOKEN` or `REQUEST`, HTTP APIs in payload format 1.0 or 2.0. Every event is answered, most of
//! the odd ones with no. A failure of ours is an error of the function, unless `AUTHORIZER_ON_FAILURE` says deny: API
//! Gateway answers its caller 500 and caches nothing, where it would keep a Deny for the life of its cache.

mod admitted;
mod answer;
mod event;

use std::time::Duration;

use edge::{
    AuthorizerResponse, CookieMode, Environment, OnFailure, Reason, Rejection, SettingError, audit,
    bearer_token, guarded, log::Field,
};
use keyring::SigningKeys;
use serde_json::Value;
use token::Timestamp;
use users::UserTable;

use crate::{
    admitted::{Accepted, Admitted},
    event::{Event, Stage},
};

/// The use case and all that it may touch.
pub struct Authorizer {
    /// Where sessions are looked up; none where the token alone decides.
    users: Option<UserTable>,
    keys: SigningKeys,
    accepted: Accepted,
    /// None where the header alone is read.
    cookie: Option<CookieMode>,
    response: AuthorizerResponse,
    on_failure: OnFailure,
}

/// We cannot say whether the caller may pass. The reason is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("temporarily_unavailable")]
pub struct Undecided;

impl Authorizer {
    /// Authorizing by the tokens of the issuer that `environment` sets, and by the sessions of `users`.
    pub fn new(
        users: Option<UserTable>,
        keys: SigningKeys,
        environment: &Environment<'_>,
    ) -> Result<Self, SettingError> {
        let accepted = Accepted::new(environment)?;
        let (response, on_failure) = (environment.authorizer_response()?, environment.on_failure()?);
        let cookie = environment.authorizer_cookie()?;
        Ok(Self { users, keys, accepted, cookie, response, on_failure })
    }

    /// Reads the keys, and with them opens the connection to the table, before the first event.
    pub async fn warm_up(&self, now: Timestamp) {
        self.keys.warm_up(now).await;
    }

    /// The answer to one event, as API Gateway wants it; [`Undecided`] if AWS fails or it takes longer than `limit`.
    pub async fn answer(&self, event: &str, now: Timestamp, limit: Duration) -> Result<Value, Undecided> {
        let event = Event::read(event);
        // Boxed, for the SDK's futures in it nest deeper than the compiler follows.
        let deciding = Box::pin(self.decide(&event, now));
        let decision = guarded(deciding, limit).await;
        let details = decision.as_ref().map(|(admitted, _)| admitted.details());
        let status = decision.as_ref().err().map(|rejection| self.status_for(rejection));
        audit::decided("authorizer", details, event.details().with_any(Field::Status, status));
        let form = event.form(self.response);
        match decision {
            Ok((admitted, stage)) => Ok(form.allow(&admitted, stage)),
            Err(rejection) if rejection.is_ours() && self.on_failure == OnFailure::Error => Err(Undecided),
            Err(rejection) => Ok(form.deny(&rejection, event.stage())),
        }
    }

    /// What the token of `event` says, and which stage its bearer may call.
    async fn decide<'e>(&self, event: &'e Event, now: Timestamp) -> Result<(Admitted, &'e Stage), Rejection> {
        let stage = event.stage().ok_or_else(|| {
            Reason::InvalidRequest("This event is none of an API Gateway authorizer.".to_owned())
        })?;
        let request;
        let token = match &self.cookie {
            // Never beside the header: API Gateway may keep a decision by what is in that.
            Some(cookie) if event.authorization().next().is_none() => {
                request = event.request();
                cookie.bearer_token(&request)?.0
            }
            _ => bearer_token(event.authorization())?,
        };
        let admitted = self.accepted.admit(token, &self.keys, self.users.as_ref(), now).await?;
        Ok((admitted, stage))
    }

    /// What API Gateway answers its caller where we do not let them through.
    fn status_for(&self, rejection: &Rejection) -> u16 {
        if rejection.is_ours() && self.on_failure == OnFailure::Error { 500 } else { 403 }
    }
}
