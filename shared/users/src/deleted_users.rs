//! Who was deleted, so that neither an import nor a restore brings them back unasked.

use std::collections::HashSet;

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

/// The users who were deleted and must not come back by mistake.
#[derive(Clone, Debug, Default)]
pub struct DeletedUsers(Vec<Deletion>);

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
    /// Whether a user of this id was deleted.
    pub fn contains(&self, user: UserId) -> bool {
        self.0.iter().any(|deletion| deletion.user == user)
    }

    /// The users who were deleted under this name.
    pub fn of_name(&self, username: &Username) -> Vec<UserId> {
        let of_name = |deletion: &&Deletion| name_mark(&deletion.marked_for, username) == deletion.name_mark;
        self.0.iter().filter(of_name).map(|deletion| deletion.user).collect()
    }

    /// Whether a record is of somebody who was deleted: by its id; or where it has none by who they were in the system that
    /// both came from, and else by the name.
    pub fn has(&self, record: &UserRecord) -> bool {
        if let Some(id) = record.id {
            return self.contains(id);
        }
        self.0.iter().any(|deletion| match (&deletion.origin_mark, &record.origin) {
            (Some(mark), Some(origin)) if mark.starts_with(kind_of(origin)) => {
                *mark == origin_mark(&deletion.marked_for, origin)
            }
            _ => name_mark(&deletion.marked_for, &record.username) == deletion.name_mark,
        })
    }
}

impl ChangeLog {
    /// Every deleted user who is still remembered.
    pub async fn deleted_users(&self) -> Result<DeletedUsers, ChangeLogError> {
        let lifted = self.scan(LIFTED).await?;
        let lifted: HashSet<_> =
            lifted.iter().filter_map(|row| text(row, KEY).ok()?.strip_prefix(LIFTED)).collect();
        let rows = self.scan(DELETED).await?;
        let deletions = rows.iter().filter_map(|row| read_deletion(row).ok());
        Ok(DeletedUsers(deletions.filter(|deletion| !lifted.contains(deletion.id.as_str())).collect()))
    }

    /// Takes back that this user was deleted.
    pub async fn lift(
        &self,
        deleted: &DeletedUsers,
        user: UserId,
        now: Timestamp,
    ) -> Result<(), ChangeLogError> {
        for deletion in deleted.0.iter().filter(|deletion| deletion.user == user) {
            self.add(self.row(&format!("{LIFTED}{}", deletion.id), now)).await?;
        }
        Ok(())
    }

    /// Remembers here too whom another record remembers.
    pub async fn take_over(&self, deleted: &DeletedUsers, now: Timestamp) -> Result<(), ChangeLogError> {
        for deletion in &deleted.0 {
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
