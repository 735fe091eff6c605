//! What administrators do: users come, change and go.

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, Delete, TransactWriteItem},
};
use token::{CustomClaims, Entropy, Timestamp, UserId};

use crate::{
    ChangeLog, LastChange, MailAddress, Operation, Origin, PasswordHash, Status, StoreError, UserTable,
    Username,
    row::{Row, instant, no_sessions, number, parsed, string, user_key},
    schema::{
        CHANGED_AT, CHANGED_BY, CLAIMS, CREATED_AT, DISABLED_AT, EMAIL, ENABLED, GENERATION, KEY,
        PASSWORD_HASH, SESSIONS, USER_ID, USERNAME,
    },
    transfer::is_reserved,
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
    /// Where to write to the user.
    pub email: Option<MailAddress>,
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
            .set_item(Some(self.new_row(user, status, created_at)))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", KEY);
        put(row).await
    }

    /// The row of a new user.
    pub(crate) fn new_row(&self, user: &NewUser, status: Status, created_at: Timestamp) -> Row {
        let mut row = Row::from(
            [
                (KEY, user_key(&user.username)),
                (USER_ID, string(&user.id)),
                (USERNAME, string(&user.username)),
                (ENABLED, AttributeValue::Bool(status == Status::Enabled)),
                (PASSWORD_HASH, string(user.password_hash.expose())),
                (CLAIMS, string(&user.claims)),
                (CREATED_AT, instant(created_at)),
                (SESSIONS, no_sessions()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        if let Some(email) = &user.email {
            row.insert(EMAIL.to_owned(), string(email));
        }
        if let Some(LastChange { at, by }) = &self.administrator {
            row.extend([(CHANGED_AT.to_owned(), instant(*at)), (CHANGED_BY.to_owned(), string(by))]);
        }
        row
    }

    /// The `sub` of the user of this name; none where the row is not readable that far.
    pub async fn identify(&self, username: &Username) -> Result<Option<UserId>, ChangeError> {
        let row = self.row(username).await?.ok_or(ChangeError::NoSuchUser)?;
        Ok(parsed(&row, USER_ID).ok())
    }

    /// Who the user of this name was in the system that they came from, if they came from one.
    pub async fn origin(&self, username: &Username) -> Result<Option<Origin>, StoreError> {
        let row = self.row(username).await?.unwrap_or_default();
        Ok(Origin::of(&row)?)
    }

    /// Forbids logging in and refreshing, and ends every session in the same write.
    pub async fn disable(&self, username: &Username) -> Result<(), ChangeError> {
        let since =
            self.administrator.as_ref().map(|_| ", #disabled_at = if_not_exists(#disabled_at, :changed_at)");
        let since_when = since.unwrap_or_default();
        let set = format!("ADD #generation :one SET #enabled = :enabled, #sessions = :none{since_when}");
        let disable = self
            .change(username, &set)
            .expression_attribute_names("#generation", GENERATION)
            .expression_attribute_values(":one", number(1));
        let disable = match since {
            Some(_) => disable.expression_attribute_names("#disabled_at", DISABLED_AT),
            None => disable,
        };
        let disable = disable
            .expression_attribute_names("#enabled", ENABLED)
            .expression_attribute_names("#sessions", SESSIONS)
            .expression_attribute_values(":enabled", AttributeValue::Bool(false))
            .expression_attribute_values(":none", no_sessions());
        done(disable).await
    }

    /// Allows logging in again.
    pub async fn enable(&self, username: &Username) -> Result<(), ChangeError> {
        let enable = self
            .change(username, "REMOVE #disabled_at ADD #generation :one SET #enabled = :enabled")
            .expression_attribute_names("#generation", GENERATION)
            .expression_attribute_values(":one", number(1))
            .expression_attribute_names("#disabled_at", DISABLED_AT)
            .expression_attribute_names("#enabled", ENABLED)
            .expression_attribute_values(":enabled", AttributeValue::Bool(true));
        done(enable).await
    }

    /// Replaces the password, and ends every session in the same write.
    pub async fn set_password(&self, username: &Username, hash: &PasswordHash) -> Result<(), ChangeError> {
        let set = self
            .change(username, "SET #hash = :hash, #sessions = :none")
            .expression_attribute_names("#hash", PASSWORD_HASH)
            .expression_attribute_names("#sessions", SESSIONS)
            .expression_attribute_values(":hash", string(hash.expose()))
            .expression_attribute_values(":none", no_sessions());
        done(set).await
    }

    /// Replaces the claims that each later token carries.
    pub async fn set_claims(&self, username: &Username, claims: &CustomClaims) -> Result<(), ChangeError> {
        let set = self
            .change(username, "SET #claims = :claims")
            .expression_attribute_names("#claims", CLAIMS)
            .expression_attribute_values(":claims", string(claims));
        done(set).await
    }

    /// Says where to write to the user from now on, or that there is no such place. Codes of before end, also where it is the same.
    pub async fn set_email(
        &self,
        username: &Username,
        email: Option<&MailAddress>,
    ) -> Result<(), ChangeError> {
        let set = match email {
            Some(email) => self
                .change(username, &format!("SET #email = :email, {NEXT_GENERATION}"))
                .expression_attribute_values(":email", string(email)),
            None => self.change(username, &format!("REMOVE #email SET {NEXT_GENERATION}")),
        };
        done(of_email(set)).await
    }

    /// Says where to write to a user of whom nobody has said it; not done for another.
    pub async fn set_first_email(
        &self,
        username: &Username,
        user: UserId,
        email: &MailAddress,
    ) -> Result<bool, StoreError> {
        let set = self
            .change(username, &format!("SET #email = :email, {NEXT_GENERATION}"))
            .condition_expression(
                "attribute_exists(#pk) AND #user_id = :user_id AND attribute_not_exists(#email)",
            )
            .expression_attribute_names("#user_id", USER_ID)
            .expression_attribute_values(":user_id", string(&user))
            .expression_attribute_values(":email", string(email));
        Ok(matches!(update(of_email(set)).await?, Outcome::Done(_)))
    }

    /// Removes the user, every session and the failed logins under the name.
    pub async fn delete(&self, username: &Username) -> Result<(), ChangeError> {
        self.delete_with(username, None, None).await
    }

    /// Like [`delete`](Self::delete), if the name is still this user's.
    pub async fn delete_user(&self, username: &Username, user: UserId) -> Result<(), ChangeError> {
        self.delete_with(username, Some(user), None).await
    }

    /// Like [`delete_user`](Self::delete_user), and in the same transaction `changes` remembers whom: neither a restore nor an import
    /// brings them back unasked.
    pub async fn delete_and_remember(
        &self,
        username: &Username,
        user: UserId,
        changes: &ChangeLog,
        entropy: Entropy,
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        self.delete_with(username, Some(user), Some((changes, entropy, now))).await
    }

    async fn delete_with(
        &self,
        username: &Username,
        expected: Option<UserId>,
        remembering: Option<(&ChangeLog, Entropy, Timestamp)>,
    ) -> Result<(), ChangeError> {
        let row = self.row(username).await?.ok_or(ChangeError::NoSuchUser)?;
        if expected.is_some_and(|user| parsed::<UserId>(&row, USER_ID).ok() != Some(user)) {
            return Err(ChangeError::NoSuchUser);
        }
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
        let mut writes =
            vec![TransactWriteItem::builder().delete(delete).build(), self.delete_attempts(username)?];
        // A name that an import only keeps for somebody is nobody who was here.
        if let Some((changes, entropy, now)) = remembering.filter(|_| !is_reserved(&row)) {
            writes.push(changes.remember(&row, username, entropy, now)?);
        }
        match update::transact(&self.client, writes).await? {
            Outcome::Done(_) => Ok(()),
            Outcome::Rejected(_) => Err(ChangeError::NoSuchUser),
        }
    }

    fn delete_attempts(&self, username: &Username) -> Result<TransactWriteItem, StoreError> {
        let delete =
            Delete::builder().table_name(&*self.name).key(KEY, string(&self.attempts_key(username))).build();
        let delete = delete.map_err(|error| StoreError::unbuilt(Operation::TransactWriteItems, error))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// A change of a user, whose expression ends in a `SET`; with the administrator's name, if there is one.
    fn change(&self, username: &Username, expression: &str) -> UpdateItemFluentBuilder {
        let change = self.update_item(user_key(username)).expression_attribute_names("#pk", KEY);
        let change = match &self.only {
            None => change.condition_expression("attribute_exists(#pk)"),
            Some(user) => change
                .condition_expression("attribute_exists(#pk) AND #only = :only")
                .expression_attribute_names("#only", USER_ID)
                .expression_attribute_values(":only", string(user)),
        };
        self.update_in_the_name(change, expression)
    }

    /// `change` with this expression, and with the administrator's name and the time, if there is one.
    pub(crate) fn update_in_the_name(
        &self,
        change: UpdateItemFluentBuilder,
        expression: &str,
    ) -> UpdateItemFluentBuilder {
        let Some(LastChange { at, by }) = &self.administrator else {
            return change.update_expression(expression);
        };
        change
            .update_expression(format!("{expression}, #changed_at = :changed_at, #changed_by = :changed_by"))
            .expression_attribute_names("#changed_at", CHANGED_AT)
            .expression_attribute_names("#changed_by", CHANGED_BY)
            .expression_attribute_values(":changed_at", instant(*at))
            .expression_attribute_values(":changed_by", string(by))
    }
}

/// Ends the codes of before; a part of what is set, for whoever changes a row is added behind it.
const NEXT_GENERATION: &str = "#generation = if_not_exists(#generation, :none) + :one";

fn of_email(set: UpdateItemFluentBuilder) -> UpdateItemFluentBuilder {
    set.expression_attribute_names("#email", EMAIL)
        .expression_attribute_names("#generation", GENERATION)
        .expression_attribute_values(":none", number(0))
        .expression_attribute_values(":one", number(1))
}

async fn done(change: UpdateItemFluentBuilder) -> Result<(), ChangeError> {
    match update(change).await? {
        Outcome::Done(_) => Ok(()),
        Outcome::Rejected(_) => Err(ChangeError::NoSuchUser),
    }
}
