use std::sync::Arc;

use aws::AwsCause;
use token::{KEY_SET_CACHE_TIME, KeySet, Seconds, Timestamp};
use tracing::{error, warn};

use crate::{Purpose, key_source::ReadError};

/// The shortest time between two readings that an unknown `kid` or, while older keys may be used, a failure causes.
const COOLDOWN: Seconds = Seconds::new(30);

/// The last good set, and how reading it again has gone.
pub(crate) struct Cache {
    /// For how long past [`KEY_SET_CACHE_TIME`] keys are used while their source fails.
    max_stale: Seconds,
    good: Option<Good>,
    /// When a reading last began, with or without success.
    tried_at: Option<Timestamp>,
    last_reading: Reading,
}

struct Good {
    keys: Arc<KeySet>,
    read_at: Timestamp,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Succeeded,
    /// Also while it has not answered yet.
    Failed,
}

/// What the cache has at one instant.
pub(crate) enum Cached {
    /// A set that needs no reading now.
    Usable(Arc<KeySet>),
    /// A set that may still be used, while the source should be read again.
    Due(Arc<KeySet>),
    /// Nothing that may be used.
    Nothing,
}

impl Cache {
    pub(crate) fn new(max_stale: Seconds) -> Self {
        Self { max_stale, good: None, tried_at: None, last_reading: Reading::Succeeded }
    }

    pub(crate) fn at(&self, now: Timestamp) -> Cached {
        let Some(Good { keys, read_at }) = &self.good else { return Cached::Nothing };
        let longest = Seconds::new(KEY_SET_CACHE_TIME.get() + self.max_stale.get());
        if within(*read_at, KEY_SET_CACHE_TIME, now) {
            Cached::Usable(Arc::clone(keys))
        } else if !within(*read_at, longest, now) {
            Cached::Nothing
        } else if self.is_cooling_down(now) {
            Cached::Usable(Arc::clone(keys))
        } else {
            Cached::Due(Arc::clone(keys))
        }
    }

    /// Whether a reading has begun within the cooldown.
    pub(crate) fn is_cooling_down(&self, now: Timestamp) -> bool {
        self.tried_at.is_some_and(|tried_at| within(tried_at, COOLDOWN, now))
    }

    /// Whether the last reading succeeded: if it did not, nobody waits for the next one.
    pub(crate) fn source_answers(&self) -> bool {
        self.last_reading == Reading::Succeeded
    }

    /// Notes that a reading begins.
    pub(crate) fn begin(&mut self, now: Timestamp) {
        self.tried_at = Some(now);
        self.last_reading = Reading::Failed;
    }

    /// Takes what was read in a reading that began at `now`, and returns it if it may be used.
    pub(crate) fn finish(
        &mut self,
        read: Result<KeySet, ReadError>,
        purpose: Purpose,
        now: Timestamp,
    ) -> Option<Arc<KeySet>> {
        let keys = match read {
            Ok(keys) => keys,
            Err(error) => {
                let problem = AwsCause::for_log(&error);
                if self.good.is_some() {
                    warn!(event = "signing_keys", problem, "the signing keys could not be read again");
                } else {
                    error!(event = "signing_keys", problem, "there are no signing keys");
                }
                return None;
            }
        };
        self.last_reading = Reading::Succeeded;
        let signs = |keys: &KeySet| keys.signing_key(now).is_some();
        let previous_signs = self.at(now).keys().is_some_and(|previous| signs(&previous));
        if purpose == Purpose::Sign && !signs(&keys) && previous_signs {
            let problem = "no key signs yet";
            warn!(event = "signing_keys", problem, "the previous signing keys stay in use");
            return None;
        }
        let keys = Arc::new(keys);
        self.good = Some(Good { keys: Arc::clone(&keys), read_at: now });
        Some(keys)
    }
}

impl Cached {
    pub(crate) fn keys(self) -> Option<Arc<KeySet>> {
        match self {
            Self::Usable(keys) | Self::Due(keys) => Some(keys),
            Self::Nothing => None,
        }
    }
}

/// Whether `now` is in the `life` after `start`; a clock that was set back has left it.
fn within(start: Timestamp, life: Seconds, now: Timestamp) -> bool {
    start <= now && now < start.plus(life)
}
