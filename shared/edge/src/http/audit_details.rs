use serde_json::{Map, Value};
use token::{Claims, ClientId, SessionId, UserId};

use super::{Rejection, Response};
use crate::log::Field;

/// What the log says of a request beyond its outcome: whom it is about, with which tokens, and what changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditDetails(Vec<(Field, Value)>);

impl AuditDetails {
    /// A user, of no session yet.
    pub fn user(user: UserId) -> Self {
        Self::default().with(Field::User, user.to_string())
    }

    /// A session of a user.
    pub fn session(user: UserId, session: SessionId) -> Self {
        Self::user(user).with(Field::Session, session.to_string())
    }

    /// A machine client.
    pub fn client(client: ClientId) -> Self {
        Self::default().with(Field::Client, client.to_string())
    }

    /// The token that an answer carries, and its session.
    pub fn issued(claims: &Claims) -> Self {
        Self::session(claims.subject, claims.session_id).with(Field::IssuedToken, claims.token_id.to_string())
    }

    /// These and one more; the first word on a member stays.
    #[must_use]
    pub fn with(mut self, field: Field, value: impl Into<Value>) -> Self {
        if !self.0.iter().any(|(said, _)| *said == field) {
            self.0.push((field, value.into()));
        }
        self
    }

    /// These and one more, if there is a value.
    #[must_use]
    pub fn with_any(self, field: Field, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(field, value),
            None => self,
        }
    }

    /// These and `others`, of which only what is not said yet is taken.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        others.0.into_iter().fold(self, |details, (field, value)| details.with(field, value))
    }

    /// These as members of a line.
    pub(crate) fn into_members(self) -> Map<String, Value> {
        self.0.into_iter().map(|(field, value)| (field.name().to_owned(), value)).collect()
    }
}

/// The token of a request, and its session.
impl From<&Claims> for AuditDetails {
    fn from(claims: &Claims) -> Self {
        Self::session(claims.subject, claims.session_id)
            .with(Field::PresentedToken, claims.token_id.to_string())
    }
}

/// Tells the log more of an outcome. What an inner step has said stays.
pub trait About {
    /// The outcome, with these details.
    #[must_use]
    fn about(self, details: AuditDetails) -> Self;
}

impl<T: About> About for Result<T, Rejection> {
    fn about(self, details: AuditDetails) -> Self {
        match self {
            Ok(outcome) => Ok(outcome.about(details)),
            Err(rejection) => Err(rejection.about(details)),
        }
    }
}

impl About for Response {
    fn about(self, details: AuditDetails) -> Self {
        Response::about(self, details)
    }
}

impl About for Rejection {
    fn about(self, details: AuditDetails) -> Self {
        Rejection::about(self, details)
    }
}

#[cfg(test)]
mod tests {
    use token::Entropy;

    use super::*;

    #[test]
    fn the_first_word_on_a_member_stays_and_others_are_added() {
        let user = |byte| AuditDetails::user(UserId::new(Entropy([byte; 16])));
        let both = user(1).and(user(2).with(Field::Wait, 5));
        assert_eq!(both, user(1).with(Field::Wait, 5));
        assert_eq!(both.clone().with_any(Field::Wait, Some(6)).with_any(Field::Scope, None::<&str>), both);
    }
}
