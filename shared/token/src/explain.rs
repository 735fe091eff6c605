//! The arithmetic of a sliding session in words: what `latchkey token explain` prints.

use serde::Serialize;

use crate::{ISSUED_AT_LEEWAY, Lifetime, RefreshError, RefreshSwitch, SessionPolicy, Timestamp};

/// What the rules say about a token at one instant, as numbers for programs and sentences for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The instant that is explained.
    pub now: Timestamp,
    /// `iat`: the login that opened the session.
    pub logged_in_at: Timestamp,
    /// `exp`: when this token dies.
    pub expires_at: Timestamp,
    /// The last instant at which the session can be refreshed; none when refreshing is off.
    pub refresh_until: Option<Timestamp>,
    /// The instant by which the session is over, however often it is refreshed.
    pub session_ends_by: Timestamp,
    /// Whether the token can be refreshed now, or which rule forbids it.
    pub verdict: Verdict,
    /// The explanation in words and sums, a sentence a rule.
    pub sentences: Vec<String>,
    /// What in the token no service with this policy can have written, in words.
    pub contradictions: Vec<String>,
}

/// Whether a token can be refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It can.
    Refreshable,
    /// `JWT_ALLOW_REFRESH` is off; the token is live.
    RefreshDisabled,
    /// `now >= exp`.
    TokenExpired,
    /// `now > iat + JWT_REFRESH_EXPIRATION_DELTA`; the token is live.
    RefreshExpired,
    /// `iat` is in the future by more than 5 s: no clock of ours issued this.
    IssuedInFuture,
}

impl Explanation {
    /// What `policy` says about a token of `lifetime` at `now`.
    pub fn new(policy: &SessionPolicy, lifetime: Lifetime, now: Timestamp) -> Self {
        let verdict = verdict(policy, lifetime, now);
        let refresh_until = match policy.refresh_switch() {
            RefreshSwitch::On => Some(policy.refresh_limit(lifetime.issued_at)),
            RefreshSwitch::Off => None,
        };
        let session_ends_by = policy.session_end(lifetime);
        Self {
            now,
            logged_in_at: lifetime.issued_at,
            expires_at: lifetime.expires_at,
            refresh_until,
            session_ends_by,
            verdict,
            sentences: vec![
                login_sentence(lifetime, now),
                life_sentence(lifetime, now),
                limit_sentence(policy, lifetime, now),
                end_sentence(policy, session_ends_by),
                verdict_sentence(policy, lifetime, verdict, now),
            ],
            contradictions: contradictions(policy, lifetime, now),
        }
    }

    /// Whether the sentence at `index` is true under this policy alone: the refresh limit, the end of the session, and
    /// the verdict unless the token's own instants decide it.
    pub fn depends_on_policy(&self, index: usize) -> bool {
        match index {
            2 | 3 => true,
            4 => !matches!(self.verdict, Verdict::TokenExpired | Verdict::IssuedInFuture),
            _ => false,
        }
    }
}

/// Where the token's instants and the policy do not fit each other.
fn contradictions(policy: &SessionPolicy, lifetime: Lifetime, now: Timestamp) -> Vec<String> {
    let life = lifetime.expires_at.time_left(lifetime.issued_at);
    let expiration = policy.expiration();
    let latest = policy.latest_expiry(lifetime.issued_at);
    let mut found = Vec::new();
    if life < expiration {
        found.push(format!(
            "exp is {life} after iat, and a token that lives for {expiration} would have a later exp: \
             JWT_EXPIRATION_DELTA is shorter, or was when this token was issued."
        ));
    }
    if now.plus(ISSUED_AT_LEEWAY).plus(expiration) < lifetime.expires_at {
        found.push(format!(
            "exp is {} from now, and a token that lives for {expiration} and is issued by now would have an earlier \
             exp: JWT_EXPIRATION_DELTA is longer, or was when this token was issued.",
            lifetime.expires_at.time_left(now)
        ));
    }
    if latest < lifetime.expires_at {
        let setting = match policy.refresh_switch() {
            RefreshSwitch::On => "one of the two durations is longer, or was",
            RefreshSwitch::Off => {
                "the token was refreshed, so refreshing is on, or was, unless JWT_EXPIRATION_DELTA was longer"
            }
        };
        found.push(format!(
            "exp is {} after {latest}, the last exp of this session by these settings: {setting}.",
            lifetime.expires_at.time_left(latest)
        ));
    }
    found
}

fn verdict(policy: &SessionPolicy, lifetime: Lifetime, now: Timestamp) -> Verdict {
    if !lifetime.has_begun(now) {
        return Verdict::IssuedInFuture;
    }
    if !lifetime.is_live(now) {
        return Verdict::TokenExpired;
    }
    match policy.refresh(lifetime, now) {
        Ok(_) => Verdict::Refreshable,
        Err(RefreshError::SwitchedOff) => Verdict::RefreshDisabled,
        Err(RefreshError::Expired) => Verdict::TokenExpired,
        Err(RefreshError::LimitPassed) => Verdict::RefreshExpired,
    }
}

fn login_sentence(lifetime: Lifetime, now: Timestamp) -> String {
    let at = lifetime.issued_at;
    if now < at {
        return format!("The login claims to be at {at} (iat), {} from now.", at.time_left(now));
    }
    format!(
        "The session began with a login at {at} (iat), {} ago. No refresh changes that.",
        now.time_left(at)
    )
}

fn life_sentence(lifetime: Lifetime, now: Timestamp) -> String {
    let at = lifetime.expires_at;
    if lifetime.is_live(now) {
        format!("This token dies at {at} (exp), in {}.", at.time_left(now))
    } else {
        format!("This token died at {at} (exp), {} ago.", now.time_left(at))
    }
}

fn limit_sentence(policy: &SessionPolicy, lifetime: Lifetime, now: Timestamp) -> String {
    let until = policy.refresh_limit(lifetime.issued_at);
    match policy.refresh_switch() {
        RefreshSwitch::Off => {
            "Refreshing is switched off (JWT_ALLOW_REFRESH), so no token gets a successor.".to_owned()
        }
        RefreshSwitch::On => format!(
            "A live token of this session can be refreshed until {until}, that second included: iat + {} {}.",
            policy.refresh_expiration(),
            if now <= until {
                format!("is {} from now", until.time_left(now))
            } else {
                format!("was {} ago", now.time_left(until))
            },
        ),
    }
}

fn end_sentence(policy: &SessionPolicy, session_ends_by: Timestamp) -> String {
    match policy.refresh_switch() {
        RefreshSwitch::Off => format!("The session ends with this token, at {session_ends_by}."),
        RefreshSwitch::On => format!(
            "The session ends by {session_ends_by} at the latest: a refresh at the last possible second \
             gives a token that lives {} longer, so the longest session is {} + {}.",
            policy.expiration(),
            policy.refresh_expiration(),
            policy.expiration(),
        ),
    }
}

fn verdict_sentence(policy: &SessionPolicy, lifetime: Lifetime, verdict: Verdict, now: Timestamp) -> String {
    let (iat, exp, now) = (lifetime.issued_at.seconds(), lifetime.expires_at.seconds(), now.seconds());
    let delta = policy.refresh_expiration().get();
    match verdict {
        Verdict::Refreshable => format!(
            "It can be refreshed now: now {now} < exp {exp}, and now {now} <= iat {iat} + {delta} = {}. \
             The new token would have the same iat and exp = now + {} = {}.",
            iat.saturating_add(delta),
            policy.expiration().get(),
            now.saturating_add(policy.expiration().get()),
        ),
        Verdict::RefreshDisabled => {
            "It cannot be refreshed: refreshing is switched off. Log in again when it has died.".to_owned()
        }
        Verdict::TokenExpired => format!(
            "It cannot be refreshed: only a live token can, and now {now} >= exp {exp}. Log in again, and \
             refresh before exp next time."
        ),
        Verdict::RefreshExpired => format!(
            "It cannot be refreshed: now {now} > iat {iat} + {delta} = {}. It stays valid until exp {exp}; \
             then log in again.",
            iat.saturating_add(delta),
        ),
        Verdict::IssuedInFuture => format!(
            "It is rejected: iat {iat} is after now {now}, by more than the {} s that clocks may differ.",
            ISSUED_AT_LEEWAY.get()
        ),
    }
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
