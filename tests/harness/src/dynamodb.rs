use aws::AwsSettings;
use dynoxide::Database;
use local_data::TABLE_NAME;
use tokio::net::TcpListener;
use users::{ChangeLog, Codes, UserTable};

/// An embedded DynamoDB with a user table, on a port of this machine: for programs under test, which are other processes.
pub struct DynamoDb {
    /// Where it listens.
    pub endpoint: String,
    /// Its user table.
    pub users: UserTable,
    /// The record of its changes.
    pub changes: ChangeLog,
}

impl DynamoDb {
    /// Starts one that is empty, and gone with the test.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(dynoxide::server::serve_on(listener, Database::memory().unwrap()));
        let users = UserTable::new(AwsSettings::embedded(endpoint.clone()).dynamodb(), TABLE_NAME);
        users.create_table().await.unwrap();
        let changes = ChangeLog::beside(&users);
        changes.create_table().await.unwrap();
        Codes::beside(&users).create_table().await.unwrap();
        Self { endpoint, users, changes }
    }
}
