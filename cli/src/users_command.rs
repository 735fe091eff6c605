//! `latchkey user …`

use std::fmt::Write;

use serde_json::{Value, json};
use token::{Timestamp, UserId};
use users::{
    ChangeError, CreateError, Hasher, NewUser, PasswordHash, RenameError, UnreadableRow, User, UserSummary,
    UserTable, Username,
};

use crate::{
    CliError, CreateUser, DeleteUser, OneUser, PasswordOptions, RenameUser, Report, SetClaims, SetPassword,
    ShowUser, StoreOptions, Terminal, UserCommand, export, import, password::new_password, sessions, store,
    store::existing, table::Table, terminal::confirm,
};

pub(crate) async fn run(
    command: UserCommand,
    terminal: &mut impl Terminal,
    for_programs: bool,
    now: Timestamp,
) -> Result<Report, CliError> {
    match command {
        UserCommand::Create(options) => create(options, terminal, now).await,
        UserCommand::List(options) => list(&options).await,
        UserCommand::Show(options) => show(&options, now).await,
        UserCommand::Disable(OneUser { username, store }) => {
            let changed = store::open(&store).await?.disable(&username).await;
            report(changed, &username, "disabled", "is disabled, and every session has ended")
        }
        UserCommand::Enable(OneUser { username, store }) => {
            let users = store::open(&store).await?;
            let changed = users.enable(&username).await;
            forget_failures(&users, &username, &changed).await?;
            report(changed, &username, "enabled", "may log in, without waiting after failed logins")
        }
        UserCommand::Unlock(OneUser { username, store }) => {
            let users = store::open(&store).await?;
            existing(&users, &username).await?;
            users.clear_attempts(&username).await?;
            report(Ok(()), &username, "unlocked", "need not wait for failed logins under that name any more")
        }
        UserCommand::Delete(options) => delete(&options, terminal).await,
        UserCommand::Rename(options) => rename(&options).await,
        UserCommand::SetPassword(options) => set_password(&options, terminal).await,
        UserCommand::SetClaims(SetClaims { user: OneUser { username, store }, claims }) => {
            let changed = store::open(&store).await?.set_claims(&username, &claims).await;
            report(changed, &username, "claims_set", "has these claims from the next login or refresh on")
        }
        UserCommand::Import(options) => import::import(*options, for_programs, now).await,
        UserCommand::Export(options) => export::export(&options).await,
    }
}

async fn create(
    options: CreateUser,
    terminal: &mut impl Terminal,
    now: Timestamp,
) -> Result<Report, CliError> {
    let users = store::open(&options.user.store).await?;
    let username = options.user.username;
    let user = NewUser {
        id: UserId::new(edge::random::entropy()?),
        username: username.clone(),
        password_hash: new_hash(options.password, terminal)?,
        claims: options.claims,
    };
    let text = format!("{username} is created with the id {}.\n", user.id);
    users.create(&user, now).await.map_err(|error| match error {
        CreateError::AlreadyExists => CliError::UserExists(username.clone()),
        CreateError::Store(error) => error.into(),
    })?;
    let created = existing(&users, &username).await?;
    Ok(Report::new(text, to_json(&created, &json!([]))))
}

async fn rename(options: &RenameUser) -> Result<Report, CliError> {
    let (username, new_name) = (&options.user.username, &options.new_name);
    let renamed = store::open(&options.user.store).await?.rename(username, new_name).await;
    renamed.map_err(|error| match error {
        RenameError::NoSuchUser => CliError::NoSuchUser(username.clone()),
        RenameError::Taken => CliError::NameTaken(new_name.clone()),
        RenameError::Store(error) => error.into(),
    })?;
    let text = format!("{username} is {new_name} from now on, and every session has ended.\n");
    let json = json!({
        "username": new_name.as_str(), "change": "renamed", "username_before": username.as_str(),
    });
    Ok(Report::new(text, json))
}

async fn set_password(options: &SetPassword, terminal: &mut impl Terminal) -> Result<Report, CliError> {
    let users = store::open(&options.user.store).await?;
    let username = &options.user.username;
    let hash = new_hash(options.password, terminal)?;
    let changed = users.set_password(username, &hash).await;
    forget_failures(&users, username, &changed).await?;
    report(changed, username, "password_set", "has the new password, and every session has ended")
}

/// Who has just been let in again need not wait for the failures of before.
async fn forget_failures(
    users: &UserTable,
    username: &Username,
    changed: &Result<(), ChangeError>,
) -> Result<(), CliError> {
    if changed.is_ok() {
        users.clear_attempts(username).await?;
    }
    Ok(())
}

async fn delete(options: &DeleteUser, terminal: &mut impl Terminal) -> Result<Report, CliError> {
    let users = store::open(&options.user.store).await?;
    let username = &options.user.username;
    existing(&users, username).await?;
    if !options.yes {
        confirm(
            terminal,
            &format!("Delete {username} for good?"),
            "say --yes to delete without being asked",
        )?;
    }
    report(users.delete(username).await, username, "deleted", "is deleted")
}

fn new_hash(options: PasswordOptions, terminal: &mut impl Terminal) -> Result<PasswordHash, CliError> {
    let password = new_password(options, terminal)?;
    Ok(Hasher::new().hash(&password, edge::random::entropy()?)?)
}

async fn list(options: &StoreOptions) -> Result<Report, CliError> {
    let (users, unreadable) = everybody(&store::open(options).await?).await?;
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
async fn everybody(table: &UserTable) -> Result<(Vec<UserSummary>, Vec<UnreadableRow>), CliError> {
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

async fn show(options: &ShowUser, now: Timestamp) -> Result<Report, CliError> {
    let policy = options.policy.policy()?;
    let OneUser { username, store } = &options.user;
    let user = existing(&store::open(store).await?, username).await?;
    let password = match &user.password_hash {
        Ok(_) => "set".to_owned(),
        Err(problem) => format!("unusable, set another: {problem}"),
    };
    let mut table = Table::default();
    for (name, value) in [
        ("user", user.username.to_string()),
        ("id", user.id.to_string()),
        ("status", status(user.enabled).to_owned()),
        ("created", user.created_at.to_string()),
        ("claims", user.claims.to_string()),
        ("password", password),
    ] {
        table.push(&[name.to_owned(), value]);
    }
    let mut text = table.to_string();
    if !user.sessions.is_empty() {
        text = format!("{text}\n{}", sessions::table(&user.sessions, &policy, now));
    }
    Ok(Report::new(text, to_json(&user, &sessions::to_json(&user.sessions, &policy))))
}

/// What is said of a change that was asked of the table.
fn report(
    changed: Result<(), ChangeError>,
    username: &Username,
    change: &str,
    sentence: &str,
) -> Result<Report, CliError> {
    match changed {
        Ok(()) => {
            let json = json!({ "username": username.as_str(), "change": change });
            Ok(Report::new(format!("{username} {sentence}.\n"), json))
        }
        Err(ChangeError::NoSuchUser) => Err(CliError::NoSuchUser(username.clone())),
        Err(ChangeError::Store(error)) => Err(error.into()),
    }
}

fn status(enabled: bool) -> &'static str {
    if enabled { "enabled" } else { "disabled" }
}

fn to_json(user: &User, sessions: &Value) -> Value {
    json!({
        "username": user.username.as_str(),
        "user_id": user.id.to_string(),
        "enabled": user.enabled,
        "created_at": user.created_at,
        "claims": user.claims.as_map(),
        "password_usable": user.password_hash.is_ok(),
        "sessions": sessions,
    })
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
