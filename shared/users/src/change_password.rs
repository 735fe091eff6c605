use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use token::SessionId;

use crate::{
    Account, Ended, Letter, NewSession, Notice, PasswordHash, StoreError, UserTable,
    row::{read_user, session_entry, string, user_key},
    schema::{ENABLED, PASSWORD_HASH, REPLACED, SESSIONS, USER_ID},
    update::{Outcome, update, update_with},
};

/// Why a password was not changed by its user.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The session that asked for it has ended, or the user is gone.
    #[error("the session has ended")]
    SessionEnded,
    /// The user has been disabled.
    #[error("the user is disabled")]
    UserDisabled,
    /// The password was changed, or its hash upgraded by a login: verify again, against this user's.
    #[error("the password hash is not the one that was checked")]
    HashChanged(Box<Account>),
    /// The user as read has no hash that anyone can have checked.
    #[error("the user has no readable password hash")]
    UnreadableHash,
    /// The table gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How a user is told of a change of their password.
#[derive(Debug)]
pub struct PasswordNotice<'a> {
    /// Where and under which key.
    pub notice: Notice<'a>,
    /// The letter, to the address as it was read.
    pub letter: &'a Letter,
    /// How many sessions the user had when that was read.
    pub sessions: usize,
}

impl UserTable {
    /// Replaces the password of `user`, which was just checked against the hash as read, and every session by a new one.
    ///
    /// One conditional write: the user still is the same, enabled, has the same hash and the session `by` that asks. The
    /// new session remembers `by`, so that its owner can be told of a change whose response was lost. Says how many sessions
    /// ended.
    /// With a notice the write is a transaction that asks for the letter too.
    pub async fn change_password(
        &self,
        user: &Account,
        by: SessionId,
        hash: &PasswordHash,
        session: &NewSession<'_>,
        told: Option<&PasswordNotice<'_>>,
    ) -> Result<Ended, ChangePasswordError> {
        let checked = user.password_hash.as_ref().map_err(|_| ChangePasswordError::UnreadableHash)?;
        let mut entry = session_entry(session);
        entry.insert(REPLACED.to_owned(), string(&by));
        let only = AttributeValue::M(HashMap::from([(session.id.to_string(), AttributeValue::M(entry))]));
        let change = self
            .update_item(user_key(&user.username))
            .return_values(ReturnValue::UpdatedOld)
            .update_expression("SET #hash = :hash, #sessions = :only")
            .condition_expression(
                "#user_id = :user_id AND #enabled = :enabled AND #hash = :checked AND attribute_exists(#sessions.#by)",
            )
            .expression_attribute_names("#hash", PASSWORD_HASH)
            .expression_attribute_names("#sessions", SESSIONS)
            .expression_attribute_names("#by", by.to_string())
            .expression_attribute_names("#user_id", USER_ID)
            .expression_attribute_names("#enabled", ENABLED)
            .expression_attribute_values(":hash", string(hash.expose()))
            .expression_attribute_values(":only", only)
            .expression_attribute_values(":user_id", string(&user.id))
            .expression_attribute_values(":enabled", AttributeValue::Bool(true))
            .expression_attribute_values(":checked", string(checked.expose()));
        let outcome = match told {
            None => update(change).await?,
            Some(told) => {
                let letter = told.notice.outbox.part(told.notice.id, told.letter)?;
                update_with(&self.client, &change, vec![letter]).await?
            }
        };
        let row = match (outcome, told) {
            (Outcome::Rejected(row), _) => row.ok_or(ChangePasswordError::SessionEnded)?,
            (done @ Outcome::Done(_), None) => return Ok(Ended::by(&done)),
            // A transaction does not say what it replaced.
            (Outcome::Done(_), Some(told)) => {
                return Ok(Ended { count: told.sessions, ..Ended::default() });
            }
        };
        let found = read_user(&row, &user.username).map_err(StoreError::from)?;
        if found.id == user.id && found.password_hash.as_ref() == Ok(hash) {
            // The client repeats a write whose response was lost, and then finds its own hash, whose salt is new. How many
            // sessions the first one ended, nobody knows; at least the one that asked.
            return Ok(Ended { count: 1, ..Ended::default() });
        }
        if found.id == user.id && !found.enabled {
            return Err(ChangePasswordError::UserDisabled);
        }
        if found.id != user.id || !found.sessions.contains_key(&by) {
            return Err(ChangePasswordError::SessionEnded);
        }
        Err(ChangePasswordError::HashChanged(Box::new(found.into())))
    }
}
