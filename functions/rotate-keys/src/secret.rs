//! Where a rotation of the signing secret stands.

use keyring::{SecretError, SigningSecret, Stage};
use token::{KeySet, KeySetError};

use crate::RotationError;

/// The signing secret.
pub(crate) struct Secret(SigningSecret);

/// How far the version of a rotation has come.
pub(crate) enum Version {
    /// In force: the rotation is over.
    Current,
    /// Under way; `current` is the version that is still in force.
    Pending { current: String },
}

impl Secret {
    pub(crate) fn new(secret: SigningSecret) -> Self {
        Self(secret)
    }

    pub(crate) fn signing_secret(&self) -> &SigningSecret {
        &self.0
    }

    pub(crate) fn id(&self) -> &str {
        self.0.id()
    }

    /// Where the version `token` stands; rejects what no rotation should touch.
    pub(crate) async fn version(&self, token: &str) -> Result<Version, RotationError> {
        let versions = self.0.versions().await?;
        if !versions.rotation_enabled {
            return Err(RotationError::RotationDisabled);
        }
        if !versions.contains(token) {
            return Err(RotationError::UnknownVersion);
        }
        if versions.is_at(token, Stage::Current) {
            return Ok(Version::Current);
        }
        if !versions.is_at(token, Stage::Pending) {
            return Err(RotationError::NotPending);
        }
        let current = versions.current().ok_or(RotationError::NothingCurrent)?;
        Ok(Version::Pending { current: current.to_owned() })
    }

    /// The set in force; none before the first key.
    pub(crate) async fn current(&self) -> Result<Option<KeySet>, RotationError> {
        let value = self.0.value(Stage::Current, None).await?.unwrap_or_default();
        match KeySet::from_secret(&value) {
            Ok(keys) => Ok(Some(keys)),
            Err(KeySetError::NoKeys) => Ok(None),
            Err(source) => Err(RotationError::Unusable { label: Stage::Current.label(), source }),
        }
    }

    /// The set of the rotation `token`; none before `createSecret`.
    pub(crate) async fn pending(&self, token: &str) -> Result<Option<KeySet>, RotationError> {
        let Some(value) = self.0.value(Stage::Pending, Some(token)).await? else { return Ok(None) };
        let keys = KeySet::from_secret(&value);
        let label = Stage::Pending.label();
        Ok(Some(keys.map_err(|source| RotationError::Unusable { label, source })?))
    }

    /// Gives the version `token` its value, unless it has one.
    pub(crate) async fn store_pending(&self, token: &str, keys: &KeySet) -> Result<(), SecretError> {
        self.0.store_pending(Some(token), &keys.to_secret()).await.map(drop)
    }

    /// Puts the version `token` in force in place of `current`; fails if another one is in force by now.
    pub(crate) async fn make_current(&self, token: &str, current: &str) -> Result<(), SecretError> {
        self.0.make_current(Some(token), Some(current)).await
    }

    /// Takes `AWSPENDING` off the version `token`, so that the next rotation starts afresh.
    pub(crate) async fn give_up(&self, token: &str) -> Result<(), SecretError> {
        self.0.drop_pending(Some(token)).await
    }
}
