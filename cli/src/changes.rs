//! `latchkey changes`

use std::collections::BTreeMap;

use serde_json::{Value, json};
use token::UserId;
use users::{Change, ChangeLog, UserTable, Username};

use crate::{CliError, ListChanges, Report, invocation::Invocation, store, store::existing, table::Table};

pub(crate) async fn list(options: &ListChanges, invocation: &Invocation) -> Result<Report, CliError> {
    let users = store::open(&options.store, invocation).await?;
    let mut changes = ChangeLog::beside(&users).list().await.map_err(CliError::NoChanges)?;
    if let Some(user) = &options.user {
        let id = identified(&users, user).await?;
        changes.retain(|change| change.user == Some(id));
    }
    let names = names(&users).await?;
    let name = |change: &Change| change.user.and_then(|id| names.get(&id)).map(ToString::to_string);
    let mut table = Table::titled(["WHEN", "COMMAND", "USER", "OUTCOME", "BY", "FROM", "REASON"]);
    for change in &changes {
        let id = change.user.map(|id| id.to_string());
        table.push(&[
            change.at.to_string(),
            change.command.clone(),
            name(change).or(id).unwrap_or_else(|| "-".to_owned()),
            change.outcome.clone(),
            change.by.clone(),
            change.from.clone(),
            change.reason.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    let text = if changes.is_empty() { "There is no change.\n".to_owned() } else { table.to_string() };
    let json: Vec<Value> = changes.iter().map(|change| to_json(change, name(change).as_deref())).collect();
    Ok(Report::new(text, json.into()))
}

/// A user by name; or by id, which is what is left of one who was deleted.
async fn identified(users: &UserTable, user: &str) -> Result<UserId, CliError> {
    if let Ok(id) = user.parse() {
        return Ok(id);
    }
    let username = user.parse::<Username>().map_err(CliError::Username)?;
    Ok(existing(users, &username).await?.id)
}

async fn names(users: &UserTable) -> Result<BTreeMap<UserId, Username>, CliError> {
    let (mut names, mut start) = (BTreeMap::new(), None);
    loop {
        let page = users.list(start.as_ref()).await?;
        names.extend(page.users.into_iter().flatten().map(|user| (user.id, user.username)));
        start = page.next;
        if start.is_none() {
            return Ok(names);
        }
    }
}

fn to_json(change: &Change, name: Option<&str>) -> Value {
    json!({
        "at": change.at,
        "command": change.command,
        "user_id": change.user.map(|id| id.to_string()),
        "username": name,
        "outcome": change.outcome,
        "by": change.by,
        "from": change.from,
        "reason": change.reason,
    })
}
