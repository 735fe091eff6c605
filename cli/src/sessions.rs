//! `latchkey session …`

use std::collections::BTreeMap;

use serde_json::{Value, json};
use token::{RefreshSwitch, SessionId, SessionPolicy, Timestamp};
use users::{ChangeLog, Session, Username};

use crate::{
    CliError, EndSession, OneUser, Outcome, PruneSessions, Report, SessionCommand, ShowUser,
    invocation::{Invocation, Work},
    store,
    store::{Changing, existing},
    table::Table,
};

pub(crate) async fn run(command: SessionCommand, invocation: &Invocation) -> Result<Report, CliError> {
    match command {
        SessionCommand::List(options) => list(&options, invocation).await,
        SessionCommand::End(options) => end(&options, invocation).await,
        SessionCommand::EndAll(options) => end_all(&options, invocation).await,
        SessionCommand::Prune(options) => prune(&options, invocation).await,
    }
}

async fn list(options: &ShowUser, invocation: &Invocation) -> Result<Report, CliError> {
    let policy = options.policy.policy()?;
    let OneUser { username, store } = &options.user;
    let sessions = existing(&store::open(store, invocation).await?, username).await?.sessions;
    let text = if sessions.is_empty() {
        format!("{username} has no session.\n")
    } else {
        table(&sessions, &policy, invocation.now).to_string()
    };
    Ok(Report::new(text, to_json(&sessions, &policy)))
}

async fn end(options: &EndSession, invocation: &Invocation) -> Result<Report, CliError> {
    let (OneUser { username, store }, session) = (&options.user, options.session);
    let Changing { users, recorder } = store::open_to_change(store, invocation).await?;
    let user = existing(&users, username).await?;
    if !user.sessions.contains_key(&session) {
        return Err(CliError::NoSuchSession { username: username.clone(), session });
    }
    let end = async |_: Option<&ChangeLog>| {
        users.end_session(username, user.id, session).await?;
        Ok(Work::done(()))
    };
    let what = json!({ "session": session.to_string() });
    recorder.record(Some(user.id), Some(what), end).await?;
    Ok(ended(username, format!("The session {session} of {username} has ended.\n"), [session]))
}

async fn end_all(OneUser { username, store }: &OneUser, invocation: &Invocation) -> Result<Report, CliError> {
    let Changing { users, recorder } = store::open_to_change(store, invocation).await?;
    let user = existing(&users, username).await?;
    let end = async |_: Option<&ChangeLog>| {
        let ended = users.end_all_sessions(username, user.id).await?;
        Ok(Work::done(()).counted(json!({ "sessions": ended.count })))
    };
    recorder.record(Some(user.id), None, end).await?;
    Ok(ended(username, format!("Every session of {username} has ended.\n"), user.sessions.into_keys()))
}

async fn prune(options: &PruneSessions, invocation: &Invocation) -> Result<Report, CliError> {
    if options.policy.expiration.is_none() || options.policy.refresh_expiration.is_none() {
        return Err(CliError::NoDurations);
    }
    let policy = options.policy.policy()?;
    let Changing { users, recorder } = store::open_for_many_calls(&options.store, invocation).await?;
    let pruned = recorder.record(None, None, async |_| {
        let (mut pruned, mut failed, mut start) = (0, 0, None);
        loop {
            let page = users.prune(start.as_ref(), &policy, invocation.now).await?;
            pruned += page.sessions;
            failed += page.failed;
            start = page.next;
            if start.is_none() {
                let counts = json!({ "pruned": pruned, "failed": failed });
                return Ok(Work { is_whole: failed == 0, ..Work::done((pruned, failed)) }.counted(counts));
            }
        }
    });
    let (pruned, failed) = pruned.await?;
    let outcome = if failed == 0 { Outcome::Success } else { Outcome::Rejected };
    let left = if failed == 0 { String::new() } else { format!(" {failed} users could not be updated.") };
    let text = format!("Removed {pruned} expired sessions.{left}\n");
    Ok(Report { text, json: json!({ "pruned": pruned, "failed": failed }), outcome })
}

fn ended(username: &Username, text: String, sessions: impl IntoIterator<Item = SessionId>) -> Report {
    let ended: Vec<String> = sessions.into_iter().map(|session| session.to_string()).collect();
    Report::new(text, json!({ "username": username.as_str(), "ended": ended }))
}

/// The sessions, a line each.
pub(crate) fn table(
    sessions: &BTreeMap<SessionId, Session>,
    policy: &SessionPolicy,
    now: Timestamp,
) -> Table {
    let mut table = Table::titled([
        "SESSION",
        "LOGGED IN",
        "REFRESHABLE UNTIL",
        "ENDS AT THE LATEST",
        "FROM",
        "USER AGENT",
    ]);
    for (id, session) in newest_first(sessions) {
        let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
        let ends_by = policy.latest_expiry(session.issued_at());
        let refreshable_until = match refreshable_until(policy, session) {
            None => "never".to_owned(),
            Some(limit) if limit < now => "no more".to_owned(),
            Some(limit) => limit.to_string(),
        };
        table.push(&[
            id.to_string(),
            session.issued_at().to_string(),
            refreshable_until,
            if ends_by <= now { "over".to_owned() } else { ends_by.to_string() },
            text(session.source_ip()),
            text(session.user_agent()),
        ]);
    }
    table
}

/// The sessions as JSON, for programs.
pub(crate) fn to_json(sessions: &BTreeMap<SessionId, Session>, policy: &SessionPolicy) -> Value {
    let to_json = |(id, session): (&SessionId, &Session)| {
        json!({
            "session_id": id.to_string(),
            "issued_at": session.issued_at(),
            "refreshable_until": refreshable_until(policy, session),
            "ends_by": policy.latest_expiry(session.issued_at()),
            "source_ip": session.source_ip(),
            "user_agent": session.user_agent(),
        })
    };
    newest_first(sessions).into_iter().map(to_json).collect()
}

/// The last instant at which the session can be refreshed; none where nothing is.
fn refreshable_until(policy: &SessionPolicy, session: &Session) -> Option<Timestamp> {
    (policy.refresh_switch() == RefreshSwitch::On).then(|| policy.refresh_limit(session.issued_at()))
}

fn newest_first(sessions: &BTreeMap<SessionId, Session>) -> Vec<(&SessionId, &Session)> {
    let mut sessions: Vec<_> = sessions.iter().collect();
    sessions.sort_by_key(|(id, session)| (std::cmp::Reverse(session.issued_at()), **id));
    sessions
}
