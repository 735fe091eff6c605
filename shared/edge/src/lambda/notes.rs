//! What code says through `tracing` becomes lines of the same log: by the same schema, and with the same request.

use std::fmt::Debug;

use lambda_http::tracing::subscriber::layer::{Context, Layer};
use tracing::{
    Event, Level as TracingLevel, Subscriber,
    field::{Field as TracingField, Visit},
};

use super::{line, line::Level, schema::Field};
use crate::AuditDetails;

/// The event of a line whose writer is a library and knows of none.
const OF_A_LIBRARY: &str = "runtime";
/// Says again, with the whole text of the error, what a line of ours has said.
const REPEATS_US: &str = "lambda_runtime::layers::panic";

/// Writes notes as lines. Members that the schema does not have are left out: nobody has said that they are no secret.
pub(crate) struct Notes;

impl<S: Subscriber> Layer<S> for Notes {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        if event.metadata().target() == REPEATS_US {
            return;
        }
        let level = match *event.metadata().level() {
            TracingLevel::ERROR => Level::Error,
            TracingLevel::WARN => Level::Warn,
            _ => Level::Info,
        };
        let mut note = Note { event: None, details: AuditDetails::default() };
        event.record(&mut note);
        line::write(level, note.event.as_deref().unwrap_or(OF_A_LIBRARY), note.details);
    }
}

struct Note {
    event: Option<String>,
    details: AuditDetails,
}

impl Note {
    fn add(&mut self, name: &str, value: impl Into<serde_json::Value>) {
        if let Some(field) = Field::ALL.iter().find(|field| field.name() == name) {
            self.details = std::mem::take(&mut self.details).with(*field, value);
        }
    }
}

impl Visit for Note {
    fn record_str(&mut self, field: &TracingField, value: &str) {
        if field.name() == "event" {
            self.event = Some(value.to_owned());
        } else {
            self.add(field.name(), value);
        }
    }

    fn record_u64(&mut self, field: &TracingField, value: u64) {
        self.add(field.name(), value);
    }

    fn record_debug(&mut self, field: &TracingField, value: &dyn Debug) {
        self.add(field.name(), format!("{value:?}"));
    }
}
