//! The refresh rule of django-rest-framework-jwt, with every boundary decided.

use crate::{Seconds, Timestamp};

/// The longest `JWT_EXPIRATION_DELTA` accepted: 366 days. A longer one is a typing error or a key to keep for ever.
const LONGEST_EXPIRATION: Seconds = Seconds::new(366 * 86_400);
/// The longest `JWT_REFRESH_EXPIRATION_DELTA` accepted: ten years.
const LONGEST_REFRESH: Seconds = Seconds::new(3660 * 86_400);

/// By how much `iat` may be ahead of our clock: the function that issued the token has another one.
///
/// Nothing else has leeway.
pub const ISSUED_AT_LEEWAY: Seconds = Seconds::new(5);

/// How long a token lives, until when it can be refreshed, and whether it can be at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionPolicy {
    expiration: Seconds,
    refresh_expiration: Seconds,
    refresh: RefreshSwitch,
}

/// `JWT_ALLOW_REFRESH`: whether the refresh endpoint issues tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefreshSwitch {
    /// The refresh endpoint rejects everything, also tokens issued while it was on.
    #[default]
    Off,
    /// Live tokens can be refreshed until the refresh limit.
    On,
}

/// The two instants of a token that the rules are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// `iat`: the login. Never changes.
    pub issued_at: Timestamp,
    /// `exp`: the first instant at which the token is no longer live.
    pub expires_at: Timestamp,
}

/// Why no policy can have these durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A token that is dead on arrival.
    #[error("a token must live for at least 1 second")]
    ExpirationIsZero,
    /// Beyond 366 days.
    #[error("a token must not live longer than 366 days")]
    ExpirationTooLong,
    /// Beyond ten years.
    #[error("a session must not be refreshable for longer than 3660 days")]
    RefreshExpirationTooLong,
}

/// Why a live or expired token is not refreshed, in the order in which the rules are tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// `JWT_ALLOW_REFRESH` is off.
    #[error("refreshing is switched off")]
    SwitchedOff,
    /// `now >= exp`. Tested before the limit: when both have passed, this is what is said.
    #[error("the token has expired")]
    Expired,
    /// `now > iat + JWT_REFRESH_EXPIRATION_DELTA`.
    #[error("the refresh limit of the session has passed")]
    LimitPassed,
}

impl SessionPolicy {
    /// How long a token lives unless `JWT_EXPIRATION_DELTA` says otherwise: 1 hour.
    pub const DEFAULT_EXPIRATION: Seconds = Seconds::new(3600);
    /// For how long after the login tokens can be refreshed unless `JWT_REFRESH_EXPIRATION_DELTA` says
    /// otherwise: 2 days.
    pub const DEFAULT_REFRESH_EXPIRATION: Seconds = Seconds::new(2 * 86_400);
    /// The longest `exp - iat` of any policy: refreshed in the last second of the longest limit.
    const LONGEST_SESSION: Seconds = Seconds::new(LONGEST_REFRESH.get() + LONGEST_EXPIRATION.get());

    /// A policy of these durations; rejects a token that never lives and durations that are typing errors.
    ///
    /// `refresh_expiration` may be zero or shorter than `expiration`: the same formula holds.
    pub const fn new(
        expiration: Seconds,
        refresh_expiration: Seconds,
        refresh: RefreshSwitch,
    ) -> Result<Self, PolicyError> {
        if expiration.get() == 0 {
            return Err(PolicyError::ExpirationIsZero);
        }
        if expiration.get() > LONGEST_EXPIRATION.get() {
            return Err(PolicyError::ExpirationTooLong);
        }
        if refresh_expiration.get() > LONGEST_REFRESH.get() {
            return Err(PolicyError::RefreshExpirationTooLong);
        }
        Ok(Self { expiration, refresh_expiration, refresh })
    }

    /// How long each token lives: `JWT_EXPIRATION_DELTA`.
    pub const fn expiration(&self) -> Seconds {
        self.expiration
    }

    /// For how long after the login tokens can be refreshed: `JWT_REFRESH_EXPIRATION_DELTA`.
    pub const fn refresh_expiration(&self) -> Seconds {
        self.refresh_expiration
    }

    /// Whether refreshing is on: `JWT_ALLOW_REFRESH`.
    pub const fn refresh_switch(&self) -> RefreshSwitch {
        self.refresh
    }

    /// The lifetime of a login's token: `iat = now`, `exp = now + expiration`.
    #[must_use]
    pub const fn log_in(&self, now: Timestamp) -> Lifetime {
        Lifetime { issued_at: now, expires_at: now.plus(self.expiration) }
    }

    /// The lifetime of the token that replaces one of `lifetime`, or the rule that forbids it.
    ///
    /// `iat` stays; `exp` is `now + expiration` and not capped by the limit, so that the longest
    /// session is refresh expiration plus expiration.
    pub const fn refresh(&self, lifetime: Lifetime, now: Timestamp) -> Result<Lifetime, RefreshError> {
        if matches!(self.refresh, RefreshSwitch::Off) {
            return Err(RefreshError::SwitchedOff);
        }
        if !lifetime.is_live(now) {
            return Err(RefreshError::Expired);
        }
        if now.seconds() > self.refresh_limit(lifetime.issued_at).seconds() {
            return Err(RefreshError::LimitPassed);
        }
        Ok(Lifetime { issued_at: lifetime.issued_at, expires_at: now.plus(self.expiration) })
    }

    /// The last second in which a session opened at `issued_at` can be refreshed: `iat` + refresh expiration.
    #[must_use]
    pub const fn refresh_limit(&self, issued_at: Timestamp) -> Timestamp {
        issued_at.plus(self.refresh_expiration)
    }

    /// For how long a session opened at `issued_at` can still be refreshed, zero past the limit; none while
    /// refreshing is off.
    #[must_use]
    pub fn refresh_time_left(&self, issued_at: Timestamp, now: Timestamp) -> Option<Seconds> {
        match self.refresh {
            RefreshSwitch::On => Some(self.refresh_limit(issued_at).time_left(now)),
            RefreshSwitch::Off => None,
        }
    }

    /// The latest `exp` that this policy gives a token of a session opened at `issued_at`.
    ///
    /// That is the `exp` of a token refreshed in the last second of the [refresh limit](Self::refresh_limit).
    #[must_use]
    pub const fn latest_expiry(&self, issued_at: Timestamp) -> Timestamp {
        match self.refresh {
            RefreshSwitch::On => self.refresh_limit(issued_at).plus(self.expiration),
            RefreshSwitch::Off => issued_at.plus(self.expiration),
        }
    }

    /// When the session of a token of `lifetime` ends at the latest.
    ///
    /// While refreshing is off, that is the token's own `exp`. It is never before `exp`: the token may have been
    /// issued under a longer policy.
    #[must_use]
    pub fn session_end(&self, lifetime: Lifetime) -> Timestamp {
        match self.refresh {
            RefreshSwitch::On => self.latest_expiry(lifetime.issued_at).max(lifetime.expires_at),
            RefreshSwitch::Off => lifetime.expires_at,
        }
    }
}

impl Lifetime {
    /// Whether the token is live: `now < exp`, without leeway.
    ///
    /// This is the one place that compares `exp` (RFC 7519 §4.1.4: dead "on or after").
    pub const fn is_live(&self, now: Timestamp) -> bool {
        now.seconds() < self.expires_at.seconds()
    }

    /// Whether the login is not in the future, but for [`ISSUED_AT_LEEWAY`].
    pub(crate) fn has_begun(self, now: Timestamp) -> bool {
        self.issued_at <= now.plus(ISSUED_AT_LEEWAY)
    }

    /// Whether no [`SessionPolicy`], past or present, can have made it: a key of ours was used by somebody else.
    pub(crate) fn is_too_long(self) -> bool {
        self.issued_at.plus(SessionPolicy::LONGEST_SESSION) < self.expires_at
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
