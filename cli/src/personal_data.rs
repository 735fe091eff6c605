//! `latchkey user report`: what is known of a user, for that user.

use serde_json::{Value, json};
use token::UserId;
use users::{Change, ChangeLog, ChangeLogError, UserTable};

use crate::{
    CliError, OneUser, Report, ShowUser, invocation::Invocation, sessions, store, store::existing,
    users_command::to_json,
};

/// The row without the hash, the failed logins under the name, and what administrators have changed; not who they are,
/// which is their own personal data.
pub(crate) async fn report(options: &ShowUser, invocation: &Invocation) -> Result<Report, CliError> {
    let policy = options.policy.policy()?;
    let OneUser { username, store } = &options.user;
    let users = store::open(store, invocation).await?;
    let user = existing(&users, username).await?;
    let attempts = users.for_login(username, None, invocation.now).await?.attempts;
    let origin = users.origin(username).await?;
    let changes = changes_of(&users, user.id).await?;
    let sessions = sessions::to_json(&user.sessions, &policy);
    let told: Vec<Value> =
        changes.iter().map(|change| json!({ "at": change.at, "command": change.command })).collect();
    let mut report = json!({
        "user": to_json(&user, &sessions),
        "imported_as": origin.map(|origin| json!({ "name": origin.name, "key": origin.key })),
        "failed_logins": { "count": attempts.failures, "last_at": attempts.last_failure },
        "changes_by_administrators": told,
        "log": format!("filter sub = \"{}\" | sort @timestamp asc | limit 10000", user.id),
    });
    let of_user = report.get_mut("user").and_then(Value::as_object_mut);
    // Another person's.
    of_user.and_then(|members| members.remove("changed_by"));
    let text = serde_json::to_string_pretty(&report).unwrap_or_default();
    Ok(Report::new(format!("{text}\n"), report))
}

async fn changes_of(users: &UserTable, user: UserId) -> Result<Vec<Change>, CliError> {
    match ChangeLog::beside(users).list().await {
        Ok(listed) => Ok(listed.changes.into_iter().filter(|change| change.user == Some(user)).collect()),
        Err(ChangeLogError::NoTable(_) | ChangeLogError::NoRight(_)) => Ok(Vec::new()),
        Err(ChangeLogError::Store(error)) => Err(error.into()),
    }
}
