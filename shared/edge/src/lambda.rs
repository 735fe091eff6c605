//! A Lambda function from its settings to its last event: the loop, its limits, its logs and metrics.

pub mod audit;
mod guarded;
mod line;
mod log_output;
mod logging;
pub mod metrics;
mod runtime;

pub use guarded::guarded;
pub use runtime::{start, start_answering, start_task};
