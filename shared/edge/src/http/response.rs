use http::{HeaderName, HeaderValue, StatusCode, header};
use lambda_http::Body;
use serde_json::{Map, Value, json};
use token::{Claims, SessionPolicy, Timestamp};

use super::AuditSubject;

/// What goes back to the caller, and whom it is about.
#[derive(Debug)]
pub struct Response {
    response: http::Response<Body>,
    subject: Option<AuditSubject>,
}

impl Response {
    /// A JSON body that nobody may store.
    pub fn json(status: StatusCode, body: &Value) -> Self {
        let mut response = http::Response::new(Body::Text(body.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        Self { response, subject: None }
    }

    /// 204: done, and nothing to say.
    pub fn no_content() -> Self {
        let mut response = http::Response::new(Body::Empty);
        *response.status_mut() = StatusCode::NO_CONTENT;
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self { response, subject: None }
    }

    /// Adds a header, or replaces its value.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.response.headers_mut().insert(name, value);
        self
    }

    /// Says whom the request was about, unless that is said already.
    #[must_use]
    pub(crate) fn about(mut self, subject: Option<AuditSubject>) -> Self {
        self.subject = self.subject.or(subject);
        self
    }

    pub(crate) fn subject(&self) -> Option<AuditSubject> {
        self.subject
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn into_response(self) -> http::Response<Body> {
        self.response
    }
}

/// Who the bearer of a token is: `sub` identifies the user, the name is for people.
pub fn user(claims: &Claims) -> Value {
    json!({ "sub": claims.subject.to_string(), "username": claims.username })
}

/// The success of login and refresh: whose token it is, the token itself if it is to be told, and in seconds from `now` how
/// long it lives and for how long its session can be refreshed.
pub(crate) fn token_response(
    token: Option<&str>,
    claims: &Claims,
    policy: &SessionPolicy,
    now: Timestamp,
) -> Response {
    let lifetime = claims.lifetime;
    let mut members = Map::new();
    members.insert("user".to_owned(), user(claims));
    if let Some(token) = token {
        members.insert("token".to_owned(), token.into());
        members.insert("token_type".to_owned(), "Bearer".into());
    }
    members.insert("expires_in".to_owned(), lifetime.expires_at.time_left(now).get().into());
    if let Some(left) = policy.refresh_time_left(lifetime.issued_at, now) {
        members.insert("refresh_expires_in".to_owned(), left.get().into());
    }
    Response::json(StatusCode::OK, &members.into())
}
