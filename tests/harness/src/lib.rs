//! The world of the scenarios: the whole product in one process, under a clock that the test moves.
//!
//! - [`World`]: gateway, store and keys, with every AWS call counted
//! - [`Event`]: real events of API Gateway and load balancers, changed where a test changes them
//! - [`Faults`]: responses that are lost and writes that meet others, on demand
//! - `contract`: openapi.yaml, held against every reply
//! - [`deployment`]: a stack that is deployed somewhere, called over HTTP
//! - [`DynamoDb`]: a table on a port, for programs under test
//! - [`SecretsManager`]: one secret under AWS's rules, with faults on demand
//! - [`MailWorld`]: a world with letters, and an SES that keeps them
//! - [`LocalServer`]: `cargo run -p local` as a script starts it
//! - [`lambda`]: the real binaries under a Lambda Runtime API

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test support crate fails by panicking"
)]

mod contract;
pub mod deployment;
mod dynamodb;
mod event;
mod faults;
pub mod lambda;
mod local_server;
mod mail;
mod public_keys;
mod secrets_manager;
mod world;

pub use dynamodb::DynamoDb;
pub use event::{Event, Reply};
pub use faults::{Fault, Faults};
pub use local_server::LocalServer;
pub use mail::{MAIL_SETTINGS, MailWorld};
pub use public_keys::{PUBLIC_KEYS_TABLE, PublicKeysTable, create_table_by};
pub use secrets_manager::{SECRET_ARN, SecretsManager, denying_aws};
pub use stand_ins::FIRST_VERSION;
pub use world::{ISSUER, LOGIN_AT, World, at};
