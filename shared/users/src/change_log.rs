//! The record of what administrators change, in a table of its own that no function may touch.
//!
//! Rows are added and never changed: the end of a change is a row of its own, and so is the return of a deleted user.

use std::{collections::HashMap, sync::Arc};

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::put_item::{PutItemError, builders::PutItemFluentBuilder},
};
use token::{Seconds, Timestamp, UserId};

use crate::{
    MalformedRow, Operation, StoreError, UserTable,
    row::{Row, instant, optional_text, parsed, read_instant, string, text},
    schema::{CHANGED_BY, EXPIRES_AT, KEY, USER_ID},
    table::create_table,
};

/// What the name of the table is, after that of the users'.
const SUFFIX: &str = "-changes";
/// Before the id in the key of a change.
const CHANGE: &str = "change#";
/// Before the id in the key of the end of a change.
const END: &str = "end#";
/// How long both are kept: a year, and a month to look at it. Longer than any point in time that the users can be restored from.
const LIFETIME: Seconds = Seconds::new(400 * 86_400);

const AT: &str = "at";
const COMMAND: &str = "command";
const WHAT: &str = "what";
const COUNTS: &str = "counts";
const FROM: &str = "from";
const REASON: &str = "reason";
const OUTCOME: &str = "outcome";

/// The table of changes beside a table of users.
#[derive(Clone, Debug)]
pub struct ChangeLog {
    pub(crate) client: Client,
    pub(crate) users: Arc<str>,
    pub(crate) name: Arc<str>,
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
    /// What exactly, as JSON, where the command does not say: which session, key or claims.
    pub what: Option<String>,
    /// What came of it; none while it is under way, or where the process ended before it did.
    pub end: Option<ChangeEnd>,
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeEnd {
    /// A word: `done`, `partly`, or `failed`, of which a part may be done.
    pub outcome: String,
    /// How many of what, as JSON.
    pub counts: Option<String>,
}

/// Every change that is still kept, the newest first.
#[derive(Debug, Default)]
pub struct Changes {
    /// Those that can be read.
    pub changes: Vec<Change>,
    /// How many rows cannot.
    pub unreadable: usize,
}

/// Why the record cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ChangeLogError {
    /// The table is not there: its stack is older than this.
    #[error("there is no table {0}")]
    NoTable(Arc<str>),
    /// The caller has no right to it.
    #[error("you have no right to the table {0}")]
    NoRight(Arc<str>),
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
        create_table(&self.client, &self.name, None).await
    }

    /// Writes down that a change begins.
    pub async fn begin(&self, change: &Change) -> Result<(), ChangeLogError> {
        let row = self
            .row(&format!("{CHANGE}{}", change.id), change.at)
            .item(COMMAND, string(&change.command))
            .item(CHANGED_BY, string(&change.by))
            .item(FROM, string(&change.from));
        let row = with(with(row, REASON, change.reason.as_deref()), WHAT, change.what.as_deref());
        self.add(with(row, USER_ID, change.user.map(|user| user.to_string()).as_deref())).await
    }

    /// Writes down what came of it.
    pub async fn end(&self, change: &Change, end: &ChangeEnd) -> Result<(), ChangeLogError> {
        let row = self.row(&format!("{END}{}", change.id), change.at).item(OUTCOME, string(&end.outcome));
        self.add(with(row, COUNTS, end.counts.as_deref())).await
    }

    /// Every change that is still kept.
    pub async fn list(&self) -> Result<Changes, ChangeLogError> {
        let rows = self.rows().await?;
        let begins = |row: &Row, prefix| text(row, KEY).is_ok_and(|key| key.starts_with(prefix));
        let mut ends = HashMap::new();
        for row in rows.iter().filter(|row| begins(row, END)) {
            if let (Ok(key), Ok(outcome)) = (text(row, KEY), text(row, OUTCOME)) {
                let counts = optional_text(row, COUNTS).ok().flatten().map(str::to_owned);
                ends.insert(
                    key.trim_start_matches(END).to_owned(),
                    ChangeEnd { outcome: outcome.to_owned(), counts },
                );
            }
        }
        let mut listed = Changes::default();
        for row in rows.iter().filter(|row| begins(row, CHANGE)) {
            match read_change(row) {
                Ok(change) => {
                    let end = ends.remove(&change.id);
                    listed.changes.push(Change { end, ..change });
                }
                // It does not hide the others.
                Err(_) => listed.unreadable += 1,
            }
        }
        listed.changes.sort_by(|one, other| (other.at, &other.id).cmp(&(one.at, &one.id)));
        Ok(listed)
    }

    /// A new row, which expires.
    pub(crate) fn row(&self, key: &str, at: Timestamp) -> PutItemFluentBuilder {
        self.client
            .put_item()
            .table_name(&*self.name)
            .item(KEY, string(key))
            .item(AT, instant(at))
            .item(EXPIRES_AT, instant(at.plus(LIFETIME)))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", KEY)
    }

    /// Adds a row unless it is there: the client repeats a write whose response was lost.
    pub(crate) async fn add(&self, row: PutItemFluentBuilder) -> Result<(), ChangeLogError> {
        match row.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(self.failed(Operation::PutItem, error)),
        }
    }

    /// Every row of the table, of which there are a few a day.
    pub(crate) async fn rows(&self) -> Result<Vec<Row>, ChangeLogError> {
        let (mut rows, mut start) = (Vec::new(), None);
        loop {
            let page = self
                .client
                .scan()
                .table_name(&*self.name)
                .consistent_read(true)
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
        match code {
            Some("ResourceNotFoundException") => ChangeLogError::NoTable(Arc::clone(&self.name)),
            // IAM is asked first, also about a table that is not there.
            Some("AccessDeniedException") => ChangeLogError::NoRight(Arc::clone(&self.name)),
            _ => StoreError::unavailable(operation, error).into(),
        }
    }
}

fn with(row: PutItemFluentBuilder, attribute: &str, value: Option<&str>) -> PutItemFluentBuilder {
    match value {
        Some(value) => row.item(attribute, string(value)),
        None => row,
    }
}

fn read_change(row: &Row) -> Result<Change, MalformedRow> {
    Ok(Change {
        id: text(row, KEY)?.trim_start_matches(CHANGE).to_owned(),
        at: read_instant(row, AT)?,
        command: text(row, COMMAND)?.to_owned(),
        user: row.contains_key(USER_ID).then(|| parsed(row, USER_ID)).transpose()?,
        by: text(row, CHANGED_BY)?.to_owned(),
        from: text(row, FROM)?.to_owned(),
        reason: optional_text(row, REASON)?.map(str::to_owned),
        what: optional_text(row, WHAT)?.map(str::to_owned),
        end: None,
    })
}
