use aws_sdk_dynamodb::{operation::scan::builders::ScanFluentBuilder, types::AttributeValue};
use token::{CustomClaims, Timestamp, UserId};

use crate::{
    MalformedRow, Operation, StoreError, UserTable, Username,
    row::{Row, parsed, read_enabled, read_instant, read_sessions, string, text},
    schema::{CLAIMS, CREATED_AT, ENABLED, KEY, SESSIONS, USER, USER_ID, USERNAME},
};

/// One page of users in no order; it can be empty although pages follow.
#[derive(Debug)]
pub struct Listing<T> {
    /// The users, and the rows that are none.
    pub users: Vec<Result<T, UnreadableRow>>,
    /// Where the next page starts, if there is one.
    pub next: Option<PageStart>,
}

/// A user as listed: everything but the password hash, and the sessions as a number.
#[derive(Clone, Debug, PartialEq)]
pub struct UserSummary {
    /// `sub`.
    pub id: UserId,
    /// The name, canonical.
    pub username: Username,
    /// Whether logging in and refreshing are allowed.
    pub enabled: bool,
    /// What the administrator adds to each token.
    pub claims: CustomClaims,
    /// When the user was created.
    pub created_at: Timestamp,
    /// How many sessions are in the row, ended ones that nobody has cleared away included.
    pub sessions: usize,
}

/// A row that begins like a user's and is none; it does not hide the others.
#[derive(Debug, thiserror::Error)]
#[error("the row {key:?} is malformed")]
pub struct UnreadableRow {
    /// The row's partition key.
    pub key: String,
    /// What is wrong with it.
    #[source]
    pub source: MalformedRow,
}

/// Where a page of a listing starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageStart(String);

impl UserTable {
    /// A page of users: the first, or the one that the page before named. Reads the whole table, page by page.
    pub async fn list(&self, start: Option<&PageStart>) -> Result<Listing<UserSummary>, StoreError> {
        let attributes = [KEY, USER_ID, USERNAME, ENABLED, CLAIMS, CREATED_AT, SESSIONS];
        Listing::read(self.scan_users(start, &attributes), summary).await
    }

    pub(crate) fn scan_users(&self, start: Option<&PageStart>, attributes: &[&str]) -> ScanFluentBuilder {
        let placeholders: Vec<String> = attributes.iter().map(|name| format!("#{name}")).collect();
        let mut scan = self
            .client
            .scan()
            .table_name(&*self.name)
            .filter_expression(format!("begins_with(#{KEY}, :user)"))
            .expression_attribute_values(":user", string(USER))
            .projection_expression(placeholders.join(", "));
        for (placeholder, name) in placeholders.into_iter().zip(attributes) {
            scan = scan.expression_attribute_names(placeholder, *name);
        }
        match start {
            Some(PageStart(key)) => scan.exclusive_start_key(KEY, string(key)),
            None => scan,
        }
    }
}

impl<T> Listing<T> {
    /// The answer to `scan`, each row read by `read`.
    pub(crate) async fn read(
        scan: ScanFluentBuilder,
        read: fn(&Row) -> Result<T, MalformedRow>,
    ) -> Result<Self, StoreError> {
        let page = scan.send().await.map_err(|error| StoreError::unavailable(Operation::Scan, error))?;
        let next = page.last_evaluated_key().map(|key| text(key, KEY)).transpose()?;
        let listed = |row| {
            read(row).map_err(|source| {
                let key = row.get(KEY).and_then(|key| AttributeValue::as_s(key).ok());
                UnreadableRow { key: key.cloned().unwrap_or_default(), source }
            })
        };
        Ok(Self {
            users: page.items().iter().map(listed).collect(),
            next: next.map(|key| PageStart(key.to_owned())),
        })
    }
}

fn summary(row: &Row) -> Result<UserSummary, MalformedRow> {
    Ok(UserSummary {
        id: parsed(row, USER_ID)?,
        username: parsed(row, USERNAME)?,
        enabled: read_enabled(row)?,
        claims: parsed(row, CLAIMS)?,
        created_at: read_instant(row, CREATED_AT)?,
        sessions: read_sessions(row)?.len(),
    })
}
