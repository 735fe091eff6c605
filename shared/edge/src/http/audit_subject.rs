use token::{Claims, SessionId, UserId};

use super::{Rejection, Response};

/// Whom a request is about, for the audit log: as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditSubject {
    pub(crate) user: UserId,
    pub(crate) session: Option<SessionId>,
}

impl AuditSubject {
    /// A user, of no session yet.
    pub fn user(user: UserId) -> Self {
        Self { user, session: None }
    }

    /// A session of a user.
    pub fn session(user: UserId, session: SessionId) -> Self {
        Self { user, session: Some(session) }
    }
}

impl From<&Claims> for AuditSubject {
    fn from(claims: &Claims) -> Self {
        Self::session(claims.subject, claims.session_id)
    }
}

/// Says whom an outcome is about, for the audit log. What an inner step has said stays.
pub trait About {
    /// The outcome, which now says so.
    #[must_use]
    fn about(self, subject: impl Into<Option<AuditSubject>>) -> Self;
}

impl<T: About> About for Result<T, Rejection> {
    fn about(self, subject: impl Into<Option<AuditSubject>>) -> Self {
        let subject = subject.into();
        match self {
            Ok(outcome) => Ok(outcome.about(subject)),
            Err(rejection) => Err(rejection.about(subject)),
        }
    }
}

impl About for Response {
    fn about(self, subject: impl Into<Option<AuditSubject>>) -> Self {
        Response::about(self, subject.into())
    }
}
