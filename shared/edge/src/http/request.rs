use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use lambda_http::{RequestExt, request::RequestContext};
use serde_json::{Map, Value};
use token::strict_json::{self, JsonError};
use zeroize::Zeroizing;

use crate::{AuditDetails, Reason, bearer_token, cookie_values, log::Field};

/// The largest body read, in bytes after base64 is undone.
pub const MAX_BODY_BYTES: usize = 16 * 1024;
/// How long an id of API Gateway's is at most: those of REST APIs are UUIDs.
const MAX_REQUEST_ID: usize = 64;
/// How much of a user agent the log has, as the row of a session has.
const MAX_USER_AGENT_CHARACTERS: usize = 200;
/// How much of a member's name an answer says back.
const MAX_QUOTED_CHARACTERS: usize = 64;

/// An HTTP request, whichever kind of event brought it.
pub struct Request {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Zeroizing<Vec<u8>>,
    source_ip: Option<String>,
    /// What API Gateway calls the request.
    id: Option<String>,
}

/// Whether the log may have this as the id of a request, which callers of a REST API can choose.
pub fn is_request_id(text: &str) -> bool {
    text.len() <= MAX_REQUEST_ID
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte))
}

/// The members of a JSON body.
#[derive(Default)]
pub struct Body(Map<String, Value>);

impl Request {
    pub(crate) fn new(request: lambda_http::Request) -> Self {
        let (source_ip, id) = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => {
                (context.http.source_ip.clone(), context.request_id.clone())
            }
            Some(RequestContext::ApiGatewayV1(context)) => {
                (context.identity.source_ip.clone(), context.request_id.clone())
            }
            // An ALB tells the address in X-Forwarded-For alone, which anybody can send.
            _ => (None, None),
        };
        let path = request.raw_http_path().to_owned();
        let (parts, body) = request.into_parts();
        Self {
            method: parts.method,
            path,
            headers: parts.headers,
            body: Zeroizing::new(body.to_vec()),
            source_ip,
            id: id.filter(|id| is_request_id(id)),
        }
    }

    /// A request of which another event tells the method and the headers, as that of an authorizer does.
    pub fn without_body(method: Method, headers: HeaderMap) -> Self {
        Self { method, path: String::new(), headers, body: Zeroizing::default(), source_ip: None, id: None }
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path as sent; with the stage in front where the event has one.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The caller's address as API Gateway saw it.
    pub fn source_ip(&self) -> Option<&str> {
        self.source_ip.as_deref()
    }

    /// What the log says of every request.
    pub(crate) fn details(&self) -> AuditDetails {
        AuditDetails::default()
            .with_any(Field::SourceIp, self.source_ip())
            .with_any(Field::ApiRequestId, self.id.as_deref())
    }

    /// What the log says of a request that opens a session, or whose session was opened by another client.
    pub fn client_details(&self) -> AuditDetails {
        AuditDetails::default().with_any(Field::UserAgent, self.logged_user_agent())
    }

    /// The `User-Agent` as the log and the row of a session have it.
    pub(crate) fn logged_user_agent(&self) -> Option<String> {
        self.user_agent().map(|text| text.chars().take(MAX_USER_AGENT_CHARACTERS).collect())
    }

    /// Says where the request comes from, by the word of a proxy that has shown that it is ours.
    pub(crate) fn comes_from(&mut self, address: Option<std::net::IpAddr>) {
        self.source_ip = address.map(|address| address.to_string());
    }

    /// The one value of a header; one that was sent twice counts as empty.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&HeaderValue> {
        static UNCLEAR: HeaderValue = HeaderValue::from_static("");
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        Some(if values.next().is_some() { &UNCLEAR } else { value })
    }

    /// The one value of a header of this lower-case name, if it is text.
    pub fn text(&self, name: &'static str) -> Option<&str> {
        self.header(&HeaderName::from_static(name))?.to_str().ok()
    }

    /// The values of the cookies called `name`, in order. One that is not text is no token, and hides no other.
    pub(crate) fn cookies(&self, name: &str) -> impl Iterator<Item = &str> {
        let headers = self.headers.get_all(header::COOKIE).iter();
        let values = headers.flat_map(move |header| cookie_values(header.as_bytes(), name));
        values.filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// Whether there is nothing in the body.
    pub(crate) fn has_no_body(&self) -> bool {
        self.body.is_empty()
    }

    /// The `User-Agent`, if it is text.
    pub fn user_agent(&self) -> Option<&str> {
        self.headers.get(header::USER_AGENT)?.to_str().ok()
    }

    /// Whether there is an `Authorization` header, whatever is in it.
    pub fn has_authorization(&self) -> bool {
        self.headers.contains_key(header::AUTHORIZATION)
    }

    /// The token in the `Authorization` header (RFC 6750 §2.1).
    pub fn bearer_token(&self) -> Result<&str, Reason> {
        let values = self.headers.get_all(header::AUTHORIZATION).iter();
        bearer_token(values.map(|value| value.to_str().unwrap_or_default()))
    }

    /// The members of the JSON object in the body.
    pub fn json(&self) -> Result<Body, Reason> {
        if self.body.len() > MAX_BODY_BYTES {
            return Err(Reason::BodyTooLarge);
        }
        if !self.says_json() {
            return Err(Reason::NotJson);
        }
        if self.body.is_empty() {
            return Err(Reason::InvalidRequest("The body is empty; it must be a JSON object.".to_owned()));
        }
        match strict_json::parse_object(&self.body) {
            Ok(members) => Ok(Body(members)),
            Err(problem) => Err(Reason::InvalidRequest(
                match problem {
                    JsonError::Malformed => "The body is not valid JSON.",
                    JsonError::NotAnObject => "The body must be a JSON object.",
                    JsonError::DuplicateMember => "The body has a member twice.",
                    JsonError::TooDeep => "The body is nested too deeply.",
                }
                .to_owned(),
            )),
        }
    }

    fn says_json(&self) -> bool {
        self.says("application/json")
    }

    /// Whether the body is said to be of this media type.
    pub(super) fn says(&self, media_type: &str) -> bool {
        let mut types = self.headers.get_all(header::CONTENT_TYPE).iter();
        let (Some(value), None) = (types.next(), types.next()) else { return false };
        let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case(media_type)
    }

    /// The body as sent.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }
}

impl Body {
    /// Whether there is a member called `name`, of whatever type.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The string called `name`; a rejection that names it when it is absent or something else.
    pub fn string(&mut self, name: &str) -> Result<String, Reason> {
        match self.0.remove(name) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(Reason::InvalidRequest(format!("The field \"{name}\" must be a string."))),
            None => Err(Reason::InvalidRequest(format!("The field \"{name}\" is required."))),
        }
    }

    /// The string called `name`, if it is there; a rejection that names it when it is something else.
    pub fn optional_string(&mut self, name: &str) -> Result<Option<String>, Reason> {
        if self.has(name) { self.string(name).map(Some) } else { Ok(None) }
    }

    /// Rejects what is left: members that nobody asked for.
    pub fn ends(self) -> Result<(), Reason> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => {
                let name: String = name.chars().take(MAX_QUOTED_CHARACTERS).collect();
                Err(Reason::InvalidRequest(format!("Unknown field \"{name}\".")))
            }
        }
    }

    /// The boolean called `name`, false when it is absent; a rejection that names it when it is something else.
    pub fn flag(&mut self, name: &str) -> Result<bool, Reason> {
        match self.0.remove(name) {
            None => Ok(false),
            Some(Value::Bool(set)) => Ok(set),
            Some(_) => Err(Reason::InvalidRequest(format!("The field \"{name}\" must be true or false."))),
        }
    }
}
