//! What Latchkey's functions cost, measured on the real binaries, beside what the same work must cost at least.
//!
//! `README.md` says how to run it and how to read it. In reading order:
//!
//! - [`Authority`]: a certificate authority of this run alone
//! - [`AwsStandIn`]: Secrets Manager and DynamoDB over TLS, with counters
//! - [`Scenario`]: one user, one key, and the events of that user
//! - [`Target`]: a program to measure
//! - [`cold`], [`warm`], [`valgrind`]: how it is measured
//! - [`floors`]: the bare cryptography
//! - [`Table`]: how it is shown

#![expect(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a measurement for the terminal: it fails by panicking, and it is what reads clocks"
)]

mod authority;
mod aws;
pub mod cold;
pub mod floors;
mod scenario;
mod statistics;
pub mod table;
mod target;
pub mod valgrind;
pub mod warm;

pub use authority::Authority;
pub use aws::{AwsStandIn, Traffic};
pub use scenario::Scenario;
pub use statistics::{Shuffle, median, quantile};
pub use table::Table;
pub use target::{Process, Target};
