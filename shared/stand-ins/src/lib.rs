//! The services of AWS around a function that this project stands in for, each of them once: for the local server, the
//! tests and the benchmarks. DynamoDB is not here, as it is `dynoxide`.
//!
//! - [`RuntimeApi`]: what Lambda is to a function
//! - [`Secret`]: one secret under the rules of Secrets Manager
//! - [`secrets_manager`]: calls and responses of Secrets Manager as they are on the wire
//! - [`Ses`]: what takes letters, as SES v2 does
//! - [`connection`]: the little HTTP that the Runtime API speaks

pub mod connection;
#[expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::disallowed_methods,
    reason = "the Runtime API is for tests and measurements: it fails by panicking, and Lambda is what keeps the time"
)]
mod runtime_api;
mod secret;
pub mod secrets_manager;
pub mod ses;

pub use runtime_api::{Answered, RuntimeApi};
pub use secret::{AwsError, FIRST_VERSION, Secret};
pub use ses::{SentLetter, Ses, SesFault};
