//! The data folder that the local server and the command line share.
//!
//! - [`DataFolder`]: the folder, which only its owner may enter
//! - [`session_settings`]: the durations that the server ran with last
//! - [`signing_key`]: the RS256 key made on the first run
//! - [`Store`]: the user table in a SQLite file
//! - [`DynamoDb`]: the embedded DynamoDB that has it open, and the SDK's way to it without a port
//! - [`private_file`]: how a file is made that nobody else reads

mod connector;
mod dynamodb;
mod folder;
pub mod private_file;
pub mod session_settings;
pub mod signing_key;
mod store;

pub use dynamodb::{DynamoDb, Reply};
pub use folder::{DataFolder, FolderError, HTTPS_AUTHORITY_FILE_NAME, HTTPS_FILE_NAME};
pub use store::{Store, StoreFileError, TABLE_NAME};
