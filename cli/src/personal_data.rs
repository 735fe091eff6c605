//! `latchkey user report`: what is known of a user, for that user.

use serde_json::{Value, json};
use token::UserId;
use users::{Change, ChangeLog, ChangeLogError, UserTable};

use crate::{
    CliError, OneUser, Report, ShowUser,
    changes::to_json as to_change,
    invocation::{Invocation, note},
    sessions, store,
    store::existing,
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
    // Who they were is their own personal data.
    let told = changes.as_ref().map(|changes| {
        let told = changes.iter().map(|change| {
            let mut told = to_change(change);
            for of_the_administrator in ["by", "from"] {
                told.as_object_mut().and_then(|members| members.remove(of_the_administrator));
            }
            told
        });
        told.collect::<Vec<_>>()
    });
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

/// None where there is no record that can be read.
async fn changes_of(users: &UserTable, user: UserId) -> Result<Option<Vec<Change>>, CliError> {
    match ChangeLog::beside(users).list().await {
        Ok(listed) => {
            let of_user = listed.changes.into_iter().filter(|change| change.user == Some(user));
            Ok(Some(of_user.collect()))
        }
        Err(ChangeLogError::NoTable(_) | ChangeLogError::NoRight(_)) => {
            note("latchkey: the report lacks changes by administrators, because their record cannot be read");
            Ok(None)
        }
        Err(ChangeLogError::Store(error)) => Err(error.into()),
    }
}
