//! One line a request: what was asked, what came of it, about whom. Never a name as typed, a
//! password, a token, a body or a header.

use lambda_http::tracing::{error, info, warn};

use crate::{Answer, Refusal};

/// An answer that was given.
pub(crate) fn answered(endpoint: &str, answer: &Answer, source_ip: Option<&str>) {
    info!(
        event = endpoint,
        outcome = "success",
        status = answer.status().as_u16(),
        sub = answer.subject.map(|id| id.to_string()),
        sid = answer.session.map(|id| id.to_string()),
        source_ip,
    );
}

/// A refusal and its precise reason.
pub(crate) fn refused(endpoint: &str, refusal: &Refusal, answer: &Answer, source_ip: Option<&str>) {
    let (status, reason) = (answer.status().as_u16(), refusal.reason());
    if refusal.is_ours() {
        error!(event = endpoint, outcome = "failure", status, reason, source_ip);
    } else {
        warn!(event = endpoint, outcome = "refused", status, reason, source_ip);
    }
}
