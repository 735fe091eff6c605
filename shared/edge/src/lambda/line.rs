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

use super::{
    log_output, logging,
    metrics::Metrics,
    schema::{self, Field},
};
use crate::{AuditDetails, Environment, Rejection, clock};

static OUTPUT: OnceLock<Output> = OnceLock::new();

tokio::task_local! {
    static REQUEST_ID: String;
}

struct Output {
    least: LevelFilter,
    metrics: Option<Metrics>,
    /// The published version of the function, if it is one.
    version: Option<String>,
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
    let version = environment.optional("AWS_LAMBDA_FUNCTION_VERSION").filter(|version| version != "$LATEST");
    let (least, metrics) = (logging::level(environment), Metrics::from_environment(environment));
    let output = Output { least, metrics, version };
    let _first = OUTPUT.set(output);
}

/// Does `work`, whose lines name the event that Lambda calls `request_id`.
///
/// In a box of its own, for the SDK's futures in it nest deeper than the compiler follows.
pub(crate) async fn within<T>(request_id: String, work: Pin<Box<dyn Future<Output = T> + '_>>) -> T {
    REQUEST_ID.scope(request_id, work).await
}

/// Writes the line of a success.
pub(crate) fn write(level: Level, event: &str, details: AuditDetails) {
    write_with(level, event, details, |_| Map::new());
}

/// Writes the line of a rejection, with its metrics.
pub(crate) fn write_rejection(level: Level, event: &str, rejection: &Rejection, details: AuditDetails) {
    let (status, code, _) = rejection.parts();
    write_with(level, event, details, |metrics| metrics.rejected(event, status.as_u16(), code, clock::now()));
}

/// Writes the line of a letter that is lost, with its metric.
pub(crate) fn write_lost_letter(event: &str, details: AuditDetails) {
    write_with(Level::Error, event, details, |metrics| metrics.lost_letter(clock::now()));
}

/// Writes a line, with the metrics of the signing keys.
pub(crate) fn write_with_keys(level: Level, event: &str, details: AuditDetails) {
    write_with(level, event, details, |metrics| metrics.of_keys(clock::now()));
}

/// Writes the metrics of the signing keys, where there are any.
pub(crate) fn write_keys(event: &str, details: AuditDetails) {
    let metrics = OUTPUT.get().and_then(|output| output.metrics.as_ref());
    let told = metrics.map(|metrics| metrics.of_keys(clock::now())).unwrap_or_default();
    if !told.is_empty() {
        write_with(Level::Info, event, details, |_| told);
    }
}

/// Writes one line. One with metrics is written at every level, for alarms look at them.
fn write_with(
    level: Level,
    event: &str,
    details: AuditDetails,
    metrics: impl FnOnce(&Metrics) -> Map<String, Value>,
) {
    let Some(output) = OUTPUT.get() else { return };
    let (name, level) = match level {
        Level::Info => ("INFO", LevelFilter::INFO),
        Level::Warn => ("WARN", LevelFilter::WARN),
        Level::Error => ("ERROR", LevelFilter::ERROR),
    };
    let metrics = output.metrics.as_ref().map(metrics).unwrap_or_default();
    if level > output.least && metrics.is_empty() {
        return;
    }
    // Without an RFC 3339 time Lambda takes the level for INFO.
    let mut timestamp = String::new();
    let timestamp = SystemTime.format_time(&mut Writer::new(&mut timestamp)).ok().map(|()| timestamp);
    let mut line = AuditDetails::default()
        .with(Field::Version, schema::VERSION)
        .with_any(Field::Timestamp, timestamp)
        .with(Field::Level, name)
        .with(Field::Event, event)
        .and(details)
        .with_any(Field::RequestId, REQUEST_ID.try_with(Clone::clone).ok())
        .with_any(Field::FunctionVersion, output.version.clone())
        .into_members();
    line.extend(metrics);
    let mut text = Value::Object(line).to_string();
    text.push('\n');
    log_output::stdout().write(text.as_bytes());
}
