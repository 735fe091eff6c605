//! The key set, cached as long as it is good.

use std::sync::Arc;

use aws::with_causes;
use token::{
    Claims, KEY_SET_CACHE_TIME, KeySet, MaybeExpiredClaims, Seconds, Timestamp, TokenError, Verifier,
};
use tokio::sync::Mutex;

use crate::KeySource;

/// The shortest time between two readings that an unknown `kid` or, while older keys may be used, a failure causes.
const COOLDOWN: Seconds = Seconds::new(30);

/// The signing keys of this process, shared by all requests.
pub struct SigningKeys {
    source: KeySource,
    /// For how long past [`KEY_SET_CACHE_TIME`] keys are used while their source fails.
    max_stale: Seconds,
    cache: Mutex<Cache>,
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

#[derive(Default)]
struct Cache {
    /// The last good set and when it was read.
    good: Option<(Arc<KeySet>, Timestamp)>,
    /// When it was last tried, with or without success.
    tried_at: Option<Timestamp>,
}

impl SigningKeys {
    /// The keys of `source`; nothing is read yet.
    pub fn new(source: KeySource, max_stale: Seconds) -> Self {
        Self { source, max_stale, cache: Mutex::default() }
    }

    /// The keys to use at `now`; an error when there are none that may still be used.
    pub async fn current(&self, now: Timestamp) -> Result<Arc<KeySet>, KeysUnavailable> {
        let mut cache = self.cache.lock().await;
        if let Some(keys) = cache.good_for(KEY_SET_CACHE_TIME, now) {
            return Ok(keys);
        }
        // While the source fails, stale keys answer at once and the source is asked once a cooldown.
        let stale = cache.good_for(Seconds::new(KEY_SET_CACHE_TIME.get() + self.max_stale.get()), now);
        match stale {
            Some(keys) if cache.tried_within(COOLDOWN, now) => Ok(keys),
            stale => self.read_into(&mut cache, now).await.or(stale).ok_or(KeysUnavailable),
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

    async fn judge<T>(
        &self,
        verify: impl Fn(&KeySet) -> Result<T, TokenError>,
        now: Timestamp,
    ) -> Result<T, VerificationError> {
        let keys = self.current(now).await?;
        let verdict = match verify(&keys) {
            Err(TokenError::UnknownKey) => match self.read_again(now).await {
                Some(keys) => verify(&keys),
                None => Err(TokenError::UnknownKey),
            },
            verdict => verdict,
        };
        Ok(verdict?)
    }

    /// A newly read set, unless one was read or tried within the cooldown.
    async fn read_again(&self, now: Timestamp) -> Option<Arc<KeySet>> {
        let mut cache = self.cache.lock().await;
        if cache.tried_within(COOLDOWN, now) {
            return None;
        }
        self.read_into(&mut cache, now).await
    }

    async fn read_into(&self, cache: &mut Cache, now: Timestamp) -> Option<Arc<KeySet>> {
        cache.tried_at = Some(now);
        match self.source.read().await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                cache.good = Some((Arc::clone(&keys), now));
                Some(keys)
            }
            Err(error) if cache.good.is_some() => {
                let problem = with_causes(&error);
                tracing::warn!(event = "signing_keys", problem, "the signing keys could not be read again");
                None
            }
            Err(error) => {
                let problem = with_causes(&error);
                tracing::error!(event = "signing_keys", problem, "there are no signing keys");
                None
            }
        }
    }
}

impl Cache {
    fn good_for(&self, life: Seconds, now: Timestamp) -> Option<Arc<KeySet>> {
        let (keys, read_at) = self.good.as_ref()?;
        within(*read_at, life, now).then(|| Arc::clone(keys))
    }

    fn tried_within(&self, life: Seconds, now: Timestamp) -> bool {
        self.tried_at.is_some_and(|tried_at| within(tried_at, life, now))
    }
}

/// Whether `now` is in the `life` after `start`; a clock that was set back has left it.
fn within(start: Timestamp, life: Seconds, now: Timestamp) -> bool {
    start <= now && now < start.plus(life)
}

#[cfg(test)]
#[path = "signing_keys_tests.rs"]
mod tests;
