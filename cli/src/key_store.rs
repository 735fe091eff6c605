use std::{path::PathBuf, time::Duration};

use aws_sdk_secretsmanager::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
};
use edge::PublicKeys;
use token::KeySet;
use zeroize::Zeroizing;

use crate::{Failure, KeysOptions, signature, store};

/// How often to look whether a rotation is over, a second apart.
const ROTATION_LOOKS: u64 = 60;

/// Where the signing keys are.
pub(crate) enum KeyStore {
    /// A secret of AWS.
    Secret { client: Client, id: String, published: Option<PublicKeys> },
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
    pub(crate) async fn open(options: &KeysOptions) -> Result<Self, Failure> {
        if let Some(folder) = &options.local {
            return Ok(Self::Folder(folder.clone()));
        }
        let id = options.secret.clone().or_else(store::signing_secret).ok_or(Failure::NoSecret)?;
        let config = store::aws_config(options.region.as_ref(), options.profile.as_ref()).await?;
        let table = options.public_keys_table.clone().or_else(store::public_keys_table);
        let published = table.map(|table| PublicKeys::new(aws_sdk_dynamodb::Client::new(&config), &table));
        Ok(Self::Secret { client: Client::new(&config), id, published })
    }

    pub(crate) async fn read(&self) -> Result<Read, Failure> {
        match self {
            Self::Secret { client, id, .. } => {
                let answer = client.get_secret_value().secret_id(id).send().await;
                let answer = answer.map_err(|problem| failed("read", problem))?;
                let secret = Zeroizing::new(answer.secret_string.unwrap_or_default());
                Ok(Read { secret, version: answer.version_id })
            }
            Self::Folder(folder) => {
                Ok(Read { secret: Zeroizing::new(signature::local_secret(folder)?), version: None })
            }
        }
    }

    /// Puts `keys` in force in the place of what was read; refused if that is in force no more.
    ///
    /// A rotation that is under way loses `AWSPENDING` and with it its chance to bring back what it had read.
    pub(crate) async fn replace(&self, read: &Read, keys: &KeySet) -> Result<(), Failure> {
        let (client, id) = match self {
            Self::Folder(folder) => return Ok(local_data::signing_key::replace(folder, keys)?),
            Self::Secret { client, id, .. } => (client, id),
        };
        let secret = keys.to_secret();
        let stored = client.put_secret_value().secret_id(id).version_stages("AWSPENDING");
        let stored = stored.secret_string(secret.as_str()).send().await;
        let stored = stored.map_err(|problem| failed("change", problem))?.version_id;
        let moved = client.update_secret_version_stage().secret_id(id).version_stage("AWSCURRENT");
        let moved =
            moved.set_move_to_version_id(stored.clone()).set_remove_from_version_id(read.version.clone());
        let moved = moved.send().await;
        // Else Secrets Manager would one day take the next rotation for the one that this label began.
        let label = client.update_secret_version_stage().secret_id(id).version_stage("AWSPENDING");
        let _nobody_left_to_tell = label.set_remove_from_version_id(stored).send().await;
        let Err(problem) = moved else { return Ok(()) };
        match problem.code() {
            Some("InvalidParameterException") => Err(Failure::SecretChanged),
            _ => Err(failed("change", problem)),
        }
    }

    /// Publishes the public halves of what is in force; `false` if no table of them is known.
    pub(crate) async fn publish(&self) -> Result<bool, Failure> {
        match self {
            Self::Folder(_) | Self::Secret { published: None, .. } => Ok(false),
            Self::Secret { client, id, published: Some(published) } => {
                published.publish(client, id).await.map_err(Failure::NotPublished)?;
                Ok(true)
            }
        }
    }

    /// Has Secrets Manager rotate the secret, and waits until the new version is in force.
    pub(crate) async fn rotate(&self) -> Result<(), Failure> {
        let Self::Secret { client, id, .. } = self else { return Ok(()) };
        let begun = client.rotate_secret().secret_id(id).send().await;
        let begun = begun.map_err(|problem| failed("rotate", problem))?.version_id;
        for _ in 0..ROTATION_LOOKS {
            let described = client.describe_secret().secret_id(id).send().await;
            let described = described.map_err(|problem| failed("read", problem))?;
            let mut versions = described.version_ids_to_stages.into_iter().flatten();
            let in_force = versions.find(|(_, labels)| labels.iter().any(|label| label == "AWSCURRENT"));
            if in_force.map(|(version, _)| version) == begun {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Err(Failure::RotationUnfinished(ROTATION_LOOKS))
    }
}

/// Not the error itself: it prints the raw response, and with it the secret.
fn failed<E>(what: &'static str, problem: SdkError<E>) -> Failure
where
    E: std::error::Error + Send + Sync + 'static,
{
    let source = problem.into_source().unwrap_or_else(|_| "no answer".into());
    Failure::SecretsManager { what, source }
}
