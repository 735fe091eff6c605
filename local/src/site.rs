use axum::body::Body;
use http::{HeaderValue, Method, Response, StatusCode, header};
use serde_json::json;
use token::Timestamp;

use crate::{
    Clock, HttpRequest, Options,
    clock_control::{CLOCK_PATH, ClockControl, comes_from_this_machine, json_answer},
    mail::SesStandIn,
    reference,
};

/// Where the letters are.
const MAIL_PATH: &str = "/local/mail";

/// Nothing but files of ours, no script or style inside the HTML, no frame around it, no form sent by the browser.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const OPENAPI: &str = include_str!("../../openapi.yaml");

/// The files of the page: path, media type, content.
const FILES: [(&str, &str, &str); 25] = [
    ("/", HTML, include_str!("../page/index.html")),
    ("/page/style.css", STYLE, include_str!("../page/style.css")),
    ("/page/icon.svg", "image/svg+xml", include_str!("../page/icon.svg")),
    ("/page/keep-alive.js", SCRIPT, include_str!("../page/keep-alive.js")),
    ("/page/letters-panel.js", SCRIPT, include_str!("../page/letters-panel.js")),
    ("/page/main.js", SCRIPT, include_str!("../page/main.js")),
    ("/page/access.js", SCRIPT, include_str!("../page/access.js")),
    ("/page/access-panel.js", SCRIPT, include_str!("../page/access-panel.js")),
    ("/page/access-reasons.js", SCRIPT, include_str!("../page/access-reasons.js")),
    ("/page/account.js", SCRIPT, include_str!("../page/account.js")),
    ("/page/account-panel.js", SCRIPT, include_str!("../page/account-panel.js")),
    ("/page/actions.js", SCRIPT, include_str!("../page/actions.js")),
    ("/page/api.js", SCRIPT, include_str!("../page/api.js")),
    ("/page/clock.js", SCRIPT, include_str!("../page/clock.js")),
    ("/page/dom.js", SCRIPT, include_str!("../page/dom.js")),
    ("/page/exchange.js", SCRIPT, include_str!("../page/exchange.js")),
    ("/page/panels.js", SCRIPT, include_str!("../page/panels.js")),
    ("/page/reasons.js", SCRIPT, include_str!("../page/reasons.js")),
    ("/page/session.js", SCRIPT, include_str!("../page/session.js")),
    ("/page/timeline.js", SCRIPT, include_str!("../page/timeline.js")),
    ("/page/token-view.js", SCRIPT, include_str!("../page/token-view.js")),
    ("/page/token.js", SCRIPT, include_str!("../page/token.js")),
    ("/page/tour.js", SCRIPT, include_str!("../page/tour.js")),
    ("/page/words.js", SCRIPT, include_str!("../page/words.js")),
    ("/openapi.yaml", "application/yaml; charset=utf-8", OPENAPI),
];

/// What the local server has and no function in AWS: the page, the contract to read, and the clock.
pub(crate) struct Site {
    control: ClockControl,
    /// `/docs`
    reference: String,
    /// `/local/mail`, where letters are sent.
    mail: Option<SesStandIn>,
}

impl Site {
    /// The site of a server that starts at `machine`.
    pub(crate) fn new(options: &Options, mail: Option<SesStandIn>, machine: Timestamp) -> Self {
        let control = ClockControl {
            clock: Clock::new(machine),
            expiration: options.expiration,
            refresh_expiration: options.refresh_expiration,
        };
        Self { control, reference: reference::render(OPENAPI), mail }
    }

    /// The time of a request that came at `machine` by the machine's clock.
    pub(crate) fn now(&self, machine: Timestamp) -> Timestamp {
        self.control.clock.now(machine)
    }

    /// The answer, if `request` is for a path of the site.
    pub(crate) fn answer(&self, request: &HttpRequest, machine: Timestamp) -> Option<Response<Body>> {
        let path = request.uri.path();
        if path == CLOCK_PATH {
            return Some(self.control.answer(request, machine));
        }
        if path == MAIL_PATH {
            return self.mail.as_ref().map(|mail| letters(mail, request));
        }
        let file = FILES.iter().find(|(of_file, _, _)| *of_file == path);
        let (media_type, content) = match file {
            Some((_, media_type, content)) => (*media_type, Body::from(*content)),
            None if path == "/docs" => (HTML, Body::from(self.reference.clone())),
            None => return None,
        };
        if request.method != Method::GET && request.method != Method::HEAD {
            return Some(only_get());
        }
        let mut response = Response::new(content);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
        for (name, value) in [
            (header::CACHE_CONTROL, "no-cache"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
            (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        Some(response)
    }
}

/// The letters, for this machine's own pages and programs: each has a code in it.
fn letters(mail: &SesStandIn, request: &HttpRequest) -> Response<Body> {
    if !comes_from_this_machine(&request.headers) {
        let message = "The letters are for this machine's own pages and programs, not for other sites.";
        return json_answer(StatusCode::FORBIDDEN, &json!({ "code": "foreign_page", "message": message }));
    }
    if request.method != Method::GET && request.method != Method::HEAD {
        return only_get();
    }
    json_answer(StatusCode::OK, &mail.letters())
}

fn only_get() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}
