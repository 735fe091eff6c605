//! Every call to Secrets Manager, and what its answer means for one secret.

use std::{collections::HashMap, error::Error, fmt};

use aws_sdk_secretsmanager::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
};
use zeroize::Zeroizing;

/// The signing secret.
#[derive(Clone, Debug)]
pub struct SigningSecret {
    client: Client,
    id: String,
}

/// The value in force, and which version of the secret it is.
pub struct SecretInForce {
    /// A key set, or `hs256:` and one HS256 key.
    pub value: Zeroizing<String>,
    /// The version's id.
    pub version: Option<String>,
}

/// The label of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// `AWSCURRENT`: in force.
    Current,
    /// `AWSPENDING`: of a rotation that is under way.
    Pending,
}

/// What `DescribeSecret` says.
pub struct Versions {
    /// Whether Secrets Manager rotates the secret.
    pub rotation_enabled: bool,
    stages: HashMap<String, Vec<String>>,
}

/// A call to Secrets Manager, as IAM names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Labels and whether rotation is on.
    DescribeSecret,
    /// One version's value.
    GetSecretValue,
    /// A new version.
    PutSecretValue,
    /// A rotation that starts at once.
    RotateSecret,
    /// Moving or removing a label.
    UpdateSecretVersionStage,
}

/// A call that failed. Carries no key material.
#[derive(Debug, thiserror::Error)]
#[error("{call} failed")]
pub struct SecretError {
    /// The call.
    pub call: Call,
    /// The error code of Secrets Manager, if it answered.
    pub code: Option<String>,
    /// What it or the network said; never the response, which may hold the secret.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

#[derive(Debug, thiserror::Error)]
#[error("the secret has no SecretString")]
struct NotText;

impl SigningSecret {
    /// The secret `id`, an ARN or a name; nothing is read yet.
    pub fn new(client: Client, id: &str) -> Self {
        Self { client, id: id.to_owned() }
    }

    /// Its ARN or name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The value in force.
    pub async fn in_force(&self) -> Result<SecretInForce, SecretError> {
        let response = self.client.get_secret_value().secret_id(&self.id).send().await;
        let response = response.map_err(|error| failed(Call::GetSecretValue, error))?;
        let value = response.secret_string.ok_or_else(|| SecretError {
            call: Call::GetSecretValue,
            code: None,
            source: NotText.into(),
        })?;
        Ok(SecretInForce { value: Zeroizing::new(value), version: response.version_id })
    }

    /// The value that carries this label, of the version `version` if one is given; `None` if there is none.
    pub async fn value(
        &self,
        stage: Stage,
        version: Option<&str>,
    ) -> Result<Option<Zeroizing<String>>, SecretError> {
        let request = self.client.get_secret_value().secret_id(&self.id).version_stage(stage.label());
        match request.set_version_id(version.map(ToOwned::to_owned)).send().await {
            Ok(response) => Ok(Some(Zeroizing::new(response.secret_string.unwrap_or_default()))),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(failed(Call::GetSecretValue, error)),
        }
    }

    /// The versions and their labels.
    pub async fn versions(&self) -> Result<Versions, SecretError> {
        let described = self.client.describe_secret().secret_id(&self.id).send().await;
        let described = described.map_err(|error| failed(Call::DescribeSecret, error))?;
        Ok(Versions {
            rotation_enabled: described.rotation_enabled == Some(true),
            stages: described.version_ids_to_stages.unwrap_or_default(),
        })
    }

    /// Stores `value` as `AWSPENDING`, as the version `version` if one is given, and returns the version's id.
    ///
    /// Secrets Manager never replaces the value of a version: if a parallel run was quicker, it has won and this
    /// succeeds.
    pub async fn store_pending(
        &self,
        version: Option<&str>,
        value: &str,
    ) -> Result<Option<String>, SecretError> {
        let request = self.client.put_secret_value().secret_id(&self.id);
        let request = request.set_client_request_token(version.map(ToOwned::to_owned));
        match request.secret_string(value).version_stages(Stage::Pending.label()).send().await {
            Ok(response) => Ok(response.version_id),
            Err(error) if error.code() == Some("ResourceExistsException") => {
                Ok(version.map(ToOwned::to_owned))
            }
            Err(error) => Err(failed(Call::PutSecretValue, error)),
        }
    }

    /// Puts the version `version` in force in place of `current`; fails with `InvalidParameterException` if another
    /// one is in force by now.
    pub async fn make_current(
        &self,
        version: Option<&str>,
        current: Option<&str>,
    ) -> Result<(), SecretError> {
        let request = self.client.update_secret_version_stage().secret_id(&self.id);
        let moved = request
            .version_stage(Stage::Current.label())
            .set_move_to_version_id(version.map(ToOwned::to_owned))
            .set_remove_from_version_id(current.map(ToOwned::to_owned));
        moved.send().await.map(drop).map_err(|error| failed(Call::UpdateSecretVersionStage, error))
    }

    /// Takes `AWSPENDING` off the version `version`, so that the next rotation starts afresh.
    pub async fn drop_pending(&self, version: Option<&str>) -> Result<(), SecretError> {
        let request = self.client.update_secret_version_stage().secret_id(&self.id);
        let request = request.version_stage(Stage::Pending.label());
        let removed = request.set_remove_from_version_id(version.map(ToOwned::to_owned)).send().await;
        removed.map(drop).map_err(|error| failed(Call::UpdateSecretVersionStage, error))
    }

    /// Has Secrets Manager start a rotation, and returns the id of the version it will make.
    pub async fn rotate(&self) -> Result<Option<String>, SecretError> {
        let begun = self.client.rotate_secret().secret_id(&self.id).send().await;
        Ok(begun.map_err(|error| failed(Call::RotateSecret, error))?.version_id)
    }
}

impl Versions {
    /// Whether there is a version of this id.
    pub fn contains(&self, version: &str) -> bool {
        self.stages.contains_key(version)
    }

    /// Whether the version `version` carries this label.
    pub fn is_at(&self, version: &str, stage: Stage) -> bool {
        self.stages.get(version).is_some_and(|labels| labels.iter().any(|label| label == stage.label()))
    }

    /// The version in force.
    pub fn current(&self) -> Option<&str> {
        self.stages.keys().map(String::as_str).find(|version| self.is_at(version, Stage::Current))
    }
}

impl Stage {
    /// The label as Secrets Manager spells it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Current => "AWSCURRENT",
            Self::Pending => "AWSPENDING",
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

fn failed<E>(call: Call, error: SdkError<E>) -> SecretError
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let code = error.code().map(ToOwned::to_owned);
    SecretError { call, code, source: aws::cause_of(error).into() }
}
