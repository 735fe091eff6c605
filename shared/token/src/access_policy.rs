use std::str::FromStr;

use crate::{Audience, Lifetime, Scopes, ScopesError, Seconds, Timestamp};

/// The longest name of an audience, in bytes: an access token names two, and has room for no more.
const MAX_NAME_BYTES: usize = 128;

/// What access tokens can be for, and how long they live.
#[derive(Clone, Debug)]
pub struct AccessPolicy {
    /// The audiences, of which each token has one.
    pub audiences: AccessAudiences,
    expiration: Seconds,
}

/// Audiences with the scopes of each: `https://orders.example.com=orders:read orders:write;https://billing.example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessAudiences(Vec<AccessAudience>);

/// A service that access tokens can be for, and what they can allow there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessAudience {
    /// `aud`.
    pub name: Audience,
    /// The scopes that the service knows.
    pub scopes: Scopes,
}

/// Why a text does not name audiences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessAudiencesError {
    /// An empty or long name, or one that could not be told from what is around it.
    #[error(
        "an audience must have 1 to {MAX_NAME_BYTES} characters of printable ASCII, none of them a space, a quote, \\, ;, = \
         or a comma; a semicolon separates audiences"
    )]
    Name,
    /// What follows `=` is no list of scopes.
    #[error("what follows = {0}")]
    Scopes(#[from] ScopesError),
    /// One audience, twice.
    #[error("an audience is named twice")]
    Duplicate,
}

/// Access tokens that would outlive the keys that sign them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be at least 1 s and at most {longest}, the life of a session's token: keys retire after that")]
pub struct AccessExpirationError {
    longest: Seconds,
}

impl AccessPolicy {
    /// 15 minutes.
    pub const DEFAULT_EXPIRATION: Seconds = Seconds::new(900);

    /// Tokens for these audiences that live for `expiration`; without one for 15 minutes, or `longest` if that is less.
    ///
    /// `longest` is the life of a session's token: a key verifies no longer than that after it has stopped signing.
    pub fn new(
        audiences: AccessAudiences,
        expiration: Option<Seconds>,
        longest: Seconds,
    ) -> Result<Self, AccessExpirationError> {
        let expiration = expiration.unwrap_or(Self::DEFAULT_EXPIRATION.min(longest));
        if expiration == Seconds::new(0) || longest < expiration {
            return Err(AccessExpirationError { longest });
        }
        Ok(Self { audiences, expiration })
    }

    /// How long a token lives that no session's bounds.
    pub fn expiration(&self) -> Seconds {
        self.expiration
    }

    /// The lifetime of a token for the bearer of a session's token of this lifetime: it dies no later.
    pub fn within(&self, session_token: Lifetime, now: Timestamp) -> Lifetime {
        let alone = self.alone(now);
        Lifetime { expires_at: alone.expires_at.min(session_token.expires_at), ..alone }
    }

    /// The lifetime of a token of a machine client, which has no session.
    pub fn alone(&self, now: Timestamp) -> Lifetime {
        Lifetime { issued_at: now, expires_at: now.plus(self.expiration) }
    }
}

impl AccessAudiences {
    /// The audience of this name.
    pub fn find(&self, name: &str) -> Option<&AccessAudience> {
        self.0.iter().find(|audience| audience.name.as_str() == name)
    }

    /// Each of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &AccessAudience> {
        self.0.iter()
    }

    /// The one audience, where there is only one.
    pub fn only(&self) -> Option<&AccessAudience> {
        match &self.0[..] {
            [audience] => Some(audience),
            _ => None,
        }
    }
}

impl FromStr for AccessAudiences {
    type Err = AccessAudiencesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut audiences: Vec<AccessAudience> = Vec::new();
        for entry in text.split(';').map(str::trim) {
            let (name, scopes) = match entry.split_once('=') {
                Some((name, scopes)) => (name, scopes.parse()?),
                None => (entry, Scopes::default()),
            };
            // With a comma for a semicolon two audiences would be one.
            let is_plain = name.len() <= MAX_NAME_BYTES
                && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
            let name: Option<Audience> = name.parse().ok().filter(|_| is_plain);
            let name = name.ok_or(AccessAudiencesError::Name)?;
            if audiences.iter().any(|other| other.name == name) {
                return Err(AccessAudiencesError::Duplicate);
            }
            audiences.push(AccessAudience { name, scopes });
        }
        Ok(Self(audiences))
    }
}

impl std::fmt::Display for AccessAudiences {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, AccessAudience { name, scopes }) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ";" })?;
            f.write_str(name.as_str())?;
            if !scopes.is_empty() {
                write!(f, "={scopes}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOTH: &str = "https://orders.example.com=orders:read orders:write;https://billing.example.com";

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds).unwrap()
    }

    #[test]
    fn audiences_are_read_with_their_scopes_and_written_back() {
        let audiences: AccessAudiences = BOTH.parse().unwrap();
        assert_eq!(audiences.to_string(), BOTH);
        let scopes = |name| audiences.find(name).map(|audience| audience.scopes.to_string());
        assert_eq!(scopes("https://orders.example.com").as_deref(), Some("orders:read orders:write"));
        assert_eq!(scopes("https://billing.example.com").as_deref(), Some(""));
        assert_eq!(scopes("https://orders.example.com/"), None);
        assert_eq!(audiences.only(), None);
        let spaced: AccessAudiences = BOTH.replace(';', " ; ").parse().unwrap();
        assert_eq!(spaced, audiences);
        assert_eq!("a".parse::<AccessAudiences>().unwrap().only().unwrap().name.as_str(), "a");
    }

    #[test]
    fn what_names_no_audience_is_rejected() {
        for text in ["", ";", "a;", ";a", "=b", "a b", "\u{e9}", "a\nb", "a\"b", "a,b", &"x".repeat(129)] {
            let error = text.parse::<AccessAudiences>().unwrap_err();
            assert_eq!(error, AccessAudiencesError::Name, "{text:?}");
        }
        for text in ["a=", "a=b  c", "a= b", "a=\u{e9}", "a=\"b\""] {
            let error = text.parse::<AccessAudiences>().unwrap_err();
            assert_eq!(error, AccessAudiencesError::Scopes(ScopesError), "{text:?}");
        }
        assert_eq!("a;b;a=c".parse::<AccessAudiences>(), Err(AccessAudiencesError::Duplicate));
    }

    #[test]
    fn a_token_lives_15_minutes_unless_a_sessions_token_lives_less_and_never_longer_than_that() {
        let policy = |expiration: Option<u64>, longest| {
            let policy =
                AccessPolicy::new("a".parse().unwrap(), expiration.map(Seconds::new), Seconds::new(longest));
            policy.map(|policy| policy.expiration().get())
        };
        assert_eq!(policy(None, 3600), Ok(900));
        assert_eq!(policy(None, 300), Ok(300));
        assert_eq!(policy(Some(3600), 3600), Ok(3600));
        assert!(policy(Some(3601), 3600).is_err() && policy(Some(0), 3600).is_err());
    }

    proptest! {
        #[test]
        fn what_names_audiences_is_read_back_as_it_was_written(text in "[ -~]{0,40}") {
            if let Ok(audiences) = text.parse::<AccessAudiences>() {
                prop_assert_eq!(audiences.to_string().parse(), Ok(audiences));
            }
        }

        /// A4: whatever the durations and the instants are.
        #[test]
        fn no_access_token_outlives_the_session_token_that_it_came_from(
            expiration in 1_u64..100_000, longest in 1_u64..100_000, issued in 0_u64..1_000_000,
            life in 1_u64..200_000, now in 0_u64..2_000_000,
        ) {
            prop_assume!(expiration <= longest);
            let policy =
                AccessPolicy::new("a".parse().unwrap(), Some(Seconds::new(expiration)), Seconds::new(longest));
            let session = Lifetime { issued_at: at(issued), expires_at: at(issued + life) };
            let access = policy.unwrap().within(session, at(now));
            prop_assert!(access.expires_at <= session.expires_at);
            prop_assert!(access.expires_at <= at(now + expiration));
            // One of the two bounds is reached: it is not shorter than it must be.
            prop_assert!(access.expires_at == session.expires_at || access.expires_at == at(now + expiration));
            prop_assert_eq!(access.issued_at, at(now));
        }
    }
}
