//! Codes that set a password: what their bearers do with them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, KeysAndAttributes, Put, TransactWriteItem, Update, builders::DeleteBuilder,
};
use token::{Timestamp, UserId};

use crate::{
    CodeOrigin, CodePurpose, CodeUser, Codes, Invitation, LetterKind, NewUser, Notice, Operation,
    PasswordHash, SecretHash, Status, StoreError, Username,
    code_row::{self, CODE, FINGERPRINT, INVITATION_ROW, code_key, has_code, of_codes},
    code_table::read_invitation,
    row::{Row, instant, no_sessions, optional_text, parsed, read_enabled, string, text, user_key},
    schema::{EXPIRES_AT, FAILURES, KEY, LAST_FAILURE, LOCALE, PASSWORD_HASH, SESSIONS, TRIES, USER_ID},
    update::{self, Outcome},
};

/// A code that is valid, and what it does.
#[derive(Debug)]
pub struct OpenCode {
    hash: SecretHash,
    /// What the row of the name has as its newest code; none for a code that says all by itself.
    newest: Option<SecretHash>,
    /// For whom.
    pub username: Username,
    /// Who made it, and until when it is valid.
    pub origin: CodeOrigin,
    /// What it does.
    pub effect: CodeEffect,
    /// Whether failed logins under the name are counted; redeeming the code forgets them.
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

/// Why a code is not accepted. For the log only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeFailure {
    /// There is no such code, or it has been used.
    Unknown,
    /// Its time is over.
    Expired,
    /// A newer one took its place, or an administrator withdrew it.
    Replaced,
    /// It is for the other purpose: an invitation cannot set a new password.
    OtherPurpose,
    /// The user of an invitation is there already.
    NameTaken,
    /// The user's password, or the user, has changed since it was made.
    UserChanged,
    /// The user is disabled.
    UserDisabled,
}

/// A code that is not accepted, and what is known of it. For the log only.
#[derive(Debug)]
pub struct DeadCode {
    /// Why.
    pub failure: CodeFailure,
    /// The user of its name, if there is one.
    pub user: Option<UserId>,
    /// Who made it, if that is still known.
    pub origin: Option<CodeOrigin>,
}

/// Why a code had no effect.
#[derive(Debug, thiserror::Error)]
pub enum RedeemError {
    /// It is not accepted.
    #[error("the code is not valid")]
    Dead(Box<DeadCode>),
    /// A table gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RedeemError {
    fn dead(failure: CodeFailure, user: Option<UserId>, origin: Option<CodeOrigin>) -> Self {
        Self::Dead(Box::new(DeadCode { failure, user, origin }))
    }
}

impl Codes {
    /// What this code does at `now`: two reads.
    pub async fn find(&self, hash: SecretHash, now: Timestamp) -> Result<OpenCode, RedeemError> {
        let code = self.row(code_key(&hash)).await?;
        let code = code.ok_or_else(|| RedeemError::dead(CodeFailure::Unknown, None, None))?;
        let (purpose, username) = code_row::read_code(&code).map_err(of_codes).map_err(StoreError::from)?;
        let rows = self.rows_of(purpose, &username).await?;
        let row = |key| match key {
            AttributeValue::S(key) => rows.get(&key),
            _ => None,
        };
        let user = row(user_key(&username));
        let id = user.and_then(|user| parsed(user, USER_ID).ok());
        let newest = match (code.contains_key(FINGERPRINT), optional_text(&code, INVITATION_ROW)) {
            (true, _) => None,
            (false, Ok(Some(newest))) => Some(SecretHash::stored(newest)),
            (false, Ok(None)) => Some(hash.clone()),
            (false, Err(error)) => return Err(StoreError::from(of_codes(error)).into()),
        };
        let made = match &newest {
            None => Some(&code),
            Some(newest) => row(purpose.key(&username)).filter(|made| has_code(made, newest)),
        };
        let made = made.ok_or_else(|| RedeemError::dead(CodeFailure::Replaced, id, None))?;
        let origin = code_row::read_origin(made).map_err(of_codes).map_err(StoreError::from)?;
        let dead = |failure| RedeemError::dead(failure, id, Some(origin.clone()));
        if origin.valid_until < now {
            return Err(dead(CodeFailure::Expired));
        }
        let effect = match (purpose, user) {
            (CodePurpose::Invitation, Some(_)) => return Err(dead(CodeFailure::NameTaken)),
            (CodePurpose::Invitation, None) => {
                CodeEffect::Invitation(Box::new(read_invitation(made).map_err(StoreError::from)?))
            }
            (CodePurpose::Recovery, None) => return Err(dead(CodeFailure::UserChanged)),
            (CodePurpose::Recovery, Some(user)) => {
                if !read_enabled(user).map_err(StoreError::from)? {
                    return Err(dead(CodeFailure::UserDisabled));
                }
                let bound_to = text(made, FINGERPRINT).map_err(of_codes).map_err(StoreError::from)?;
                let user = CodeUser::read(user).map_err(StoreError::from)?;
                if user.fingerprint(&hash, origin.valid_until) != bound_to {
                    return Err(dead(CodeFailure::UserChanged));
                }
                CodeEffect::Recovery(user)
            }
        };
        let attempts = rows.get(&self.users.attempts_key(&username));
        let has_failures = attempts.is_some_and(|attempts| attempts.contains_key(FAILURES));
        Ok(OpenCode { hash, newest, username, origin, effect, has_failures })
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
        let writes = vec![write];
        self.redeem(code, CodePurpose::Invitation, writes, user.id, &user.password_hash, now).await
    }

    /// Sets the password of a user and ends every session, and uses the code up, in one transaction.
    ///
    /// Done only if the user is as `code` found them: enabled, with the same password. A user who has an address is told by `notice`.
    pub async fn recover(
        &self,
        code: &OpenCode,
        user: &CodeUser,
        hash: &PasswordHash,
        notice: Option<Notice<'_>>,
        now: Timestamp,
    ) -> Result<(), RedeemError> {
        let mut names = CodeUser::names();
        names.insert("#sessions".to_owned(), SESSIONS.to_owned());
        let mut values = user.values();
        values.extend([(":hash".to_owned(), string(hash.expose())), (":none".to_owned(), no_sessions())]);
        let update = Update::builder()
            .table_name(&*self.users.name)
            .key(KEY, user_key(&code.username))
            .update_expression("SET #hash = :hash, #sessions = :none")
            .condition_expression(user.condition())
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values));
        let write = TransactWriteItem::builder().update(update.build().map_err(unbuilt)?).build();
        let told = Notice::part(notice, LetterKind::PasswordChanged, &code.username, user, now)?;
        let writes = [write].into_iter().chain(told).collect();
        self.redeem(code, CodePurpose::Recovery, writes, user.id, hash, now).await
    }

    /// Makes `writes`, which give the user of this id this hash, together with the end of the code.
    async fn redeem(
        &self,
        code: &OpenCode,
        purpose: CodePurpose,
        mut writes: Vec<TransactWriteItem>,
        user: UserId,
        hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<(), RedeemError> {
        let is_newest = code.newest.as_ref().map(|newest| {
            Delete::builder()
                .table_name(&*self.name)
                .key(KEY, purpose.key(&code.username))
                .condition_expression("#code = :code")
                .expression_attribute_names("#code", CODE)
                .expression_attribute_values(":code", string(newest.as_str()))
        });
        let of_code = Delete::builder().table_name(&*self.name).key(KEY, code_key(&code.hash));
        let of_code = match code.newest {
            Some(_) => of_code,
            None => {
                of_code.condition_expression("attribute_exists(#pk)").expression_attribute_names("#pk", KEY)
            }
        };
        let delete = |delete: DeleteBuilder| {
            let delete = delete.build().map_err(unbuilt)?;
            Ok::<_, StoreError>(TransactWriteItem::builder().delete(delete).build())
        };
        for used_up in is_newest.into_iter().chain([of_code]) {
            writes.push(delete(used_up)?);
        }
        if code.has_failures {
            writes.push(self.forget_failures(&code.username, now)?);
        }
        let failed = match update::transact(&self.users.client, writes).await {
            Ok(Outcome::Done(_)) => return Ok(()),
            Ok(Outcome::Rejected(_)) => None,
            Err(error) => Some(error),
        };
        // The transaction may have gone through although its answer was lost. The salt is ours alone, so finding this hash
        // proves it.
        let row = self.users.row(&code.username).await.ok().flatten().unwrap_or_default();
        let is_ours = parsed::<UserId>(&row, USER_ID).is_ok_and(|id| id == user)
            && text(&row, PASSWORD_HASH).is_ok_and(|stored| stored == hash.expose());
        match failed {
            _ if is_ours => Ok(()),
            Some(error) => Err(error.into()),
            None => match self.find(code.hash.clone(), now).await {
                Err(error) => Err(error),
                // The user changed and changed back in between.
                Ok(open) => Err(RedeemError::dead(CodeFailure::UserChanged, Some(user), Some(open.origin))),
            },
        }
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

    /// The row of a name and purpose, the user's and that of the failed logins, by their keys: each row read
    /// strongly consistently, not as one snapshot; the transaction checks again.
    async fn rows_of(
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

fn unbuilt(error: aws_sdk_dynamodb::error::BuildError) -> StoreError {
    StoreError::unbuilt(Operation::TransactWriteItems, error)
}
