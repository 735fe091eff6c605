//! A line of the audit log, written whole: no other line comes in between, and its metrics are members of it.

use std::{future::Future, pin::Pin, sync::OnceLock};

use lambda_http::tracing::subscriber::{
    filter::LevelFilter,
    fmt::{
        format::Writer,
        time::{FormatTime, SystemTime},
    },
};
use serde_json::{Map, Value};

use super::{log_output, logging, metrics::Metrics};
use crate::{Environment, clock};

static OUTPUT: OnceLock<Output> = OnceLock::new();

tokio::task_local! {
    static REQUEST_ID: String;
}

struct Output {
    least: LevelFilter,
    metrics: Option<Metrics>,
}

/// How much a line matters.
#[derive(Clone, Copy)]
pub(crate) enum Level {
    /// All is well.
    Info,
    /// A caller's fault.
    Warn,
    /// Ours.
    Error,
}

/// Starts writing for the Lambda function that this process is. Elsewhere nothing is written.
pub(crate) fn start(environment: &Environment<'_>) {
    let output =
        Output { least: logging::level(environment), metrics: Metrics::from_environment(environment) };
    let _first = OUTPUT.set(output);
}

/// Does `work`, whose lines name the event that Lambda calls `request_id`.
///
/// In a box of its own, for the SDK's futures in it nest deeper than the compiler follows.
pub(crate) async fn within<T>(request_id: String, work: Pin<Box<dyn Future<Output = T> + '_>>) -> T {
    REQUEST_ID.scope(request_id, work).await
}

/// The members that tell CloudWatch of a rejection.
pub(crate) fn rejection_metrics(operation: &str, status: u16, code: &str) -> Map<String, Value> {
    let metrics = OUTPUT.get().and_then(|output| output.metrics.as_ref());
    metrics.map(|metrics| metrics.rejected(operation, status, code, clock::now())).unwrap_or_default()
}

/// The members that tell CloudWatch of the signing keys.
pub(crate) fn key_metrics() -> Map<String, Value> {
    let metrics = OUTPUT.get().and_then(|output| output.metrics.as_ref());
    metrics.map(|metrics| metrics.of_keys(clock::now())).unwrap_or_default()
}

/// Writes one line. One with metrics is written at every level, for alarms look at them.
pub(crate) fn write(level: Level, members: Map<String, Value>) {
    let Some(output) = OUTPUT.get() else { return };
    let (name, level) = match level {
        Level::Info => ("INFO", LevelFilter::INFO),
        Level::Warn => ("WARN", LevelFilter::WARN),
        Level::Error => ("ERROR", LevelFilter::ERROR),
    };
    if level > output.least && !members.contains_key("_aws") {
        return;
    }
    let mut line = Map::new();
    // Without an RFC 3339 time Lambda takes the level for INFO.
    let mut timestamp = String::new();
    if SystemTime.format_time(&mut Writer::new(&mut timestamp)).is_ok() {
        line.insert("timestamp".to_owned(), timestamp.into());
    }
    line.insert("level".to_owned(), name.into());
    line.extend(members);
    if let Ok(id) = REQUEST_ID.try_with(Clone::clone) {
        line.insert("request_id".to_owned(), id.into());
    }
    let mut text = Value::Object(line).to_string();
    text.push('\n');
    log_output::stdout().write(text.as_bytes());
}
