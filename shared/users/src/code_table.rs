//! Codes that set a password: what administrators make and end.

use std::{collections::HashMap, sync::Arc};

use aws_sdk_dynamodb::{
    operation::delete_item::builders::DeleteItemFluentBuilder,
    types::{AttributeValue, ConditionCheck, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use token::{CustomClaims, Timestamp, UserId};

use crate::{
    AccountCode, CodeOrigin, CodePurpose, CodeUser, Letter, LetterId, LetterKind, Locale, MailAddress,
    MalformedRow, Notice, Operation, Outbox, SecretHash, StoreError, UserTable, Username,
    code_row::{self, CODE, FINGERPRINT, INVITATION, code_key, no_code, of_codes},
    row::{Row, optional_text, parsed, read_enabled, string, text, user_key},
    schema::{CLAIMS, EMAIL, KEY, LOCALE, USERNAME},
    table::create_table,
    transfer::is_reserved,
    update::{self, Outcome},
};

/// What the name of the table is, after that of the users'.
const SUFFIX: &str = "-codes";
/// How often a code is made again because its user has just changed.
const MAX_WRITES: u32 = 3;

/// The table of codes beside a table of users. Anyone who can write to it can invite themselves; anyone who can also read the
/// users can take over any account.
#[derive(Clone, Debug)]
pub struct Codes {
    pub(crate) users: UserTable,
    pub(crate) name: Arc<str>,
}

/// Somebody who may become a user.
#[derive(Clone, Debug, PartialEq)]
pub struct Invitation {
    /// The name, which nobody has.
    pub username: Username,
    /// Claims to be added to each token.
    pub claims: CustomClaims,
    /// Where the letter goes; only an invitation that is sent has it, as its code proves that somebody reads what arrives there.
    pub email: Option<MailAddress>,
    /// The language to write in.
    pub locale: Option<Locale>,
    /// Who invites, and for how long.
    pub origin: CodeOrigin,
}

/// Every invitation that is open, and how many rows of one cannot be read.
#[derive(Debug, Default)]
pub struct Invitations {
    /// Those that can, by name.
    pub invitations: Vec<Invitation>,
    /// The rows that cannot.
    pub unreadable: usize,
}

/// Why no code was made.
#[derive(Debug, thiserror::Error)]
pub enum MakeCodeError {
    /// A user has the name of the invitation.
    #[error("a user of this name exists")]
    NameTaken,
    /// An import keeps the name of the invitation for somebody.
    #[error("the name is reserved for somebody whom an import rejected")]
    NameReserved,
    /// Nobody has the name.
    #[error("there is no user of this name")]
    NoSuchUser,
    /// The user may not log in, and so may have no new password either.
    #[error("the user is disabled")]
    UserDisabled,
    /// The table gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Codes {
    /// The one beside `users`: called as it is, with `-codes` behind.
    pub fn beside(users: &UserTable) -> Self {
        Self::new(users.clone(), &format!("{}{SUFFIX}", users.name))
    }

    /// The one of this name.
    pub fn new(users: UserTable, name: &str) -> Self {
        Self { users, name: name.into() }
    }

    /// Where letters to the same users are asked for.
    pub fn outbox(&self) -> Outbox {
        Outbox::beside(&self.users)
    }

    /// What the table is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the table unless there is one, for the local server and for tests.
    pub async fn create_table(&self) -> Result<(), StoreError> {
        create_table(&self.users.client, &self.name, None).await
    }

    /// Opens the connection: one read unit for a row that is never there.
    pub async fn connect(&self) -> Result<(), StoreError> {
        self.row(no_code()).await.map(drop)
    }

    /// Lets the bearer of `code` become a user; the code before, if the name has one, ends.
    pub async fn invite(&self, invitation: &Invitation, code: &AccountCode) -> Result<(), MakeCodeError> {
        self.invite_with(invitation, code, None).await
    }

    /// Invites by a letter, which is asked for in the same transaction. The mailer makes the code in it; `version` is one that nobody
    /// gets, and tells this invitation from the one before.
    pub async fn invite_by_letter(
        &self,
        invitation: &Invitation,
        version: &AccountCode,
        outbox: &Outbox,
        letter: &LetterId,
    ) -> Result<(), MakeCodeError> {
        let Invitation { username, origin, .. } = invitation;
        let asked = Letter::about(LetterKind::Invitation, username.clone(), origin.made.at);
        self.invite_with(invitation, version, Some(outbox.part(letter, &asked)?)).await
    }

    async fn invite_with(
        &self,
        invitation: &Invitation,
        code: &AccountCode,
        letter: Option<TransactWriteItem>,
    ) -> Result<(), MakeCodeError> {
        let Invitation { username, claims, email, locale, origin } = invitation;
        let purpose = CodePurpose::Invitation;
        let mut row = code_row::of_name(&code.hash(), purpose, username, origin);
        row.insert(CLAIMS.to_owned(), string(claims));
        if let Some(email) = email {
            row.insert(EMAIL.to_owned(), string(email));
        }
        if let Some(locale) = locale {
            row.insert(LOCALE.to_owned(), string(locale));
        }
        let names = HashMap::from([("#pk".to_owned(), KEY.to_owned())]);
        let free = self.check(username, "attribute_not_exists(#pk)".to_owned(), names, HashMap::new())?;
        match self.put(code, purpose, username, origin, row, free, letter).await? {
            Outcome::Done(_) => Ok(()),
            Outcome::Rejected(row) if row.as_ref().is_some_and(is_reserved) => {
                Err(MakeCodeError::NameReserved)
            }
            Outcome::Rejected(_) => Err(MakeCodeError::NameTaken),
        }
    }

    /// Lets the bearer of `code` set the user's password anew; the code before, if the user has one, ends. Says who it is. A user who
    /// has an address is told by `notice`.
    pub async fn allow_recovery(
        &self,
        username: &Username,
        code: &AccountCode,
        origin: &CodeOrigin,
        notice: Option<Notice<'_>>,
    ) -> Result<UserId, MakeCodeError> {
        for _ in 0..MAX_WRITES {
            let user = self.users.row(username).await?.filter(|user| !is_reserved(user));
            let user = user.ok_or(MakeCodeError::NoSuchUser)?;
            if !read_enabled(&user).map_err(StoreError::from)? {
                return Err(MakeCodeError::UserDisabled);
            }
            let bound = CodeUser::read(&user).map_err(StoreError::from)?;
            if self.users.only.is_some_and(|only| only != bound.id) {
                return Err(MakeCodeError::NoSuchUser);
            }
            let purpose = CodePurpose::Recovery;
            let mut row = code_row::of_name(&code.hash(), purpose, username, origin);
            let fingerprint = bound.fingerprint(&code.hash(), origin.valid_until);
            row.insert(FINGERPRINT.to_owned(), string(&fingerprint));
            let still = self.check(username, bound.condition(), CodeUser::names(), bound.values())?;
            let told = Notice::part(notice, LetterKind::LinkMade, username, &bound, origin.made.at)?;
            if let Outcome::Done(_) = self.put(code, purpose, username, origin, row, still, told).await? {
                return Ok(bound.id);
            }
        }
        Err(StoreError::Contended { attempts: MAX_WRITES }.into())
    }

    /// Ends the code of a name, if it has one; says whether this ended it.
    ///
    /// It did not where somebody has used it at the same moment, nor for all one knows where the answer was lost.
    pub async fn withdraw(&self, purpose: CodePurpose, username: &Username) -> Result<bool, StoreError> {
        for _ in 0..MAX_WRITES {
            let Some(row) = self.row(purpose.key(username)).await? else { return Ok(false) };
            let code = text(&row, CODE).map_err(of_codes)?;
            let newest = self
                .delete(purpose.key(username))
                .condition_expression("#code = :code")
                .expression_attribute_names("#code", CODE)
                .expression_attribute_values(":code", string(code));
            let deleted = update::delete(newest).await?;
            // The code's own row goes too, and leads nowhere if that fails.
            let _ = update::delete(self.delete(code_key(&SecretHash::stored(code)))).await;
            if let Outcome::Done(_) = deleted {
                return Ok(true);
            }
        }
        Err(StoreError::Contended { attempts: MAX_WRITES })
    }

    fn delete(&self, key: AttributeValue) -> DeleteItemFluentBuilder {
        self.users.client.delete_item().table_name(&*self.name).key(KEY, key)
    }

    /// Every invitation that is open at `now`.
    pub async fn invitations(&self, now: Timestamp) -> Result<Invitations, StoreError> {
        let (mut found, mut start) = (Invitations::default(), None);
        loop {
            let page = self
                .users
                .client
                .scan()
                .table_name(&*self.name)
                .consistent_read(true)
                .filter_expression("begins_with(#pk, :invitation)")
                .expression_attribute_names("#pk", KEY)
                .expression_attribute_values(":invitation", string(INVITATION))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| StoreError::unavailable(Operation::Scan, error))?;
            for row in page.items.unwrap_or_default() {
                match read_invitation(&row) {
                    Ok(invitation) if invitation.origin.valid_until < now => {}
                    Ok(invitation) => found.invitations.push(invitation),
                    Err(_) => found.unreadable += 1,
                }
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                found.invitations.sort_by(|one, other| one.username.cmp(&other.username));
                return Ok(found);
            }
        }
    }

    /// That the user's row is as it should be, as a part of a transaction.
    fn check(
        &self,
        username: &Username,
        condition: String,
        names: HashMap<String, String>,
        values: Row,
    ) -> Result<TransactWriteItem, StoreError> {
        let check = ConditionCheck::builder()
            .table_name(&*self.users.name)
            .key(KEY, user_key(username))
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values((!values.is_empty()).then_some(values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build();
        let check = check.map_err(|error| StoreError::unbuilt(Operation::TransactWriteItems, error))?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// Writes the row of a name and that of its code, if `check` holds, and asks for a letter, in one transaction.
    #[expect(clippy::too_many_arguments, reason = "they are the rows of one transaction")]
    async fn put(
        &self,
        code: &AccountCode,
        purpose: CodePurpose,
        username: &Username,
        origin: &CodeOrigin,
        of_name: Row,
        check: TransactWriteItem,
        letter: Option<TransactWriteItem>,
    ) -> Result<Outcome, StoreError> {
        let of_code = code_row::of_code(&code.hash(), purpose, username, origin);
        let put = |row| {
            let put = Put::builder().table_name(&*self.name).set_item(Some(row)).build();
            put.map_err(|error| StoreError::unbuilt(Operation::TransactWriteItems, error))
        };
        let [of_code, of_name] =
            [put(of_code)?, put(of_name)?].map(|put| TransactWriteItem::builder().put(put).build());
        let writes = [check, of_code, of_name].into_iter().chain(letter).collect();
        update::transact(&self.users.client, writes).await
    }

    pub(crate) async fn row(&self, key: AttributeValue) -> Result<Option<Row>, StoreError> {
        let get = self.users.client.get_item().table_name(&*self.name).consistent_read(true);
        let answer = get.key(KEY, key).send().await;
        Ok(answer.map_err(|error| StoreError::unavailable(Operation::GetItem, error))?.item)
    }
}

pub(crate) fn read_invitation(row: &Row) -> Result<Invitation, MalformedRow> {
    let invitation = || {
        let locale = optional_text(row, LOCALE)?.map(|_| parsed(row, LOCALE)).transpose()?;
        let email = optional_text(row, EMAIL)?.map(|_| parsed(row, EMAIL)).transpose()?;
        let (username, claims) = (parsed(row, USERNAME)?, parsed(row, CLAIMS)?);
        Ok(Invitation { username, claims, email, locale, origin: code_row::read_origin(row)? })
    };
    invitation().map_err(of_codes)
}
