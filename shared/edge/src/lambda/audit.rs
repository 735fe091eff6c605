//! One line a request: what was asked, what came of it, about whom, and the metrics that CloudWatch makes of it. Never a
//! name as typed, a password, a token, a body or a header.

use serde_json::{Map, Value};

use super::{line, line::Level};
use crate::{AuditSubject, Rejection, Request, Response};

/// A request that succeeded.
pub(crate) fn succeeded(endpoint: &'static str, request: &Request, response: &Response) {
    let mut members = outcome(endpoint, "success", Some(response.status().as_u16()));
    add_subject(&mut members, response.subject());
    add(&mut members, "source_ip", request.source_ip());
    line::write(Level::Info, members);
}

/// A rejected request and its precise reason.
pub(crate) fn rejected(endpoint: &str, request: &Request, rejection: &Rejection) {
    let (status, ..) = rejection.parts();
    let mut members = outcome(endpoint, word(rejection), Some(status.as_u16()));
    add_reason(&mut members, endpoint, rejection);
    add(&mut members, "source_ip", request.source_ip());
    line::write(level(rejection), members);
}

/// An event that could not be read as a request.
pub(crate) fn unreadable(endpoint: &str, detail: &str) {
    let mut members = outcome(endpoint, "rejected", Some(400));
    add(&mut members, "reason", Some("invalid_request"));
    add(&mut members, "detail", Some(detail));
    members.extend(line::rejection_metrics(endpoint, 400, "invalid_request"));
    line::write(Level::Warn, members);
}

/// What a function decided that answers no HTTP request, about whom if that is known.
pub fn decided(event: &'static str, decision: Result<AuditSubject, &Rejection>, source_ip: Option<&str>) {
    let (mut members, level) = match decision {
        Ok(subject) => {
            let mut members = outcome(event, "success", None);
            add_subject(&mut members, Some(subject));
            (members, Level::Info)
        }
        Err(rejection) => {
            let mut members = outcome(event, word(rejection), None);
            add_reason(&mut members, event, rejection);
            (members, level(rejection))
        }
    };
    add(&mut members, "source_ip", source_ip);
    line::write(level, members);
}

/// What came of an event that no caller waits for; the reason of a failure is all there is.
pub(crate) fn done(event: &'static str, result: Result<(), &str>) {
    let (word, level) = if result.is_ok() { ("success", Level::Info) } else { ("failure", Level::Error) };
    let mut members = outcome(event, word, None);
    add(&mut members, "reason", result.err());
    members.extend(line::key_metrics());
    line::write(level, members);
}

/// The part of a line that all have.
fn outcome(event: &str, outcome: &str, status: Option<u16>) -> Map<String, Value> {
    let mut members = Map::new();
    add(&mut members, "event", Some(event));
    add(&mut members, "outcome", Some(outcome));
    members.extend(status.map(|status| ("status".to_owned(), status.into())));
    members
}

fn word(rejection: &Rejection) -> &'static str {
    if rejection.is_ours() { "failure" } else { "rejected" }
}

fn level(rejection: &Rejection) -> Level {
    if rejection.is_ours() { Level::Error } else { Level::Warn }
}

fn add_reason(members: &mut Map<String, Value>, event: &str, rejection: &Rejection) {
    add(members, "reason", Some(rejection.reason().word()));
    add(members, "detail", rejection.reason().detail().as_deref());
    add_subject(members, rejection.subject());
    let (status, code, _) = rejection.parts();
    members.extend(line::rejection_metrics(event, status.as_u16(), code));
}

fn add_subject(members: &mut Map<String, Value>, subject: Option<AuditSubject>) {
    let Some(subject) = subject else { return };
    add(members, "sub", Some(&subject.user.to_string()));
    add(members, "sid", subject.session.map(|id| id.to_string()).as_deref());
}

fn add(members: &mut Map<String, Value>, name: &str, value: Option<&str>) {
    members.extend(value.map(|value| (name.to_owned(), value.into())));
}
