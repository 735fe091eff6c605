//! The rotation function of the signing secret.
//!
//! Secrets Manager calls it four times with one `ClientRequestToken`, which names the new version of
//! the secret, and calls it again after a failure. Each step finds out what is done already, keeps
//! nothing in memory, and makes at most one call that changes something: killed after any call, the
//! next run of the same steps ends where the first would have.
//!
//! - `createSecret` stores the next key set as `AWSPENDING`, unless the version has a value
//! - `setSecret` has nothing to set: nobody but the secret holds the keys
//! - `testSecret` signs and verifies tokens with the pending set
//! - `finishSecret` moves `AWSCURRENT`, in one call, and publishes the public halves
//!
//! A schedule calls it with the step `publish`, which does the last alone: for a secret that was changed by hand.

mod error;
mod secret;

use edge::{AuditDetails, Environment, SettingError, TaskOutcome, log::Field};
use keyring::{PublicKeys, PublicKeysError, Publication, SigningSecret};
use serde::Deserialize;
use serde_json::Value;
use token::{
    Algorithm, CustomClaims, Issuer, Key, KeySet, Lifetime, RotationPolicy, Seconds, SessionId, Subject,
    Timestamp, TokenId, UserId, Verifier,
};

pub use error::RotationError;
use secret::{Secret, Version};

/// The step of the schedule.
const PUBLISH: &str = "publish";
/// What an event may ask for.
const STEPS: [&str; 5] = ["createSecret", "setSecret", "testSecret", "finishSecret", PUBLISH];

/// The use case and all that it may touch.
pub struct RotateKeys {
    secret: Secret,
    published: Option<PublicKeys>,
    policy: RotationPolicy,
    issuer: Issuer,
}

/// What Secrets Manager sends; other members are none of ours.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    step: String,
    secret_id: String,
    client_request_token: String,
}

/// What a step has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Whether it changed anything: a step may be repeated.
    pub changed: bool,
    /// The key that signs now, if the step has looked.
    pub signing_key: Option<String>,
}

impl RotateKeys {
    /// Rotation of the one secret and by the policy that `environment` sets; the public halves go to `published`.
    pub fn new(
        secret: SigningSecret,
        published: Option<PublicKeys>,
        environment: &Environment<'_>,
    ) -> Result<Self, SettingError> {
        Ok(Self {
            secret: Secret::new(secret),
            published,
            policy: environment.rotation_policy()?,
            issuer: environment.issuer()?,
        })
    }

    /// Does one step at `now`, and says what the log is to have of it.
    pub async fn run(&self, event: &Value, now: Timestamp) -> TaskOutcome<RotationError> {
        let step = STEPS.into_iter().find(|step| event.get("Step").is_some_and(|told| told == step));
        let result = self.handle(event, now).await;
        let mut details = AuditDetails::default().with_any(Field::Step, step);
        let mut is_news = true;
        if let Ok(work) = &result {
            details = details
                .with(Field::Changed, work.changed)
                .with_any(Field::SigningKey, work.signing_key.clone());
            is_news = work.changed || step != Some(PUBLISH);
        }
        TaskOutcome { result: result.map(drop), details, is_news }
    }

    /// Does one step at `now`. An error leaves the secret as it was, or as it is after the step.
    pub async fn handle(&self, event: &Value, now: Timestamp) -> Result<Work, RotationError> {
        if event.get("Step").is_some_and(|step| step == PUBLISH) {
            return self.publish(now).await;
        }
        let event = Event::deserialize(event).map_err(|_| RotationError::UnreadableEvent)?;
        if event.secret_id != self.secret.id() {
            return Err(RotationError::OtherSecret);
        }
        let step = match event.step.as_str() {
            "createSecret" => Step::Create,
            "setSecret" => Step::Set,
            "testSecret" => Step::Test,
            "finishSecret" => Step::Finish,
            _ => return Err(RotationError::UnknownStep),
        };
        let token = event.client_request_token;
        let changed = match self.secret.version(&token).await? {
            Version::Current => false,
            Version::Pending { current } => match step {
                Step::Create => self.create(&token, now).await?,
                Step::Set => false,
                Step::Test => {
                    self.tested(&token, &step, now).await?;
                    false
                }
                Step::Finish => {
                    // Time has passed since the test, and the secret may have been changed by hand.
                    self.tested(&token, &step, now).await?;
                    self.secret.make_current(&token, &current).await?;
                    true
                }
            },
        };
        if !matches!(step, Step::Finish) {
            return Ok(Work { changed, signing_key: None });
        }
        let published = self.publish(now).await?;
        Ok(Work { changed: changed || published.changed, ..published })
    }

    async fn publish(&self, now: Timestamp) -> Result<Work, RotationError> {
        let Some(table) = &self.published else { return Ok(Work::default()) };
        let published = match table.publish(self.secret.signing_secret()).await {
            // Where new keys are HS256, nobody reads the table.
            Err(PublicKeysError::NoPublicHalf) if self.policy.algorithm() == Algorithm::HS256 => {
                self.secret.current().await?.map(|keys| Publication { keys, changed: false })
            }
            published => published?,
        };
        let mut work = Work::default();
        if let Some(Publication { keys, changed }) = &published {
            work.changed = *changed;
            if let Some(key) = keys.signing_key(now) {
                let since = key.schedule().signs_from.seconds();
                edge::metrics::signing_key_age(Seconds::new(now.seconds().saturating_sub(since)));
                work.signing_key = Some(key.id().to_owned());
            }
        }
        Ok(work)
    }

    /// Whether a value was stored.
    async fn create(&self, token: &str, now: Timestamp) -> Result<bool, RotationError> {
        if self.pending(token).await?.is_some() {
            return Ok(false);
        }
        let current = self.secret.current().await?;
        let next = KeySet::rotated(current.as_ref(), self.policy, now)?;
        self.secret.store_pending(token, &next).await?;
        Ok(true)
    }

    /// The pending key set. A value that is not a key set loses its `AWSPENDING` label first: Secrets Manager rejects new
    /// rotations while the label is there.
    async fn pending(&self, token: &str) -> Result<Option<KeySet>, RotationError> {
        let pending = self.secret.pending(token).await;
        if let Err(RotationError::Unusable { .. }) = pending {
            self.secret.give_up(token).await?;
        }
        pending
    }

    /// Whether the pending set may come into force at `now`.
    ///
    /// One that is not the next of today's secret, or would sign before every cache knows it, never
    /// may: its label is taken off, for else Secrets Manager would reject every further rotation.
    async fn tested(&self, token: &str, step: &Step, now: Timestamp) -> Result<(), RotationError> {
        let pending = self.pending(token).await?.ok_or(RotationError::NoPendingValue)?;
        let current = self.secret.current().await?;
        // So Secrets Manager tries a rotation function when rotation is switched on without one that begins at once.
        let rehearsal = current.as_ref().is_some_and(|set| set.to_secret() == pending.to_secret());
        if rehearsal && matches!(step, Step::Test) {
            return self.sign_and_verify(&pending, None, now);
        }
        // The first set is one key, drawn by this rotation; more were drawn for another secret than the one in force.
        let follows = match &current {
            Some(set) => set.is_followed_by(&pending, now),
            None => pending.keys().len() == 1,
        };
        let unfit = if !follows {
            Some(RotationError::NotTheNext)
        } else if !pending.gives_notice(current.as_ref(), self.policy, now) {
            Some(RotationError::TooLate)
        } else {
            None
        };
        if let Some(unfit) = unfit {
            self.secret.give_up(token).await?;
            return Err(unfit);
        }
        for key in pending.new_keys(current.as_ref()) {
            self.sign_and_verify(&pending, Some(key), key.schedule().signs_from.max(now))?;
        }
        self.sign_and_verify(&pending, None, now)
    }

    /// Issues a token at `now`, with `signer` if one is given, and verifies it, with the set itself and with its public half.
    fn sign_and_verify(
        &self,
        keys: &KeySet,
        signer: Option<&Key>,
        now: Timestamp,
    ) -> Result<(), RotationError> {
        let signs = keys.signing_key(now).ok_or(RotationError::DoesNotSign)?;
        if signer.is_some_and(|signer| !signer.is_same_as(signs)) {
            return Err(RotationError::DoesNotSign);
        }
        let entropy = || edge::random::entropy().map_err(|_| RotationError::DoesNotSign);
        let claims = self.issuer.claims(
            Subject { id: UserId::new(entropy()?), username: "rotation test" },
            SessionId::new(entropy()?),
            TokenId::new(entropy()?),
            Lifetime { issued_at: now, expires_at: now.plus(Seconds::new(1)) },
            CustomClaims::default(),
        );
        let token = self.issuer.issue(&claims, keys, now).map_err(|_| RotationError::DoesNotSign)?;
        let verifier = Verifier::new(self.issuer.clone());
        let accepted = |keys: &KeySet| verifier.verify(&token, keys, now).is_ok();
        let in_public = match (signs.public_jwk(), keys.to_public()) {
            (Some(_), Some(public)) => KeySet::from_public(&public).is_ok_and(|public| accepted(&public)),
            (Some(_), None) => false,
            (None, _) => true,
        };
        if accepted(keys) && in_public { Ok(()) } else { Err(RotationError::DoesNotVerify) }
    }
}

enum Step {
    Create,
    Set,
    Test,
    Finish,
}
