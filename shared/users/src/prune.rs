use aws_sdk_dynamodb::types::Select;
use token::{SessionId, SessionPolicy, Timestamp, UserId};

use crate::{
    Listing, MalformedRow, PageStart, StoreError, UserTable, Username,
    open_session::has_ended,
    row::{Row, parsed, read_sessions},
    schema::{KEY, SESSIONS, USER_ID, USERNAME},
};

/// How much of a page of users was cleared away.
#[derive(Debug)]
pub struct Pruned {
    /// The sessions that were removed.
    pub sessions: usize,
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
        let mut pruned = Pruned { sessions: 0, next: page.next };
        for user in page.users.into_iter().flatten() {
            let ended = user.sessions.iter().filter(|(_, session)| has_ended(session, policy, now));
            let ended: Vec<_> = ended.map(|(id, _)| *id).collect();
            self.remove_sessions(&user.username, user.id, &ended).await?;
            pruned.sessions += ended.len();
        }
        Ok(pruned)
    }
}

fn of_user(row: &Row) -> Result<OfUser, MalformedRow> {
    let sessions = read_sessions(row)?.into_iter().collect();
    Ok(OfUser { username: parsed(row, USERNAME)?, id: parsed(row, USER_ID)?, sessions })
}
