use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use token::{SessionId, UserId};

use crate::{
    Session, StoreError, UserTable, Username,
    row::{Row, no_sessions, parsed, read_sessions, string, user_key},
    schema::{SESSIONS, USER_ID},
    update::{Outcome, update},
};

/// Why sessions were not ended.
#[derive(Debug, thiserror::Error)]
pub enum EndSessionsError {
    /// The session that was to end them all has ended before, and others go on.
    #[error("the session has ended, and others of the user go on")]
    SessionEnded,
    /// The table gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a write has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// How many sessions: also of a newer version, and some that were over.
    pub count: usize,
    /// Those that this version knows.
    pub sessions: BTreeMap<SessionId, Session>,
}

impl Ended {
    /// By a write that asks for what it replaces or removes.
    pub(crate) fn by(outcome: &Outcome) -> Self {
        let Outcome::Done(Some(before)) = outcome else { return Self::default() };
        match before.get(SESSIONS) {
            Some(AttributeValue::M(entries)) => {
                Self { count: entries.len(), sessions: read_sessions(before).unwrap_or_default() }
            }
            _ => Self::default(),
        }
    }
}

impl UserTable {
    /// Ends one session, and says whether there was one: it may have ended before, or the user may be gone.
    pub async fn end_session(
        &self,
        username: &Username,
        user: UserId,
        session: SessionId,
    ) -> Result<Ended, StoreError> {
        let end = self
            .update_item(user_key(username))
            .return_values(ReturnValue::UpdatedOld)
            .update_expression("REMOVE #sessions.#session")
            .condition_expression("#user_id = :user_id AND attribute_exists(#sessions)")
            .expression_attribute_names("#sessions", SESSIONS)
            .expression_attribute_names("#session", session.to_string())
            .expression_attribute_names("#user_id", USER_ID)
            .expression_attribute_values(":user_id", string(&user));
        Ok(Ended::by(&update(end).await?))
    }

    /// Ends every session, and says how many there were: none, too, if the user is gone.
    pub async fn end_all_sessions(&self, username: &Username, user: UserId) -> Result<Ended, StoreError> {
        let end = self
            .update_item(user_key(username))
            .return_values(ReturnValue::UpdatedOld)
            .update_expression("SET #sessions = :none")
            .condition_expression("#user_id = :user_id")
            .expression_attribute_names("#sessions", SESSIONS)
            .expression_attribute_names("#user_id", USER_ID)
            .expression_attribute_values(":user_id", string(&user))
            .expression_attribute_values(":none", no_sessions());
        Ok(Ended::by(&update(end).await?))
    }

    /// Ends every session in the name of one of them, which must go on until then.
    ///
    /// Also a success if there is none or the user is gone: the state is what was asked for. Says how many there were.
    pub async fn end_all_sessions_with(
        &self,
        username: &Username,
        user: UserId,
        session: SessionId,
    ) -> Result<Ended, EndSessionsError> {
        let end = self
            .update_item(user_key(username))
            .return_values(ReturnValue::UpdatedOld)
            .update_expression("SET #sessions = :none")
            .condition_expression("#user_id = :user_id AND attribute_exists(#sessions.#session)")
            .expression_attribute_names("#sessions", SESSIONS)
            .expression_attribute_names("#session", session.to_string())
            .expression_attribute_names("#user_id", USER_ID)
            .expression_attribute_values(":user_id", string(&user))
            .expression_attribute_values(":none", no_sessions());
        match update(end).await? {
            Outcome::Rejected(Some(row)) if has_sessions(&row, user)? => Err(EndSessionsError::SessionEnded),
            outcome => Ok(Ended::by(&outcome)),
        }
    }
}

/// Whether the row is this user's and has a session.
fn has_sessions(row: &Row, user: UserId) -> Result<bool, StoreError> {
    Ok(parsed::<UserId>(row, USER_ID)? == user && !read_sessions(row)?.is_empty())
}
