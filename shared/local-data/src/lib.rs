//! The data folder that the local server and the command line share.
//!
//! - [`folder`]: the folder itself, which only its owner reads
//! - [`Store`]: the user table in a SQLite file
//! - [`signing_key`]: the RS256 key made on the first run

pub mod folder;
pub mod signing_key;
mod store;

pub use store::{Store, StoreFileError, TABLE_NAME};
