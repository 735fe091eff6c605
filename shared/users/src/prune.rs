use aws_sdk_dynamodb::types::Select;
use futures_util::{StreamExt, stream};
use token::{SessionId, SessionPolicy, Timestamp, UserId};

use crate::{
    Listing, MalformedRow, PageStart, StoreError, UserTable, Username,
    open_session::has_ended,
    row::{Row, parsed, read_sessions},
    schema::{KEY, SESSIONS, USER_ID, USERNAME},
};

/// How many rows are written at the same time.
const IN_FLIGHT: usize = 16;

/// How much of a page of users was cleared away.
#[derive(Debug)]
pub struct Pruned {
    /// The sessions that were removed.
    pub sessions: usize,
    /// The rows that cannot be read, or whose sessions could not be removed: the next run tries again.
    pub failed: usize,
    /// Where the next page starts, if there is one.
    pub next: Option<PageStart>,
}

/// A user's sessions.
struct OfUser {
    username: Username,
    id: UserId,
    sessions: Vec<(SessionId, crate::Session)>,
}

impl UserTable {
    /// Removes the sessions of a page of users that `policy` has ended, and with them the addresses and user agents in them.
    ///
    /// A login does it for its own user; this is for those who do not come back.
    pub async fn prune(
        &self,
        start: Option<&PageStart>,
        policy: &SessionPolicy,
        now: Timestamp,
    ) -> Result<Pruned, StoreError> {
        // The function's role may read no other attribute.
        let wanted = [KEY, USER_ID, USERNAME, SESSIONS];
        let scan = self.scan_users(start, &wanted).select(Select::SpecificAttributes);
        let page = Listing::read(scan, of_user).await?;
        let mut pruned = Pruned { sessions: 0, failed: 0, next: page.next };
        let ended = page.users.into_iter().map(|user| user.map(|user| user.ended(policy, now)));
        let removals = ended.map(|user| async {
            let Ok(user) = user else { return Err(()) };
            let ended: Vec<_> = user.sessions.iter().map(|(id, _)| *id).collect();
            // One row that fails keeps no other from being cleared.
            let removed = self.remove_sessions(&user.username, user.id, &ended).await;
            removed.map(|()| ended.len()).map_err(drop)
        });
        let removed: Vec<_> = stream::iter(removals).buffer_unordered(IN_FLIGHT).collect().await;
        pruned.failed = removed.iter().filter(|removed| removed.is_err()).count();
        pruned.sessions = removed.into_iter().flatten().sum();
        Ok(pruned)
    }
}

impl OfUser {
    /// The user with only the sessions that have ended.
    fn ended(mut self, policy: &SessionPolicy, now: Timestamp) -> Self {
        self.sessions.retain(|(_, session)| has_ended(session, policy, now));
        self
    }
}

fn of_user(row: &Row) -> Result<OfUser, MalformedRow> {
    let sessions = read_sessions(row)?.into_iter().collect();
    Ok(OfUser { username: parsed(row, USERNAME)?, id: parsed(row, USER_ID)?, sessions })
}
