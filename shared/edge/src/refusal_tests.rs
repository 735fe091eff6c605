//! Every status, code and body that a caller can be refused with.

use http::HeaderMap;
use serde_json::Value;

use super::*;

fn told(refusal: &Refusal) -> (u16, HeaderMap, Value) {
    let response = refusal.answer().into_response();
    let body = serde_json::from_slice(response.body()).unwrap();
    (response.status().as_u16(), response.headers().clone(), body)
}

const UNAVAILABLE: &str =
    "The service cannot answer at the moment. Try again after the seconds in Retry-After.";

#[test]
fn every_refusal_has_its_status_code_and_message() {
    for (refusal, status, code, message) in [
        (
            Refusal::InvalidRequest("The field \"token\" is required.".into()),
            400,
            "invalid_request",
            "The field \"token\" is required.",
        ),
        (Refusal::NotFound, 404, "not_found", "There is nothing at this path."),
        (
            Refusal::MethodNotAllowed(&[Method::POST]),
            405,
            "method_not_allowed",
            "This path does not take this method; see the Allow header.",
        ),
        (Refusal::BodyTooLarge, 413, "body_too_large", "The body must not exceed 16 KiB."),
        (
            Refusal::NotJson,
            415,
            "unsupported_media_type",
            "The body must be JSON, sent with Content-Type: application/json.",
        ),
        (
            Refusal::InvalidCredentials(CredentialFailure::UnknownUser),
            400,
            "invalid_credentials",
            "Unable to log in with provided credentials.",
        ),
        (
            Refusal::InvalidCredentials(CredentialFailure::WrongPassword),
            400,
            "invalid_credentials",
            "Unable to log in with provided credentials.",
        ),
        (
            Refusal::InvalidCredentials(CredentialFailure::UserDisabled),
            400,
            "invalid_credentials",
            "Unable to log in with provided credentials.",
        ),
        (Refusal::PasswordRefused("Too short.".to_owned()), 400, "password_refused", "Too short."),
        (
            Refusal::TooManyAttempts(Seconds::new(5)),
            429,
            "too_many_attempts",
            "Too many failed logins under this name or from this address. Try again after the seconds in Retry-After.",
        ),
        (
            Refusal::InvalidToken(TokenError::Signature),
            400,
            "invalid_token",
            "This is not a valid token of this service. Log in to get one.",
        ),
        (Refusal::TokenExpired, 400, "token_expired", "Signature has expired."),
        (Refusal::RefreshExpired, 400, "refresh_expired", "Refresh has expired."),
        (
            Refusal::RefreshDisabled,
            400,
            "refresh_disabled",
            "Refreshing tokens is switched off here. Log in again when the token has expired.",
        ),
        (
            Refusal::SessionEnded(SessionFailure::UserGone),
            400,
            "session_ended",
            "The session of this token has ended. Log in again.",
        ),
        (Refusal::UserDisabled, 400, "user_disabled", "User account is disabled."),
        (
            Refusal::NoBearerToken,
            401,
            "authorization_required",
            "This call needs a token, sent as Authorization: Bearer.",
        ),
        (
            Refusal::WithCookie(Box::new(Refusal::TokenExpired), HeaderValue::from_static("a=")),
            400,
            "token_expired",
            "Signature has expired.",
        ),
        (
            Refusal::ForeignPage,
            403,
            "csrf_refused",
            "With cookies, calls are taken only from pages of this service or of an origin in CORS_ALLOWED_ORIGINS.",
        ),
        (Refusal::NoKeys, 503, "temporarily_unavailable", UNAVAILABLE),
        (Refusal::Store(users::StoreError::Unprocessed), 503, "temporarily_unavailable", UNAVAILABLE),
        (Refusal::Internal("panic"), 503, "temporarily_unavailable", UNAVAILABLE),
        (Refusal::TimedOut, 503, "temporarily_unavailable", UNAVAILABLE),
    ] {
        let (told_status, headers, body) = told(&refusal);
        assert_eq!(told_status, status, "{refusal:?}");
        assert_eq!(body, json!({ "code": code, "message": message }));
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers.contains_key("retry-after"), status == 503 || status == 429);
        assert_eq!(headers.contains_key("allow"), status == 405);
        assert_eq!(headers.contains_key("www-authenticate"), status == 401);
    }
}

#[test]
fn a_wait_the_allowed_methods_and_the_scheme_are_said_in_headers() {
    assert_eq!(told(&Refusal::TooManyAttempts(Seconds::new(640))).1["retry-after"], "640");
    assert_eq!(told(&Refusal::NoKeys).1["retry-after"], "1");
    assert_eq!(told(&Refusal::NoBearerToken).1["www-authenticate"], "Bearer");
    assert_eq!(told(&Refusal::MethodNotAllowed(&[Method::GET, Method::HEAD])).1["allow"], "GET, HEAD");
}

#[test]
fn a_refused_bearer_token_is_401_with_the_code_and_the_message_of_any_refused_token() {
    let refusals: [fn() -> Refusal; 4] = [
        || Refusal::TokenExpired,
        || Refusal::UserDisabled,
        || Refusal::InvalidToken(TokenError::Signature),
        || Refusal::SessionEnded(SessionFailure::NotInRow),
    ];
    for refusal in refusals {
        let (status, headers, body) = told(&refusal().of_bearer_token());
        assert_eq!((status, body), (401, told(&refusal()).2));
        assert_eq!(headers["www-authenticate"], "Bearer error=\"invalid_token\"");
        assert_eq!(headers["cache-control"], "no-store");
    }
    let (status, headers, _) = told(&Refusal::NoKeys.of_bearer_token());
    assert!(status == 503 && !headers.contains_key("www-authenticate"), "a failure of ours stays one");
}

#[test]
fn the_log_gets_the_reason_and_never_what_the_caller_sent() {
    assert_eq!(
        Refusal::InvalidToken(TokenError::Signature).reason(),
        "invalid_token: the signature is wrong"
    );
    assert_eq!(
        Refusal::InvalidToken(TokenError::Signature).of_bearer_token().reason(),
        "invalid_token: the signature is wrong"
    );
    assert_eq!(Refusal::InvalidRequest("canary".into()).reason(), "invalid_request");
    assert_eq!(
        Refusal::InvalidCredentials(CredentialFailure::UnknownUser).reason(),
        "invalid_credentials: UnknownUser"
    );
}
