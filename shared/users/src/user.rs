use std::{collections::BTreeMap, sync::Arc};

use token::{CustomClaims, SessionId, Timestamp, UserId};

use crate::{HashError, Locale, MailAddress, PasswordHash, Username};

/// How many characters of a user agent are kept.
const MAX_USER_AGENT_CHARACTERS: usize = 200;
/// How many characters of an address are kept; an IPv6 address has 45 at most.
const MAX_SOURCE_IP_CHARACTERS: usize = 45;

/// What the user's row says.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// `sub`: this user for ever; whoever registers the name again has another.
    pub id: UserId,
    /// The name, canonical.
    pub username: Username,
    /// Whether logging in and refreshing are allowed.
    pub enabled: bool,
    /// The hash of the password, or why the stored text is none that we verify.
    ///
    /// Not an error of the whole row: such a user can refresh, and can be given a new password.
    pub password_hash: Result<PasswordHash, HashError>,
    /// What the administrator adds to each token.
    pub claims: CustomClaims,
    /// When the user was created.
    pub created_at: Timestamp,
    /// The live sessions, and some that nobody has cleared away yet.
    pub sessions: BTreeMap<SessionId, Session>,
    /// The last change by an administrator, if it was made by a `latchkey` that says so.
    pub last_change: Option<LastChange>,
    /// Since when the user is disabled, if that is known.
    pub disabled_at: Option<Timestamp>,
    /// Where the user is written to, if somebody has said so; without it, no letter.
    pub email: Option<MailAddress>,
    /// The language that the user is written to in, if somebody has said one.
    pub locale: Option<Locale>,
}

/// When an administrator has changed a user, and who.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastChange {
    /// When.
    pub at: Timestamp,
    /// Who, as AWS knows them.
    pub by: Arc<str>,
}

/// A user as read before their password is checked: without the sessions.
///
/// Reading those would take longer the more there are, and the time of a failed login would tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// `sub`, as in [`User`].
    pub id: UserId,
    /// The name, canonical.
    pub username: Username,
    /// Whether logging in and refreshing are allowed.
    pub enabled: bool,
    /// The hash of the password, or why the stored text is none that we verify.
    pub password_hash: Result<PasswordHash, HashError>,
    /// What the administrator adds to each token.
    pub claims: CustomClaims,
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        let User { id, username, enabled, password_hash, claims, .. } = user;
        Self { id, username, enabled, password_hash, claims }
    }
}

/// A login that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    issued_at: Timestamp,
    user_agent: Option<String>,
    source_ip: Option<String>,
    replaced: Option<SessionId>,
}

/// A session that a login or a change of the password opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewSession<'a> {
    /// `sid`, which no session has or had.
    pub id: SessionId,
    /// `iat`: now.
    pub issued_at: Timestamp,
    /// What the caller says it is; cut at 200 characters.
    pub user_agent: Option<&'a str>,
    /// Where the call comes from; cut at 45 characters.
    pub source_ip: Option<&'a str>,
}

impl From<&NewSession<'_>> for Session {
    fn from(new: &NewSession<'_>) -> Self {
        Self::new(new.issued_at, new.user_agent, new.source_ip)
    }
}

impl Session {
    pub(crate) fn new(issued_at: Timestamp, user_agent: Option<&str>, source_ip: Option<&str>) -> Self {
        let cut = |text: &str, characters| text.chars().take(characters).collect();
        Self {
            issued_at,
            user_agent: user_agent.map(|text| cut(text, MAX_USER_AGENT_CHARACTERS)),
            source_ip: source_ip.map(|text| cut(text, MAX_SOURCE_IP_CHARACTERS)),
            replaced: None,
        }
    }

    /// This session, opened by a change of the password that `replaced` asked for.
    pub(crate) fn in_place_of(self, replaced: Option<SessionId>) -> Self {
        Self { replaced, ..self }
    }

    /// The session that asked for the change of the password which opened this one.
    pub const fn replaced(&self) -> Option<SessionId> {
        self.replaced
    }

    /// `iat`: the login.
    pub const fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// What the caller said it is, 200 characters at most.
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// Where the login came from.
    pub fn source_ip(&self) -> Option<&str> {
        self.source_ip.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_is_cut_at_200_characters() {
        let session = |text: &str| Session::new(Timestamp::MAX, Some(text), None);
        assert_eq!(session(&"\u{e9}".repeat(200)).user_agent(), Some("\u{e9}".repeat(200).as_str()));
        assert_eq!(session(&"\u{e9}".repeat(201)).user_agent(), Some("\u{e9}".repeat(200).as_str()));
        assert_eq!(session("").user_agent(), Some(""));
    }

    #[test]
    fn an_address_is_cut_at_45_characters() {
        let longest = "abcd:abcd:abcd:abcd:abcd:abcd:192.168.158.190";
        let session = |text: &str| Session::new(Timestamp::MAX, None, Some(text));
        assert_eq!(session(longest).source_ip(), Some(longest));
        assert_eq!(session(&format!("{longest}, 10.0.0.1")).source_ip(), Some(longest));
    }
}
