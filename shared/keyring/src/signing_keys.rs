//! The key set, cached as long as it is good.
//!
//! Every reading runs as a task of its own, so a caller that gives up does not end it. While a set may still be used,
//! nobody waits for a source that does not answer.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use token::{
    AccessToken, AccessVerifier, Claims, KeySet, MaybeExpiredClaims, Seconds, Timestamp, TokenError, Verifier,
};
use tokio::{sync::OwnedMutexGuard, task::JoinHandle};

use crate::{
    KeySource,
    key_cache::{Cache, Cached},
};

/// How long a caller waits for a renewed set while an older one may still be used: longer than a reading takes, a new
/// connection included.
///
/// Only one caller waits, and only if the last reading succeeded, so an outage costs it once.
const PATIENCE: Duration = Duration::from_millis(300);

/// The signing keys of this process, shared by all requests.
pub struct SigningKeys {
    shared: Arc<Shared>,
    patience: Duration,
}

struct Shared {
    source: KeySource,
    purpose: Purpose,
    cache: Mutex<Cache>,
    /// Held while the source is read.
    reading: Arc<tokio::sync::Mutex<()>>,
}

/// What the keys are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Issuing tokens: a set in which no key signs yet never replaces one that can sign.
    Sign,
    /// Verifying or publishing alone.
    Verify,
}

/// There is no key set that may still be used. The reason is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are no signing keys that may be used")]
pub struct KeysUnavailable;

/// Why a token was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerificationError {
    /// Nothing can be verified at the moment.
    #[error(transparent)]
    KeysUnavailable(#[from] KeysUnavailable),
    /// The token is at fault.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl SigningKeys {
    /// The keys of `source`, used up to `max_stale` beyond their cache time while it fails; nothing is read yet.
    pub fn new(source: KeySource, purpose: Purpose, max_stale: Seconds) -> Self {
        let (cache, reading) = (Mutex::new(Cache::new(max_stale)), Arc::default());
        Self { shared: Arc::new(Shared { source, purpose, cache, reading }), patience: PATIENCE }
    }

    /// Waits this long for a renewed set instead of 300 ms. For tests on busy machines.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The keys to use at `now`; an error when there are none that may still be used.
    pub async fn current(&self, now: Timestamp) -> Result<Arc<KeySet>, KeysUnavailable> {
        let cached = self.shared.cache().at(now);
        match cached {
            Cached::Usable(keys) => Ok(keys),
            Cached::Due(keys) => Ok(self.renewed(now).await.unwrap_or(keys)),
            Cached::Nothing => self.first(now).await.ok_or(KeysUnavailable),
        }
    }

    /// Reads the keys before they are needed, and opens the connection; a failure is logged and tried again then.
    ///
    /// An RSA key prepares itself at its first signature, which takes as long as several more; here it signs nothing
    /// that anybody gets to see.
    pub async fn warm_up(&self, now: Timestamp) {
        if let Ok(keys) = self.current(now).await {
            let _ = keys.signing_key(now).and_then(|key| key.sign(b"warm-up"));
        }
    }

    /// The claims of `token`; a `kid` that is not in the cached set causes one reading a cooldown.
    pub async fn verify(
        &self,
        verifier: &Verifier,
        token: &str,
        now: Timestamp,
    ) -> Result<Claims, VerificationError> {
        self.judge(|keys| verifier.verify(token, keys, now), now).await
    }

    /// Like [`verify`](Self::verify), but also accepts a token that has expired: for ending its own session.
    pub async fn verify_even_expired(
        &self,
        verifier: &Verifier,
        token: &str,
        now: Timestamp,
    ) -> Result<MaybeExpiredClaims, VerificationError> {
        self.judge(|keys| verifier.verify_even_expired(token, keys, now), now).await
    }

    /// What an access `token` says; like [`verify`](Self::verify).
    pub async fn verify_access(
        &self,
        verifier: &AccessVerifier,
        token: &str,
        now: Timestamp,
    ) -> Result<AccessToken, VerificationError> {
        self.judge(|keys| verifier.verify(token, keys, now), now).await
    }

    async fn judge<T>(
        &self,
        verify: impl Fn(&KeySet) -> Result<T, TokenError>,
        now: Timestamp,
    ) -> Result<T, VerificationError> {
        let keys = self.current(now).await?;
        let verdict = match verify(&keys) {
            Err(TokenError::UnknownKey) => match self.renewed_for_unknown_key(now).await {
                Some(keys) => verify(&keys),
                None => Err(TokenError::UnknownKey),
            },
            verdict => verdict,
        };
        Ok(verdict?)
    }

    /// A newly read set, unless one was read or tried within the cooldown.
    async fn renewed_for_unknown_key(&self, now: Timestamp) -> Option<Arc<KeySet>> {
        let cooling_down = self.shared.cache().is_cooling_down(now);
        if cooling_down { None } else { self.renewed(now).await }
    }

    /// A newly read set, if the source gives it soon; else the reading goes on and later callers find what it read.
    async fn renewed(&self, now: Timestamp) -> Option<Arc<KeySet>> {
        let reading = Arc::clone(&self.shared.reading).try_lock_owned().ok()?;
        let answers = self.shared.cache().source_answers();
        let reading = self.read(reading, now);
        if !answers {
            return None;
        }
        tokio::time::timeout(self.patience, reading).await.ok()?.ok()?
    }

    /// The first set of this process, or the first after a long outage. Callers side by side share one reading.
    async fn first(&self, now: Timestamp) -> Option<Arc<KeySet>> {
        if let Ok(reading) = Arc::clone(&self.shared.reading).try_lock_owned() {
            return self.read(reading, now).await.ok()?;
        }
        drop(self.shared.reading.lock().await);
        self.shared.cache().at(now).keys()
    }

    fn read(&self, reading: OwnedMutexGuard<()>, now: Timestamp) -> JoinHandle<Option<Arc<KeySet>>> {
        let shared = Arc::clone(&self.shared);
        shared.cache().begin(now);
        tokio::spawn(async move {
            let read = shared.source.read().await;
            let keys = shared.cache().finish(read, shared.purpose, now);
            drop(reading);
            keys
        })
    }
}

impl Shared {
    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "signing_keys_tests.rs"]
mod tests;
