use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::{
    Client,
    config::{Builder, retry::RetryConfig, timeout::TimeoutConfig},
};
use edge::Environment;
use local_data::{Store, TABLE_NAME};
use users::{User, UserTable, Username};

use crate::{CliError, StoreOptions};

/// How often one of many writes is sent before the run gives up: over some 15 seconds.
const MAX_ATTEMPTS: u32 = 6;
/// How long one of them may take: the embedded store makes them one after the other.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens the user table that `options` name.
///
/// In AWS with the credentials, region and endpoint that every AWS tool finds, which takes longer
/// than a function may: those read their environment alone.
pub(crate) async fn open(options: &StoreOptions) -> Result<UserTable, CliError> {
    open_with(options, |config| config).await
}

/// Like [`open`], for many calls at a time or large ones: the client slows down when `DynamoDB` asks for it, and is patient.
pub(crate) async fn open_for_many_calls(options: &StoreOptions) -> Result<UserTable, CliError> {
    let timeouts =
        TimeoutConfig::builder().connect_timeout(WRITE_TIMEOUT).operation_attempt_timeout(WRITE_TIMEOUT);
    let retries = RetryConfig::adaptive().with_max_attempts(MAX_ATTEMPTS);
    open_with(options, |config| config.timeout_config(timeouts.build()).retry_config(retries)).await
}

async fn open_with(
    options: &StoreOptions,
    client: impl FnOnce(Builder) -> Builder,
) -> Result<UserTable, CliError> {
    let (config, table) = if let Some(folder) = &options.local {
        if !folder.is_dir() {
            return Err(CliError::NoLocalFolder(folder.clone()));
        }
        let store = Store::open(folder).await?;
        (store.client().config().to_builder(), TABLE_NAME.to_owned())
    } else {
        let table = match &options.table {
            Some(table) => table.clone(),
            None => Environment::of_process().users_table().map_err(|_| CliError::NoTable)?,
        };
        (Builder::from(&aws_config(options.region.as_ref(), options.profile.as_ref()).await?), table)
    };
    Ok(UserTable::new(Client::from_conf(client(config).build()), &table))
}

/// The user of this name.
pub(crate) async fn existing(users: &UserTable, username: &Username) -> Result<User, CliError> {
    users.find(username).await?.ok_or_else(|| CliError::NoSuchUser(username.clone()))
}

/// The secret that the environment names.
pub(crate) fn signing_secret() -> Option<String> {
    Environment::of_process().signing_secret().ok()
}

/// The table of public keys that the environment names.
pub(crate) fn public_keys_table() -> Option<String> {
    Environment::of_process().public_keys_table()
}

/// What every AWS tool finds, in this region and by this profile if they are given.
pub(crate) async fn aws_config(
    region: Option<&String>,
    profile: Option<&String>,
) -> Result<SdkConfig, CliError> {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
    if let Some(region) = region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    let config = loader.load().await;
    if config.region().is_none() { Err(CliError::NoRegion) } else { Ok(config) }
}
