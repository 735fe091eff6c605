use std::path::PathBuf;

use token::{KeySet, KeySetError};
use zeroize::Zeroizing;

use crate::{PublicKeys, PublicKeysError, SecretError, SigningSecret};

/// Where the keys are.
pub enum KeySource {
    /// The `AWSCURRENT` version of one secret.
    Secret(SigningSecret),
    /// The public halves of what the secret holds; enough to verify with.
    PublicKeys(PublicKeys),
    /// A file that holds what the secret would; for the local server.
    File(PathBuf),
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    PublicKeys(#[from] PublicKeysError),
    #[error("the key file cannot be read: {0}")]
    File(#[from] std::io::Error),
    #[error(transparent)]
    KeySet(#[from] KeySetError),
}

impl KeySource {
    pub(crate) async fn read(&self) -> Result<KeySet, ReadError> {
        let keys = match self {
            Self::Secret(secret) => secret.in_force().await?.value,
            Self::PublicKeys(published) => return Ok(KeySet::from_public(&published.read().await?)?),
            Self::File(path) => Zeroizing::new(tokio::fs::read_to_string(path).await?),
        };
        Ok(KeySet::from_secret(&keys)?)
    }
}
