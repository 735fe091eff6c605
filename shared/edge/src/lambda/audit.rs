//! One line a request: what was asked, what came of it, about whom, and the metrics that CloudWatch makes of it. Never a
//! name as typed, a password, a token, a body or another header than the user agent.

use super::{LetterOutcome, line, line::Level, schema::Field};
use crate::{AuditDetails, Rejection, Request, Response};

/// A request that succeeded.
pub(crate) fn succeeded(event: &'static str, request: &Request, response: Response) -> Response {
    let (response, details) = response.take_details();
    line::write(Level::Info, event, outcome("success").and(details).and(request.details()));
    response
}

/// A rejected request and its precise reason.
pub(crate) fn rejected(event: &str, request: &Request, rejection: &Rejection) {
    let (status, ..) = rejection.parts();
    let details = rejected_with(rejection).with(Field::Status, status.as_u16()).and(request.details());
    line::write_rejection(level(rejection), event, rejection, details);
}

/// An event that could not be read as a request.
pub(crate) fn unreadable(event: &str, rejection: &Rejection, detail: &str) {
    let (status, ..) = rejection.parts();
    let details = rejected_with(rejection).with(Field::Status, status.as_u16()).with(Field::Detail, detail);
    line::write_rejection(level(rejection), event, rejection, details);
}

/// What a function decided that answers no HTTP request; `asked` says by whom and about what.
pub fn decided(event: &'static str, decision: Result<AuditDetails, &Rejection>, asked: AuditDetails) {
    match decision {
        Ok(details) => line::write(Level::Info, event, outcome("success").and(details).and(asked)),
        Err(rejection) => {
            let details = rejected_with(rejection).and(asked);
            line::write_rejection(level(rejection), event, rejection, details);
        }
    }
}

/// What came of an event that no caller waits for. Where nothing was done there is nothing to say.
pub(crate) fn done(event: &'static str, result: Result<Option<AuditDetails>, AuditDetails>) {
    match result {
        Ok(Some(details)) => line::write_with_keys(Level::Info, event, outcome("success").and(details)),
        Ok(None) => line::write_keys(event, outcome("success")),
        Err(details) => line::write_with_keys(Level::Error, event, outcome("failure").and(details)),
    }
}

/// What became of a letter, which nobody waits for.
pub fn letter(became: LetterOutcome, details: AuditDetails) {
    let (level, word) = match became {
        LetterOutcome::Sent => (Level::Info, "success"),
        LetterOutcome::NoRecipient | LetterOutcome::UserHasEnough | LetterOutcome::AddressHasEnough => {
            (Level::Info, "rejected")
        }
        LetterOutcome::Delayed => (Level::Error, "failure"),
        LetterOutcome::TooOld | LetterOutcome::Refused | LetterOutcome::Uncertain | LetterOutcome::Broken => {
            let details = outcome("failure").with(Field::Reason, became.word()).and(details);
            return line::write_lost_letter("send_letter", details);
        }
    };
    let reason = (became != LetterOutcome::Sent).then_some(became.word());
    line::write(level, "send_letter", outcome(word).with_any(Field::Reason, reason).and(details));
}

fn outcome(word: &'static str) -> AuditDetails {
    AuditDetails::default().with(Field::Outcome, word)
}

fn rejected_with(rejection: &Rejection) -> AuditDetails {
    let (_, code, _) = rejection.parts();
    outcome(if rejection.is_ours() { "failure" } else { "rejected" })
        .with(Field::Code, code)
        .with(Field::Reason, rejection.reason().word())
        .and(rejection.reason().details())
        .and(rejection.details())
}

fn level(rejection: &Rejection) -> Level {
    if rejection.is_ours() { Level::Error } else { Level::Warn }
}
