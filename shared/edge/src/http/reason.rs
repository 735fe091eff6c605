//! Why a request is rejected, and the one match that decides what its caller is told.

use aws::AwsCause;
use http::{Method, StatusCode};
use keyring::{KeysUnavailable, VerificationError};
use token::{RefreshError, Seconds, TokenError, UserId};
use users::{CodeFailure, MalformedRow, MalformedRowOf, StoreError};

use super::{AuditDetails, ClientFailure, GrantFailure};
use crate::log::Field;

/// Every reason to reject a request: precise for the log, coarse for the caller ([`Reason::parts`]).
#[derive(Debug)]
pub enum Reason {
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
    /// A code that sets no password.
    CodeRejected(CodeFailure),
    /// A new password that nobody should have.
    PasswordRefused(String),
    /// Too many failed logins under this name or from this address.
    TooManyAttempts {
        /// How long the caller has to wait.
        wait: Seconds,
        /// What has to wait. For the log alone.
        throttled: Throttled,
    },
    /// Not a token of ours.
    InvalidToken(TokenError),
    /// `now >= exp`.
    TokenExpired,
    /// No access token is given.
    NotGranted(GrantFailure),
    /// `now > iat + JWT_REFRESH_EXPIRATION_DELTA`.
    RefreshExpired,
    /// `JWT_ALLOW_REFRESH` is off.
    RefreshDisabled,
    /// The session of the token is no longer there.
    SessionEnded(SessionFailure),
    /// The user of the token is disabled.
    UserDisabled,
    /// The machine client of the token may act no more.
    ClientGone(ClientFailure),
    /// The call needs a token in the `Authorization` header, and there is none.
    NoBearerToken,
    /// A browser's call for a page of an origin that is not ours, or that relies on the cookie without saying.
    ForeignPage(PageOrigin),
    /// A request that did not come through the proxy in front of the API.
    NotThroughProxy,
    /// There are no signing keys that may be used.
    NoKeys,
    /// One of the keys is an HS256 secret: whoever verifies with it could make the token of a session.
    SymmetricKey,
    /// DynamoDB fails; holds its error.
    Store(StoreError),
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

/// What has failed too often. For the log alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttled {
    /// The name.
    Name,
    /// The address.
    Address,
    /// The address, by wrong secrets of machine clients.
    AddressOfClients,
}

/// What a browser says of the page that a call is for. For the log alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageOrigin {
    /// It is one of another site.
    Foreign,
    /// Nothing.
    Absent,
}

impl Reason {
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
            Self::CodeRejected(_) => (
                StatusCode::BAD_REQUEST,
                "invalid_code",
                "This code is mistyped, used, replaced or expired. If it was used to set a password, log in; if not, ask for a new one.",
            ),
            Self::PasswordRefused(message) => (StatusCode::BAD_REQUEST, "password_refused", message.as_str()),
            Self::TooManyAttempts { throttled: Throttled::AddressOfClients, .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_attempts",
                "Too many wrong client secrets from this address. Try again after the seconds in Retry-After.",
            ),
            Self::TooManyAttempts { .. } => (
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
            Self::NotGranted(failure) => failure.parts(),
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
            Self::ClientGone(_) => {
                (StatusCode::BAD_REQUEST, "client_gone", "The client of this token is disabled or deleted.")
            }
            Self::NoBearerToken => (
                StatusCode::UNAUTHORIZED,
                "authorization_required",
                "This call needs a token, sent as Authorization: Bearer.",
            ),
            Self::ForeignPage(_) => (
                StatusCode::FORBIDDEN,
                "csrf_refused",
                "With cookies, calls are taken only from pages of this service or of an origin in CORS_ALLOWED_ORIGINS.",
            ),
            Self::NotThroughProxy => (
                StatusCode::FORBIDDEN,
                "direct_call_rejected",
                "This address takes no calls. Use the public address of the service.",
            ),
            Self::NoKeys | Self::SymmetricKey | Self::Store(_) | Self::Internal(_) | Self::TimedOut => (
                StatusCode::SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                "The service cannot answer at the moment. Try again after the seconds in Retry-After.",
            ),
        }
    }

    /// A field whose text is not of its kind. No user has such a name or password, so it tells nobody who exists.
    pub fn of_field(field: &str, problem: &dyn std::error::Error) -> Self {
        Self::InvalidRequest(format!("The field \"{field}\" cannot be used: {problem}."))
    }

    /// The word for the log: one of a fixed vocabulary, without anything that a caller sent.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed(_) => "method_not_allowed",
            Self::BodyTooLarge => "body_too_large",
            Self::NotJson => "unsupported_media_type",
            Self::InvalidCredentials(CredentialFailure::UnknownUser) => "unknown_user",
            Self::InvalidCredentials(CredentialFailure::WrongPassword) => "wrong_password",
            Self::InvalidCredentials(CredentialFailure::UnusableHash) => "unusable_hash",
            Self::InvalidCredentials(CredentialFailure::UserDisabled) | Self::UserDisabled => "user_disabled",
            Self::CodeRejected(failure) => word_of_code(*failure),
            Self::PasswordRefused(_) => "password_refused",
            Self::TooManyAttempts { throttled: Throttled::Name, .. } => "name_throttled",
            Self::TooManyAttempts { throttled: Throttled::Address | Throttled::AddressOfClients, .. } => {
                "address_throttled"
            }
            Self::InvalidToken(error) => word_of_token(*error),
            Self::TokenExpired => "token_expired",
            Self::NotGranted(failure) => failure.word(),
            Self::ClientGone(failure) => GrantFailure::Client(*failure).word(),
            Self::RefreshExpired => "refresh_expired",
            Self::RefreshDisabled => "refresh_disabled",
            Self::SessionEnded(SessionFailure::UserGone) => "user_deleted",
            Self::SessionEnded(SessionFailure::OtherUser) => "other_user",
            Self::SessionEnded(SessionFailure::NotInRow) => "session_ended",
            Self::NoBearerToken => "authorization_required",
            Self::ForeignPage(_) => "csrf_refused",
            Self::NotThroughProxy => "direct_call_rejected",
            Self::NoKeys => "no_signing_keys",
            Self::SymmetricKey => "symmetric_key",
            Self::Store(_) => "store_failed",
            Self::Internal(_) => "internal",
            Self::TimedOut => "timed_out",
        }
    }

    /// What the log says beyond [`Reason::word`]; never what the caller sent.
    pub(crate) fn details(&self) -> AuditDetails {
        let none = AuditDetails::default();
        match self {
            Self::InvalidToken(error) => none.with(Field::Detail, error.to_string()),
            Self::Store(error) => none
                .with(Field::Detail, AwsCause::own_words(error))
                .with_any(Field::AwsError, AwsCause::code_of(error))
                .with_any(Field::User, self.user().map(|user| user.to_string())),
            Self::Internal(what) => none.with(Field::Detail, *what),
            Self::TooManyAttempts { wait, .. } => none.with(Field::Wait, wait.get()),
            Self::ForeignPage(PageOrigin::Foreign) => none.with(Field::Origin, "foreign"),
            Self::ForeignPage(PageOrigin::Absent) => none.with(Field::Origin, "absent"),
            // The text may quote a member name that the caller chose.
            Self::InvalidRequest(_)
            | Self::PasswordRefused(_)
            | Self::NotFound
            | Self::MethodNotAllowed(_)
            | Self::BodyTooLarge
            | Self::NotJson
            | Self::InvalidCredentials(_)
            | Self::CodeRejected(_)
            | Self::TokenExpired
            | Self::NotGranted(_)
            | Self::ClientGone(_)
            | Self::RefreshExpired
            | Self::RefreshDisabled
            | Self::SessionEnded(_)
            | Self::UserDisabled
            | Self::NoBearerToken
            | Self::NotThroughProxy
            | Self::NoKeys
            | Self::SymmetricKey
            | Self::TimedOut => none,
        }
    }

    /// The user whose row is at fault, if the row itself is the reason and its `sub` can be read.
    fn user(&self) -> Option<UserId> {
        let Self::Store(StoreError::Malformed(MalformedRow { row: MalformedRowOf::User(user), .. })) = self
        else {
            return None;
        };
        Some(*user)
    }

    /// Whether it is a failure of ours rather than of the request.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(
            self,
            Self::NoKeys | Self::SymmetricKey | Self::Store(_) | Self::Internal(_) | Self::TimedOut
        )
    }
}

/// The word for a code that sets no password.
fn word_of_code(failure: CodeFailure) -> &'static str {
    match failure {
        CodeFailure::Unknown => "unknown_code",
        CodeFailure::Expired => "code_expired",
        CodeFailure::Replaced => "code_replaced",
        CodeFailure::OtherPurpose => "code_of_other_purpose",
        CodeFailure::NameTaken => "name_taken",
        CodeFailure::UserChanged => "user_changed",
        CodeFailure::UserDisabled => "user_disabled",
    }
}

/// The word for a token that is none of ours.
fn word_of_token(error: TokenError) -> &'static str {
    match error {
        TokenError::TooLong => "token_too_long",
        TokenError::NotCompact | TokenError::NotBase64Url | TokenError::Header(_) => "token_malformed",
        TokenError::Extension
        | TokenError::Encrypted
        | TokenError::ContentType
        | TokenError::Type
        | TokenError::AccessType => "token_header",
        TokenError::UnknownKey => "unknown_kid",
        TokenError::Algorithm => "wrong_alg",
        TokenError::Signature => "bad_signature",
        TokenError::Payload(_)
        | TokenError::ClaimMissing(_)
        | TokenError::ClaimMistyped(_)
        | TokenError::LivesTooLong => "bad_claims",
        TokenError::Issuer => "wrong_issuer",
        TokenError::Audience => "wrong_audience",
        TokenError::NotYetValid | TokenError::IssuedInFuture => "from_the_future",
        TokenError::Expired => "token_expired",
    }
}

impl From<TokenError> for Reason {
    /// Expiry is said, everything else about a bad token is not.
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Expired => Self::TokenExpired,
            other => Self::InvalidToken(other),
        }
    }
}

impl From<RefreshError> for Reason {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::SwitchedOff => Self::RefreshDisabled,
            RefreshError::Expired => Self::TokenExpired,
            RefreshError::LimitPassed => Self::RefreshExpired,
        }
    }
}

impl From<GrantFailure> for Reason {
    fn from(failure: GrantFailure) -> Self {
        Self::NotGranted(failure)
    }
}

impl From<KeysUnavailable> for Reason {
    fn from(_: KeysUnavailable) -> Self {
        Self::NoKeys
    }
}

impl From<VerificationError> for Reason {
    fn from(error: VerificationError) -> Self {
        match error {
            VerificationError::KeysUnavailable(error) => error.into(),
            VerificationError::Token(error) => error.into(),
        }
    }
}

impl From<StoreError> for Reason {
    fn from(problem: StoreError) -> Self {
        Self::Store(problem)
    }
}

impl From<users::RedeemError> for Reason {
    fn from(problem: users::RedeemError) -> Self {
        match problem {
            users::RedeemError::Dead(code) => Self::CodeRejected(code.failure),
            users::RedeemError::Store(problem) => Self::Store(problem),
        }
    }
}

impl From<users::EndSessionsError> for Reason {
    fn from(problem: users::EndSessionsError) -> Self {
        match problem {
            users::EndSessionsError::SessionEnded => Self::SessionEnded(SessionFailure::NotInRow),
            users::EndSessionsError::Store(problem) => Self::Store(problem),
        }
    }
}

impl From<crate::random::RandomError> for Reason {
    fn from(_: crate::random::RandomError) -> Self {
        Self::Internal("the random source failed")
    }
}

impl From<token::IssueError> for Reason {
    fn from(problem: token::IssueError) -> Self {
        match problem {
            token::IssueError::NoSigningKey => Self::NoKeys,
            token::IssueError::SigningFailed => Self::Internal("signing failed"),
        }
    }
}
