//! `latchkey user set-email`: where letters go.

use std::fmt::Write;

use serde_json::{Value, json};
use users::{ChangeLog, MailAddress, UserTable, Username};

use crate::{
    CliError, OneUser, Report, SetEmail,
    invocation::{Invocation, Work, note},
    store,
    store::Changing,
    users_command::{change, changed, everybody},
};

pub(crate) async fn set_email(options: &SetEmail, invocation: &Invocation) -> Result<Report, CliError> {
    let Some(username) = &options.username else { return from_names(options, invocation).await };
    let user = OneUser { username: username.clone(), store: options.store.clone() };
    let email = options.address.as_ref();
    let set = async |users: &UserTable, name: &Username| users.set_email(name, email).await;
    // Not the address, which the record outlives.
    change(&user, invocation, Some(json!({ "none": email.is_none() })), set).await?;
    let sentence = match email {
        Some(email) => format!("gets letters at {email}; links for a new password that are out have ended"),
        None => "gets no letters; links for a new password that are out have ended".to_owned(),
    };
    Ok(changed(username, "email_set", &sentence))
}

/// Gives every user without an address their own name, where that is one: until now administrators chose the names.
async fn from_names(options: &SetEmail, invocation: &Invocation) -> Result<Report, CliError> {
    let Changing { users, recorder } = store::open_for_many_calls(&options.store, invocation).await?;
    let mut wanted = Vec::new();
    for summary in everybody(&users).await?.0 {
        let Ok(email) = summary.username.as_str().parse::<MailAddress>() else { continue };
        let user = users.find(&summary.username).await?;
        if let Some(user) = user.filter(|user| user.email.is_none()) {
            wanted.push((user.id, summary.username, email));
        }
    }
    let mut text = String::new();
    for (_, username, _) in &wanted {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{username}");
    }
    let count = wanted.len();
    let names: Vec<Value> = wanted.iter().map(|(_, username, _)| username.as_str().into()).collect();
    if options.dry_run {
        let _ = writeln!(text, "{count} users would get their name as their address. Nothing was changed.");
    } else {
        let set = async |_: Option<&ChangeLog>| {
            let (mut changed, mut stopped) = (0, None);
            for (user, username, email) in &wanted {
                match users.set_first_email(username, *user, email).await {
                    Ok(true) => changed += 1,
                    // Gone, or changed by somebody else meanwhile.
                    Ok(false) => note(&format!("latchkey: left as it is: {username}")),
                    Err(error) => {
                        stopped = Some(CliError::from(error));
                        break;
                    }
                }
            }
            let is_whole = changed == count && stopped.is_none();
            Ok(Work { result: (changed, stopped), counts: Some(json!({ "changed": changed })), is_whole })
        };
        let (changed, stopped) = recorder.record(None, Some(json!({ "from_names": true })), set).await?;
        if let Some(problem) = stopped {
            note(&format!("latchkey: {changed} of {count} users were changed; run it again for the others"));
            return Err(problem);
        }
        text = format!("{changed} users have their name as their address.\n");
    }
    Ok(Report::new(text, json!({ "users": names, "changed": !options.dry_run })))
}
