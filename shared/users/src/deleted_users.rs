//! Who was deleted, so that neither an import nor a restore brings them back unasked.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use token::{Entropy, Timestamp, UserId};

use crate::{
    ChangeLog, ChangeLogError, MalformedRow, Operation, Origin, StoreError, UserRecord, Username,
    row::{Row, mark, name_mark, optional_text, parsed, string, text},
    schema::{KEY, USER_ID},
};

/// Before the `sub` and a random part in the key of a deletion.
const DELETED: &str = "deleted#";
/// The same, of a deletion that was taken back.
const LIFTED: &str = "lifted#";

/// What stands for the name, and for who the user was in the system that they came from.
const NAME_MARK: &str = "name_mark";
const ORIGIN_MARK: &str = "origin_mark";
/// The table whose name is in the two: not this one, where it was restored under another name.
const MARKED_FOR: &str = "marked_for";

/// The users who were deleted and must not come back by mistake. Cloning it is cheap.
#[derive(Clone, Debug, Default)]
pub struct DeletedUsers(Arc<Inner>);

/// The deletions, and where to find them.
#[derive(Debug, Default)]
struct Inner {
    deletions: Vec<Deletion>,
    by_user: HashMap<UserId, Vec<usize>>,
    /// By either mark.
    by_mark: HashMap<String, Vec<usize>>,
    /// The tables whose names are in the marks: one, or two after a restore.
    tables: BTreeSet<String>,
}

/// One of them.
#[derive(Clone, Debug)]
struct Deletion {
    /// The part of the key that tells it from other deletions of the same user.
    id: String,
    user: UserId,
    name_mark: String,
    origin_mark: Option<String>,
    marked_for: String,
}

impl DeletedUsers {
    fn new(deletions: Vec<Deletion>) -> Self {
        let mut inner = Inner::default();
        for (index, deletion) in deletions.iter().enumerate() {
            inner.by_user.entry(deletion.user).or_default().push(index);
            for mark in [Some(&deletion.name_mark), deletion.origin_mark.as_ref()].into_iter().flatten() {
                inner.by_mark.entry(mark.clone()).or_default().push(index);
            }
            inner.tables.insert(deletion.marked_for.clone());
        }
        inner.deletions = deletions;
        Self(Arc::new(inner))
    }

    /// Whether a user of this id was deleted.
    pub fn contains(&self, user: UserId) -> bool {
        self.0.by_user.contains_key(&user)
    }

    /// The users who were deleted under this name.
    pub fn of_name(&self, username: &Username) -> Vec<UserId> {
        let marked = self.marked(|table| name_mark(table, username));
        marked.into_iter().map(|deletion| deletion.user).collect()
    }

    /// The users who were deleted and whom a record is of: by its id; or where it has none by who they were in the system
    /// that both came from, and else by the name.
    pub fn of(&self, record: &UserRecord) -> BTreeSet<UserId> {
        if let Some(id) = record.id {
            return self.contains(id).then_some(id).into_iter().collect();
        }
        let named = self.marked(|table| name_mark(table, &record.username));
        let Some(origin) = &record.origin else {
            return named.iter().map(|deletion| deletion.user).collect();
        };
        // Where the deleted one came from there too, it is the key there that counts, and not the name.
        let is_known = |deletion: &&&Deletion| {
            deletion.origin_mark.as_ref().is_some_and(|mark| mark.starts_with(kind_of(origin)))
        };
        let of_name = named.iter().filter(|deletion| !is_known(deletion)).copied();
        let of_origin = self.marked(|table| origin_mark(table, origin));
        of_name.chain(of_origin).map(|deletion| deletion.user).collect()
    }

    fn marked(&self, mark: impl Fn(&str) -> String) -> Vec<&Deletion> {
        let marks = self.0.tables.iter().map(|table| mark(table));
        let found = marks.filter_map(|mark| self.0.by_mark.get(&mark)).flatten();
        found.filter_map(|index| self.0.deletions.get(*index)).collect()
    }
}

impl ChangeLog {
    /// Every deleted user who is still remembered.
    pub async fn deleted_users(&self) -> Result<DeletedUsers, ChangeLogError> {
        let rows = self.rows().await?;
        let key = |row| text(row, KEY).ok();
        let lifted: HashSet<_> = rows.iter().filter_map(|row| key(row)?.strip_prefix(LIFTED)).collect();
        let deleted = rows.iter().filter(|row| key(row).is_some_and(|key| key.starts_with(DELETED)));
        let deletions = deleted.filter_map(|row| read_deletion(row).ok());
        Ok(DeletedUsers::new(deletions.filter(|deletion| !lifted.contains(deletion.id.as_str())).collect()))
    }

    /// Takes back that this user was deleted.
    pub async fn lift(
        &self,
        deleted: &DeletedUsers,
        user: UserId,
        now: Timestamp,
    ) -> Result<(), ChangeLogError> {
        for deletion in deleted.0.deletions.iter().filter(|deletion| deletion.user == user) {
            self.add(self.row(&format!("{LIFTED}{}", deletion.id), now)).await?;
        }
        Ok(())
    }

    /// Remembers here too whom another record remembers.
    pub async fn take_over(&self, deleted: &DeletedUsers, now: Timestamp) -> Result<(), ChangeLogError> {
        for deletion in &deleted.0.deletions {
            let row = self
                .row(&format!("{DELETED}{}", deletion.id), now)
                .item(USER_ID, string(&deletion.user))
                .item(NAME_MARK, string(&deletion.name_mark))
                .item(MARKED_FOR, string(&deletion.marked_for));
            self.add(match &deletion.origin_mark {
                Some(mark) => row.item(ORIGIN_MARK, string(mark)),
                None => row,
            })
            .await?;
        }
        Ok(())
    }

    /// The part of a deletion's transaction that remembers the user of this row.
    pub(crate) fn remember(
        &self,
        row: &Row,
        username: &Username,
        entropy: Entropy,
        at: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let user: UserId = parsed(row, USER_ID)?;
        let key = format!("{DELETED}{user}#{}", UserId::new(entropy));
        let new = self.row(&key, at);
        let put = Put::builder()
            .table_name(&*self.name)
            .set_item(new.get_item().clone())
            .item(USER_ID, string(&user))
            .item(NAME_MARK, string(&name_mark(&self.users, username)))
            .item(MARKED_FOR, string(&self.users));
        let put = match Origin::of(row)? {
            Some(origin) => put.item(ORIGIN_MARK, string(&origin_mark(&self.users, &origin))),
            None => put,
        };
        let put = put.build().map_err(|error| StoreError::unbuilt(Operation::TransactWriteItems, error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

/// By the key where there is one, else by every letter of the name.
fn origin_mark(table: &str, origin: &Origin) -> String {
    let kind = kind_of(origin);
    format!("{kind}{}", mark(table, &format!("{kind}{}", origin.key.as_ref().unwrap_or(&origin.name))))
}

fn kind_of(origin: &Origin) -> &'static str {
    if origin.key.is_some() { "key:" } else { "name:" }
}

fn read_deletion(row: &Row) -> Result<Deletion, MalformedRow> {
    let id = text(row, KEY)?.trim_start_matches(DELETED).to_owned();
    let user: UserId = parsed(row, USER_ID)?;
    Ok(Deletion {
        id,
        user,
        name_mark: text(row, NAME_MARK)?.to_owned(),
        origin_mark: optional_text(row, ORIGIN_MARK)?.map(str::to_owned),
        marked_for: text(row, MARKED_FOR)?.to_owned(),
    })
}
