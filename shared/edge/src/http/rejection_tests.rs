//! Every status, code and body that a caller can be refused with.

use http::HeaderMap;
use serde_json::Value;

use super::*;

fn told(rejection: &Rejection) -> (u16, HeaderMap, Value) {
    let response = rejection.answer().into_response();
    let body = serde_json::from_slice(response.body()).unwrap();
    (response.status().as_u16(), response.headers().clone(), body)
}

const UNAVAILABLE: &str =
    "The service cannot answer at the moment. Try again after the seconds in Retry-After.";

#[test]
fn every_refusal_has_its_status_code_and_message() {
    for (rejection, status, code, message) in [
        (
            Rejection::InvalidRequest("The field \"token\" is required.".into()),
            400,
            "invalid_request",
            "The field \"token\" is required.",
        ),
        (Rejection::NotFound, 404, "not_found", "There is nothing at this path."),
        (
            Rejection::MethodNotAllowed(&[Method::POST]),
            405,
            "method_not_allowed",
            "This path does not take this method; see the Allow header.",
        ),
        (Rejection::BodyTooLarge, 413, "body_too_large", "The body must not exceed 16 KiB."),
        (
            Rejection::NotJson,
            415,
            "unsupported_media_type",
            "The body must be JSON, sent with Content-Type: application/json.",
        ),
        (
            Rejection::InvalidCredentials(CredentialFailure::UnknownUser),
            400,
            "invalid_credentials",
            "Unable to log in with provided credentials.",
        ),
        (
            Rejection::InvalidCredentials(CredentialFailure::WrongPassword),
            400,
            "invalid_credentials",
            "Unable to log in with provided credentials.",
        ),
        (
            Rejection::InvalidCredentials(CredentialFailure::UserDisabled),
            400,
            "invalid_credentials",
            "Unable to log in with provided credentials.",
        ),
        (Rejection::PasswordRefused("Too short.".to_owned()), 400, "password_refused", "Too short."),
        (
            Rejection::TooManyAttempts(Seconds::new(5)),
            429,
            "too_many_attempts",
            "Too many failed logins under this name or from this address. Try again after the seconds in Retry-After.",
        ),
        (
            Rejection::InvalidToken(TokenError::Signature),
            400,
            "invalid_token",
            "This is not a valid token of this service. Log in to get one.",
        ),
        (Rejection::TokenExpired, 400, "token_expired", "Signature has expired."),
        (Rejection::RefreshExpired, 400, "refresh_expired", "Refresh has expired."),
        (
            Rejection::RefreshDisabled,
            400,
            "refresh_disabled",
            "Refreshing tokens is switched off here. Log in again when the token has expired.",
        ),
        (
            Rejection::SessionEnded(SessionFailure::UserGone),
            400,
            "session_ended",
            "The session of this token has ended. Log in again.",
        ),
        (Rejection::UserDisabled, 400, "user_disabled", "User account is disabled."),
        (
            Rejection::NoBearerToken,
            401,
            "authorization_required",
            "This call needs a token, sent as Authorization: Bearer.",
        ),
        (
            Rejection::WithCookie(Box::new(Rejection::TokenExpired), HeaderValue::from_static("a=")),
            400,
            "token_expired",
            "Signature has expired.",
        ),
        (
            Rejection::ForeignPage,
            403,
            "csrf_refused",
            "With cookies, calls are taken only from pages of this service or of an origin in CORS_ALLOWED_ORIGINS.",
        ),
        (Rejection::NoKeys, 503, "temporarily_unavailable", UNAVAILABLE),
        (Rejection::Store(users::StoreError::Unprocessed), 503, "temporarily_unavailable", UNAVAILABLE),
        (Rejection::Internal("panic"), 503, "temporarily_unavailable", UNAVAILABLE),
        (Rejection::TimedOut, 503, "temporarily_unavailable", UNAVAILABLE),
    ] {
        let (told_status, headers, body) = told(&rejection);
        assert_eq!(told_status, status, "{rejection:?}");
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
    assert_eq!(told(&Rejection::TooManyAttempts(Seconds::new(640))).1["retry-after"], "640");
    assert_eq!(told(&Rejection::NoKeys).1["retry-after"], "1");
    assert_eq!(told(&Rejection::NoBearerToken).1["www-authenticate"], "Bearer");
    assert_eq!(told(&Rejection::MethodNotAllowed(&[Method::GET, Method::HEAD])).1["allow"], "GET, HEAD");
}

#[test]
fn a_refused_bearer_token_is_401_with_the_code_and_the_message_of_any_refused_token() {
    let refusals: [fn() -> Rejection; 4] = [
        || Rejection::TokenExpired,
        || Rejection::UserDisabled,
        || Rejection::InvalidToken(TokenError::Signature),
        || Rejection::SessionEnded(SessionFailure::NotInRow),
    ];
    for rejection in refusals {
        let (status, headers, body) = told(&rejection().of_bearer_token());
        assert_eq!((status, body), (401, told(&rejection()).2));
        assert_eq!(headers["www-authenticate"], "Bearer error=\"invalid_token\"");
        assert_eq!(headers["cache-control"], "no-store");
    }
    let (status, headers, _) = told(&Rejection::NoKeys.of_bearer_token());
    assert!(status == 503 && !headers.contains_key("www-authenticate"), "a failure of ours stays one");
}

#[test]
fn the_log_gets_the_reason_and_never_what_the_caller_sent() {
    assert_eq!(
        Rejection::InvalidToken(TokenError::Signature).reason(),
        "invalid_token: the signature is wrong"
    );
    assert_eq!(
        Rejection::InvalidToken(TokenError::Signature).of_bearer_token().reason(),
        "invalid_token: the signature is wrong"
    );
    assert_eq!(Rejection::InvalidRequest("canary".into()).reason(), "invalid_request");
    assert_eq!(
        Rejection::InvalidCredentials(CredentialFailure::UnknownUser).reason(),
        "invalid_credentials: UnknownUser"
    );
}
