use http::{HeaderValue, Method, header};

use super::Origins;
use crate::{Request, Response, Route, http::OriginCheck};

/// How long a browser may remember the answer to a preflight: Chromium's own bound.
const PREFLIGHT_SECONDS: HeaderValue = HeaderValue::from_static("7200");
/// The headers that calls are made with, and those that a page's tracing adds to every call (W3C Trace Context and
/// Baggage, Sentry), which nothing here reads: a page that may not add them cannot sign in.
const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, traceparent, tracestate, baggage, sentry-trace");
/// The headers of answers that a script has a use for.
const ANSWER_HEADERS: HeaderValue = HeaderValue::from_static("retry-after");

/// Which pages of other origins may read the answers (the Fetch standard's CORS protocol); none by default.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    named: Origins,
    /// Whether their requests may bring the cookie.
    credentials: bool,
    origin: OriginCheck,
}

impl Cors {
    pub(crate) fn new(named: Origins, credentials: bool) -> Self {
        Self { named, credentials, origin: OriginCheck::default() }
    }

    /// Only for requests that pass `check`.
    #[must_use]
    pub(crate) fn behind(self, check: OriginCheck) -> Self {
        Self { origin: check, ..self }
    }

    /// What every request must pass before anything else is done with it.
    pub(crate) fn origin(&self) -> &OriginCheck {
        &self.origin
    }

    /// Whether pages of `origin` may call, for whoever serves other routes beside ours.
    pub fn names(&self, origin: &str) -> bool {
        self.named.contain(origin)
    }

    /// Whether their requests may bring the cookie.
    pub fn allows_credentials(&self) -> bool {
        self.credentials
    }

    /// The answer to a browser that asks whether a page of a named origin may make a call of `route`.
    pub(crate) fn preflight(&self, request: &Request, route: Route) -> Option<Response> {
        let asks = request.method() == Method::OPTIONS
            && request.header(&header::ACCESS_CONTROL_REQUEST_METHOD).is_some();
        if !asks || self.named_origin(request).is_none() {
            return None;
        }
        let methods: Vec<_> = route.methods.iter().map(Method::as_str).collect();
        let methods = HeaderValue::from_str(&methods.join(", ")).ok()?;
        let answer = Response::no_content()
            .with_header(header::ACCESS_CONTROL_ALLOW_METHODS, methods)
            .with_header(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS)
            .with_header(header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS);
        Some(answer)
    }

    /// `answer`, readable for the page that sent `request` if its origin is named.
    pub(crate) fn open(&self, request: &Request, answer: Response) -> Response {
        if self.named.is_empty() {
            return answer;
        }
        // Said to everybody: a cache must not hand one page the answer that another may read.
        let answer = answer.with_header(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = self.named_origin(request) else { return answer };
        let answer = answer
            .with_header(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone())
            .with_header(header::ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS);
        if self.credentials {
            answer.with_header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"))
        } else {
            answer
        }
    }

    fn named_origin<'r>(&self, request: &'r Request) -> Option<&'r HeaderValue> {
        request
            .header(&header::ORIGIN)
            .filter(|origin| origin.to_str().is_ok_and(|text| self.named.contain(text)))
    }
}
