use std::{error::Error, path::PathBuf};

use aws_sdk_secretsmanager::Client;
use token::{KeySet, KeySetError};
use zeroize::Zeroizing;

use crate::{PublicKeys, PublicKeysError};

/// Where the keys are.
pub enum KeySource {
    /// The `AWSCURRENT` version of one secret.
    SecretsManager {
        /// The client to read it with.
        client: Client,
        /// Its ARN or name.
        secret_id: String,
    },
    /// The public halves of what the secret holds; enough to verify with.
    PublicKeys(PublicKeys),
    /// A file that holds what the secret would; for the local server.
    File(PathBuf),
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("Secrets Manager did not answer")]
    SecretsManager(#[source] Box<dyn Error + Send + Sync>),
    #[error("the secret has no SecretString")]
    NotText,
    #[error(transparent)]
    PublicKeys(#[from] PublicKeysError),
    #[error("the key file cannot be read: {0}")]
    File(#[from] std::io::Error),
    #[error(transparent)]
    KeySet(#[from] KeySetError),
}

/// The value in force, and which version of the secret it is.
pub(crate) struct SecretInForce {
    pub(crate) value: Zeroizing<String>,
    pub(crate) version: Option<String>,
}

impl KeySource {
    pub(crate) async fn read(&self) -> Result<KeySet, ReadError> {
        let keys = match self {
            Self::SecretsManager { client, secret_id } => read_secret(client, secret_id).await?.value,
            Self::PublicKeys(published) => return Ok(KeySet::from_public(&published.read().await?)?),
            Self::File(path) => Zeroizing::new(tokio::fs::read_to_string(path).await?),
        };
        Ok(KeySet::from_secret(&keys)?)
    }
}

pub(crate) async fn read_secret(client: &Client, secret_id: &str) -> Result<SecretInForce, ReadError> {
    let answer = client.get_secret_value().secret_id(secret_id).send().await;
    // Not the error itself: it prints the raw response, and with it the secret.
    let answer = answer.map_err(|problem| {
        ReadError::SecretsManager(problem.into_source().unwrap_or_else(|_| "no answer".into()))
    })?;
    let value = Zeroizing::new(answer.secret_string.ok_or(ReadError::NotText)?);
    Ok(SecretInForce { value, version: answer.version_id })
}
