use http::{HeaderName, HeaderValue, StatusCode, header};
use lambda_http::Body;
use serde_json::{Map, Value, json};
use token::{Claims, SessionPolicy, Timestamp};

use super::AuditDetails;

/// What goes back to the caller, and what the log says of it.
#[derive(Debug)]
pub struct Response {
    response: http::Response<Body>,
    details: AuditDetails,
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
        Self { response, details: AuditDetails::default() }
    }

    /// 204: done, and nothing to say.
    pub fn no_content() -> Self {
        let mut response = http::Response::new(Body::Empty);
        *response.status_mut() = StatusCode::NO_CONTENT;
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self { response, details: AuditDetails::default() }
    }

    /// 202: it will be looked at, and nobody learns what comes of it.
    pub fn accepted() -> Self {
        let mut response = Self::no_content();
        *response.response.status_mut() = StatusCode::ACCEPTED;
        response
    }

    /// Adds a header, or replaces its value.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.response.headers_mut().insert(name, value);
        self
    }

    /// Tells the log more; the first word on a member stays.
    #[must_use]
    pub(crate) fn about(mut self, details: AuditDetails) -> Self {
        self.details = self.details.and(details);
        self
    }

    /// What the log is to say, which is said once.
    pub(crate) fn take_details(mut self) -> (Self, AuditDetails) {
        let details = std::mem::take(&mut self.details);
        (self, details)
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
