//! Codes that set a password: what their bearers do with them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, KeysAndAttributes, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    Update,
};
use token::{Timestamp, UserId};

use crate::{
    CodeOrigin, CodePurpose, Codes, Invitation, NewUser, Operation, PasswordHash, SecretHash, Status,
    StoreError, Username,
    code_row::{self, CODE, FINGERPRINT, code_key, has_code, of_codes},
    code_table::{fingerprint, read_invitation},
    row::{Row, instant, no_sessions, parsed, read_enabled, string, text, user_key},
    schema::{
        ENABLED, ENABLED_AT, EXPIRES_AT, FAILURES, KEY, LAST_FAILURE, LOCALE, PASSWORD_HASH, SESSIONS, TRIES,
        USER_ID,
    },
    update::{self, Outcome},
};

/// A code that is good, and what it does.
#[derive(Debug)]
pub struct OpenCode {
    hash: SecretHash,
    /// For whom.
    pub username: Username,
    /// Who made it, and until when it is good.
    pub origin: CodeOrigin,
    /// What it does.
    pub effect: CodeEffect,
    /// Whether failed logins under the name are counted, which end with it.
    has_failures: bool,
}

/// What a code does.
#[derive(Debug)]
pub enum CodeEffect {
    /// Its bearer becomes a user.
    Invitation(Box<Invitation>),
    /// Its bearer sets the password of this user.
    Recovery(CodeUser),
}

/// The user whose password a code sets, as they were when the code was looked up.
#[derive(Debug)]
pub struct CodeUser {
    /// `sub`.
    pub id: UserId,
    stored_hash: AttributeValue,
    enabled_at: Option<AttributeValue>,
}

/// Why a code is good for nothing. For the log alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeFailure {
    /// It is none of ours, or it was used.
    Unknown,
    /// Its time is over.
    Expired,
    /// A newer one took its place, or an administrator withdrew it.
    Replaced,
    /// It is for something else: one of an invitation is none for a new password.
    OtherPurpose,
    /// The user of an invitation is there already.
    NameTaken,
    /// The user's password, or the user, has changed since it was made.
    UserChanged,
    /// The user is disabled.
    UserDisabled,
}

/// Why a code had no effect.
#[derive(Debug, thiserror::Error)]
pub enum RedeemError {
    /// It is good for nothing.
    #[error("the code is good for nothing")]
    Dead(CodeFailure),
    /// A table gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Codes {
    /// What this code does at `now`: two reads.
    pub async fn find(&self, hash: SecretHash, now: Timestamp) -> Result<OpenCode, RedeemError> {
        let code = self.row(code_key(&hash), true).await?;
        let code = code.ok_or(RedeemError::Dead(CodeFailure::Unknown))?;
        let (purpose, username) = code_row::read_code(&code).map_err(of_codes).map_err(StoreError::from)?;
        let rows = self.of_name(purpose, &username).await?;
        let row = |key| match key {
            AttributeValue::S(key) => rows.get(&key),
            _ => None,
        };
        let made = row(purpose.key(&username)).filter(|made| has_code(made, &hash));
        let made = made.ok_or(RedeemError::Dead(CodeFailure::Replaced))?;
        let origin = code_row::read_origin(made).map_err(of_codes).map_err(StoreError::from)?;
        if origin.valid_until < now {
            return Err(RedeemError::Dead(CodeFailure::Expired));
        }
        let user = row(user_key(&username));
        let effect = match purpose {
            CodePurpose::Invitation => {
                if user.is_some() {
                    return Err(RedeemError::Dead(CodeFailure::NameTaken));
                }
                CodeEffect::Invitation(Box::new(read_invitation(made).map_err(StoreError::from)?))
            }
            CodePurpose::Recovery => CodeEffect::Recovery(bound_user(user, made)?),
        };
        let attempts = rows.get(&self.users.attempts_key(&username));
        let has_failures = attempts.is_some_and(|attempts| attempts.contains_key(FAILURES));
        Ok(OpenCode { hash, username, origin, effect, has_failures })
    }

    /// Makes the user of an invitation, and uses its code up, in one transaction.
    ///
    /// Of several at once one is done. `user` has the name and the claims of the invitation.
    pub async fn register(
        &self,
        code: &OpenCode,
        invitation: &Invitation,
        user: &NewUser,
        now: Timestamp,
    ) -> Result<(), RedeemError> {
        let mut row = self.users.new_row(user, Status::Enabled, now);
        if let Some(locale) = &invitation.locale {
            row.insert(LOCALE.to_owned(), string(locale));
        }
        let put = Put::builder()
            .table_name(&*self.users.name)
            .set_item(Some(row))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", KEY)
            .build();
        let write = TransactWriteItem::builder().put(put.map_err(unbuilt)?).build();
        self.redeem(code, CodePurpose::Invitation, write, user.id, &user.password_hash, now).await
    }

    /// Sets the password of a user and ends every session, and uses the code up, in one transaction.
    ///
    /// Done only if the user is as `code` found them: enabled, with the same password.
    pub async fn recover(
        &self,
        code: &OpenCode,
        user: &CodeUser,
        hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<(), RedeemError> {
        let condition = "#user_id = :user_id AND #enabled = :enabled AND #hash = :stored AND ";
        let enabled_at = match &user.enabled_at {
            Some(_) => "#enabled_at = :enabled_at",
            None => "attribute_not_exists(#enabled_at)",
        };
        let update = Update::builder()
            .table_name(&*self.users.name)
            .key(KEY, user_key(&code.username))
            .update_expression("SET #hash = :hash, #sessions = :none")
            .condition_expression(format!("{condition}{enabled_at}"))
            .expression_attribute_names("#hash", PASSWORD_HASH)
            .expression_attribute_names("#sessions", SESSIONS)
            .expression_attribute_names("#user_id", USER_ID)
            .expression_attribute_names("#enabled", ENABLED)
            .expression_attribute_names("#enabled_at", ENABLED_AT)
            .expression_attribute_values(":hash", string(hash.expose()))
            .expression_attribute_values(":none", no_sessions())
            .expression_attribute_values(":user_id", string(&user.id))
            .expression_attribute_values(":enabled", AttributeValue::Bool(true))
            .expression_attribute_values(":stored", user.stored_hash.clone());
        let update = match &user.enabled_at {
            Some(instant) => update.expression_attribute_values(":enabled_at", instant.clone()),
            None => update,
        };
        let write = TransactWriteItem::builder().update(update.build().map_err(unbuilt)?).build();
        self.redeem(code, CodePurpose::Recovery, write, user.id, hash, now).await
    }

    /// Makes `effect`, which gives the user of this id this hash, together with the end of the code.
    async fn redeem(
        &self,
        code: &OpenCode,
        purpose: CodePurpose,
        effect: TransactWriteItem,
        user: UserId,
        hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<(), RedeemError> {
        let mut writes = vec![
            effect,
            self.use_up(code_key(&code.hash), "attribute_exists(#pk)", KEY, None)?,
            self.use_up(purpose.key(&code.username), "#code = :code", CODE, Some(&code.hash))?,
        ];
        if code.has_failures {
            writes.push(self.forget_failures(&code.username, now)?);
        }
        // The hash has a salt of its own, so that this is one token for each try to use the code up, however often it is sent.
        let of_try =
            [code.hash.as_str(), code.username.as_str(), &user.to_string(), hash.expose()].join("\n");
        let token = SecretHash::of(&of_try).as_str().chars().take(36).collect();
        let rejected = match update::transact_as(&self.users.client, writes, token).await {
            Ok(Outcome::Done(_)) => return Ok(()),
            Ok(Outcome::Rejected(_)) => None,
            Err(error) => Some(error),
        };
        // Whatever the last response was: this hash is nobody's but ours.
        let row = self.users.row(&code.username).await;
        let is_written = row.as_ref().is_ok_and(|row| {
            row.as_ref().is_some_and(|row| {
                parsed::<UserId>(row, USER_ID).is_ok_and(|id| id == user)
                    && text(row, PASSWORD_HASH).is_ok_and(|stored| stored == hash.expose())
            })
        });
        match rejected {
            _ if is_written => Ok(()),
            Some(error) => Err(error.into()),
            None => match self.find(code.hash.clone(), now).await {
                Err(error) => Err(error),
                // It changed back, or somebody else is at it.
                Ok(_) => Err(RedeemError::Dead(CodeFailure::UserChanged)),
            },
        }
    }

    /// The deletion of a row of this table, if it is as it was.
    fn use_up(
        &self,
        key: AttributeValue,
        condition: &str,
        attribute: &str,
        code: Option<&SecretHash>,
    ) -> Result<TransactWriteItem, StoreError> {
        let name = if code.is_some() { "#code" } else { "#pk" };
        let delete = Delete::builder()
            .table_name(&*self.name)
            .key(KEY, key)
            .condition_expression(condition)
            .expression_attribute_names(name, attribute);
        let delete = match code {
            Some(code) => delete.expression_attribute_values(":code", string(code.as_str())),
            None => delete,
        };
        let delete =
            delete.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::None);
        Ok(TransactWriteItem::builder().delete(delete.build().map_err(unbuilt)?).build())
    }

    /// Forgets the failed logins under a name; what is left of the row expires at once.
    fn forget_failures(&self, username: &Username, now: Timestamp) -> Result<TransactWriteItem, StoreError> {
        let forget = Update::builder()
            .table_name(&*self.users.name)
            .key(KEY, string(&self.users.attempts_key(username)))
            .update_expression("SET #expires_at = :now REMOVE #failures, #last_failure, #tries")
            .expression_attribute_names("#expires_at", EXPIRES_AT)
            .expression_attribute_names("#failures", FAILURES)
            .expression_attribute_names("#last_failure", LAST_FAILURE)
            .expression_attribute_names("#tries", TRIES)
            .expression_attribute_values(":now", instant(now));
        Ok(TransactWriteItem::builder().update(forget.build().map_err(unbuilt)?).build())
    }

    /// The row of a name and purpose, the user's and that of the failed logins, by their keys: one strongly consistent read.
    async fn of_name(
        &self,
        purpose: CodePurpose,
        username: &Username,
    ) -> Result<HashMap<String, Row>, StoreError> {
        let wanted = |keys: Vec<AttributeValue>| {
            let keys = keys.into_iter().map(|key| HashMap::from([(KEY.to_owned(), key)])).collect();
            let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
            wanted.map_err(|error| StoreError::unbuilt(Operation::BatchGetItem, error))
        };
        let of_user = vec![user_key(username), string(&self.users.attempts_key(username))];
        let rows = self.users.batch_get_of(HashMap::from([
            (self.name.to_string(), wanted(vec![purpose.key(username)])?),
            (self.users.name.to_string(), wanted(of_user)?),
        ]));
        // No key of one table is one of the other.
        Ok(rows.await?.into_iter().filter_map(|row| Some((text(&row, KEY).ok()?.to_owned(), row))).collect())
    }
}

/// The user of a code, if they are the one whom it was made for.
fn bound_user(user: Option<&Row>, made: &Row) -> Result<CodeUser, RedeemError> {
    let user = user.ok_or(RedeemError::Dead(CodeFailure::UserChanged))?;
    if !read_enabled(user).map_err(StoreError::from)? {
        return Err(RedeemError::Dead(CodeFailure::UserDisabled));
    }
    let bound_to = text(made, FINGERPRINT).map_err(of_codes).map_err(StoreError::from)?;
    if fingerprint(user).map_err(StoreError::from)? != bound_to {
        return Err(RedeemError::Dead(CodeFailure::UserChanged));
    }
    let stored_hash = text(user, PASSWORD_HASH).map_err(StoreError::from)?;
    Ok(CodeUser {
        id: parsed(user, USER_ID).map_err(StoreError::from)?,
        stored_hash: string(stored_hash),
        enabled_at: user.get(ENABLED_AT).cloned(),
    })
}

fn unbuilt(error: aws_sdk_dynamodb::error::BuildError) -> StoreError {
    StoreError::unbuilt(Operation::TransactWriteItems, error)
}
