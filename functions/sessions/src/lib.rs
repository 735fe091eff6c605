//! `POST /auth/logout`, `GET /auth/sessions` and `DELETE /auth/sessions/{sid}`: sessions, seen and ended by
//! their user.
//!
//! Every ending is one conditional write that creates no row. It is over for refresh as soon as it has returned.

mod call;

use edge::{
    Carrier, CookieMode, Endpoint, Environment, Presented, Rejection, Request, Response, Route, SettingError,
    caller,
};
use http::{Method, StatusCode};
use keyring::SigningKeys;
use serde_json::{Value, json};
use token::{Claims, SessionId, SessionPolicy, Timestamp, Verifier};
use users::{Session, User, UserTable, Username};

use crate::call::Call;

/// The use cases and all that they may touch.
pub struct Sessions {
    users: UserTable,
    keys: SigningKeys,
    policy: SessionPolicy,
    verifier: Verifier,
    /// For logging out of one session alone, which a token may do after its own end.
    verifier_of_any_age: Verifier,
    cookies: CookieMode,
}

impl Sessions {
    /// Sessions by the policy and the tokens of the issuer that `environment` sets.
    pub fn new(
        users: UserTable,
        keys: SigningKeys,
        environment: &Environment<'_>,
    ) -> Result<Self, SettingError> {
        let issuer = environment.issuer()?;
        let verifier_of_any_age = Verifier::of_any_age(issuer.clone());
        let (policy, verifier) = (environment.session_policy()?, Verifier::new(issuer));
        let cookies = environment.cookie_mode()?;
        Ok(Self { users, keys, policy, verifier, verifier_of_any_age, cookies })
    }

    /// Ends the session of the token, or every session of its user.
    ///
    /// One session ends for an expired token too: who logs out after a pause means it, and a thief may be keeping
    /// the session alive with a newer token. Such a token can end nothing but what it was itself. All sessions
    /// end for a live token of a live session only: an old one that turns up in a log is no lever on the others.
    async fn log_out(&self, request: &Request, now: Timestamp) -> Result<Response, Rejection> {
        let Presented { token, mut body, carrier } = self.cookies.token_in_body(request)?;
        let everywhere = body.flag("everywhere")?;
        match self.end_with(request, &token, everywhere, now).await {
            Ok(()) => self.cookies.forget(Response::no_content()),
            Err(rejection) if carrier == Carrier::Cookie => Err(self.cookies.forget_rejected(rejection)),
            Err(rejection) => Err(rejection),
        }
    }

    async fn end_with(
        &self,
        request: &Request,
        token: &str,
        everywhere: bool,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        let verifier = if everywhere { &self.verifier } else { &self.verifier_of_any_age };
        let claims = self.keys.verify(verifier, token, now).await?;
        request.is_about(claims.subject, Some(claims.session_id));
        // A name that is none any more belongs to nobody, who has no session.
        if let Ok(username) = claims.username.parse::<Username>() {
            let (user, session) = (claims.subject, claims.session_id);
            if everywhere {
                self.users.end_all_sessions_with(&username, user, session).await?;
            } else {
                self.users.end_session(&username, user, session).await?;
            }
        }
        Ok(())
    }

    /// The live sessions of the caller, the newest first.
    async fn list(&self, request: &Request, now: Timestamp) -> Result<Response, Rejection> {
        let (claims, user, _) = self.caller(request, now).await?;
        let mut sessions: Vec<_> = user.sessions.iter().collect();
        sessions.sort_by_key(|(id, session)| (std::cmp::Reverse(session.issued_at()), **id));
        let sessions: Value =
            sessions.into_iter().filter_map(|entry| self.describe(entry, &claims, now)).collect();
        Ok(Response::json(StatusCode::OK, &json!({ "sessions": sessions })))
    }

    /// An entry of the row for its user; none if its last token has died and no login has cleared it away yet.
    fn describe(&self, entry: (&SessionId, &Session), claims: &Claims, now: Timestamp) -> Option<Value> {
        let (id, session) = entry;
        let current = *id == claims.session_id;
        let issued_at = session.issued_at();
        let ends_by = if current {
            self.policy.session_end(claims.lifetime)
        } else {
            self.policy.latest_expiry(issued_at)
        };
        if ends_by <= now {
            return None;
        }
        let mut described = json!({
            "session_id": id.to_string(),
            "current": current,
            "issued_at": issued_at,
            "user_agent": session.user_agent(),
            "source_ip": session.source_ip(),
            "session_expires_in": ends_by.time_left(now).get(),
        });
        let left = self.policy.refresh_time_left(issued_at, now);
        if let (Some(left), Some(members)) = (left, described.as_object_mut()) {
            members.insert("refresh_expires_in".to_owned(), left.get().into());
        }
        Some(described)
    }

    /// Ends one session of the caller; a success too if the caller has none of this id, whoever else may.
    async fn end(&self, request: &Request, session: &str, now: Timestamp) -> Result<Response, Rejection> {
        let (claims, user, carrier) = self.caller(request, now).await?;
        let session: SessionId = session.parse().map_err(|problem| {
            Rejection::InvalidRequest(format!("The path does not end in the id of a session: {problem}."))
        })?;
        request.is_about(user.id, Some(session));
        if user.sessions.contains_key(&session) {
            self.users.end_session(&user.username, user.id, session).await?;
        }
        let answer = Response::no_content();
        let own = carrier == Carrier::Cookie && session == claims.session_id;
        if own { self.cookies.forget(answer) } else { Ok(answer) }
    }

    /// Whose token is in the `Authorization` header or the cookie, and in which.
    async fn caller(&self, request: &Request, now: Timestamp) -> Result<(Claims, User, Carrier), Rejection> {
        let (token, carrier) = self.cookies.bearer_token(request)?;
        let (claims, user) = caller(request, token, (&self.users, &self.keys, &self.verifier), now).await?;
        Ok((claims, user, carrier))
    }
}

impl Endpoint for Sessions {
    const NAME: &'static str = "sessions";
    const METHODS: &'static [Method] = &[Method::POST, Method::GET, Method::DELETE];

    fn route(path: &str) -> Route {
        Call::at(path).map_or(Route { name: Self::NAME, methods: Self::METHODS }, Call::route)
    }

    async fn warm_up(&self, now: Timestamp) {
        self.keys.warm_up(now).await;
    }

    async fn handle(&self, request: &Request, now: Timestamp) -> Result<Response, Rejection> {
        match Call::at(request.path()) {
            Some(Call::LogOut) => self.log_out(request, now).await,
            Some(Call::List) => self.list(request, now).await,
            Some(Call::End(session)) => self.end(request, session, now).await,
            None => Err(Rejection::NotFound),
        }
    }
}
