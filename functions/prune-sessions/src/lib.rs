//! Clears away sessions that are over, once a week.
//!
//! A login does it for its own user. Whoever does not come back would leave the address and the user agent of the last login
//! in the row for ever. A run reads the table from its beginning; one that ends early leaves the rest to the next.

use edge::{AuditDetails, Environment, SettingError, TaskOutcome, log::Field};
use token::{SessionPolicy, Timestamp};
use users::{StoreError, UserTable};

/// The use case and all that it may touch.
pub struct PruneSessions {
    users: UserTable,
    policy: SessionPolicy,
}

impl PruneSessions {
    /// Clearing away by the policy that `environment` sets.
    pub fn new(users: UserTable, environment: &Environment<'_>) -> Result<Self, SettingError> {
        Ok(Self { users, policy: environment.session_policy()? })
    }

    /// Looks at every user, and says what the log is to have of it.
    pub async fn run(&self, now: Timestamp) -> TaskOutcome<StoreError> {
        let (mut pruned, mut start) = (0, None);
        let result = loop {
            match self.users.prune(start.as_ref(), &self.policy, now).await {
                Ok(page) => {
                    pruned += page.sessions;
                    start = page.next;
                    if start.is_none() {
                        break Ok(());
                    }
                }
                Err(error) => break Err(error),
            }
        };
        TaskOutcome { result, details: AuditDetails::default().with(Field::Pruned, pruned), is_news: true }
    }
}
