//! The key set, cached as long as it is good.

use std::sync::Arc;

use lambda_http::tracing::{error, warn};
use token::{Claims, KeySet, Seconds, Timestamp, TokenError, Verifier};
use tokio::sync::Mutex;
use users::StoreError;

use crate::{
    Environment, KeySource, PublicKeys, Refusal, SettingError, aws::AwsSettings, refusal::refuse_token,
    refusal::with_causes,
};

/// How long a key set is used before it is read again.
pub(crate) const CACHE_TIME: Seconds = Seconds::new(300);
/// The shortest time between two readings that an unknown `kid` or, while older keys may be used, a failure causes.
const COOLDOWN: Seconds = Seconds::new(30);

/// The signing keys of this process, shared by all requests.
pub struct SigningKeys {
    source: KeySource,
    /// For how long past [`CACHE_TIME`] keys are used while their source fails.
    max_stale: Seconds,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    /// The last good set and when it was read.
    good: Option<(Arc<KeySet>, Timestamp)>,
    /// When it was last tried, with or without success.
    tried_at: Option<Timestamp>,
}

impl SigningKeys {
    /// The keys of the secret that `environment` names; nothing is read yet.
    pub fn from_environment(environment: &Environment<'_>, aws: &AwsSettings) -> Result<Self, SettingError> {
        let source = KeySource::SecretsManager {
            client: aws.secrets_manager(),
            secret_id: environment.signing_secret()?,
        };
        Ok(Self::new(source, environment.keys_max_stale()?))
    }

    /// The keys to verify with: those of `PUBLIC_KEYS_TABLE` where it is set, else the secret's.
    pub fn to_verify(environment: &Environment<'_>, aws: &AwsSettings) -> Result<Self, SettingError> {
        let Some(table) = environment.public_keys_table() else {
            return Self::from_environment(environment, aws);
        };
        let source = KeySource::PublicKeys(PublicKeys::new(aws.dynamodb(), &table));
        Ok(Self::new(source, environment.keys_max_stale()?))
    }

    /// The keys of `source`; nothing is read yet.
    pub fn new(source: KeySource, max_stale: Seconds) -> Self {
        Self { source, max_stale, cache: Mutex::default() }
    }

    /// The keys to use at `now`; a refusal with 503 when there are none that may still be used.
    pub async fn current(&self, now: Timestamp) -> Result<Arc<KeySet>, Refusal> {
        let mut cache = self.cache.lock().await;
        if let Some(keys) = cache.good_for(CACHE_TIME, now) {
            return Ok(keys);
        }
        // While the source fails, stale keys answer at once and the source is asked once a cooldown.
        let stale = cache.good_for(Seconds::new(CACHE_TIME.get() + self.max_stale.get()), now);
        match stale {
            Some(keys) if cache.tried_within(COOLDOWN, now) => Ok(keys),
            stale => self.read_into(&mut cache, now).await.or(stale).ok_or(Refusal::NoKeys),
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

    /// Does so beside the opening of a connection to the users.
    pub async fn warm_up_with(&self, users: impl Future<Output = Result<(), StoreError>>, now: Timestamp) {
        let (opened, ()) = futures_util::future::join(users, self.warm_up(now)).await;
        if let Err(problem) = opened {
            warn!(event = "warm_up", problem = with_causes(&problem), "the users cannot be read yet");
        }
    }

    /// The claims of `token`; a `kid` that is not in the cached set causes one reading a cooldown.
    pub async fn verify(&self, verifier: &Verifier, token: &str, now: Timestamp) -> Result<Claims, Refusal> {
        let keys = self.current(now).await?;
        let verdict = match verifier.verify(token, &keys, now) {
            Err(TokenError::UnknownKey) => match self.read_again(now).await {
                Some(keys) => verifier.verify(token, &keys, now),
                None => Err(TokenError::UnknownKey),
            },
            verdict => verdict,
        };
        verdict.map_err(refuse_token)
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
            Err(problem) if cache.good.is_some() => {
                let problem = with_causes(&problem);
                warn!(event = "signing_keys", problem, "the signing keys could not be read again");
                None
            }
            Err(problem) => {
                let problem = with_causes(&problem);
                error!(event = "signing_keys", problem, "there are no signing keys");
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
