use std::{collections::BTreeMap, fmt::Write};

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use token::{SessionId, SessionPolicy, Timestamp, UserId};

use crate::{
    Account, NewSession, PasswordHash, Session, StoreError, UserTable, Username,
    row::{Row, number, read_account, read_sessions, session_entry, string, unknown_sessions, user_key},
    schema::{ENABLED, PASSWORD_HASH, SESSIONS, USER_ID},
    update::{Outcome, update, update_both, update_unread},
};

/// The most sessions a user has; one more and the oldest goes.
///
/// Removing all of them in one write stays below `DynamoDB`'s 4 KiB for an expression.
pub const MAX_SESSIONS: usize = 50;
/// How often a login is written again because other logins or logouts of the same user came first.
const MAX_WRITES: u32 = 20;

/// Why no session was opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenSessionError {
    /// The user was deleted since it was read; the name may belong to another by now.
    #[error("the user is gone")]
    UserGone,
    /// The user has been disabled.
    #[error("the user is disabled")]
    UserDisabled,
    /// The password was changed, or its hash upgraded by another login: verify again, against this user's.
    #[error("the password hash is not the one that was checked")]
    HashChanged(Box<Account>),
    /// The user as read has no hash that anyone can have checked.
    #[error("the user has no readable password hash")]
    UnreadableHash,
    /// The table gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A login whose password was just checked against the hash of `user` as read.
#[derive(Clone, Copy, Debug)]
pub struct VerifiedLogin<'a> {
    /// The user, as read before the check.
    pub user: &'a Account,
    /// The session to open.
    pub session: &'a NewSession<'a>,
    /// The password hashed anew, which replaces the hash that was checked.
    pub upgraded_hash: Option<&'a PasswordHash>,
    /// What came before it under the name.
    pub earlier_failures: EarlierFailures,
}

/// Whether failed logins under the name came before a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarlierFailures {
    /// None did.
    None,
    /// Some did: the login forgets them in the same transaction.
    Forget,
}

impl UserTable {
    /// Opens the session of a login at `login.session.issued_at`.
    ///
    /// One conditional write: the user still is the same, enabled and has the hash that was checked. The write is
    /// made without having read the sessions. Where there is no room for one more it is rejected with them, and made
    /// again without the oldest; where it finds sessions that `policy` has ended, a second write removes those. The
    /// bound of [`MAX_SESSIONS`] holds however many logins run at once. Says which sessions that had not ended had to go.
    pub async fn open_session(
        &self,
        login: &VerifiedLogin<'_>,
        policy: &SessionPolicy,
    ) -> Result<Vec<SessionId>, OpenSessionError> {
        let now = login.session.issued_at;
        let mut room = Room::default();
        for _ in 0..MAX_WRITES {
            let row = match self.write_login(login, &room).await? {
                Outcome::Done(row) => {
                    self.remove_outlived(login, row.as_ref(), policy).await;
                    return Ok(room.pushed_out);
                }
                Outcome::Rejected(row) => row,
            };
            match login.rejected_by(row.as_ref())? {
                Rejection::AlreadyWritten => return Ok(room.pushed_out),
                Rejection::SessionsChanged(row) => {
                    let sessions = read_sessions(row).map_err(StoreError::from)?;
                    let evicted = evicted(&sessions, policy, now);
                    let is_live = |id: &&SessionId| {
                        sessions.get(id).is_some_and(|session| !has_ended(session, policy, now))
                    };
                    let pushed_out = evicted.iter().filter(is_live).copied().collect();
                    let unknown = unknown_sessions(row).map_err(StoreError::from)?;
                    room = Room { evicted, pushed_out, unknown };
                }
            }
        }
        Err(StoreError::Contended { attempts: MAX_WRITES }.into())
    }

    /// Removes the sessions in the row, as just written, that have ended. The login stands whatever comes of this: the
    /// next one finds what is left.
    async fn remove_outlived(&self, login: &VerifiedLogin<'_>, row: Option<&Row>, policy: &SessionPolicy) {
        let Some(Ok(sessions)) = row.map(read_sessions) else { return };
        let mut outlived = sessions;
        outlived.retain(|_, session| has_ended(session, policy, login.session.issued_at));
        let outlived: Vec<_> = outlived.into_keys().collect();
        let _ = self.remove_sessions(&login.user.username, login.user.id, &outlived).await;
    }

    /// Removes these sessions of the user, if the name is still theirs.
    pub(crate) async fn remove_sessions(
        &self,
        username: &Username,
        user: UserId,
        sessions: &[SessionId],
    ) -> Result<(), StoreError> {
        if sessions.is_empty() {
            return Ok(());
        }
        let mut remove = self
            .update_item(user_key(username))
            .condition_expression("#user_id = :user_id AND attribute_exists(#sessions)")
            .expression_attribute_names("#sessions", SESSIONS)
            .expression_attribute_names("#user_id", USER_ID)
            .expression_attribute_values(":user_id", string(&user));
        let mut paths = Vec::new();
        for (index, id) in sessions.iter().enumerate() {
            remove = remove.expression_attribute_names(format!("#e{index}"), id.to_string());
            paths.push(format!("#sessions.#e{index}"));
        }
        update_unread(remove.update_expression(format!("REMOVE {}", paths.join(", ")))).await
    }

    async fn write_login(&self, login: &VerifiedLogin<'_>, room: &Room) -> Result<Outcome, OpenSessionError> {
        let checked_hash = login.checked_hash()?;
        let most = MAX_SESSIONS - 1 + room.evicted.len() + room.unknown;
        let mut change = String::from("SET #sessions.#session = :session");
        let mut condition = String::from(
            "#user_id = :user_id AND #enabled = :enabled AND #hash = :checked AND size(#sessions) <= :room",
        );
        let mut write = self
            .update_item(user_key(&login.user.username))
            .expression_attribute_names("#sessions", SESSIONS)
            .expression_attribute_names("#session", login.session.id.to_string())
            .expression_attribute_names("#user_id", USER_ID)
            .expression_attribute_names("#enabled", ENABLED)
            .expression_attribute_names("#hash", PASSWORD_HASH)
            .expression_attribute_values(":session", AttributeValue::M(session_entry(login.session)))
            .expression_attribute_values(":user_id", string(&login.user.id))
            .expression_attribute_values(":enabled", AttributeValue::Bool(true))
            .expression_attribute_values(":checked", string(checked_hash.expose()))
            .expression_attribute_values(":room", number(most as u64));
        if let Some(hash) = login.upgraded_hash {
            change.push_str(", #hash = :upgraded");
            write = write.expression_attribute_values(":upgraded", string(hash.expose()));
        }
        for (index, id) in room.evicted.iter().enumerate() {
            let keyword = if index == 0 { " REMOVE" } else { "," };
            // Writing to a string cannot fail. The room counts on each of them being there.
            let _ = write!(change, "{keyword} #sessions.#e{index}");
            let _ = write!(condition, " AND attribute_exists(#sessions.#e{index})");
            write = write.expression_attribute_names(format!("#e{index}"), id.to_string());
        }
        let write = write.update_expression(change).condition_expression(condition);
        Ok(match login.earlier_failures {
            EarlierFailures::None => update(write.return_values(ReturnValue::AllNew)).await?,
            EarlierFailures::Forget => {
                let forget = self.forget_attempts(&login.user.username);
                update_both(&self.client, &write, &forget).await?
            }
        })
    }
}

/// How a login makes room for its session.
#[derive(Default)]
struct Room {
    /// The sessions that go.
    evicted: Vec<SessionId>,
    /// Those of them that have not ended.
    pushed_out: Vec<SessionId>,
    /// Entries that are not sessions as this version knows them. They stay, and take no room.
    unknown: usize,
}

/// Why the condition of a login did not hold, when trying again may help or is not needed.
enum Rejection<'a> {
    /// The client repeated a write whose response was lost, and found its own session.
    AlreadyWritten,
    /// There is no room in this row.
    SessionsChanged(&'a Row),
}

impl VerifiedLogin<'_> {
    fn checked_hash(&self) -> Result<&PasswordHash, OpenSessionError> {
        self.user.password_hash.as_ref().map_err(|_| OpenSessionError::UnreadableHash)
    }

    fn rejected_by<'a>(&self, row: Option<&'a Row>) -> Result<Rejection<'a>, OpenSessionError> {
        let row = row.ok_or(OpenSessionError::UserGone)?;
        let user = read_account(row, &self.user.username).map_err(StoreError::from)?;
        if user.id != self.user.id {
            return Err(OpenSessionError::UserGone);
        }
        if !user.enabled {
            return Err(OpenSessionError::UserDisabled);
        }
        let sessions = read_sessions(row).map_err(StoreError::from)?;
        if sessions.contains_key(&self.session.id) {
            return Ok(Rejection::AlreadyWritten);
        }
        if user.password_hash.as_ref() != Ok(self.checked_hash()?) {
            return Err(OpenSessionError::HashChanged(Box::new(user)));
        }
        Ok(Rejection::SessionsChanged(row))
    }
}

/// The sessions that a login removes: those whose last token is dead, then the oldest until there is room for one.
fn evicted(
    sessions: &BTreeMap<SessionId, Session>,
    policy: &SessionPolicy,
    now: Timestamp,
) -> Vec<SessionId> {
    let (ended, live): (Vec<_>, Vec<_>) =
        sessions.iter().partition(|(_, session)| has_ended(session, policy, now));
    let mut live: Vec<_> = live.into_iter().map(|(id, session)| (session.issued_at(), *id)).collect();
    live.sort_unstable();
    let surplus = (live.len() + 1).saturating_sub(MAX_SESSIONS);
    let oldest = live.into_iter().take(surplus).map(|(_, id)| id);
    ended.into_iter().map(|(id, _)| *id).chain(oldest).collect()
}

/// Whether the last token of a session is dead. Also while refreshing is off: it may be switched on again, and tokens
/// of before are still out.
pub(crate) fn has_ended(session: &Session, policy: &SessionPolicy, now: Timestamp) -> bool {
    policy.refresh_limit(session.issued_at()).plus(policy.expiration()) < now
}

#[cfg(test)]
mod tests {
    use token::{Entropy, RefreshSwitch, Seconds};

    use super::*;

    const HOUR: u64 = 3600;

    fn id(index: u8) -> SessionId {
        SessionId::new(Entropy([index; 16]))
    }

    fn gone(logins: &[(u8, u64)], now: u64) -> Vec<SessionId> {
        let instant = |seconds| Timestamp::from_seconds(seconds).unwrap();
        let policy =
            SessionPolicy::new(Seconds::new(HOUR), Seconds::new(2 * HOUR), RefreshSwitch::On).unwrap();
        let sessions =
            logins.iter().map(|(index, iat)| (id(*index), Session::new(instant(*iat), None, None))).collect();
        evicted(&sessions, &policy, instant(now))
    }

    #[test]
    fn a_login_removes_sessions_one_second_after_their_last_token_has_died() {
        assert_eq!(gone(&[(1, 1000)], 1000 + 3 * HOUR), []);
        assert_eq!(gone(&[(1, 1000), (2, 1001)], 1001 + 3 * HOUR), [id(1)]);
    }

    #[test]
    fn the_fifty_first_login_removes_the_oldest() {
        let mut logins: Vec<_> = (0..49).map(|index| (index, 2000)).collect();
        assert_eq!(gone(&logins, 2000), []);
        logins.push((200, 1999));
        assert_eq!(gone(&logins, 2000), [id(200)]);
        // Of two logins of one second the smaller identifier goes.
        logins.push((201, 2000));
        assert_eq!(gone(&logins, 2000), [id(200), id(0)]);
    }

    #[test]
    fn an_ended_session_makes_room_before_a_live_one_has_to_go() {
        let mut logins: Vec<_> = (0..49).map(|index| (index, 20_000)).collect();
        logins.push((200, 1000));
        assert_eq!(gone(&logins, 20_000), [id(200)]);
    }
}
