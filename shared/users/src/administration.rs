//! What administrators do: users come, change and go.

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, Delete, TransactWriteItem},
};
use token::{CustomClaims, Timestamp, UserId};

use crate::{
    Operation, PasswordHash, Status, StoreError, UserTable, Username,
    row::{Row, instant, no_sessions, parsed, string, user_key},
    schema::{CLAIMS, CREATED_AT, ENABLED, KEY, PASSWORD_HASH, SESSIONS, USER_ID, USERNAME},
    update::{self, Outcome, put, update},
};

/// A user to be created, enabled and without a session.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The name, which must be free.
    pub username: Username,
    /// An identifier that no user has or had.
    pub id: UserId,
    /// The hash of the password.
    pub password_hash: PasswordHash,
    /// Claims to be added to each token.
    pub claims: CustomClaims,
}

/// Why a user was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The name is taken; nothing was written.
    #[error("a user of this name exists")]
    AlreadyExists,
    /// The table gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a user was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Nobody has the name.
    #[error("there is no user of this name")]
    NoSuchUser,
    /// The table gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UserTable {
    /// Creates a user; never overwrites one.
    pub async fn create(&self, user: &NewUser, now: Timestamp) -> Result<(), CreateError> {
        let Outcome::Rejected(row) = self.put_new(user, Status::Enabled, now).await? else {
            return Ok(());
        };
        // The client repeats a write whose answer was lost, and then finds its own row.
        let own = |row: Row| parsed::<UserId>(&row, USER_ID).is_ok_and(|id| id == user.id);
        if row.is_some_and(own) { Ok(()) } else { Err(CreateError::AlreadyExists) }
    }

    /// Writes a row unless there is one.
    pub(crate) async fn put_new(
        &self,
        user: &NewUser,
        status: Status,
        created_at: Timestamp,
    ) -> Result<Outcome, StoreError> {
        let row = self
            .client
            .put_item()
            .table_name(&*self.name)
            .item(KEY, user_key(&user.username))
            .item(USER_ID, string(&user.id))
            .item(USERNAME, string(&user.username))
            .item(ENABLED, AttributeValue::Bool(status == Status::Enabled))
            .item(PASSWORD_HASH, string(user.password_hash.expose()))
            .item(CLAIMS, string(&user.claims))
            .item(CREATED_AT, instant(created_at))
            .item(SESSIONS, no_sessions())
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", KEY);
        put(row).await
    }

    /// Forbids logging in and refreshing, and ends every session in the same write.
    pub async fn disable(&self, username: &Username) -> Result<(), ChangeError> {
        let disable = self
            .change(username)
            .update_expression("SET #enabled = :enabled, #sessions = :none")
            .expression_attribute_names("#enabled", ENABLED)
            .expression_attribute_names("#sessions", SESSIONS)
            .expression_attribute_values(":enabled", AttributeValue::Bool(false))
            .expression_attribute_values(":none", no_sessions());
        done(disable).await
    }

    /// Allows logging in again.
    pub async fn enable(&self, username: &Username) -> Result<(), ChangeError> {
        let enable = self
            .change(username)
            .update_expression("SET #enabled = :enabled")
            .expression_attribute_names("#enabled", ENABLED)
            .expression_attribute_values(":enabled", AttributeValue::Bool(true));
        done(enable).await
    }

    /// Replaces the password, and ends every session in the same write.
    pub async fn set_password(&self, username: &Username, hash: &PasswordHash) -> Result<(), ChangeError> {
        let set = self
            .change(username)
            .update_expression("SET #hash = :hash, #sessions = :none")
            .expression_attribute_names("#hash", PASSWORD_HASH)
            .expression_attribute_names("#sessions", SESSIONS)
            .expression_attribute_values(":hash", string(hash.expose()))
            .expression_attribute_values(":none", no_sessions());
        done(set).await
    }

    /// Replaces the claims that each later token carries.
    pub async fn set_claims(&self, username: &Username, claims: &CustomClaims) -> Result<(), ChangeError> {
        let set = self
            .change(username)
            .update_expression("SET #claims = :claims")
            .expression_attribute_names("#claims", CLAIMS)
            .expression_attribute_values(":claims", string(claims));
        done(set).await
    }

    /// Removes the user and every session; failed logins under the name are kept until they expire.
    pub async fn delete(&self, username: &Username) -> Result<(), ChangeError> {
        let row = self.row(username).await?.ok_or(ChangeError::NoSuchUser)?;
        let delete = Delete::builder()
            .table_name(&*self.name)
            .key(KEY, user_key(username))
            .expression_attribute_names("#id", USER_ID);
        // Whoever has come under the name since it was read is somebody else.
        let delete = match row.get(USER_ID) {
            Some(id) => {
                delete.condition_expression("#id = :id").expression_attribute_values(":id", id.clone())
            }
            None => delete
                .condition_expression("attribute_exists(#pk) AND attribute_not_exists(#id)")
                .expression_attribute_names("#pk", KEY),
        };
        let delete =
            delete.build().map_err(|error| StoreError::unbuilt(Operation::TransactWriteItems, error))?;
        let delete = TransactWriteItem::builder().delete(delete).build();
        match update::transact(&self.client, delete).await? {
            Outcome::Done(_) => Ok(()),
            Outcome::Rejected(_) => Err(ChangeError::NoSuchUser),
        }
    }

    fn change(&self, username: &Username) -> UpdateItemFluentBuilder {
        self.update_item(user_key(username))
            .condition_expression("attribute_exists(#pk)")
            .expression_attribute_names("#pk", KEY)
    }
}

async fn done(change: UpdateItemFluentBuilder) -> Result<(), ChangeError> {
    match update(change).await? {
        Outcome::Done(_) => Ok(()),
        Outcome::Rejected(_) => Err(ChangeError::NoSuchUser),
    }
}
