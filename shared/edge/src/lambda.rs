//! A Lambda function from its settings to its last event: the loop, its limits, its logs and metrics.

pub mod audit;
mod guarded;
mod letter_outcome;
mod line;
mod log_output;
pub(crate) mod logging;
pub mod metrics;
mod notes;
mod runtime;
pub(crate) mod schema;

pub use guarded::guarded;
pub use letter_outcome::LetterOutcome;
pub use runtime::{TaskOutcome, start, start_answering, start_task};
