//! The record of what administrators change, in a table of its own that no function may touch.

use std::{collections::HashSet, sync::Arc};

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{AttributeValue, Put, TransactWriteItem},
};
use token::{Seconds, Timestamp, UserId};

use crate::{
    MalformedRow, Operation, StoreError, UserTable, Username,
    row::{Row, instant, name_mark, parsed, read_instant, string, text},
    schema::{EXPIRES_AT, KEY, USER_ID},
    table::create_table,
};

/// What the name of the table is, after that of the users'.
const SUFFIX: &str = "-changes";
/// Before the id in the key of a change.
const CHANGE: &str = "change#";
/// Before the `sub` in the key of a deleted user.
const DELETED: &str = "deleted#";
/// How long both are kept: a year, and a month to look at it. Longer than any point in time that the users can be restored from.
const LIFETIME: Seconds = Seconds::new(400 * 86_400);

const AT: &str = "at";
const COMMAND: &str = "command";
const BY: &str = "changed_by";
const FROM: &str = "from";
const REASON: &str = "reason";
const OUTCOME: &str = "outcome";
/// In the row of a deleted user: what stands for the name.
const NAME_MARK: &str = "name_mark";

/// The table of changes beside a table of users.
#[derive(Clone, Debug)]
pub struct ChangeLog {
    client: Client,
    users: Arc<str>,
    name: Arc<str>,
}

/// One command of an administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it is told apart by: random.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// What, as `user disable`.
    pub command: String,
    /// Whom, if it is about one user.
    pub user: Option<UserId>,
    /// Who, as AWS knows them.
    pub by: String,
    /// From where, as the machine says.
    pub from: String,
    /// Why, as they say.
    pub reason: Option<String>,
    /// What came of it.
    pub outcome: String,
}

/// The users who were deleted and must not come back by mistake.
#[derive(Clone, Debug, Default)]
pub struct DeletedUsers {
    users: Arc<str>,
    ids: HashSet<UserId>,
    names: HashSet<String>,
}

/// Why the record cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ChangeLogError {
    /// The table is not there: its stack is older than this.
    #[error("there is no table {0}")]
    NoTable(Arc<str>),
    /// The table gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ChangeLog {
    /// The one beside `users`: called as it is, with `-changes` behind.
    pub fn beside(users: &UserTable) -> Self {
        let name = format!("{}{SUFFIX}", users.name).into();
        Self { client: users.client.clone(), users: Arc::clone(&users.name), name }
    }

    /// What the table is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the table unless there is one, for the local server and for tests.
    pub async fn create_table(&self) -> Result<(), StoreError> {
        create_table(&self.client, &self.name).await
    }

    /// Writes down that a change begins, or what came of it.
    pub async fn write(&self, change: &Change) -> Result<(), ChangeLogError> {
        let put = self
            .client
            .put_item()
            .table_name(&*self.name)
            .item(KEY, AttributeValue::S(format!("{CHANGE}{}", change.id)))
            .item(AT, instant(change.at))
            .item(COMMAND, string(&change.command))
            .item(BY, string(&change.by))
            .item(FROM, string(&change.from))
            .item(OUTCOME, string(&change.outcome))
            .item(EXPIRES_AT, instant(change.at.plus(LIFETIME)));
        let put = match &change.reason {
            Some(reason) => put.item(REASON, string(reason)),
            None => put,
        };
        let put = match change.user {
            Some(user) => put.item(USER_ID, string(&user)),
            None => put,
        };
        let written = put.send().await.map(drop);
        written.map_err(|error| self.failed(Operation::PutItem, error))
    }

    /// Every change that is still kept, the newest first.
    pub async fn list(&self) -> Result<Vec<Change>, ChangeLogError> {
        let rows = self.scan(CHANGE).await?;
        let mut changes: Vec<_> =
            rows.iter().map(read_change).collect::<Result<_, _>>().map_err(StoreError::from)?;
        changes.sort_by(|one, other| (other.at, &other.id).cmp(&(one.at, &one.id)));
        Ok(changes)
    }

    /// Every deleted user who is still remembered.
    pub async fn deleted_users(&self) -> Result<DeletedUsers, ChangeLogError> {
        let mut deleted = DeletedUsers { users: Arc::clone(&self.users), ..DeletedUsers::default() };
        for row in self.scan(DELETED).await? {
            deleted.ids.insert(parsed(&row, USER_ID).map_err(StoreError::from)?);
            deleted.names.insert(text(&row, NAME_MARK).map_err(StoreError::from)?.to_owned());
        }
        Ok(deleted)
    }

    /// The part of a deletion's transaction that remembers the user.
    pub(crate) fn remember(
        &self,
        user: &AttributeValue,
        username: &Username,
        at: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let id = user.as_s().map(String::as_str).unwrap_or_default();
        let put = Put::builder()
            .table_name(&*self.name)
            .item(KEY, AttributeValue::S(format!("{DELETED}{id}")))
            .item(USER_ID, user.clone())
            .item(NAME_MARK, AttributeValue::S(name_mark(&self.users, username)))
            .item(AT, instant(at))
            .item(EXPIRES_AT, instant(at.plus(LIFETIME)))
            .build();
        let put = put.map_err(|error| StoreError::unbuilt(Operation::TransactWriteItems, error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    async fn scan(&self, prefix: &str) -> Result<Vec<Row>, ChangeLogError> {
        let (mut rows, mut start) = (Vec::new(), None);
        loop {
            let page = self
                .client
                .scan()
                .table_name(&*self.name)
                .consistent_read(true)
                .filter_expression("begins_with(#pk, :prefix)")
                .expression_attribute_names("#pk", KEY)
                .expression_attribute_values(":prefix", string(prefix))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| self.failed(Operation::Scan, error))?;
            rows.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(rows);
            }
        }
    }

    fn failed<E, R>(&self, operation: Operation, error: SdkError<E, R>) -> ChangeLogError
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
        if code == Some("ResourceNotFoundException") {
            return ChangeLogError::NoTable(Arc::clone(&self.name));
        }
        StoreError::unavailable(operation, error).into()
    }
}

impl DeletedUsers {
    /// Whether a user of this id was deleted.
    pub fn contains(&self, user: UserId) -> bool {
        self.ids.contains(&user)
    }

    /// Whether the last user of this name who was deleted had it.
    pub fn had_name(&self, username: &Username) -> bool {
        self.names.contains(&name_mark(&self.users, username))
    }
}

fn read_change(row: &Row) -> Result<Change, MalformedRow> {
    let optional = |attribute| row.contains_key(attribute).then(|| text(row, attribute)).transpose();
    Ok(Change {
        id: text(row, KEY)?.trim_start_matches(CHANGE).to_owned(),
        at: read_instant(row, AT)?,
        command: text(row, COMMAND)?.to_owned(),
        user: row.contains_key(USER_ID).then(|| parsed(row, USER_ID)).transpose()?,
        by: text(row, BY)?.to_owned(),
        from: text(row, FROM)?.to_owned(),
        reason: optional(REASON)?.map(str::to_owned),
        outcome: text(row, OUTCOME)?.to_owned(),
    })
}
