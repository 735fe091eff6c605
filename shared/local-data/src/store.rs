use std::{
    io,
    num::NonZero,
    path::{Path, PathBuf},
    thread,
};

use aws::AwsSettings;
use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::timeout::TimeoutConfig;
use users::{ChangeLog, Codes, Outbox, StoreError, UserTable};

use crate::{DataFolder, DynamoDb, FolderError, private_file};

/// The name of the table inside the embedded DynamoDB.
pub const TABLE_NAME: &str = "latchkey-users";
/// The SQLite file in the data folder.
const FILE_NAME: &str = "users.sqlite";
/// Whoever opens the SQLite file holds a lock on this one meanwhile.
pub(crate) const OPENING: &str = "users.sqlite-opening";
/// That file and the ones that are kept beside it.
pub(crate) const FILES: [&str; 4] =
    [FILE_NAME, "users.sqlite-wal", "users.sqlite-shm", "users.sqlite-journal"];

/// A user table in an embedded DynamoDB, reached through the same SDK as the one of AWS.
pub struct Store {
    /// The table.
    pub users: UserTable,
    /// What was changed in it from the command line.
    pub changes: ChangeLog,
    /// The codes for those who become its users or forget their passwords.
    pub codes: Codes,
    /// The letters to be written to them.
    pub outbox: Outbox,
    /// The embedded DynamoDB that has it.
    pub dynamodb: DynamoDb,
}

/// Why the embedded DynamoDB is not there.
#[derive(Debug, thiserror::Error)]
pub enum StoreFileError {
    /// The folder is not safe for password hashes.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The SQLite file cannot be made or opened.
    #[error("cannot open {}: {reason}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// The table cannot be made.
    #[error("cannot make the user table: {0}")]
    Table(#[from] StoreError),
}

impl Store {
    /// The store in `folder`, for one caller at a time; several processes may have it open.
    pub async fn open(folder: &Path) -> Result<Self, StoreFileError> {
        Self::open_with(folder, 0).await
    }

    /// The store in `folder`, for callers on every core at once.
    pub async fn open_for_many(folder: &Path) -> Result<Self, StoreFileError> {
        Self::open_with(folder, thread::available_parallelism().map_or(1, NonZero::get)).await
    }

    /// A store that is gone with the process.
    pub async fn in_memory() -> Result<Self, StoreFileError> {
        let path = PathBuf::from(":memory:");
        let opened = DynamoDb::in_memory();
        Self::of(opened.map_err(|error| StoreFileError::Open { path, reason: error.to_string() })?).await
    }

    /// A client of this DynamoDB.
    pub fn client(&self) -> Client {
        client(&self.dynamodb)
    }

    async fn open_with(folder: &Path, readers: usize) -> Result<Self, StoreFileError> {
        let folder = DataFolder::open(folder)?;
        let path = folder.join(FILE_NAME);
        let failed = |reason: String| StoreFileError::Open { path: path.clone(), reason };
        // Of two processes that set up a new file at once, SQLite turns one away without waiting; and a table is made in steps.
        let lock_file = folder.join(OPENING);
        let locked = tokio::task::spawn_blocking(move || private_file::lock(&lock_file)).await;
        let opening =
            locked.unwrap_or_else(|error| Err(error.into())).map_err(|error| failed(error.to_string()))?;
        // SQLite gives its other files the mode of the first. Closed before SQLite opens it: closing a file gives up every
        // lock that this process has on it, and others would take it for unused.
        match private_file::create_new(&path) {
            Ok(file) => drop(file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error.to_string())),
        }
        let dynamodb = DynamoDb::open(&path, readers).map_err(|error| failed(error.to_string()))?;
        let store = Self::of(dynamodb).await;
        drop(opening);
        store
    }

    async fn of(dynamodb: DynamoDb) -> Result<Self, StoreFileError> {
        let users = UserTable::new(client(&dynamodb), TABLE_NAME);
        users.create_table().await?;
        let changes = ChangeLog::beside(&users);
        changes.create_table().await?;
        let codes = Codes::beside(&users);
        codes.create_table().await?;
        let outbox = Outbox::beside(&users);
        outbox.create_table().await?;
        Ok(Self { users, changes, codes, outbox, dynamodb })
    }
}

/// Without the limits of a function's client: no answer is lost inside a process, so a slow machine is no reason to call again.
fn client(dynamodb: &DynamoDb) -> Client {
    let settings = AwsSettings::in_process(SharedHttpClient::new(dynamodb.clone()));
    let config = settings.dynamodb().config().to_builder();
    Client::from_conf(config.timeout_config(TimeoutConfig::disabled()).build())
}
