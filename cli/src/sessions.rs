//! `latchkey session …`

use std::collections::BTreeMap;

use serde_json::{Value, json};
use token::SessionId;
use users::{Session, UserTable, Username};

use crate::{EndSession, Failure, Report, SessionCommand, store, table::Table, users_command::existing};

pub(crate) async fn run(command: SessionCommand) -> Result<Report, Failure> {
    match command {
        SessionCommand::List(options) => list(&store::open(&options.store).await?, &options.username).await,
        SessionCommand::End(options) => end(&store::open(&options.user.store).await?, &options).await,
    }
}

async fn list(users: &UserTable, username: &Username) -> Result<Report, Failure> {
    let sessions = existing(users, username).await?.sessions;
    let text = if sessions.is_empty() {
        format!("{username} has no session.\n")
    } else {
        table(&sessions).to_string()
    };
    Ok(Report::new(text, to_json(&sessions)))
}

async fn end(users: &UserTable, options: &EndSession) -> Result<Report, Failure> {
    let username = &options.user.username;
    let user = existing(users, username).await?;
    let (text, ended) = if let Some(session) = options.session {
        if !user.sessions.contains_key(&session) {
            return Err(Failure::NoSuchSession { username: username.clone(), session });
        }
        users.end_session(username, user.id, session).await?;
        (format!("The session {session} of {username} has ended.\n"), vec![session])
    } else {
        users.end_all_sessions(username, user.id).await?;
        (format!("Every session of {username} has ended.\n"), user.sessions.into_keys().collect())
    };
    let ended: Vec<String> = ended.iter().map(SessionId::to_string).collect();
    Ok(Report::new(text, json!({ "username": username.as_str(), "ended": ended })))
}

/// The sessions, a line each.
pub(crate) fn table(sessions: &BTreeMap<SessionId, Session>) -> Table {
    let mut table = Table::titled(["SESSION", "LOGGED IN", "FROM", "USER AGENT"]);
    for (id, session) in newest_first(sessions) {
        let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
        table.push(&[
            id.to_string(),
            session.issued_at().to_string(),
            text(session.source_ip()),
            text(session.user_agent()),
        ]);
    }
    table
}

/// The same for programs.
pub(crate) fn to_json(sessions: &BTreeMap<SessionId, Session>) -> Value {
    let to_json = |(id, session): (&SessionId, &Session)| {
        json!({
            "session_id": id.to_string(),
            "issued_at": session.issued_at(),
            "source_ip": session.source_ip(),
            "user_agent": session.user_agent(),
        })
    };
    newest_first(sessions).into_iter().map(to_json).collect()
}

fn newest_first(sessions: &BTreeMap<SessionId, Session>) -> Vec<(&SessionId, &Session)> {
    let mut sessions: Vec<_> = sessions.iter().collect();
    sessions.sort_by_key(|(id, session)| (std::cmp::Reverse(session.issued_at()), **id));
    sessions
}
