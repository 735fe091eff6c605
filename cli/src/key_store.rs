use std::{path::PathBuf, time::Duration};

use keyring::{PublicKeys, SecretError, SigningSecret};
use token::KeySet;
use zeroize::Zeroizing;

use crate::{CliError, KeysOptions, invocation::Invocation, signature, store};

/// How often to look whether a rotation is over, a second apart.
const ROTATION_LOOKS: u64 = 60;

/// Where the signing keys are.
pub(crate) enum KeyStore {
    /// A secret of AWS.
    Secret { secret: SigningSecret, published: Option<PublicKeys> },
    /// The local server's data folder.
    Folder(PathBuf),
}

/// What was in force when it was read.
pub(crate) struct Read {
    pub(crate) secret: Zeroizing<String>,
    /// The version of the secret; a file has none.
    version: Option<String>,
}

impl KeyStore {
    /// The store that `options` name; nothing is read yet.
    pub(crate) async fn open(options: &KeysOptions, invocation: &Invocation) -> Result<Self, CliError> {
        if let Some(folder) = &options.local {
            return Ok(Self::Folder(folder.clone()));
        }
        let id = options.secret.clone().or_else(store::signing_secret).ok_or(CliError::NoSecret)?;
        let config = store::aws_config(options.region.as_ref(), options.profile.as_ref(), invocation).await?;
        let table = options.public_keys_table.clone().or_else(store::public_keys_table);
        let published = table.map(|table| PublicKeys::new(aws_sdk_dynamodb::Client::new(&config), &table));
        let secret = SigningSecret::new(aws_sdk_secretsmanager::Client::new(&config), &id);
        Ok(Self::Secret { secret, published })
    }

    pub(crate) async fn read(&self) -> Result<Read, CliError> {
        match self {
            Self::Secret { secret, .. } => {
                let in_force = secret.in_force().await.map_err(failed("read"))?;
                Ok(Read { secret: in_force.value, version: in_force.version })
            }
            Self::Folder(folder) => Ok(Read { secret: signature::local_secret(folder)?, version: None }),
        }
    }

    /// Puts `keys` in force in the place of what was read; rejected if that is in force no more.
    ///
    /// A rotation that is under way loses `AWSPENDING` and with it its chance to bring back what it had read.
    pub(crate) async fn replace(&self, read: &Read, keys: &KeySet) -> Result<(), CliError> {
        let secret = match self {
            Self::Folder(folder) => return Ok(local_data::signing_key::replace(folder, keys)?),
            Self::Secret { secret, .. } => secret,
        };
        let value = keys.to_secret();
        let stored = secret.store_pending(None, &value).await.map_err(failed("change"))?;
        let moved = secret.make_current(stored.as_deref(), read.version.as_deref()).await;
        // Else Secrets Manager would one day take the next rotation for the one that this label began.
        let _nobody_left_to_tell = secret.drop_pending(stored.as_deref()).await;
        moved.map_err(|error| match error.code.as_deref() {
            Some("InvalidParameterException") => CliError::SecretChanged,
            _ => failed("change")(error),
        })
    }

    /// Publishes the public halves of what is in force; `false` if no table of them is known.
    pub(crate) async fn publish(&self) -> Result<bool, CliError> {
        match self {
            Self::Folder(_) | Self::Secret { published: None, .. } => Ok(false),
            Self::Secret { secret, published: Some(published) } => {
                published.publish(secret).await.map_err(CliError::NotPublished)?;
                Ok(true)
            }
        }
    }

    /// Has Secrets Manager rotate the secret, and waits until the new version is in force.
    pub(crate) async fn rotate(&self) -> Result<(), CliError> {
        let Self::Secret { secret, .. } = self else { return Ok(()) };
        let begun = secret.rotate().await.map_err(failed("rotate"))?;
        for _ in 0..ROTATION_LOOKS {
            let versions = secret.versions().await.map_err(failed("read"))?;
            if versions.current() == begun.as_deref() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Err(CliError::RotationUnfinished(ROTATION_LOOKS))
    }
}

fn failed(what: &'static str) -> impl Fn(SecretError) -> CliError {
    move |error| CliError::SecretsManager { what, source: error.source }
}
