//! Deleting users, and keeping them deleted.

use serde_json::json;
use token::Timestamp;
use users::{ChangeLog, DeletedUsers, UserTable, Username};

use crate::{CliError, DeleteAgain, Report, invocation::Invocation, store, store::Changing};

/// Deletes the user of this name, and remembers them where there is a record of changes.
pub(crate) async fn delete(
    users: &UserTable,
    username: &Username,
    changes: Option<&ChangeLog>,
    now: Timestamp,
) -> Result<(), CliError> {
    let deleted = match changes {
        Some(changes) => users.delete_and_remember(username, changes, now).await,
        None => users.delete(username).await,
    };
    deleted.map_err(|error| CliError::of_change(error, username))
}

/// Deletes the users who are there and were deleted: a restore from a point in time brings them back.
pub(crate) async fn delete_again(options: &DeleteAgain, invocation: &Invocation) -> Result<Report, CliError> {
    let Changing { users, recorder } = store::open_for_many_calls(&options.store, invocation).await?;
    let deletions = match &options.of_table {
        Some(table) => ChangeLog::beside(&users.named(table)),
        None => ChangeLog::beside(&users),
    };
    let deleted = deletions.deleted_users().await.map_err(CliError::NoChanges)?;
    let again = async |changes: Option<&ChangeLog>| {
        let names = who_is_back(&users, &deleted).await?;
        for name in &names {
            delete(&users, name, changes, invocation.now).await?;
        }
        Ok(names.len())
    };
    let count = recorder.record(None, again).await?;
    let text = format!("Deleted {count} users again who had been deleted before.\n");
    Ok(Report::new(text, json!({ "deleted": count })))
}

async fn who_is_back(users: &UserTable, deleted: &DeletedUsers) -> Result<Vec<Username>, CliError> {
    let (mut names, mut start) = (Vec::new(), None);
    loop {
        let page = users.list(start.as_ref()).await?;
        let back = page.users.into_iter().flatten().filter(|user| deleted.contains(user.id));
        names.extend(back.map(|user| user.username));
        start = page.next;
        if start.is_none() {
            return Ok(names);
        }
    }
}
