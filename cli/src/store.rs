use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::Client;
use edge::Environment;
use local::Store;
use users::UserTable;

use crate::{Failure, StoreOptions};

/// Opens the user table that `options` name.
///
/// In AWS with the credentials, region and endpoint that every AWS tool finds, which takes longer
/// than a function may: those read their environment alone.
pub(crate) async fn open(options: &StoreOptions) -> Result<UserTable, Failure> {
    if let Some(folder) = &options.local {
        if !folder.is_dir() {
            return Err(Failure::NoLocalFolder(folder.clone()));
        }
        return Ok(Store::open(folder).await?.users);
    }
    let table = match &options.table {
        Some(table) => table.clone(),
        None => Environment::of_process().users_table().map_err(|_| Failure::NoTable)?,
    };
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
    if let Some(region) = &options.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    let config = loader.load().await;
    if config.region().is_none() {
        return Err(Failure::NoRegion);
    }
    Ok(UserTable::new(Client::new(&config), &table))
}
