//! `latchkey` as it is run: arguments and standard input in, standard output and exit status out.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod account_codes;
mod aws;
mod build_check;
mod changes;
mod client_rotation;
mod client_tokens;
mod clients;
mod deletions;
mod doctor;
mod explain;
mod explain_access;
mod folder;
mod identities;
mod keys;
mod letters;
mod prompts;
mod sessions;
mod shell;
mod signatures;
mod transfer;
mod users;
