use lambda_http::tracing::warn;
use token::{SessionId, UserId};
use tokio::{runtime::Handle, task::JoinHandle};
use users::{Account, UserTable, Username};

/// A session that is being written, or was, and that its user does not know of yet.
///
/// Nobody can use it when its login ends without a token: its write was given up or took too long, or what came after
/// failed. Then it is ended, or fifty such logins would push out every session that is used. A dropped login ends it
/// too, on a task of its own.
pub(crate) struct UnconfirmedSession(Option<Written>);

struct Written {
    users: UserTable,
    username: Username,
    user: UserId,
    session: SessionId,
}

impl UnconfirmedSession {
    /// The session of an account, from before it is written.
    pub(crate) fn new(users: &UserTable, account: &Account, session: SessionId) -> Self {
        let username = account.username.clone();
        Self(Some(Written { users: users.clone(), username, user: account.id, session }))
    }

    /// It is its user's now, or it was not written.
    pub(crate) fn settle(mut self) {
        self.0 = None;
    }

    /// Ends it, also where nobody waits for that any more.
    pub(crate) async fn end(mut self) {
        if let Some(ending) = self.start_ending() {
            let _ = ending.await;
        }
    }

    fn start_ending(&mut self) -> Option<JoinHandle<()>> {
        let Written { users, username, user, session } = self.0.take()?;
        let runtime = Handle::try_current().ok()?;
        Some(runtime.spawn(async move {
            if let Err(error) = users.end_session(&username, user, session).await {
                let (sub, sid, problem) = (user.to_string(), session.to_string(), error.to_string());
                warn!(
                    event = "unconfirmed_session",
                    sub, sid, problem, "the session of a failed login may be left"
                );
            }
        }))
    }
}

impl Drop for UnconfirmedSession {
    fn drop(&mut self) {
        drop(self.start_ending());
    }
}
