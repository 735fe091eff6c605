use aws_sdk_dynamodb::types::AttributeValue;
use token::{CustomClaims, Timestamp, UserId};

use crate::{
    Listing, MalformedRow, NewUser, PageStart, PasswordHash, StoreError, User, UserTable, Username,
    row::{Row, instant, no_sessions, parsed, read_enabled, read_instant, read_user, string, user_key},
    schema::{CLAIMS, CREATED_AT, ENABLED, KEY, PASSWORD_HASH, SESSIONS, USER_ID, USERNAME},
    update::{Outcome, update},
};

/// A user on the way into the table or out of it: everything but the sessions, which are of the tokens out there.
#[derive(Clone, Debug, PartialEq)]
pub struct UserRecord {
    /// The name, canonical.
    pub username: Username,
    /// `sub`; without one a new user gets a new one and an existing user keeps theirs. Never absent on the way out.
    pub id: Option<UserId>,
    /// The hash of the password.
    pub password_hash: PasswordHash,
    /// Claims to be added to each token.
    pub claims: CustomClaims,
    /// Whether logging in and refreshing are allowed.
    pub status: Status,
    /// When the user was created; without it, as for the id. Never absent on the way out.
    pub created_at: Option<Timestamp>,
}

/// Whether a user may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// They may log in and refresh.
    Enabled,
    /// They may not.
    Disabled,
}

/// What to do where a user of the name exists and is not the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfDifferent {
    /// Change nothing.
    Refuse,
    /// Write the record over the user, who keeps their id, and end their sessions.
    Replace,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// There is a new user.
    Created,
    /// The user was there already, just as the record has them.
    Unchanged,
    /// The user is now as the record has them.
    Replaced,
}

/// Why a record was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Another user has the name.
    #[error("a user of this name exists with another user_id")]
    OtherId,
    /// The user has changed since, or is another; the attribute says in what.
    #[error("a user of this name exists with another {0}")]
    Different(&'static str),
    /// The user was deleted or made again while the record was written.
    #[error("the user of this name was changed at the same time")]
    Contended,
    /// The table gave no answer, or the row in the way is malformed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UserTable {
    /// Creates the user of a record, with `new_id` unless the record has one: one write, none of which overwrites.
    ///
    /// Writing the same record again changes nothing. Replacing takes a second write, which nothing but the user's
    /// id is a condition of.
    pub async fn import(
        &self,
        record: &UserRecord,
        if_different: IfDifferent,
        new_id: UserId,
        now: Timestamp,
    ) -> Result<Imported, ImportError> {
        let new = NewUser {
            username: record.username.clone(),
            id: record.id.unwrap_or(new_id),
            password_hash: record.password_hash.clone(),
            claims: record.claims.clone(),
        };
        let row = match self.put_new(&new, record.status, record.created_at.unwrap_or(now)).await? {
            Outcome::Done => return Ok(Imported::Created),
            Outcome::Rejected(row) => row.ok_or(ImportError::Contended)?,
        };
        let user = read_user(&row, &record.username).map_err(StoreError::from)?;
        // The client repeats a write whose answer was lost, and then finds its own row.
        if record.id.is_none() && user.id == new_id {
            return Ok(Imported::Created);
        }
        if record.id.is_some_and(|id| id != user.id) {
            return Err(ImportError::OtherId);
        }
        match (record.difference(&user), if_different) {
            (None, _) => Ok(Imported::Unchanged),
            (Some(attribute), IfDifferent::Refuse) => Err(ImportError::Different(attribute)),
            (Some(_), IfDifferent::Replace) => self.replace(record, user.id).await,
        }
    }

    async fn replace(&self, record: &UserRecord, id: UserId) -> Result<Imported, ImportError> {
        let mut change =
            "SET #hash = :hash, #claims = :claims, #enabled = :enabled, #sessions = :none".to_owned();
        let mut write = self
            .update_item(user_key(&record.username))
            .condition_expression("#user_id = :user_id")
            .expression_attribute_names("#user_id", USER_ID)
            .expression_attribute_names("#hash", PASSWORD_HASH)
            .expression_attribute_names("#claims", CLAIMS)
            .expression_attribute_names("#enabled", ENABLED)
            .expression_attribute_names("#sessions", SESSIONS)
            .expression_attribute_values(":user_id", string(&id))
            .expression_attribute_values(":hash", string(record.password_hash.expose()))
            .expression_attribute_values(":claims", string(&record.claims))
            .expression_attribute_values(":enabled", AttributeValue::Bool(record.status == Status::Enabled))
            .expression_attribute_values(":none", no_sessions());
        if let Some(created_at) = record.created_at {
            change.push_str(", #created_at = :created_at");
            write = write
                .expression_attribute_names("#created_at", CREATED_AT)
                .expression_attribute_values(":created_at", instant(created_at));
        }
        match update(write.update_expression(change)).await? {
            Outcome::Done => Ok(Imported::Replaced),
            Outcome::Rejected(_) => Err(ImportError::Contended),
        }
    }

    /// A page of records, as [`UserTable::list`] of users: every write before it is in it.
    ///
    /// A user whose hash is none that we verify is an unreadable row.
    pub async fn export(&self, start: Option<&PageStart>) -> Result<Listing<UserRecord>, StoreError> {
        let attributes = [KEY, USER_ID, USERNAME, ENABLED, PASSWORD_HASH, CLAIMS, CREATED_AT];
        Listing::read(self.scan_users(start, &attributes).consistent_read(true), record).await
    }
}

impl UserRecord {
    /// The attribute in which `user` is another than this record, but for the id.
    fn difference(&self, user: &User) -> Option<&'static str> {
        if user.password_hash.as_ref() != Ok(&self.password_hash) {
            return Some(PASSWORD_HASH);
        }
        if user.claims != self.claims {
            return Some(CLAIMS);
        }
        if user.enabled != (self.status == Status::Enabled) {
            return Some(ENABLED);
        }
        self.created_at.is_some_and(|instant| instant != user.created_at).then_some(CREATED_AT)
    }
}

fn record(row: &Row) -> Result<UserRecord, MalformedRow> {
    Ok(UserRecord {
        username: parsed(row, USERNAME)?,
        id: Some(parsed(row, USER_ID)?),
        password_hash: parsed(row, PASSWORD_HASH)?,
        claims: parsed(row, CLAIMS)?,
        status: if read_enabled(row)? { Status::Enabled } else { Status::Disabled },
        created_at: Some(read_instant(row, CREATED_AT)?),
    })
}
