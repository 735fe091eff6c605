//! The next key set. A rotation logs nobody out: a key is known to every verifier before it signs,
//! and verifies until the last token it signed has died.

use crate::{Algorithm, Key, KeyError, KeySet, KeySetError, Schedule, Seconds, Timestamp};

/// How long a function uses a key set before it reads it again.
pub const KEY_SET_CACHE_TIME: Seconds = Seconds::new(300);
/// For how long past [`KEY_SET_CACHE_TIME`] a function uses keys that it cannot read again, unless
/// `SIGNING_KEYS_MAX_STALE` says otherwise.
pub const DEFAULT_MAX_STALE: Seconds = Seconds::new(3600);
/// How long API Gateway's native authorizers keep a JWK set.
///
/// The set may have been as old as a function's key set when they got it, so the two times add up.
pub const JWK_SET_CACHE_TIME: Seconds = Seconds::new(2 * 3600);
/// How late the public halves may be in their table when the publication at the end of a rotation fails: the schedule
/// in template.yaml.
const PUBLICATION: Seconds = Seconds::new(300);
/// How long the four steps of a rotation may take, from drawing the key to its being everywhere.
const RUN_TIME: Seconds = Seconds::new(600);
/// By how much the clocks of two functions may differ.
pub(crate) const CLOCK_SKEW: Seconds = Seconds::new(300);
/// The most keys of a set. An RS256 key takes 1.9 kB, the secret 64 kB.
const MAX_KEYS: usize = 24;

/// What a new key must be, and how long it and its predecessors are needed.
#[derive(Clone, Copy, Debug)]
pub struct RotationPolicy {
    algorithm: Algorithm,
    /// How long past [`KEY_SET_CACHE_TIME`] a function may still use a key set.
    max_stale: Seconds,
    /// `JWT_EXPIRATION_DELTA`.
    token_life: Seconds,
}

/// Why the key set that comes next cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NextKeySetError {
    /// The new key, or an old one by its new schedule.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The set as a whole.
    #[error(transparent)]
    KeySet(#[from] KeySetError),
    /// Keys are added faster than they retire.
    #[error("there are {MAX_KEYS} keys already; the next one retires at {0}: rotate less often")]
    TooManyKeys(Timestamp),
}

impl RotationPolicy {
    /// New keys of `algorithm`, for functions that use keys for `max_stale` beyond [`KEY_SET_CACHE_TIME`] and issue
    /// tokens that live for `token_life`.
    pub fn new(algorithm: Algorithm, max_stale: Seconds, token_life: Seconds) -> Self {
        Self { algorithm, max_stale, token_life }
    }

    /// What new keys are.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The first instant at which every cache knows what is in force from `now` on. The caches stand one behind the
    /// other: the table of public keys, the function that serves the JWK set, whoever reads that.
    fn known_everywhere(self, now: Timestamp) -> Timestamp {
        now.plus(PUBLICATION).plus(KEY_SET_CACHE_TIME).plus(self.max_stale).plus(JWK_SET_CACHE_TIME)
    }

    /// When a key that is drawn at `now` may sign: time for the run, then for every cache to have run out.
    fn first_signature(self, now: Timestamp) -> Timestamp {
        self.known_everywhere(now.plus(RUN_TIME))
    }

    /// When no token can be alive that was signed before `end`.
    fn last_death(self, end: Timestamp) -> Timestamp {
        end.plus(self.token_life).plus(CLOCK_SKEW)
    }
}

impl KeySet {
    /// The set that comes after `current` at `now`: one key more, and an end for those that sign and had none.
    ///
    /// Where nothing signs yet, nobody waits for the new key: it signs at once.
    pub fn rotated(
        current: Option<&Self>,
        policy: RotationPolicy,
        now: Timestamp,
    ) -> Result<Self, NextKeySetError> {
        let alive: Vec<&Key> = current.iter().flat_map(|set| set.keys_alive(now)).collect();
        let newer = current.map(|set| set.newer().alive(now)).unwrap_or_default();
        let signs_from = match current.and_then(|set| set.signs_until(now)) {
            None => now,
            Some(end) => policy.first_signature(now).min(end),
        };
        // A key whose turn would come after the new one's has signed nothing and never will.
        let mut keys = alive
            .into_iter()
            .filter(|key| key.schedule().signs_from <= now || key.schedule().signs_from < signs_from)
            .map(|key| {
                let schedule = key.schedule();
                // What others sign with a key that only verifies here is not for a rotation to end.
                let end = key.can_sign().then(|| policy.last_death(signs_from));
                key.with_schedule(Schedule { retires: schedule.retires.or(end), ..schedule })
            })
            .collect::<Result<Vec<_>, _>>()?;
        if keys.len() + newer.keys.len() >= MAX_KEYS {
            let next = keys.iter().filter_map(|key| key.schedule().retires).min();
            return Err(NextKeySetError::TooManyKeys(next.unwrap_or(now)));
        }
        let schedule = Schedule { published: now, signs_from, retires: None };
        keys.push(Key::generate(policy.algorithm, schedule)?);
        Ok(Self::with_newer(keys, newer)?)
    }

    /// Whether `next` is this set one rotation on: the keys that are alive are all there, with the same
    /// schedule or an end that was open, and at least one is new. A key may be gone whose turn would come after the new
    /// one's. What a newer version put into the set is still there.
    pub fn is_followed_by(&self, next: &Self, now: Timestamp) -> bool {
        let turn = next.new_keys(Some(self)).map(|key| key.schedule().signs_from).min();
        let before_its_turn = |key: &&Key| {
            key.schedule().signs_from <= now || turn.is_some_and(|turn| key.schedule().signs_from < turn)
        };
        let kept = self.keys_alive(now).filter(before_its_turn).all(|key| {
            next.keys().iter().any(|other| {
                let (before, after) = (key.schedule(), other.schedule());
                let end_kept = before.retires.is_none() || before.retires == after.retires;
                other.is_same_as(key)
                    && Schedule { retires: None, ..before } == Schedule { retires: None, ..after }
                    && end_kept
            })
        });
        kept && turn.is_some() && self.newer().alive(now) == next.newer().alive(now)
    }

    /// The keys that `current` does not have.
    pub fn new_keys<'a>(&'a self, current: Option<&'a Self>) -> impl Iterator<Item = &'a Key> {
        let known =
            move |key: &Key| current.is_some_and(|set| set.keys().iter().any(|old| old.id() == key.id()));
        self.keys().iter().filter(move |key| !known(key))
    }

    /// Whether the new keys of this set sign late enough for every cache to know them, if the set is in force from `now` on.
    pub fn gives_notice(&self, current: Option<&Self>, policy: RotationPolicy, now: Timestamp) -> bool {
        let nobody_waits = current.and_then(|set| set.signs_until(now)).is_none();
        let earliest = policy.known_everywhere(now);
        nobody_waits || self.new_keys(current).all(|key| earliest <= key.schedule().signs_from)
    }

    pub(crate) fn keys_alive(&self, now: Timestamp) -> impl Iterator<Item = &Key> {
        self.keys().iter().filter(move |key| key.schedule().retires.is_none_or(|retires| now < retires))
    }

    /// Until when some key signs without a break from `now` on; none if none signs at `now`.
    fn signs_until(&self, now: Timestamp) -> Option<Timestamp> {
        let mut until = now;
        while let Some(key) = self.signing_key(until) {
            match key.schedule().retires {
                None => return Some(Timestamp::MAX),
                Some(retires) => until = retires,
            }
        }
        (until > now).then_some(until)
    }
}

#[cfg(test)]
#[path = "rotation_tests.rs"]
mod tests;
