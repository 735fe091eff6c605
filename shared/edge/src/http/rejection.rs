use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use token::Seconds;

use super::{AuditDetails, GrantFailure, Reason, Response};

/// What is asked for where no token was sent, which is no error (RFC 6750 §3.1).
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer");
/// How a client proves who it is (RFC 6749 §5.2, RFC 7617).
const CHALLENGE_OF_CLIENT: HeaderValue = HeaderValue::from_static("Basic realm=\"latchkey\"");
const CHALLENGE_OF_BAD_TOKEN: HeaderValue = HeaderValue::from_static("Bearer error=\"invalid_token\"");
/// When a caller may try again after a failure of ours.
const RETRY_UNAVAILABLE: Seconds = Seconds::new(1);

/// A rejected request: the reason, how it is presented, and what the log says of it.
#[derive(Debug)]
pub struct Rejection {
    reason: Reason,
    token_from: TokenFrom,
    /// Boxed, as few rejections have one.
    cookie: Option<Box<HeaderValue>>,
    details: AuditDetails,
}

/// Where the rejected token was, which decides between 400 and 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenFrom {
    Body,
    /// The `Authorization` header, or the cookie in its place.
    Header,
}

impl Rejection {
    /// Why.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// Whether it is a failure of ours rather than of the request.
    pub fn is_ours(&self) -> bool {
        self.reason.is_ours()
    }

    /// What the log is to say beside the reason.
    pub(crate) fn details(&self) -> AuditDetails {
        self.details.clone()
    }

    /// Presents a rejected token, or a client that is not who it says, as one of the `Authorization` header: 401 (RFC 6750
    /// §3.1, RFC 6749 §5.2). Other reasons stay.
    #[must_use]
    pub fn of_authorization_header(mut self) -> Self {
        self.token_from = TokenFrom::Header;
        self
    }

    /// Sends this `Set-Cookie` along.
    #[must_use]
    pub(crate) fn with_cookie(mut self, cookie: HeaderValue) -> Self {
        self.cookie = Some(Box::new(cookie));
        self
    }

    /// Tells the log more; the first word on a member stays.
    #[must_use]
    pub fn about(mut self, details: AuditDetails) -> Self {
        self.details = self.details.and(details);
        self
    }

    /// The status, the stable code and the sentence for the caller.
    pub fn parts(&self) -> (StatusCode, &str, &str) {
        let (status, code, message) = self.reason.parts();
        if self.challenge().is_some() {
            (StatusCode::UNAUTHORIZED, code, message)
        } else {
            (status, code, message)
        }
    }

    /// The response to the caller: status, stable code, a sentence, and no cause.
    pub fn response(&self) -> Response {
        let (status, code, message) = self.parts();
        self.response_of(status, &json!({ "code": code, "message": message }))
    }

    /// The same for a client of OAuth, which knows `error` and `error_description` (RFC 6749 §5.2).
    pub fn oauth_response(&self) -> Response {
        let (status, code, message) = self.parts();
        self.response_of(status, &json!({ "error": code, "error_description": message }))
    }

    fn response_of(&self, status: StatusCode, body: &Value) -> Response {
        let mut response = Response::json(status, body);
        if let Some((name, value)) = self.reason_header() {
            response = response.with_header(name, value);
        }
        match &self.cookie {
            Some(cookie) => response.with_header(header::SET_COOKIE, HeaderValue::clone(cookie)),
            None => response,
        }
    }

    /// The header that goes with the status.
    fn reason_header(&self) -> Option<(header::HeaderName, HeaderValue)> {
        if let Some(challenge) = self.challenge() {
            return Some((header::WWW_AUTHENTICATE, challenge));
        }
        if self.reason.is_ours() {
            return Some((header::RETRY_AFTER, RETRY_UNAVAILABLE.get().into()));
        }
        match &self.reason {
            Reason::NoBearerToken => Some((header::WWW_AUTHENTICATE, CHALLENGE)),
            Reason::TooManyAttempts { wait, .. } => Some((header::RETRY_AFTER, wait.get().into())),
            Reason::MethodNotAllowed(allowed) => {
                let allowed: Vec<_> = allowed.iter().map(Method::as_str).collect();
                Some((header::ALLOW, HeaderValue::from_str(&allowed.join(", ")).ok()?))
            }
            Reason::InvalidRequest(_)
            | Reason::NotFound
            | Reason::BodyTooLarge
            | Reason::NotJson
            | Reason::InvalidCredentials(_)
            | Reason::CodeRejected(_)
            | Reason::PasswordRefused(_)
            | Reason::InvalidToken(_)
            | Reason::TokenExpired
            | Reason::NotGranted(_)
            | Reason::ClientGone(_)
            | Reason::RefreshExpired
            | Reason::RefreshDisabled
            | Reason::SessionEnded(_)
            | Reason::UserDisabled
            | Reason::ForeignPage(_)
            | Reason::NotThroughProxy
            | Reason::NoKeys
            | Reason::SymmetricKey
            | Reason::Store(_)
            | Reason::Internal(_)
            | Reason::TimedOut => None,
        }
    }

    /// What is asked for in place of what was in the `Authorization` header.
    fn challenge(&self) -> Option<HeaderValue> {
        if self.token_from != TokenFrom::Header {
            return None;
        }
        match self.reason {
            Reason::InvalidToken(_)
            | Reason::TokenExpired
            | Reason::SessionEnded(_)
            | Reason::UserDisabled => Some(CHALLENGE_OF_BAD_TOKEN),
            Reason::NotGranted(GrantFailure::Client(_)) => Some(CHALLENGE_OF_CLIENT),
            _ => None,
        }
    }
}

impl<E> From<E> for Rejection
where
    Reason: From<E>,
{
    fn from(reason: E) -> Self {
        Self {
            reason: reason.into(),
            token_from: TokenFrom::Body,
            cookie: None,
            details: AuditDetails::default(),
        }
    }
}

#[cfg(test)]
#[path = "rejection_tests.rs"]
mod tests;
