use std::{collections::BTreeMap, fmt::Write};

use aws_sdk_dynamodb::types::AttributeValue;
use token::{SessionId, SessionPolicy, Timestamp};

use crate::{
    NewSession, PasswordHash, Session, StoreError, User, UserTable,
    row::{Row, number, read_user, session_entry, string, user_key},
    schema::{ENABLED, PASSWORD_HASH, SESSIONS, USER_ID},
    update::{Outcome, update, update_both},
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
    HashChanged(Box<User>),
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
    pub user: &'a User,
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
    /// One conditional write: the user still is the same, enabled and has the hash that was checked. It also removes
    /// the sessions that `policy` has ended, and the oldest beyond [`MAX_SESSIONS`]; the bound holds however many
    /// logins run at once.
    pub async fn open_session(
        &self,
        login: &VerifiedLogin<'_>,
        policy: &SessionPolicy,
    ) -> Result<(), OpenSessionError> {
        let now = login.session.issued_at;
        let mut evicted = evicted(&login.user.sessions, policy, now);
        for _ in 0..MAX_WRITES {
            let row = match self.write_login(login, &evicted).await? {
                Outcome::Done => return Ok(()),
                Outcome::Rejected(row) => row,
            };
            match login.rejected_by(row.as_ref())? {
                Rejection::AlreadyWritten => return Ok(()),
                Rejection::SessionsChanged(sessions) => evicted = self::evicted(&sessions, policy, now),
            }
        }
        Err(StoreError::Contended { attempts: MAX_WRITES }.into())
    }

    async fn write_login(
        &self,
        login: &VerifiedLogin<'_>,
        evicted: &[SessionId],
    ) -> Result<Outcome, OpenSessionError> {
        let checked_hash = login.checked_hash()?;
        let room = MAX_SESSIONS - 1 + evicted.len();
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
            .expression_attribute_values(":session", session_entry(login.session))
            .expression_attribute_values(":user_id", string(&login.user.id))
            .expression_attribute_values(":enabled", AttributeValue::Bool(true))
            .expression_attribute_values(":checked", string(checked_hash.expose()))
            .expression_attribute_values(":room", number(room as u64));
        if let Some(hash) = login.upgraded_hash {
            change.push_str(", #hash = :upgraded");
            write = write.expression_attribute_values(":upgraded", string(hash.expose()));
        }
        for (index, id) in evicted.iter().enumerate() {
            let keyword = if index == 0 { " REMOVE" } else { "," };
            // Writing to a string cannot fail. The room counts on each of them being there.
            let _ = write!(change, "{keyword} #sessions.#e{index}");
            let _ = write!(condition, " AND attribute_exists(#sessions.#e{index})");
            write = write.expression_attribute_names(format!("#e{index}"), id.to_string());
        }
        let write = write.update_expression(change).condition_expression(condition);
        Ok(match login.earlier_failures {
            EarlierFailures::None => update(write).await?,
            EarlierFailures::Forget => {
                let forget = self.forget_attempts(&login.user.username);
                update_both(&self.client, &write, &forget).await?
            }
        })
    }
}

/// Why the condition of a login did not hold, when trying again may help or is not needed.
enum Rejection {
    /// The client repeated a write whose response was lost, and found its own session.
    AlreadyWritten,
    SessionsChanged(BTreeMap<SessionId, Session>),
}

impl VerifiedLogin<'_> {
    fn checked_hash(&self) -> Result<&PasswordHash, OpenSessionError> {
        self.user.password_hash.as_ref().map_err(|_| OpenSessionError::UnreadableHash)
    }

    fn rejected_by(&self, row: Option<&Row>) -> Result<Rejection, OpenSessionError> {
        let row = row.ok_or(OpenSessionError::UserGone)?;
        let user = read_user(row, &self.user.username).map_err(StoreError::from)?;
        if user.id != self.user.id {
            return Err(OpenSessionError::UserGone);
        }
        if !user.enabled {
            return Err(OpenSessionError::UserDisabled);
        }
        if user.sessions.contains_key(&self.session.id) {
            return Ok(Rejection::AlreadyWritten);
        }
        if user.password_hash.as_ref() != Ok(self.checked_hash()?) {
            return Err(OpenSessionError::HashChanged(Box::new(user)));
        }
        Ok(Rejection::SessionsChanged(user.sessions))
    }
}

/// The sessions that a login removes: those whose last token is dead, then the oldest until there is room for one.
fn evicted(
    sessions: &BTreeMap<SessionId, Session>,
    policy: &SessionPolicy,
    now: Timestamp,
) -> Vec<SessionId> {
    // Also while refreshing is off: it may be switched on again, and tokens of before are still out.
    let last_end = |session: &Session| policy.refresh_limit(session.issued_at()).plus(policy.expiration());
    let has_ended = |session: &Session| now > last_end(session);
    let (ended, live): (Vec<_>, Vec<_>) = sessions.iter().partition(|(_, session)| has_ended(session));
    let mut live: Vec<_> = live.into_iter().map(|(id, session)| (session.issued_at(), *id)).collect();
    live.sort_unstable();
    let surplus = (live.len() + 1).saturating_sub(MAX_SESSIONS);
    let oldest = live.into_iter().take(surplus).map(|(_, id)| id);
    ended.into_iter().map(|(id, _)| *id).chain(oldest).collect()
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
