//! Every status, code and body that a caller can be rejected with.

use http::HeaderMap;
use serde_json::Value;

use token::TokenError;
use users::CodeFailure;

use super::*;
use crate::{
    ClientFailure, CredentialFailure, GrantFailure, LetterOutcome, PageOrigin, SessionFailure, Throttled,
    log::{Field, REASONS},
};

fn told(rejection: &Rejection) -> (u16, HeaderMap, Value) {
    let response = rejection.response().into_response();
    let body = serde_json::from_slice(response.body()).unwrap();
    (response.status().as_u16(), response.headers().clone(), body)
}

/// The contract, which has an example of each rejection that a path of it gives.
const CONTRACT: &str = include_str!("../../../../openapi.yaml");
const UNAVAILABLE: &str =
    "The service cannot answer at the moment. Try again after the seconds in Retry-After.";

/// `not_found` belongs to no path of the contract, and `password_refused` has examples of its own.
fn is_in_contract(code: &str, message: &str) -> bool {
    ["not_found", "password_refused"].contains(&code) || CONTRACT.contains(message)
}

/// A row of the tables below.
fn is_told(reason: Reason, status: u16, code: &str, message: &str) {
    let word = reason.word();
    let (told_status, headers, body) = told(&reason.into());
    assert_eq!((told_status, body), (status, json!({ "code": code, "message": message })), "{word}");
    assert!(is_in_contract(code, message), "openapi.yaml lacks: {message}");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers.contains_key("retry-after"), status == 503 || status == 429);
    assert_eq!(headers.contains_key("allow"), status == 405);
    assert_eq!(headers.contains_key("www-authenticate"), status == 401);
}

#[test]
fn every_rejection_has_its_status_code_and_message() {
    for (rejection, status, code, message) in [
        (
            Reason::InvalidRequest("The field \"token\" is required.".into()),
            400,
            "invalid_request",
            "The field \"token\" is required.",
        ),
        (Reason::NotFound, 404, "not_found", "There is nothing at this path."),
        (
            Reason::MethodNotAllowed(&[Method::POST]),
            405,
            "method_not_allowed",
            "This path does not take this method; see the Allow header.",
        ),
        (Reason::BodyTooLarge, 413, "body_too_large", "The body must not exceed 16 KiB."),
        (
            Reason::NotJson,
            415,
            "unsupported_media_type",
            "The body must be JSON, sent with Content-Type: application/json.",
        ),
        (
            Reason::InvalidCredentials(CredentialFailure::UnknownUser),
            400,
            "invalid_credentials",
            "Unable to log in with provided credentials.",
        ),
        (
            Reason::InvalidCredentials(CredentialFailure::WrongPassword),
            400,
            "invalid_credentials",
            "Unable to log in with provided credentials.",
        ),
        (
            Reason::InvalidCredentials(CredentialFailure::UserDisabled),
            400,
            "invalid_credentials",
            "Unable to log in with provided credentials.",
        ),
        (
            Reason::CodeRejected(CodeFailure::UserChanged),
            400,
            "invalid_code",
            "This code is mistyped, used, replaced or expired. If it was used to set a password, log in; if not, ask for a new one.",
        ),
        (Reason::PasswordRefused("Too short.".to_owned()), 400, "password_refused", "Too short."),
        (
            Reason::TooManyAttempts { wait: Seconds::new(5), throttled: Throttled::Name },
            429,
            "too_many_attempts",
            "Too many failed logins under this name or from this address. Try again after the seconds in Retry-After.",
        ),
        (
            Reason::InvalidToken(TokenError::Signature),
            400,
            "invalid_token",
            "This is not a valid token of this service. Log in to get one.",
        ),
        (Reason::TokenExpired, 400, "token_expired", "Signature has expired."),
        (Reason::RefreshExpired, 400, "refresh_expired", "Refresh has expired."),
        (
            Reason::RefreshDisabled,
            400,
            "refresh_disabled",
            "Refreshing tokens is switched off here. Log in again when the token has expired.",
        ),
        (
            Reason::SessionEnded(SessionFailure::UserGone),
            400,
            "session_ended",
            "The session of this token has ended. Log in again.",
        ),
        (
            Reason::NotThroughProxy,
            403,
            "direct_call_rejected",
            "This address takes no calls. Use the public address of the service.",
        ),
        (Reason::UserDisabled, 400, "user_disabled", "User account is disabled."),
        (
            Reason::NoBearerToken,
            401,
            "authorization_required",
            "This call needs a token, sent as Authorization: Bearer.",
        ),
        (
            Reason::ForeignPage(PageOrigin::Foreign),
            403,
            "csrf_refused",
            "With cookies, calls are taken only from pages of this service or of an origin in CORS_ALLOWED_ORIGINS.",
        ),
        (Reason::SymmetricKey, 503, "temporarily_unavailable", UNAVAILABLE),
        (Reason::NoKeys, 503, "temporarily_unavailable", UNAVAILABLE),
        (Reason::Store(users::StoreError::Unprocessed), 503, "temporarily_unavailable", UNAVAILABLE),
        (Reason::Internal("panic"), 503, "temporarily_unavailable", UNAVAILABLE),
        (Reason::TimedOut, 503, "temporarily_unavailable", UNAVAILABLE),
    ] {
        is_told(rejection, status, code, message);
    }
}

#[test]
fn every_access_token_that_is_not_given_has_its_status_code_and_message() {
    for (rejection, status, code, message) in [
        (
            Reason::NotGranted(GrantFailure::AudienceUnknown),
            400,
            "audience_unknown",
            "There are no access tokens for this audience. ACCESS_TOKEN_AUDIENCES lists the audiences.",
        ),
        (
            Reason::NotGranted(GrantFailure::ScopeUnknown),
            400,
            "scope_unknown",
            "The audience has no such scope. ACCESS_TOKEN_AUDIENCES names the scopes of each audience.",
        ),
        (
            Reason::NotGranted(GrantFailure::Client(ClientFailure::WrongSecret)),
            400,
            "invalid_client",
            "The client is unknown or disabled, or its secret is wrong or missing.",
        ),
        (
            Reason::NotGranted(GrantFailure::GrantType),
            400,
            "unsupported_grant_type",
            "The grant type must be client_credentials.",
        ),
        (
            Reason::NotGranted(GrantFailure::Scope),
            400,
            "invalid_scope",
            "The client may not have this scope for this audience.",
        ),
        (
            Reason::NotGranted(GrantFailure::Target),
            400,
            "invalid_target",
            "The client may not use this resource, or has several and must name one in the parameter resource.",
        ),
        (
            Reason::NotGranted(GrantFailure::NotForm),
            415,
            "invalid_request",
            "The body must be a form, sent with Content-Type: application/x-www-form-urlencoded.",
        ),
        (
            Reason::TooManyAttempts { wait: Seconds::new(5), throttled: Throttled::AddressOfClients },
            429,
            "too_many_attempts",
            "Too many wrong client secrets from this address. Try again after the seconds in Retry-After.",
        ),
    ] {
        is_told(rejection, status, code, message);
    }
}

#[test]
fn a_wait_the_allowed_methods_and_the_scheme_are_said_in_headers() {
    assert_eq!(
        told(&Reason::TooManyAttempts { wait: Seconds::new(640), throttled: Throttled::Address }.into()).1["retry-after"],
        "640"
    );
    assert_eq!(told(&Reason::NoKeys.into()).1["retry-after"], "1");
    assert_eq!(told(&Reason::NoBearerToken.into()).1["www-authenticate"], "Bearer");
    assert_eq!(told(&Reason::MethodNotAllowed(&[Method::GET, Method::HEAD]).into()).1["allow"], "GET, HEAD");
}

#[test]
fn a_client_of_oauth_is_told_the_same_in_its_own_words() {
    let rejection = Rejection::from(Reason::NotGranted(GrantFailure::Client(ClientFailure::Unknown)));
    let response = rejection.oauth_response().into_response();
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    let told = json!({
        "error": "invalid_client",
        "error_description": "The client is unknown or disabled, or its secret is wrong or missing.",
    });
    assert_eq!((response.status().as_u16(), &body), (400, &told));
    assert!(!response.headers().contains_key("www-authenticate"));
    assert_eq!(response.headers()["cache-control"], "no-store");
    let response = rejection.of_authorization_header().oauth_response().into_response();
    assert_eq!(response.status().as_u16(), 401, "for who has tried the header");
    assert_eq!(response.headers()["www-authenticate"], "Basic realm=\"latchkey\"");
    assert_eq!(
        Rejection::from(Reason::NoKeys).oauth_response().into_response().headers()["retry-after"],
        "1"
    );
}

#[test]
fn a_rejected_bearer_token_is_401_with_the_code_and_the_message_of_any_rejected_token() {
    let rejections: [fn() -> Reason; 4] = [
        || Reason::TokenExpired,
        || Reason::UserDisabled,
        || Reason::InvalidToken(TokenError::Signature),
        || Reason::SessionEnded(SessionFailure::NotInRow),
    ];
    for rejection in rejections {
        let (status, headers, body) = told(&Rejection::from(rejection()).of_authorization_header());
        assert_eq!((status, body), (401, told(&rejection().into()).2));
        assert_eq!(headers["www-authenticate"], "Bearer error=\"invalid_token\"");
        assert_eq!(headers["cache-control"], "no-store");
    }
    let (status, headers, _) = told(&Rejection::from(Reason::NoKeys).of_authorization_header());
    assert!(status == 503 && !headers.contains_key("www-authenticate"), "a failure of ours stays one");
}

#[test]
fn a_cookie_goes_with_the_rejection_and_changes_nothing_else() {
    let (status, headers, body) =
        told(&Rejection::from(Reason::TokenExpired).with_cookie(HeaderValue::from_static("a=")));
    assert_eq!((status, body), (400, told(&Reason::TokenExpired.into()).2));
    assert_eq!(headers["set-cookie"], "a=");
}

#[test]
fn the_log_gets_the_reason_and_never_what_the_caller_sent() {
    let none = AuditDetails::default;
    for (reason, word, details) in [
        (
            Reason::InvalidToken(TokenError::Signature),
            "bad_signature",
            none().with(Field::Detail, "the signature is wrong"),
        ),
        (Reason::InvalidRequest("canary".into()), "invalid_request", none()),
        (Reason::PasswordRefused("canary".into()), "password_refused", none()),
        (Reason::InvalidCredentials(CredentialFailure::UnknownUser), "unknown_user", none()),
        (
            Reason::TooManyAttempts { wait: Seconds::new(9), throttled: Throttled::Address },
            "address_throttled",
            none().with(Field::Wait, 9),
        ),
        (Reason::ForeignPage(PageOrigin::Absent), "csrf_refused", none().with(Field::Origin, "absent")),
    ] {
        assert_eq!((reason.word(), reason.details()), (word, details));
    }
}

#[test]
fn every_reason_is_in_the_documentation_and_nothing_else_is() {
    let of_tokens = [
        TokenError::TooLong,
        TokenError::NotCompact,
        TokenError::Encrypted,
        TokenError::UnknownKey,
        TokenError::Algorithm,
        TokenError::Signature,
        TokenError::ClaimMissing("sub"),
        TokenError::Issuer,
        TokenError::Audience,
        TokenError::NotYetValid,
    ];
    let of_credentials = [
        CredentialFailure::UnknownUser,
        CredentialFailure::WrongPassword,
        CredentialFailure::UserDisabled,
        CredentialFailure::UnusableHash,
    ];
    let of_sessions = [SessionFailure::UserGone, SessionFailure::OtherUser, SessionFailure::NotInRow];
    let of_clients = [
        ClientFailure::Unknown,
        ClientFailure::WrongSecret,
        ClientFailure::Disabled,
        ClientFailure::TwoIds,
        ClientFailure::Absent,
    ];
    let of_codes = [
        CodeFailure::Unknown,
        CodeFailure::Expired,
        CodeFailure::Replaced,
        CodeFailure::OtherPurpose,
        CodeFailure::NameTaken,
        CodeFailure::UserChanged,
        CodeFailure::UserDisabled,
    ];
    let throttled = |throttled| Reason::TooManyAttempts { wait: Seconds::new(1), throttled };
    let others = [
        Reason::InvalidRequest(String::new()),
        Reason::NotFound,
        Reason::MethodNotAllowed(&[]),
        Reason::BodyTooLarge,
        Reason::NotJson,
        Reason::PasswordRefused(String::new()),
        throttled(Throttled::Name),
        throttled(Throttled::Address),
        throttled(Throttled::AddressOfClients),
        Reason::TokenExpired,
        Reason::NotGranted(GrantFailure::AudienceUnknown),
        Reason::NotGranted(GrantFailure::ScopeUnknown),
        Reason::NotGranted(GrantFailure::GrantType),
        Reason::NotGranted(GrantFailure::Scope),
        Reason::NotGranted(GrantFailure::Target),
        Reason::NotGranted(GrantFailure::NotForm),
        Reason::SymmetricKey,
        Reason::RefreshExpired,
        Reason::RefreshDisabled,
        Reason::UserDisabled,
        Reason::NoBearerToken,
        Reason::ForeignPage(PageOrigin::Foreign),
        Reason::NotThroughProxy,
        Reason::NoKeys,
        Reason::Store(users::StoreError::Unprocessed),
        Reason::Internal("x"),
        Reason::TimedOut,
    ];
    let mut words: Vec<_> = others
        .into_iter()
        .chain(of_tokens.map(Reason::InvalidToken))
        .chain(of_credentials.map(Reason::InvalidCredentials))
        .chain(of_sessions.map(Reason::SessionEnded))
        .chain(of_codes.map(Reason::CodeRejected))
        .chain(of_clients.map(GrantFailure::Client).map(Reason::NotGranted))
        .map(|reason| reason.word())
        // Those that no request has.
        .chain(["rotation_failed", "prune_failed"])
        .chain(LetterOutcome::WITHOUT_LETTER.map(LetterOutcome::word))
        .collect();
    words.sort_unstable();
    words.dedup();
    let mut documented: Vec<_> = REASONS.iter().map(|(word, _)| *word).collect();
    documented.sort_unstable();
    assert_eq!(words, documented);
}

#[test]
fn the_first_word_on_whom_a_request_is_about_stays() {
    let user = |byte| AuditDetails::user(token::UserId::new(token::Entropy([byte; 16])));
    let rejection = Rejection::from(Reason::NoKeys).about(user(1)).about(user(2));
    assert_eq!(rejection.details(), user(1));
}
