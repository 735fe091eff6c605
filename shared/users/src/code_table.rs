//! Codes that set a password: what administrators make and end.

use std::sync::Arc;

use aws_lc_rs::digest;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use token::{CustomClaims, Timestamp, UserId};

use crate::{
    AccountCode, CodeOrigin, CodePurpose, Locale, MalformedRow, Operation, StoreError, UserTable, Username,
    code_row::{self, CODE, FINGERPRINT, INVITATION, code_key, no_code, of_codes},
    row::{Row, optional_text, parsed, read_enabled, string, text},
    schema::{CLAIMS, ENABLED_AT, KEY, LOCALE, PASSWORD_HASH, USER_ID, USERNAME},
    table::create_table,
    transfer::is_reserved,
    update,
};

/// What the name of the table is, after that of the users'.
const SUFFIX: &str = "-codes";

/// The table of codes beside a table of users. Whoever may write to it can take over any account.
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

    /// What the table is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the table unless there is one, for the local server and for tests.
    pub async fn create_table(&self) -> Result<(), StoreError> {
        create_table(&self.users.client, &self.name).await
    }

    /// Opens the connection: half a read unit for a row that is never there.
    pub async fn connect(&self) -> Result<(), StoreError> {
        self.row(no_code(), false).await.map(drop)
    }

    /// Lets the bearer of `code` become a user; the code before, if the name has one, ends.
    pub async fn invite(&self, invitation: &Invitation, code: &AccountCode) -> Result<(), MakeCodeError> {
        let Invitation { username, claims, locale, origin } = invitation;
        if let Some(row) = self.users.row(username).await? {
            let reserved = is_reserved(&row);
            return Err(if reserved { MakeCodeError::NameReserved } else { MakeCodeError::NameTaken });
        }
        let purpose = CodePurpose::Invitation;
        let mut row = code_row::of_name(&code.hash(), purpose, username, origin);
        row.insert(CLAIMS.to_owned(), string(claims));
        if let Some(locale) = locale {
            row.insert(LOCALE.to_owned(), string(locale));
        }
        Ok(self.put(code, purpose, username, origin, row).await?)
    }

    /// Lets the bearer of `code` set the user's password anew; the code before, if the user has one, ends. Says who it is.
    pub async fn allow_recovery(
        &self,
        username: &Username,
        code: &AccountCode,
        origin: &CodeOrigin,
    ) -> Result<UserId, MakeCodeError> {
        let user = self.users.row(username).await?.filter(|user| !is_reserved(user));
        let user = user.ok_or(MakeCodeError::NoSuchUser)?;
        if !read_enabled(&user).map_err(StoreError::from)? {
            return Err(MakeCodeError::UserDisabled);
        }
        let fingerprint = fingerprint(&user).map_err(StoreError::from)?;
        let id = parsed(&user, USER_ID).map_err(StoreError::from)?;
        let purpose = CodePurpose::Recovery;
        let mut row = code_row::of_name(&code.hash(), purpose, username, origin);
        row.insert(FINGERPRINT.to_owned(), string(&fingerprint));
        self.put(code, purpose, username, origin, row).await?;
        Ok(id)
    }

    /// Ends the code of a name, if it has one; says whether it had.
    pub async fn withdraw(&self, purpose: CodePurpose, username: &Username) -> Result<bool, StoreError> {
        let delete = self
            .users
            .client
            .delete_item()
            .table_name(&*self.name)
            .key(KEY, purpose.key(username))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllOld);
        let deleted = delete.send().await;
        let row = deleted.map_err(|error| StoreError::unavailable(Operation::DeleteItem, error))?.attributes;
        // That of the code goes too. Were it to stay, it would lead nowhere.
        if let Some(row) = row.as_ref()
            && let Ok(code) = text(row, CODE)
        {
            let key = code_key(&crate::SecretHash::stored(code));
            let _ = self.users.client.delete_item().table_name(&*self.name).key(KEY, key).send().await;
        }
        Ok(row.is_some())
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

    /// Writes the row of a name and that of its code, in one transaction.
    async fn put(
        &self,
        code: &AccountCode,
        purpose: CodePurpose,
        username: &Username,
        origin: &CodeOrigin,
        of_name: Row,
    ) -> Result<(), StoreError> {
        let of_code = code_row::of_code(&code.hash(), purpose, username, origin);
        let put = |row| {
            let put = Put::builder().table_name(&*self.name).set_item(Some(row)).build();
            put.map_err(|error| StoreError::unbuilt(Operation::TransactWriteItems, error))
        };
        let writes = [put(of_code)?, put(of_name)?].map(|put| TransactWriteItem::builder().put(put).build());
        update::transact(&self.users.client, writes.into()).await.map(drop)
    }

    pub(crate) async fn row(&self, key: AttributeValue, consistent: bool) -> Result<Option<Row>, StoreError> {
        let get = self.users.client.get_item().table_name(&*self.name).consistent_read(consistent);
        let answer = get.key(KEY, key).send().await;
        Ok(answer.map_err(|error| StoreError::unavailable(Operation::GetItem, error))?.item)
    }
}

pub(crate) fn read_invitation(row: &Row) -> Result<Invitation, MalformedRow> {
    let invitation = || {
        let locale = optional_text(row, LOCALE)?.map(|_| parsed(row, LOCALE)).transpose()?;
        let (username, claims) = (parsed(row, USERNAME)?, parsed(row, CLAIMS)?);
        Ok(Invitation { username, claims, locale, origin: code_row::read_origin(row)? })
    };
    invitation().map_err(of_codes)
}

/// What a code for a new password is bound to: who the user is, the stored hash, and that nobody has disabled and enabled
/// them since. When one of these changes, by whatever way, the code is good no more.
pub(crate) fn fingerprint(user: &Row) -> Result<String, MalformedRow> {
    let enabled_at = match user.get(ENABLED_AT) {
        Some(AttributeValue::N(instant)) => instant,
        _ => "",
    };
    let parts = [text(user, USER_ID)?, enabled_at, text(user, PASSWORD_HASH)?].join("\n");
    let digest = digest::digest(&digest::SHA256, parts.as_bytes());
    Ok(BASE64_URL_SAFE_NO_PAD.encode(digest))
}
