//! What a caller is told when the answer is no, and the one match that decides it.

use aws::with_causes;
use http::{HeaderValue, Method, StatusCode, header};
use keyring::{KeysUnavailable, VerificationError};
use serde_json::json;
use token::{RefreshError, Seconds, TokenError};

use crate::Response;

/// Every way in which a request is refused. Precise inside for the log; [`Rejection::answer`] is coarse.
#[derive(Debug)]
pub enum Rejection {
    /// The event or its body is not what the endpoint takes; the text says what to mend.
    InvalidRequest(String),
    /// No such path.
    NotFound,
    /// Another method than the endpoint's.
    MethodNotAllowed(&'static [Method]),
    /// A body beyond 16 KiB.
    BodyTooLarge,
    /// A body of another media type than JSON.
    NotJson,
    /// A login with bad credentials; the caller must not learn which.
    InvalidCredentials(CredentialFailure),
    /// A new password that nobody should have.
    PasswordRefused(String),
    /// Too many failed logins under this name or from this address.
    TooManyAttempts(Seconds),
    /// Not a token of ours.
    InvalidToken(TokenError),
    /// `now >= exp`.
    TokenExpired,
    /// `now > iat + JWT_REFRESH_EXPIRATION_DELTA`.
    RefreshExpired,
    /// `JWT_ALLOW_REFRESH` is off.
    RefreshDisabled,
    /// The session of the token is no longer there.
    SessionEnded(SessionFailure),
    /// The user of the token is disabled.
    UserDisabled,
    /// The call needs a token in the `Authorization` header, and there is none.
    NoBearerToken,
    /// The token in the `Authorization` header is refused; holds why.
    BearerToken(Box<Rejection>),
    /// A rejection, and the cookie that goes with it.
    WithCookie(Box<Rejection>, HeaderValue),
    /// A browser's call for a page of an origin that is not ours, or that relies on the cookie without saying.
    ForeignPage,
    /// There are no signing keys that may be used.
    NoKeys,
    /// DynamoDB fails; holds its error.
    Store(users::StoreError),
    /// Something of ours failed: a bug or the random source.
    Internal(&'static str),
    /// The time of the request is used up.
    TimedOut,
}

/// Why credentials are bad. For the log alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialFailure {
    /// No user of this name.
    UnknownUser,
    /// Another password.
    WrongPassword,
    /// The user is disabled, whatever the password.
    UserDisabled,
    /// The stored hash is not one that may be checked.
    UnusableHash,
}

/// Why a session is no longer there. For the log alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionFailure {
    /// The user was deleted.
    UserGone,
    /// The name belongs to another user now.
    OtherUser,
    /// The user logged out, everywhere or here, or changed the password, or the session was pushed out.
    NotInRow,
}

/// What is asked for where no token was sent, which is no error (RFC 6750 §3.1).
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer");
const CHALLENGE_OF_BAD_TOKEN: HeaderValue = HeaderValue::from_static("Bearer error=\"invalid_token\"");
/// When a caller may try again after a failure of ours.
const RETRY_UNAVAILABLE: Seconds = Seconds::new(1);

impl Rejection {
    /// The answer to the caller: status, stable code, a sentence, and no cause.
    pub fn answer(&self) -> Response {
        let (status, code, message) = self.parts();
        let answer = Response::json(status, &json!({ "code": code, "message": message }));
        match self {
            Self::MethodNotAllowed(allowed) => {
                let allowed: Vec<_> = allowed.iter().map(Method::as_str).collect();
                match HeaderValue::from_str(&allowed.join(", ")) {
                    Ok(allowed) => answer.with_header(header::ALLOW, allowed),
                    Err(_) => answer,
                }
            }
            Self::NoBearerToken => answer.with_header(header::WWW_AUTHENTICATE, CHALLENGE),
            Self::BearerToken(_) => answer.with_header(header::WWW_AUTHENTICATE, CHALLENGE_OF_BAD_TOKEN),
            Self::WithCookie(rejection, cookie) => {
                rejection.answer().with_header(header::SET_COOKIE, cookie.clone())
            }
            Self::TooManyAttempts(wait) => answer.with_header(header::RETRY_AFTER, wait.get().into()),
            Self::NoKeys | Self::Store(_) | Self::Internal(_) | Self::TimedOut => {
                answer.with_header(header::RETRY_AFTER, RETRY_UNAVAILABLE.get().into())
            }
            _ => answer,
        }
    }

    /// The status, the stable code and the sentence.
    pub fn parts(&self) -> (StatusCode, &str, &str) {
        match self {
            Self::InvalidRequest(message) => (StatusCode::BAD_REQUEST, "invalid_request", message.as_str()),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "There is nothing at this path."),
            Self::MethodNotAllowed(_) => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This path does not take this method; see the Allow header.",
            ),
            Self::BodyTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The body must not exceed 16 KiB.")
            }
            Self::NotJson => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "The body must be JSON, sent with Content-Type: application/json.",
            ),
            Self::InvalidCredentials(_) => (
                StatusCode::BAD_REQUEST,
                "invalid_credentials",
                "Unable to log in with provided credentials.",
            ),
            Self::PasswordRefused(message) => (StatusCode::BAD_REQUEST, "password_refused", message.as_str()),
            Self::TooManyAttempts(_) => (
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_attempts",
                "Too many failed logins under this name or from this address. Try again after the seconds in Retry-After.",
            ),
            Self::InvalidToken(_) => (
                StatusCode::BAD_REQUEST,
                "invalid_token",
                "This is not a valid token of this service. Log in to get one.",
            ),
            Self::TokenExpired => (StatusCode::BAD_REQUEST, "token_expired", "Signature has expired."),
            Self::RefreshExpired => (StatusCode::BAD_REQUEST, "refresh_expired", "Refresh has expired."),
            Self::RefreshDisabled => (
                StatusCode::BAD_REQUEST,
                "refresh_disabled",
                "Refreshing tokens is switched off here. Log in again when the token has expired.",
            ),
            Self::SessionEnded(_) => (
                StatusCode::BAD_REQUEST,
                "session_ended",
                "The session of this token has ended. Log in again.",
            ),
            Self::UserDisabled => (StatusCode::BAD_REQUEST, "user_disabled", "User account is disabled."),
            Self::NoBearerToken => (
                StatusCode::UNAUTHORIZED,
                "authorization_required",
                "This call needs a token, sent as Authorization: Bearer.",
            ),
            Self::BearerToken(rejection) => {
                let (_, code, message) = rejection.parts();
                (StatusCode::UNAUTHORIZED, code, message)
            }
            Self::WithCookie(rejection, _) => rejection.parts(),
            Self::ForeignPage => (
                StatusCode::FORBIDDEN,
                "csrf_refused",
                "With cookies, calls are taken only from pages of this service or of an origin in CORS_ALLOWED_ORIGINS.",
            ),
            Self::NoKeys | Self::Store(_) | Self::Internal(_) | Self::TimedOut => (
                StatusCode::SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                "The service cannot answer at the moment. Try again after the seconds in Retry-After.",
            ),
        }
    }

    /// A field whose text is none of its kind. No user has such a name or password, so it tells nobody who exists.
    pub fn of_field(field: &str, problem: &dyn std::error::Error) -> Self {
        Self::InvalidRequest(format!("The field \"{field}\" cannot be used: {problem}."))
    }

    /// The same rejection of a token that came in the `Authorization` header: 401 (RFC 6750 §3.1).
    #[must_use]
    pub fn of_bearer_token(self) -> Self {
        match self {
            Self::InvalidToken(_) | Self::TokenExpired | Self::SessionEnded(_) | Self::UserDisabled => {
                Self::BearerToken(Box::new(self))
            }
            other => other,
        }
    }

    /// What the log says of it beyond the answer's status.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::InvalidToken(problem) => format!("invalid_token: {problem}"),
            Self::InvalidCredentials(problem) => format!("invalid_credentials: {problem:?}"),
            Self::SessionEnded(problem) => format!("session_ended: {problem:?}"),
            Self::BearerToken(rejection) | Self::WithCookie(rejection, _) => rejection.reason(),
            Self::Store(problem) => format!("store: {}", with_causes(problem)),
            Self::Internal(problem) => format!("internal: {problem}"),
            // The text may quote a member name that the caller chose.
            Self::InvalidRequest(_) => "invalid_request".to_owned(),
            Self::PasswordRefused(_) => "password_refused".to_owned(),
            Self::TooManyAttempts(wait) => format!("too_many_attempts: {wait} to wait"),
            other => format!("{other:?}"),
        }
    }

    /// Whether it is a failure of ours rather than of the request.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self, Self::NoKeys | Self::Store(_) | Self::Internal(_) | Self::TimedOut)
    }
}

impl From<TokenError> for Rejection {
    /// Expiry is said, everything else about a bad token is not.
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Expired => Self::TokenExpired,
            other => Self::InvalidToken(other),
        }
    }
}

impl From<RefreshError> for Rejection {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::SwitchedOff => Self::RefreshDisabled,
            RefreshError::Expired => Self::TokenExpired,
            RefreshError::LimitPassed => Self::RefreshExpired,
        }
    }
}

impl From<KeysUnavailable> for Rejection {
    fn from(_: KeysUnavailable) -> Self {
        Self::NoKeys
    }
}

impl From<VerificationError> for Rejection {
    fn from(error: VerificationError) -> Self {
        match error {
            VerificationError::KeysUnavailable(error) => error.into(),
            VerificationError::Token(error) => error.into(),
        }
    }
}

impl From<users::StoreError> for Rejection {
    fn from(problem: users::StoreError) -> Self {
        Self::Store(problem)
    }
}

impl From<users::EndSessionsError> for Rejection {
    fn from(problem: users::EndSessionsError) -> Self {
        match problem {
            users::EndSessionsError::SessionEnded => Self::SessionEnded(SessionFailure::NotInRow),
            users::EndSessionsError::Store(problem) => Self::Store(problem),
        }
    }
}

impl From<crate::random::RandomError> for Rejection {
    fn from(_: crate::random::RandomError) -> Self {
        Self::Internal("the random source failed")
    }
}

impl From<token::IssueError> for Rejection {
    fn from(problem: token::IssueError) -> Self {
        match problem {
            token::IssueError::NoSigningKey => Self::NoKeys,
            token::IssueError::SigningFailed => Self::Internal("signing failed"),
        }
    }
}

#[cfg(test)]
#[path = "rejection_tests.rs"]
mod tests;
