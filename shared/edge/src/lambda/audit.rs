//! One line a request: what was asked, what came of it, about whom. Never a name as typed, a
//! password, a token, a body or a header.

use lambda_http::tracing::{error, info, warn};

use token::{SessionId, UserId};

use crate::{Rejection, Request, Response, metrics};

/// An answer that was given.
pub(crate) fn answered(endpoint: &'static str, request: &Request, answer: &Response) {
    let (status, source_ip) = (answer.status().as_u16(), request.source_ip());
    let (sub, sid) = identifiers(request);
    info!(event = endpoint, outcome = "success", status, sub, sid, source_ip);
    metrics::succeeded(endpoint);
}

/// A rejection and its precise reason.
pub(crate) fn refused(endpoint: &str, request: &Request, rejection: &Rejection, answer: &Response) {
    let (status, reason) = (answer.status().as_u16(), rejection.reason());
    let (sub, sid) = identifiers(request);
    let source_ip = request.source_ip();
    metrics::refused(rejection.parts().1);
    if rejection.is_ours() {
        error!(event = endpoint, outcome = "failure", status, reason, sub, sid, source_ip);
    } else {
        warn!(event = endpoint, outcome = "refused", status, reason, sub, sid, source_ip);
    }
}

/// An event that could not be read as a request.
pub(crate) fn unreadable(endpoint: &str, reason: &str) {
    warn!(event = endpoint, outcome = "refused", status = 400, reason);
    metrics::refused("invalid_request");
}

/// What a function decided that answers no HTTP request, about whom if that is known.
pub fn decided(
    event: &'static str,
    decision: Result<(), &Rejection>,
    about: Option<(UserId, SessionId)>,
    source_ip: Option<&str>,
) {
    let (sub, sid) = about.map(|(user, session)| (user.to_string(), session.to_string())).unzip();
    match decision {
        Ok(()) => metrics::succeeded(event),
        Err(rejection) => metrics::refused(rejection.parts().1),
    }
    match decision {
        Ok(()) => info!(event, outcome = "success", sub, sid, source_ip),
        Err(rejection) if rejection.is_ours() => {
            error!(event, outcome = "failure", reason = rejection.reason(), sub, sid, source_ip);
        }
        Err(rejection) => warn!(event, outcome = "refused", reason = rejection.reason(), sub, sid, source_ip),
    }
}

fn identifiers(request: &Request) -> (Option<String>, Option<String>) {
    let (subject, session) = request.about();
    (subject.map(|id| id.to_string()), session.map(|id| id.to_string()))
}
