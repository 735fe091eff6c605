//! `POST /auth/logout`, `GET /auth/sessions` and `DELETE /auth/sessions/{sid}`: sessions, seen and ended by
//! their user.
//!
//! Every ending is one conditional write that creates no row. It is over for refresh as soon as it has returned.

mod call;

use edge::{
    About, AuditDetails, Caller, Carrier, CookieMode, Endpoint, Environment, Presented, Reason, Rejection,
    Request, Response, Route, SessionCheck, SettingError, TokenCheck, log::Field, moved,
};
use http::{Method, StatusCode};
use keyring::SigningKeys;
use serde_json::{Value, json};
use token::{Claims, SessionId, SessionPolicy, Timestamp, Verifier};
use users::{Ended, Session, UserTable, Username};

use crate::call::Call;

/// The use cases and all that they may touch.
pub struct Sessions {
    users: UserTable,
    keys: SigningKeys,
    policy: SessionPolicy,
    verifier: Verifier,
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
        let (policy, verifier) = (environment.session_policy()?, Verifier::new(issuer));
        let cookies = environment.cookie_mode()?;
        Ok(Self { users, keys, policy, verifier, cookies })
    }

    /// Ends the session of the token, or every session of its user.
    ///
    /// One session ends for an expired token too: who logs out after a pause means it, and a thief may be keeping
    /// the session alive with a newer token. Such a token can end nothing but what it was itself. All sessions
    /// end for a live token of a live session only: an old one that turns up in a log is no lever on the others.
    async fn log_out(&self, request: &Request, now: Timestamp) -> Result<Response, Rejection> {
        let Presented { token, mut body, carrier, duplicates } =
            self.cookies.presented_to_log_out(request)?;
        let everywhere = body.flag("everywhere")?;
        let mut ended = self.end_with(request, &token, everywhere, now).await;
        for duplicate in duplicates {
            let also = self.end_with(request, duplicate, everywhere, now).await;
            ended = worth_telling(ended, also);
        }
        match ended {
            Ok(details) => Ok(self.cookies.forget(Response::no_content())?).about(details),
            Err(rejection) if carrier == Carrier::Cookie => Err(self.cookies.forget_rejected(rejection)),
            Err(rejection) => Err(rejection),
        }
    }

    /// Ends every session of the token's user, or the token's own.
    async fn end_with(
        &self,
        request: &Request,
        token: &str,
        everywhere: bool,
        now: Timestamp,
    ) -> Result<AuditDetails, Rejection> {
        if everywhere {
            self.end_all_with(request, token, now).await
        } else {
            self.end_one_with(request, token, now).await
        }
    }

    async fn end_one_with(
        &self,
        request: &Request,
        token: &str,
        now: Timestamp,
    ) -> Result<AuditDetails, Rejection> {
        let claims = self.tokens().verify_even_expired(token, now).await?;
        let (user, session) = (claims.subject(), claims.session_id());
        let details = AuditDetails::from(&claims).with(Field::Scope, "one");
        // An invalid name belongs to nobody, who has no session.
        let Ok(username) = claims.username().parse::<Username>() else { return Ok(details) };
        told(request, session, self.users.end_session(&username, user, session).await, details)
    }

    async fn end_all_with(
        &self,
        request: &Request,
        token: &str,
        now: Timestamp,
    ) -> Result<AuditDetails, Rejection> {
        let claims = self.tokens().verify(token, now).await?;
        let (user, session) = (claims.subject, claims.session_id);
        let details = AuditDetails::from(&claims).with(Field::Scope, "all");
        let Ok(username) = claims.username.parse::<Username>() else { return Ok(details) };
        told(request, session, self.users.end_all_sessions_with(&username, user, session).await, details)
    }

    /// The live sessions of the caller, the newest first.
    async fn list(&self, request: &Request, now: Timestamp) -> Result<Response, Rejection> {
        let (Caller { claims, user }, _) = self.caller(request, now).await?;
        let mut sessions: Vec<_> = user.sessions.iter().collect();
        sessions.sort_by_key(|(id, session)| (std::cmp::Reverse(session.issued_at()), **id));
        let sessions: Value =
            sessions.into_iter().filter_map(|entry| self.describe(entry, &claims, now)).collect();
        Ok(Response::json(StatusCode::OK, &json!({ "user": edge::user(&claims), "sessions": sessions })))
            .about(AuditDetails::from(&claims).and(moved(user.sessions.get(&claims.session_id), request)))
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
        let (Caller { claims, user }, carrier) = self.caller(request, now).await?;
        let session: SessionId = session.parse().map_err(|error| {
            let wrong = format!("The path does not end in the id of a session: {error}.");
            Rejection::from(Reason::InvalidRequest(wrong)).about((&claims).into())
        })?;
        let own = session == claims.session_id;
        let details = AuditDetails::session(user.id, session)
            .with_any(Field::BySession, (!own).then(|| claims.session_id.to_string()))
            .with(Field::PresentedToken, claims.token_id.to_string())
            .with(Field::Scope, "one")
            .and(moved(user.sessions.get(&claims.session_id), request));
        let details = if user.sessions.contains_key(&session) {
            let ended = self.users.end_session(&user.username, user.id, session).await;
            told(request, claims.session_id, ended, details)?
        } else {
            details.with(Field::Ended, 0)
        };
        let response = Response::no_content();
        let with_cookie = carrier == Carrier::Cookie && own;
        let response = if with_cookie { self.cookies.forget(response)? } else { response };
        Ok(response).about(details)
    }

    /// Whose token is in the `Authorization` header or the cookie, and in which.
    async fn caller(&self, request: &Request, now: Timestamp) -> Result<(Caller, Carrier), Rejection> {
        let (token, carrier) = self.cookies.bearer_token(request)?;
        let check = SessionCheck { users: &self.users, tokens: self.tokens() };
        Ok((check.caller(token, now).await?, carrier))
    }

    fn tokens(&self) -> TokenCheck<'_> {
        TokenCheck { keys: &self.keys, verifier: &self.verifier }
    }
}

/// What the log is to have of an ending that the session `by` has asked for.
fn told<E>(
    request: &Request,
    by: SessionId,
    ended: Result<Ended, E>,
    details: AuditDetails,
) -> Result<AuditDetails, Rejection>
where
    Rejection: From<E>,
{
    match ended {
        Ok(ended) => Ok(details.with(Field::Ended, ended.count).and(moved(ended.sessions.get(&by), request))),
        Err(error) => Err(Rejection::from(error).about(details)),
    }
}

/// Which of two outcomes to tell, where there were two cookies of our name: a failure of ours first, so that it is tried
/// again, then a session that was ended, then one that had ended before, and last a token that was worth nothing.
fn worth_telling(
    one: Result<AuditDetails, Rejection>,
    other: Result<AuditDetails, Rejection>,
) -> Result<AuditDetails, Rejection> {
    let weight = |outcome: &Result<AuditDetails, Rejection>| match outcome {
        Err(rejection) if rejection.is_ours() => 3,
        Ok(_) => 2,
        Err(rejection) if matches!(rejection.reason(), Reason::SessionEnded(_)) => 1,
        Err(_) => 0,
    };
    if weight(&one) < weight(&other) { other } else { one }
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
            None => Err(Reason::NotFound.into()),
        }
    }
}
