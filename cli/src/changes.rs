//! `latchkey changes`

use serde_json::{Value, json};
use token::UserId;
use users::{Change, ChangeLog, Changes, UserTable, Username};

use crate::{CliError, ListChanges, Report, invocation::Invocation, store, table::Table};

pub(crate) async fn list(options: &ListChanges, invocation: &Invocation) -> Result<Report, CliError> {
    let users = store::open(&options.store, invocation).await?;
    let log = ChangeLog::beside(&users);
    let Changes { mut changes, unreadable } = log.list().await.map_err(CliError::NoChanges)?;
    if let Some(user) = &options.user {
        let ids = identified(&users, &log, user).await?;
        changes.retain(|change| change.user.is_some_and(|user| ids.contains(&user)));
    }
    let mut table = Table::titled(["WHEN", "COMMAND", "USER", "OUTCOME", "BY", "FROM", "REASON", "WHAT"]);
    for change in &changes {
        table.push(&[
            change.at.to_string(),
            change.command.clone(),
            change.user.map_or_else(|| "-".to_owned(), |id| id.to_string()),
            outcome(change).to_owned(),
            change.by.clone(),
            change.from.clone(),
            change.reason.clone().unwrap_or_else(|| "-".to_owned()),
            details(change).unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    let mut text = if changes.is_empty() { "There is no change.\n".to_owned() } else { table.to_string() };
    if unreadable > 0 {
        text = format!("{text}Left out: {unreadable} rows that cannot be read.\n");
    }
    let json: Vec<Value> = changes.iter().map(to_json).collect();
    Ok(Report::new(text, json.into()))
}

/// What came of it, as far as that was written down.
fn outcome(change: &Change) -> &str {
    change.end.as_ref().map_or("begun", |end| &end.outcome)
}

/// What exactly, and how many.
fn details(change: &Change) -> Option<String> {
    let counts = change.end.as_ref().and_then(|end| end.counts.as_deref());
    let parts: Vec<_> = [change.what.as_deref(), counts].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// A user by id, by name, or all who had the name and were deleted.
async fn identified(users: &UserTable, log: &ChangeLog, user: &str) -> Result<Vec<UserId>, CliError> {
    if let Ok(id) = user.parse() {
        return Ok(vec![id]);
    }
    let username = user.parse::<Username>().map_err(CliError::Username)?;
    if let Some(user) = users.find(&username).await? {
        return Ok(vec![user.id]);
    }
    let deleted = log.deleted_users().await.map_err(CliError::NoChanges)?;
    let of_name = deleted.of_name(&username);
    if of_name.is_empty() { Err(CliError::NoSuchUser(username)) } else { Ok(of_name) }
}

pub(crate) fn to_json(change: &Change) -> Value {
    let parsed = |text: Option<&str>| text.and_then(|text| serde_json::from_str::<Value>(text).ok());
    json!({
        "at": change.at,
        "command": change.command,
        "user_id": change.user.map(|id| id.to_string()),
        "outcome": outcome(change),
        "what": parsed(change.what.as_deref()),
        "counts": parsed(change.end.as_ref().and_then(|end| end.counts.as_deref())),
        "by": change.by,
        "from": change.from,
        "reason": change.reason,
    })
}
