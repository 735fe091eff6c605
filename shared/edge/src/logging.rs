//! JSON lines on standard output, which Lambda sends to CloudWatch.

use std::panic;

use lambda_http::tracing::{
    error,
    subscriber::{
        self,
        filter::{LevelFilter, Targets},
        fmt,
        layer::SubscriberExt,
        util::SubscriberInitExt,
    },
};

use crate::Environment;

/// The targets that are ours and may say more when `AWS_LAMBDA_LOG_LEVEL` asks for it.
const OURS: [&str; 6] = ["authorizer", "edge", "login", "refresh", "rotate_keys", "users"];

/// Starts logging at `AWS_LAMBDA_LOG_LEVEL` (INFO).
///
/// The runtime's default subscriber would let the runtime and the HTTP client print whole events and
/// requests at DEBUG and TRACE, passwords and tokens among them: others never say more than INFO here.
/// Each line has an RFC 3339 `timestamp`, without which Lambda takes its level for INFO.
/// A panic becomes one line without its text, which may quote a request.
pub(crate) fn start(environment: &Environment<'_>) {
    let asked = environment.optional("AWS_LAMBDA_LOG_LEVEL").and_then(|level| level.parse().ok());
    let level = asked.unwrap_or(LevelFilter::INFO);
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::INFO))
        .with_targets(OURS.map(|target| (target, level)));
    let lines = fmt::layer().json().flatten_event(true).with_current_span(false).with_target(false);
    subscriber::registry().with(lines).with(filter).init();
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        error!(event = "panic", place, "a panic was caught");
    }));
}
