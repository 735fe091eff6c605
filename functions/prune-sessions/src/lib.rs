//! Removes expired sessions, once a week.
//!
//! A login does it for its own user. The row of a user who does not come back would keep the address and the user agent of
//! the last login for ever. A run reads the whole table; what fails or does not fit into its time is there for the next.

use std::{cell::Cell, time::Duration};

use edge::{AuditDetails, Environment, SettingError, TaskOutcome, log::Field};
use token::{SessionPolicy, Timestamp};
use users::{StoreError, UserTable};

/// The use case and all that it may touch.
pub struct PruneSessions {
    users: UserTable,
    policy: SessionPolicy,
}

/// Why not every session that is over was cleared away.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// A page of the table could not be read.
    #[error("the table could not be read to its end")]
    Store(#[from] StoreError),
    /// Some rows are unreadable, or failed.
    #[error("the sessions of {0} rows could not be removed")]
    Rows(usize),
    /// The function's time is used up.
    #[error("the table is too large for one run")]
    OutOfTime,
}

#[derive(Default)]
struct Progress {
    sessions: Cell<usize>,
    failed: Cell<usize>,
}

impl PruneSessions {
    /// Clearing away by the policy that `environment` sets.
    pub fn new(users: UserTable, environment: &Environment<'_>) -> Result<Self, SettingError> {
        Ok(Self { users, policy: environment.session_policy()? })
    }

    /// Looks at every user for at most this long, and says what the log is to have of it.
    pub async fn run(&self, now: Timestamp, limit: Duration) -> TaskOutcome<PruneError> {
        let progress = Progress::default();
        let read = tokio::time::timeout(limit, self.prune_all(&progress, now)).await;
        let result = match read {
            Ok(Ok(())) if progress.failed.get() == 0 => Ok(()),
            Ok(Ok(())) => Err(PruneError::Rows(progress.failed.get())),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(PruneError::OutOfTime),
        };
        let details = AuditDetails::default().with(Field::Pruned, progress.sessions.get());
        TaskOutcome { result, details, is_news: true }
    }

    async fn prune_all(&self, progress: &Progress, now: Timestamp) -> Result<(), StoreError> {
        let mut start = None;
        loop {
            let page = self.users.prune(start.as_ref(), &self.policy, now).await?;
            progress.sessions.set(progress.sessions.get() + page.sessions);
            progress.failed.set(progress.failed.get() + page.failed);
            start = page.next;
            if start.is_none() {
                return Ok(());
            }
        }
    }
}
