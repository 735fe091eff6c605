//! Deleting users, and keeping them deleted.

use serde_json::json;
use token::Timestamp;
use users::{ChangeLog, DeletedUsers, UserTable, Username};

use crate::{
    CliError, DeleteAgain, Report, Terminal,
    invocation::{Invocation, Work},
    store,
    store::Changing,
    terminal::confirm,
};

/// Deletes the user of this name, and remembers them where there is a record of changes.
pub(crate) async fn delete(
    users: &UserTable,
    username: &Username,
    changes: Option<&ChangeLog>,
    now: Timestamp,
) -> Result<(), CliError> {
    let deleted = match changes {
        Some(changes) => users.delete_and_remember(username, changes, edge::random::entropy()?, now).await,
        None => users.delete(username).await,
    };
    deleted.map_err(|error| CliError::of_change(error, username))
}

/// Deletes the users who are there and were deleted: a restore from a point in time brings them back. Of another table's
/// deletions it also takes over the memory.
pub(crate) async fn delete_again(
    options: &DeleteAgain,
    terminal: &mut impl Terminal,
    invocation: &Invocation,
) -> Result<Report, CliError> {
    let Changing { users, recorder } = store::open_for_many_calls(&options.store, invocation).await?;
    let other = options.of_table.as_ref().map(|table| ChangeLog::beside(&users.named(table)));
    let deletions = other.clone().unwrap_or_else(|| ChangeLog::beside(&users));
    let deleted = deletions.deleted_users().await.map_err(CliError::NoChanges)?;
    let names = who_is_back(&users, &deleted).await?;
    if !names.is_empty() && !options.yes {
        let listed: Vec<_> = names.iter().map(Username::as_str).collect();
        let question = format!("These were deleted before: {}.\nDelete them again?", listed.join(", "));
        confirm(terminal, &question, "say --yes to delete them without being asked")?;
    }
    let again = async |changes: Option<&ChangeLog>| {
        if let (Some(changes), true) = (changes, other.is_some()) {
            changes.take_over(&deleted, invocation.now).await.map_err(CliError::NoChanges)?;
        }
        for name in &names {
            delete(&users, name, changes, invocation.now).await?;
        }
        Ok(Work::done(()).of(json!({ "deleted": names.len() })))
    };
    recorder.record(None, again).await?;
    let text = format!("Deleted {} users again who had been deleted before.\n", names.len());
    Ok(Report::new(text, json!({ "deleted": names.len() })))
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
