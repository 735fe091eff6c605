//! JSON lines on standard output, which Lambda sends to CloudWatch.

use std::panic;

use lambda_http::tracing::{
    error,
    subscriber::{self, filter::LevelFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt},
    warn,
};

use super::log_output;
use crate::Environment;

/// Starts logging at `AWS_LAMBDA_LOG_LEVEL`, INFO at most.
///
/// At DEBUG and TRACE the runtime and the SDK print whole events and requests, passwords and tokens among them. A release
/// does not even hold the code for it; a build for tests does, and this bound is all that stops it.
/// Each line has an RFC 3339 `timestamp`, without which Lambda takes its level for INFO.
/// A panic becomes one line without its text, which may quote a request.
pub(crate) fn start(environment: &Environment<'_>) {
    let lines = fmt::layer().json().flatten_event(true).with_current_span(false).with_target(false);
    let lines = lines.with_writer(log_output::stdout);
    subscriber::registry().with(lines).with(level(environment)).init();
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        error!(event = "panic", place, "a panic was caught");
    }));
}

/// Says how many lines were dropped while nobody read the log, once somebody reads it again.
pub(crate) fn report_loss() {
    if let Some(lost) = log_output::stdout().take_lost() {
        warn!(event = "log", lost, "nobody read the log, so lines were dropped");
    }
}

/// The level that is asked for, INFO at most.
pub(crate) fn level(environment: &Environment<'_>) -> LevelFilter {
    let asked = environment.optional("AWS_LAMBDA_LOG_LEVEL").and_then(|level| level.parse().ok());
    asked.unwrap_or(LevelFilter::INFO).min(LevelFilter::INFO)
}
