//! `latchkey user …`

use std::fmt::Write;

use serde_json::{Value, json};
use token::UserId;
use users::{
    ChangeError, ChangeLog, CreateError, Hasher, LastChange, NewUser, PasswordHash, RenameError,
    UnreadableRow, User, UserSummary, UserTable, Username,
};

use crate::{
    CliError, CreateUser, DeleteUser, OneUser, PasswordOptions, RenameUser, Report, SetClaims, SetPassword,
    ShowUser, StoreOptions, Terminal, UserCommand, account_codes, deletions, export, import,
    invocation::{Invocation, Work},
    password::new_password,
    personal_data, sessions, set_email, store,
    store::{Changing, existing},
    table::Table,
    terminal::confirm,
};

pub(crate) async fn run(
    command: UserCommand,
    terminal: &mut impl Terminal,
    for_programs: bool,
    invocation: &Invocation,
) -> Result<Report, CliError> {
    match command {
        UserCommand::Invite(options) => account_codes::invite(&options, for_programs, invocation).await,
        UserCommand::Invitations(command) => account_codes::invitations(&command, invocation).await,
        UserCommand::Recover(options) => account_codes::recover(&options, invocation).await,
        UserCommand::Create(options) => create(options, terminal, invocation).await,
        UserCommand::List(options) => list(&options, invocation).await,
        UserCommand::Show(options) => show(&options, invocation).await,
        UserCommand::Report(options) => personal_data::report(&options, invocation).await,
        UserCommand::Disable(user) => {
            let disable = async |users: &UserTable, name: &Username| users.disable(name).await;
            change(&user, invocation, None, disable).await?;
            Ok(changed(&user.username, "disabled", "is disabled, and every session has ended"))
        }
        UserCommand::Enable(user) => {
            let enable = async |users: &UserTable, name: &Username| {
                users.enable(name).await?;
                // Who has just been let in again need not wait for the failures of before.
                Ok(users.clear_attempts(name).await?)
            };
            change(&user, invocation, None, enable).await?;
            Ok(changed(&user.username, "enabled", "may log in, without waiting after failed logins"))
        }
        UserCommand::Unlock(user) => {
            let unlock = async |users: &UserTable, name: &Username| Ok(users.clear_attempts(name).await?);
            change(&user, invocation, None, unlock).await?;
            let sentence = "need not wait for failed logins under that name any more";
            Ok(changed(&user.username, "unlocked", sentence))
        }
        UserCommand::Delete(options) => delete(&options, terminal, invocation).await,
        UserCommand::DeleteAgain(options) => deletions::delete_again(&options, terminal, invocation).await,
        UserCommand::Rename(options) => rename(&options, invocation).await,
        UserCommand::SetPassword(options) => set_password(&options, terminal, invocation).await,
        UserCommand::SetClaims(SetClaims { user, claims }) => {
            let set = async |users: &UserTable, name: &Username| users.set_claims(name, &claims).await;
            // The names alone: a claim may be personal data, which this outlives.
            let names: Vec<_> = claims.as_map().keys().collect();
            change(&user, invocation, Some(json!({ "claims": names })), set).await?;
            let sentence =
                "has these claims in new tokens: from the next login or refresh on, and in access tokens";
            Ok(changed(&user.username, "claims_set", sentence))
        }
        UserCommand::SetEmail(options) => set_email::set_email(&options, invocation).await,
        UserCommand::Import(options) => import::import(*options, for_programs, invocation).await,
        UserCommand::Export(options) => export::export(&options, invocation).await,
    }
}

/// Makes a change of one user, and writes it down.
pub(crate) async fn change(
    OneUser { username, store }: &OneUser,
    invocation: &Invocation,
    what: Option<Value>,
    work: impl AsyncFnOnce(&UserTable, &Username) -> Result<(), ChangeError>,
) -> Result<(), CliError> {
    let Changing { users, recorder } = store::open_to_change(store, invocation).await?;
    let failed = |error| CliError::of_change(error, username);
    let user = users.identify(username).await.map_err(failed)?;
    // The one whom the record names, and nobody who has come under the name since.
    let users = user.map_or_else(|| users.clone(), |user| users.only(user));
    let work = async |_: Option<&ChangeLog>| work(&users, username).await.map_err(failed).map(Work::done);
    recorder.record(user, what, work).await
}

/// What is said of a change of one user.
pub(crate) fn changed(username: &Username, change: &str, sentence: &str) -> Report {
    let json = json!({ "username": username.as_str(), "change": change });
    Report::new(format!("{username} {sentence}.\n"), json)
}

async fn create(
    options: CreateUser,
    terminal: &mut impl Terminal,
    invocation: &Invocation,
) -> Result<Report, CliError> {
    let Changing { users, recorder } = store::open_to_change(&options.user.store, invocation).await?;
    let username = options.user.username;
    let user = NewUser {
        id: UserId::new(edge::random::entropy()?),
        username: username.clone(),
        password_hash: new_hash(options.password, terminal)?,
        claims: options.claims,
        email: options.email,
    };
    let create = async |_: Option<&ChangeLog>| {
        let created = users.create(&user, invocation.now).await.map_err(|error| match error {
            CreateError::AlreadyExists => CliError::UserExists(username.clone()),
            CreateError::Store(error) => error.into(),
        });
        created.map(Work::done)
    };
    recorder.record(Some(user.id), None, create).await?;
    let text = format!("{username} is created with the id {}.\n", user.id);
    let created = existing(&users, &username).await?;
    Ok(Report::new(text, to_json(&created, &json!([]))))
}

async fn rename(options: &RenameUser, invocation: &Invocation) -> Result<Report, CliError> {
    let (username, new_name) = (&options.user.username, &options.new_name);
    let Changing { users, recorder } = store::open_to_change(&options.user.store, invocation).await?;
    let user = users.identify(username).await.map_err(|error| CliError::of_change(error, username))?;
    let rename = async |_: Option<&ChangeLog>| {
        account_codes::end_invitation(&users, username).await?;
        let renamed = users.rename(username, new_name).await.map_err(|error| match error {
            RenameError::NoSuchUser => CliError::NoSuchUser(username.clone()),
            RenameError::Taken => CliError::NameTaken(new_name.clone()),
            RenameError::Store(error) => error.into(),
        });
        renamed.map(Work::done)
    };
    recorder.record(user, None, rename).await?;
    let text = format!("{username} is {new_name} from now on, and every session has ended.\n");
    let json = json!({
        "username": new_name.as_str(), "change": "renamed", "username_before": username.as_str(),
    });
    Ok(Report::new(text, json))
}

async fn set_password(
    options: &SetPassword,
    terminal: &mut impl Terminal,
    invocation: &Invocation,
) -> Result<Report, CliError> {
    let hash = new_hash(options.password, terminal)?;
    let set = async |users: &UserTable, name: &Username| {
        users.set_password(name, &hash).await?;
        Ok(users.clear_attempts(name).await?)
    };
    change(&options.user, invocation, None, set).await?;
    let sentence = "has the new password, and every session has ended";
    Ok(changed(&options.user.username, "password_set", sentence))
}

async fn delete(
    options: &DeleteUser,
    terminal: &mut impl Terminal,
    invocation: &Invocation,
) -> Result<Report, CliError> {
    let Changing { users, recorder } = store::open_to_change(&options.user.store, invocation).await?;
    let username = &options.user.username;
    let user = existing(&users, username).await?;
    if !options.yes {
        confirm(
            terminal,
            &format!("Delete {username} for good?"),
            "say --yes to delete without being asked",
        )?;
    }
    recorder
        .record(Some(user.id), None, async |changes| {
            deletions::delete(&users, username, user.id, changes, invocation.now).await.map(Work::done)
        })
        .await?;
    Ok(changed(username, "deleted", "is deleted"))
}

fn new_hash(options: PasswordOptions, terminal: &mut impl Terminal) -> Result<PasswordHash, CliError> {
    let password = new_password(options, terminal)?;
    Ok(Hasher::new().hash(&password, edge::random::entropy()?)?)
}

async fn list(options: &StoreOptions, invocation: &Invocation) -> Result<Report, CliError> {
    let (users, unreadable) = everybody(&store::open(options, invocation).await?).await?;
    let mut table = Table::titled(["USER", "STATUS", "SESSIONS", "CREATED", "ID"]);
    for user in &users {
        table.push(&[
            user.username.to_string(),
            status(user.enabled).to_owned(),
            user.sessions.to_string(),
            user.created_at.to_string(),
            user.id.to_string(),
        ]);
    }
    let mut text = if users.is_empty() { "There is no user.\n".to_owned() } else { table.to_string() };
    for row in &unreadable {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "Left out: {row}: {}", row.source);
    }
    let unreadable: Vec<Value> =
        unreadable.iter().map(|row| json!({ "row": row.key, "reason": row.source.to_string() })).collect();
    let users: Vec<Value> = users.iter().map(summary_to_json).collect();
    Ok(Report::new(text, json!({ "users": users, "unreadable": unreadable })))
}

/// Every user by name, and the rows that look like a user's and are none.
pub(crate) async fn everybody(table: &UserTable) -> Result<(Vec<UserSummary>, Vec<UnreadableRow>), CliError> {
    let (mut users, mut unreadable) = (Vec::new(), Vec::new());
    let mut start = None;
    loop {
        let page = table.list(start.as_ref()).await?;
        for row in page.users {
            match row {
                Ok(user) => users.push(user),
                Err(row) => unreadable.push(row),
            }
        }
        start = page.next;
        if start.is_none() {
            users.sort_by(|one, other| one.username.cmp(&other.username));
            return Ok((users, unreadable));
        }
    }
}

async fn show(options: &ShowUser, invocation: &Invocation) -> Result<Report, CliError> {
    let policy = options.policy.policy()?;
    let OneUser { username, store } = &options.user;
    let user = existing(&store::open(store, invocation).await?, username).await?;
    let password = match &user.password_hash {
        Ok(_) => "set".to_owned(),
        Err(problem) => format!("unusable, set another: {problem}"),
    };
    let mut table = Table::default();
    for (name, value) in [
        ("user", user.username.to_string()),
        ("id", user.id.to_string()),
        ("status", status_since(&user)),
        ("created", user.created_at.to_string()),
        ("changed", last_change(user.last_change.as_ref())),
        ("claims", user.claims.to_string()),
        ("password", password),
    ] {
        table.push(&[name.to_owned(), value]);
    }
    if let Some(email) = &user.email {
        table.push(&["email".to_owned(), email.to_string()]);
    }
    if let Some(locale) = &user.locale {
        table.push(&["language".to_owned(), locale.to_string()]);
    }
    let mut text = table.to_string();
    if !user.sessions.is_empty() {
        text = format!("{text}\n{}", sessions::table(&user.sessions, &policy, invocation.now));
    }
    Ok(Report::new(text, to_json(&user, &sessions::to_json(&user.sessions, &policy))))
}

fn status_since(user: &User) -> String {
    match user.disabled_at.filter(|_| !user.enabled) {
        Some(since) => format!("disabled since {since}"),
        None => status(user.enabled).to_owned(),
    }
}

/// When a row was last changed and by whom, for people.
pub(crate) fn last_change(change: Option<&LastChange>) -> String {
    match change {
        Some(LastChange { at, by }) => format!("{at} by {by}"),
        None => "not known".to_owned(),
    }
}

pub(crate) fn status(enabled: bool) -> &'static str {
    if enabled { "enabled" } else { "disabled" }
}

pub(crate) fn to_json(user: &User, sessions: &Value) -> Value {
    let mut told = json!({
        "username": user.username.as_str(),
        "user_id": user.id.to_string(),
        "enabled": user.enabled,
        "created_at": user.created_at,
        "changed_at": user.last_change.as_ref().map(|change| change.at),
        "changed_by": user.last_change.as_ref().map(|change| &*change.by),
        "disabled_at": user.disabled_at,
        "claims": user.claims.as_map(),
        "password_usable": user.password_hash.is_ok(),
        "sessions": sessions,
    });
    let email = user.email.as_ref().map(|email| ("email", email.as_str()));
    let locale = user.locale.as_ref().map(|locale| ("locale", locale.as_str()));
    for (name, value) in email.into_iter().chain(locale) {
        told.as_object_mut().and_then(|members| members.insert(name.to_owned(), value.into()));
    }
    told
}

fn summary_to_json(user: &UserSummary) -> Value {
    json!({
        "username": user.username.as_str(),
        "user_id": user.id.to_string(),
        "enabled": user.enabled,
        "created_at": user.created_at,
        "claims": user.claims.as_map(),
        "session_count": user.sessions,
    })
}
