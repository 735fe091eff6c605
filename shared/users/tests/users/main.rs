//! The table against a real `DynamoDB` API: embedded, or wherever `AWS_ENDPOINT_URL_DYNAMODB` says.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod administration;
mod attempts;
mod clients;
mod code_races;
mod codes;
mod faults;
mod foreign_hashes;
mod letters;
mod login;
mod malformed_rows;
mod next_version;
mod prune;
mod races;
mod rename;
mod sessions;
mod transfer;
mod world;
