//! `latchkey` as it is run: arguments and standard input in, standard output and exit status out.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod aws;
mod build_check;
mod changes;
mod deletions;
mod explain;
mod folder;
mod identities;
mod keys;
mod prompts;
mod sessions;
mod signatures;
mod transfer;
mod users;
