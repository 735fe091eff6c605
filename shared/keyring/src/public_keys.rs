use std::error::Error;

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::AttributeValue,
};
use token::{KeySet, KeySetError};

use crate::{SecretError, SigningSecret};

/// The one row.
const ROW: &str = "public-keys";
/// How often a publication begins again because the secret was changed meanwhile.
const MAX_ATTEMPTS: u32 = 5;

/// The public halves of the signing keys, in a table of their own.
///
/// Secrets Manager grants a secret whole, so functions that only verify or publish read this copy instead, and
/// no mistake in them can give a private key away.
#[derive(Clone, Debug)]
pub struct PublicKeys {
    client: Client,
    table: String,
}

/// What has been published.
pub struct Publication {
    /// The keys that the secret holds.
    pub keys: KeySet,
    /// Whether their public halves had to be written.
    pub changed: bool,
}

/// Why the public keys cannot be read or published.
#[derive(Debug, thiserror::Error)]
pub enum PublicKeysError {
    /// `DynamoDB` failed or rejected the call.
    #[error("{operation} of DynamoDB failed")]
    DynamoDb {
        /// The call that failed, as IAM names it.
        operation: &'static str,
        /// What the SDK said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The table has no row yet.
    #[error("no public keys have been published yet")]
    NotPublished,
    /// The secret cannot be read.
    #[error("the secret cannot be read")]
    Secret(#[from] SecretError),
    /// Its value is no key set; what was published before stays.
    #[error("the secret cannot be used")]
    Unusable(#[from] KeySetError),
    /// It holds HS256 keys alone; what was published before stays.
    #[error(
        "the secret holds only HS256 keys, which have no public half: rotate to another algorithm, or deploy with \
         VerifiersReadSecret=true"
    )]
    NoPublicHalf,
    /// Others changed the secret again and again.
    #[error("the secret was changed during each of {MAX_ATTEMPTS} publications")]
    Contended,
}

impl PublicKeys {
    /// The public keys in `table`.
    pub fn new(client: Client, table: &str) -> Self {
        Self { client, table: table.to_owned() }
    }

    /// What was published last, in the form of a secret; strongly consistent.
    pub(crate) async fn read(&self) -> Result<String, PublicKeysError> {
        let request = self.client.get_item().table_name(&self.table).consistent_read(true);
        let answer = request.key("pk", AttributeValue::S(ROW.to_owned())).send().await;
        let row = answer.map_err(|error| failed("GetItem", error))?.item.unwrap_or_default();
        let keys = row.get("keys").and_then(|keys| keys.as_s().ok());
        keys.cloned().ok_or(PublicKeysError::NotPublished)
    }

    /// Publishes the public halves of what the secret holds, unless they are there, and says what it holds and whether anything
    /// was written; nothing while it holds no key.
    ///
    /// Of several publications at a time the last to write may be the first that read. So each reads the secret
    /// again after it has written, and begins anew unless that version is still in force.
    pub async fn publish(&self, secret: &SigningSecret) -> Result<Option<Publication>, PublicKeysError> {
        let mut changed = false;
        let mut in_force = secret.in_force().await?;
        for _ in 0..MAX_ATTEMPTS {
            let keys = match KeySet::from_secret(&in_force.value) {
                Err(KeySetError::NoKeys) => return Ok(None),
                keys => keys?,
            };
            let public = keys.to_public().ok_or(PublicKeysError::NoPublicHalf)?;
            if self.read().await.is_ok_and(|published| published == public) {
                return Ok(Some(Publication { keys, changed }));
            }
            self.write(public).await?;
            changed = true;
            let after = secret.in_force().await?;
            if after.version == in_force.version {
                return Ok(Some(Publication { keys, changed }));
            }
            in_force = after;
        }
        Err(PublicKeysError::Contended)
    }

    async fn write(&self, keys: String) -> Result<(), PublicKeysError> {
        let request = self.client.put_item().table_name(&self.table);
        let row = request.item("pk", AttributeValue::S(ROW.to_owned())).item("keys", AttributeValue::S(keys));
        row.send().await.map(drop).map_err(|error| failed("PutItem", error))
    }
}

fn failed<E>(operation: &'static str, error: SdkError<E>) -> PublicKeysError
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    PublicKeysError::DynamoDb { operation, source: aws::cause_of(error).into() }
}
