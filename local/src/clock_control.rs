//! `/local/clock`: reads, moves and stops the clock of the local server.

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use serde_json::{Map, Value, json};
use token::{Seconds, Timestamp, strict_json};

use crate::{Clock, HttpRequest, clock::Move};

/// Where the clock is.
pub(crate) const CLOCK_PATH: &str = "/local/clock";
/// More than any sensible body has.
const MAX_BODY_BYTES: usize = 1024;
const ALLOWED: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, DELETE");
/// The names by which a browser reaches a server on its own machine.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// The clock, and what a page needs to know to draw a session.
pub(crate) struct ClockControl {
    pub(crate) clock: Clock,
    pub(crate) expiration: Seconds,
    pub(crate) refresh_expiration: Seconds,
}

/// Why the clock is not touched: status, code, sentence.
type Rejected = (StatusCode, &'static str, String);

impl ClockControl {
    /// The answer to a request for [`CLOCK_PATH`] that came at `machine` by the machine's clock.
    pub(crate) fn answer(&self, request: &HttpRequest, machine: Timestamp) -> Response<Body> {
        match self.handle(request, machine) {
            Ok(()) => json_answer(StatusCode::OK, &self.reading(machine)),
            Err((status, code, message)) => {
                let mut response = json_answer(status, &json!({ "code": code, "message": message }));
                if status == StatusCode::METHOD_NOT_ALLOWED {
                    response.headers_mut().insert(header::ALLOW, ALLOWED);
                }
                response
            }
        }
    }

    fn handle(&self, request: &HttpRequest, machine: Timestamp) -> Result<(), Rejected> {
        if !comes_from_this_machine(&request.headers) {
            let message = "The clock listens to this machine's own pages and programs, not to other sites.";
            return Err((StatusCode::FORBIDDEN, "foreign_page", message.to_owned()));
        }
        match request.method {
            Method::GET | Method::HEAD => Ok(()),
            Method::DELETE => {
                self.clock.reset();
                Ok(())
            }
            Method::POST => {
                let (to, running) = parse(request)?;
                let running = running.unwrap_or_else(|| self.clock.is_running());
                self.clock.set(to, running, machine).map_err(|error| invalid(&error.to_string()))
            }
            _ => Err((
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This path does not take this method; see the Allow header.".to_owned(),
            )),
        }
    }

    fn reading(&self, machine: Timestamp) -> Value {
        json!({
            "now": self.clock.now(machine).seconds(),
            "machine": machine.seconds(),
            "running": self.clock.is_running(),
            "expiration": self.expiration.get(),
            "refresh_expiration": self.refresh_expiration.get(),
        })
    }
}

/// What a POST asks for: `to` or `by` in seconds, and whether the clock runs afterwards.
fn parse(request: &HttpRequest) -> Result<(Move, Option<bool>), Rejected> {
    if request.body.len() > MAX_BODY_BYTES {
        let message = "The body must not exceed 1 KiB.".to_owned();
        return Err((StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message));
    }
    // A page of another site can send text and forms unasked, but JSON only after a preflight, which is rejected.
    if !says_json(&request.headers) {
        let message = "The body must be JSON, sent with Content-Type: application/json.".to_owned();
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message));
    }
    let members = strict_json::parse_object(&request.body)
        .map_err(|error| invalid(&format!("The body is no JSON object to use: {error}.")))?;
    if let Some(name) = members.keys().find(|name| !["to", "by", "running"].contains(&name.as_str())) {
        return Err(invalid(&format!("There is no field {name:?}: send \"to\" or \"by\", and \"running\".")));
    }
    let to = number(&members, "to", Value::as_u64)?;
    let by = number(&members, "by", Value::as_i64)?;
    let running = match members.get("running") {
        None => None,
        Some(Value::Bool(running)) => Some(*running),
        Some(_) => return Err(invalid("The field \"running\" must be true or false.")),
    };
    match (to, by) {
        (Some(_), Some(_)) => Err(invalid("Send \"to\" or \"by\", not both.")),
        (None, None) if running.is_none() => Err(invalid(
            "Send \"to\" (seconds since 1970), \"by\" (seconds, forward or back) or \"running\".",
        )),
        (Some(seconds), None) => Ok((Move::To(seconds), running)),
        (None, Some(seconds)) => Ok((Move::By(seconds), running)),
        (None, None) => Ok((Move::Stay, running)),
    }
}

fn number<T>(
    members: &Map<String, Value>,
    name: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Option<T>, Rejected> {
    let whole = || invalid(&format!("The field \"{name}\" must be a whole number of seconds."));
    members.get(name).map(|value| read(value).ok_or_else(whole)).transpose()
}

fn invalid(message: &str) -> Rejected {
    (StatusCode::BAD_REQUEST, "invalid_request", message.to_owned())
}

/// Whether no page of another site sent the request. `Host` is looked at because another site's name can be made to
/// lead to this machine, and the browser then takes the page for one of ours.
pub(crate) fn comes_from_this_machine(headers: &HeaderMap) -> bool {
    let one = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
            _ => Err(()),
        }
    };
    let sec_fetch_site = HeaderName::from_static("sec-fetch-site");
    let (Ok(Some(host)), Ok(origin), Ok(site)) =
        (one(&header::HOST), one(&header::ORIGIN), one(&sec_fetch_site))
    else {
        return false;
    };
    let name = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(host, |(name, _)| name);
    LOOPBACK.contains(&name)
        && origin.is_none_or(|origin| origin == format!("http://{host}"))
        && site.is_none_or(|site| site == "same-origin" || site == "none")
}

fn says_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else { return false };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

pub(crate) fn json_answer(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
