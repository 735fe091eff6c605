use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::{
    Client,
    config::{Builder, retry::RetryConfig, timeout::TimeoutConfig},
};
use edge::Environment;
use local_data::{Store, TABLE_NAME};
use users::{User, UserTable, Username};

use crate::{
    CliError, KeysOptions, StoreOptions,
    invocation::{self, Invocation, Recorder},
};

/// How often one of many writes is sent before the run gives up: over some 15 seconds.
const MAX_ATTEMPTS: u32 = 6;
/// How long one of them may take: the embedded store makes them one after the other.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens the user table that `options` name.
///
/// In AWS with the credentials, region and endpoint that every AWS tool finds, which takes longer
/// than a function may: those read their environment alone.
pub(crate) async fn open(options: &StoreOptions, invocation: &Invocation) -> Result<UserTable, CliError> {
    Ok(open_with(options, invocation, |config| config).await?.users)
}

/// Opens it to change users, in the name of the caller.
pub(crate) async fn open_to_change(
    options: &StoreOptions,
    invocation: &Invocation,
) -> Result<Changing, CliError> {
    Ok(open_with(options, invocation, |config| config).await?.into_changing(invocation).await)
}

/// Like [`open_to_change`], for many calls at a time or large ones: the client slows down when `DynamoDB` asks for it, and is patient.
pub(crate) async fn open_for_many_calls(
    options: &StoreOptions,
    invocation: &Invocation,
) -> Result<Changing, CliError> {
    let timeouts =
        TimeoutConfig::builder().connect_timeout(WRITE_TIMEOUT).operation_attempt_timeout(WRITE_TIMEOUT);
    let retries = RetryConfig::adaptive().with_max_attempts(MAX_ATTEMPTS);
    let patient = |config: Builder| config.timeout_config(timeouts.build()).retry_config(retries);
    Ok(open_with(options, invocation, patient).await?.into_changing(invocation).await)
}

/// A table whose users are about to be changed, and the record of it.
pub(crate) struct Changing {
    pub(crate) users: UserTable,
    pub(crate) recorder: Recorder,
}

/// A table, and AWS's configuration where it is one of AWS.
struct Opened {
    users: UserTable,
    aws: Option<SdkConfig>,
}

impl Opened {
    async fn into_changing(self, invocation: &Invocation) -> Changing {
        let by = match &self.aws {
            Some(config) => invocation::identity(config).await,
            None => invocation::machine().into(),
        };
        let recorder = Recorder::new(&self.users, invocation, by);
        Changing { users: self.users.in_the_name_of(recorder.last_change()), recorder }
    }
}

async fn open_with(
    options: &StoreOptions,
    invocation: &Invocation,
    client: impl FnOnce(Builder) -> Builder,
) -> Result<Opened, CliError> {
    let (config, table, aws) = if let Some(folder) = &options.local {
        if !folder.is_dir() {
            return Err(CliError::NoLocalFolder(folder.clone()));
        }
        let store = Store::open(folder).await?;
        (store.client().config().to_builder(), TABLE_NAME.to_owned(), None)
    } else {
        let table = match &options.table {
            Some(table) => table.clone(),
            None => Environment::of_process().users_table().map_err(|_| CliError::NoTable)?,
        };
        let aws = aws_config(options.region.as_ref(), options.profile.as_ref(), invocation).await?;
        (Builder::from(&aws), table, Some(aws))
    };
    let users = UserTable::new(Client::from_conf(client(config).build()), &table);
    Ok(Opened { users, aws })
}

/// The record of changes of the signing keys, which is beside the users of a deployment; none where nothing says where those are.
pub(crate) async fn recorder_of_keys(
    options: &KeysOptions,
    invocation: &Invocation,
) -> Result<Option<Recorder>, CliError> {
    let named = || Environment::of_process().users_table().ok();
    let table = options.table.clone().or_else(named).filter(|_| options.local.is_none());
    if table.is_none() {
        return Ok(None);
    }
    let KeysOptions { region, profile, .. } = options.clone();
    let users = StoreOptions { local: None, table, region, profile };
    Ok(Some(open_to_change(&users, invocation).await?.recorder))
}

/// The user of this name.
pub(crate) async fn existing(users: &UserTable, username: &Username) -> Result<User, CliError> {
    users.find(username).await?.ok_or_else(|| CliError::NoSuchUser(username.clone()))
}

/// The table of users that the environment names.
pub(crate) fn users_table() -> Option<String> {
    Environment::of_process().users_table().ok()
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
    invocation: &Invocation,
) -> Result<SdkConfig, CliError> {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
    if let Some(region) = region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    if let Some(name) = invocation.app_name() {
        loader = loader.app_name(name);
    }
    let config = loader.load().await;
    if config.region().is_none() { Err(CliError::NoRegion) } else { Ok(config) }
}
