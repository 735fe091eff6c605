//! Deleting users, and keeping them deleted.

use serde_json::json;
use token::{Timestamp, UserId};
use users::{ChangeLog, DeletedUsers, UserSummary, UserTable, Username};

use crate::{
    CliError, DeleteAgain, Outcome, Report, Terminal,
    account_codes::end_invitation,
    invocation::{Invocation, Work, note},
    store,
    store::Changing,
    terminal::confirm,
};

/// Deletes this user, if the name is still theirs, and remembers them where there is a record of changes.
pub(crate) async fn delete(
    users: &UserTable,
    username: &Username,
    user: UserId,
    changes: Option<&ChangeLog>,
    now: Timestamp,
) -> Result<(), CliError> {
    end_invitation(users, username).await?;
    let deleted = if let Some(changes) = changes {
        let entropy = edge::random::entropy()?;
        users.delete_and_remember(username, user, changes, entropy, now).await
    } else {
        note(
            "latchkey: the deletion is not remembered either: an import or a restore can bring the user back",
        );
        users.delete_user(username, user).await
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
    let Back { users: back, unreadable } = who_is_back(&users, &deleted).await?;
    if !back.is_empty() && !options.yes {
        let listed: Vec<_> = back.iter().map(|user| user.username.as_str()).collect();
        let question = format!("These were deleted before: {}.\nDelete them again?", listed.join(", "));
        confirm(terminal, &question, "say --yes to delete them without being asked")?;
    }
    if other.is_some() {
        let take_over = async |changes: Option<&ChangeLog>| {
            if let Some(changes) = changes {
                changes.take_over(&deleted, invocation.now).await.map_err(CliError::NoChanges)?;
            }
            Ok(Work::done(()))
        };
        recorder.record(None, None, take_over).await?;
    }
    let mut count = 0;
    for UserSummary { username, id, .. } in &back {
        let again = async |changes: Option<&ChangeLog>| {
            delete(&users, username, *id, changes, invocation.now).await.map(Work::done)
        };
        match recorder.record(Some(*id), None, again).await {
            Ok(()) => count += 1,
            // Somebody else was faster.
            Err(CliError::NoSuchUser(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let left_out = match unreadable {
        0 => String::new(),
        rows => format!("{rows} rows cannot be read, and were left as they are.\n"),
    };
    let text = format!("Deleted {count} users again.\n{left_out}");
    let outcome = if unreadable == 0 { Outcome::Success } else { Outcome::Rejected };
    Ok(Report { text, json: json!({ "deleted": count, "unreadable": unreadable }), outcome })
}

/// Who is there and was deleted, and how many rows do not say who they are.
struct Back {
    users: Vec<UserSummary>,
    unreadable: usize,
}

async fn who_is_back(table: &UserTable, deleted: &DeletedUsers) -> Result<Back, CliError> {
    let (mut back, mut start) = (Back { users: Vec::new(), unreadable: 0 }, None);
    loop {
        let page = table.list(start.as_ref()).await?;
        for user in page.users {
            match user {
                Ok(user) if deleted.contains(user.id) => back.users.push(user),
                Ok(_) => {}
                Err(_) => back.unreadable += 1,
            }
        }
        start = page.next;
        if start.is_none() {
            return Ok(back);
        }
    }
}
