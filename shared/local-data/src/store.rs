use std::{
    io,
    path::{Path, PathBuf},
};

use aws::AwsSettings;
use dynoxide::Database;
use tokio::net::TcpListener;
use users::{StoreError, UserTable};

use crate::signing_key::create_private;

/// The name of the table inside the embedded DynamoDB.
pub const TABLE_NAME: &str = "latchkey-users";
/// The SQLite file in the data folder.
const FILE_NAME: &str = "users.sqlite";

/// A user table in an embedded DynamoDB, reached through the same SDK as the one of AWS.
pub struct Store {
    /// The table.
    pub users: UserTable,
    /// Where the embedded DynamoDB listens.
    pub endpoint: String,
}

/// Why the embedded DynamoDB is not there.
#[derive(Debug, thiserror::Error)]
pub enum StoreFileError {
    /// The SQLite file cannot be made or opened.
    #[error("cannot open {}: {reason}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// No port on 127.0.0.1 for it.
    #[error("cannot listen on 127.0.0.1: {0}")]
    Listen(#[from] io::Error),
    /// The table cannot be made.
    #[error("cannot make the user table: {0}")]
    Table(#[from] StoreError),
}

impl Store {
    /// The store in `folder`; several processes may have it open.
    pub async fn open(folder: &Path) -> Result<Self, StoreFileError> {
        let path = folder.join(FILE_NAME);
        let refused = |reason: String| StoreFileError::Open { path: path.clone(), reason };
        // SQLite gives its other files the mode of the first; hashes are nobody else's business. Closed before SQLite opens
        // it: closing a file gives up every lock that this process has on it, and others would take it for unused.
        drop(create_private(&path).map_err(|problem| refused(problem.to_string()))?);
        let opened = Database::new(&path.to_string_lossy());
        Self::serve(opened.map_err(|problem| refused(problem.to_string()))?).await
    }

    /// A store that is gone with the process.
    pub async fn in_memory() -> Result<Self, StoreFileError> {
        let opened = Database::memory();
        let path = PathBuf::from(":memory:");
        Self::serve(opened.map_err(|reason| StoreFileError::Open { path, reason: reason.to_string() })?).await
    }

    async fn serve(database: Database) -> Result<Self, StoreFileError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        tokio::spawn(dynoxide::server::serve_on(listener, database));
        let client = AwsSettings::embedded(endpoint.clone()).dynamodb();
        let users = UserTable::new(client, TABLE_NAME);
        users.create_table().await?;
        Ok(Self { users, endpoint })
    }
}
