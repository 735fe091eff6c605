//! The calls to Secrets Manager, each with what it means here.

use aws_sdk_secretsmanager::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
};
use token::{KeySet, KeySetError};
use zeroize::Zeroizing;

use crate::{Call, RotationFailure};

const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";

/// The signing secret.
pub(crate) struct Secret {
    client: Client,
    id: String,
}

/// How far the version of a rotation has come.
pub(crate) enum Version {
    /// In force: the rotation is over.
    Current,
    /// Under way; `current` is the version that is still in force.
    Pending { current: String },
}

impl Secret {
    pub(crate) fn new(client: Client, id: String) -> Self {
        Self { client, id }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Where the version `token` stands; refuses what no rotation should touch.
    pub(crate) async fn version(&self, token: &str) -> Result<Version, RotationFailure> {
        let described = self.client.describe_secret().secret_id(&self.id).send().await;
        let described = described.map_err(|error| failed(Call::DescribeSecret, error))?;
        if described.rotation_enabled != Some(true) {
            return Err(RotationFailure::RotationDisabled);
        }
        let versions = described.version_ids_to_stages.unwrap_or_default();
        let labels = versions.get(token).ok_or(RotationFailure::UnknownVersion)?;
        if labels.iter().any(|label| label == CURRENT) {
            return Ok(Version::Current);
        }
        if !labels.iter().any(|label| label == PENDING) {
            return Err(RotationFailure::NotPending);
        }
        let mut versions = versions.into_iter();
        let current = versions.find(|(_, labels)| labels.iter().any(|label| label == CURRENT));
        let (current, _) = current.ok_or(RotationFailure::NothingCurrent)?;
        Ok(Version::Pending { current })
    }

    /// The set in force; none before the first key.
    pub(crate) async fn current(&self) -> Result<Option<KeySet>, RotationFailure> {
        let value = self.value(None, CURRENT).await?.unwrap_or_default();
        match KeySet::from_secret(&value) {
            Ok(keys) => Ok(Some(keys)),
            Err(KeySetError::NoKeys) => Ok(None),
            Err(source) => Err(RotationFailure::Unusable { label: CURRENT, source }),
        }
    }

    /// The set of the rotation `token`; none before `createSecret`.
    pub(crate) async fn pending(&self, token: &str) -> Result<Option<KeySet>, RotationFailure> {
        let Some(value) = self.value(Some(token), PENDING).await? else { return Ok(None) };
        let keys = KeySet::from_secret(&value);
        Ok(Some(keys.map_err(|source| RotationFailure::Unusable { label: PENDING, source })?))
    }

    async fn value(
        &self,
        version: Option<&str>,
        label: &str,
    ) -> Result<Option<Zeroizing<String>>, RotationFailure> {
        let request = self.client.get_secret_value().secret_id(&self.id).version_stage(label);
        match request.set_version_id(version.map(ToOwned::to_owned)).send().await {
            Ok(answer) => Ok(Some(Zeroizing::new(answer.secret_string.unwrap_or_default()))),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(failed(Call::GetSecretValue, error)),
        }
    }

    /// Gives the version `token` its value. A run at the same time that was quicker has won: the
    /// service never replaces the value of a version.
    pub(crate) async fn store_pending(&self, token: &str, keys: &KeySet) -> Result<(), RotationFailure> {
        let request = self.client.put_secret_value().secret_id(&self.id).client_request_token(token);
        let value = keys.to_secret();
        match request.secret_string(value.as_str()).version_stages(PENDING).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("ResourceExistsException") => Ok(()),
            Err(error) => Err(failed(Call::PutSecretValue, error)),
        }
    }

    /// Puts the version `token` in force in place of `current`; refused when another one is by now.
    pub(crate) async fn make_current(&self, token: &str, current: &str) -> Result<(), RotationFailure> {
        let request = self.client.update_secret_version_stage().secret_id(&self.id).version_stage(CURRENT);
        let moved = request.move_to_version_id(token).remove_from_version_id(current).send().await;
        moved.map(drop).map_err(|error| failed(Call::UpdateSecretVersionStage, error))
    }

    /// Takes `AWSPENDING` off the version `token`, so that the next rotation starts afresh.
    pub(crate) async fn give_up(&self, token: &str) -> Result<(), RotationFailure> {
        let request = self.client.update_secret_version_stage().secret_id(&self.id).version_stage(PENDING);
        let removed = request.remove_from_version_id(token).send().await;
        removed.map(drop).map_err(|error| failed(Call::UpdateSecretVersionStage, error))
    }
}

/// Not the error itself: it prints the raw response, and with it the secret.
fn failed<E>(call: Call, error: SdkError<E>) -> RotationFailure
where
    E: std::error::Error + Send + Sync + 'static,
{
    RotationFailure::SecretsManager {
        call,
        source: error.into_source().unwrap_or_else(|_| "no answer".into()),
    }
}
