//! One line a request: what was asked, what came of it, about whom. Never a name as typed, a
//! password, a token, a body or a header.

use lambda_http::tracing::{error, info, warn};

use super::metrics;
use crate::{AuditSubject, Rejection, Request, Response};

/// A request that succeeded.
pub(crate) fn succeeded(endpoint: &'static str, request: &Request, response: &Response) {
    let (status, source_ip) = (response.status().as_u16(), request.source_ip());
    let (sub, sid) = identifiers(response.subject());
    info!(event = endpoint, outcome = "success", status, sub, sid, source_ip);
    metrics::succeeded(endpoint);
}

/// A rejected request and its precise reason.
pub(crate) fn rejected(endpoint: &str, request: &Request, rejection: &Rejection) {
    let (status, code, _) = rejection.parts();
    let (status, reason, detail) = (status.as_u16(), rejection.reason().word(), rejection.reason().detail());
    let (sub, sid) = identifiers(rejection.subject());
    let source_ip = request.source_ip();
    metrics::refused(code);
    if rejection.reason().is_ours() {
        error!(event = endpoint, outcome = "failure", status, reason, detail, sub, sid, source_ip);
    } else {
        warn!(event = endpoint, outcome = "refused", status, reason, detail, sub, sid, source_ip);
    }
}

/// An event that could not be read as a request.
pub(crate) fn unreadable(endpoint: &str, detail: &str) {
    warn!(event = endpoint, outcome = "refused", status = 400, reason = "invalid_request", detail);
    metrics::refused("invalid_request");
}

/// What a function decided that answers no HTTP request, about whom if that is known.
pub fn decided(event: &'static str, decision: Result<AuditSubject, &Rejection>, source_ip: Option<&str>) {
    match decision {
        Ok(subject) => {
            let (sub, sid) = identifiers(Some(subject));
            metrics::succeeded(event);
            info!(event, outcome = "success", sub, sid, source_ip);
        }
        Err(rejection) => {
            let (reason, detail) = (rejection.reason().word(), rejection.reason().detail());
            let (sub, sid) = identifiers(rejection.subject());
            metrics::refused(rejection.parts().1);
            if rejection.reason().is_ours() {
                error!(event, outcome = "failure", reason, detail, sub, sid, source_ip);
            } else {
                warn!(event, outcome = "refused", reason, detail, sub, sid, source_ip);
            }
        }
    }
}

fn identifiers(subject: Option<AuditSubject>) -> (Option<String>, Option<String>) {
    let session = subject.and_then(|subject| subject.session);
    (subject.map(|subject| subject.user.to_string()), session.map(|id| id.to_string()))
}
