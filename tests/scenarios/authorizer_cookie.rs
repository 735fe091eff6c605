//! The Lambda authorizer in cookie mode: the cookie where there is no header, for the pages from which the service takes it.

use authorizer::Authorizer;
use edge::Environment;
use harness::{Event, LOGIN_AT, World, at};
use http::Method;
use serde_json::{Map, Value, json};

use crate::authorizer::{KINDS, allows, with_token};

const PASSWORD: &str = "correct horse battery";
const APP: &str = "https://app.example.com";
const SETTINGS: [(&str, &str); 4] = [
    ("JWT_ALLOW_REFRESH", "true"),
    ("JWT_AUTH_COOKIE", "__Host-latchkey"),
    ("CORS_ALLOWED_ORIGINS", APP),
    ("AUTHORIZER_READS_COOKIE", "true"),
];
const OURS: &[(&str, &str)] = &[("sec-fetch-site", "same-origin")];

async fn logged_in() -> (World, Authorizer, String) {
    let world = World::with(&SETTINGS).await;
    world.create("ada", PASSWORD).await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    let authorizer = world.authorizer(&SETTINGS);
    (world, authorizer, token)
}

/// The event of `kind` without an Authorization header, with what a browser says of the page that asks.
fn with_cookies(kind: &str, method: &Method, cookies: &[String], page: &[(&str, &str)]) -> Value {
    let mut event = with_token(kind, "no.to.ken");
    let members = event.as_object_mut().unwrap();
    members.remove("identitySource");
    let name = |name: &str| {
        // As the events of each kind write names.
        if kind == "rest_request" {
            name.split('-').map(capital).collect::<Vec<_>>().join("-")
        } else {
            name.to_owned()
        }
    };
    let mut sent: Vec<(String, String)> =
        page.iter().map(|(header, value)| (name(header), (*value).to_owned())).collect();
    if kind == "http_api_2" {
        members.insert("cookies".to_owned(), json!(cookies));
        members["requestContext"]["http"]["method"] = method.as_str().into();
    } else {
        sent.push((name("cookie"), cookies.join("; ")));
        members.insert("httpMethod".to_owned(), method.as_str().into());
    }
    for (member, many) in [("headers", false), ("multiValueHeaders", true)] {
        let Some(headers) = members.get_mut(member).and_then(Value::as_object_mut) else { continue };
        headers.retain(|header, _| !header.eq_ignore_ascii_case("authorization"));
        for (header, value) in &sent {
            headers.insert(header.clone(), if many { json!([value]) } else { json!(value) });
        }
    }
    event
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}

fn cookie(token: &str) -> Vec<String> {
    vec!["theme=dark".to_owned(), format!("__Host-latchkey={token}")]
}

async fn answer(authorizer: &Authorizer, event: &Value) -> Value {
    authorizer.answer(&event.to_string(), at(LOGIN_AT), std::time::Duration::from_secs(8)).await.unwrap()
}

/// The code of a no.
async fn code(authorizer: &Authorizer, event: &Value) -> String {
    let answer = answer(authorizer, event).await;
    assert!(!allows(&answer), "{answer}");
    answer["context"]["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_page_passes_by_its_cookie_exactly_where_the_service_takes_it_from_that_page() {
    let (world, authorizer, token) = logged_in().await;
    let says: [&[(&str, &str)]; 9] = [
        &[],
        OURS,
        &[("origin", APP), ("sec-fetch-site", "cross-site")],
        &[("origin", APP)],
        &[("origin", "https://evil.example")],
        &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("origin", "null"), ("sec-fetch-site", "cross-site")],
    ];
    for (method, path) in
        [(Method::GET, "/auth/sessions"), (Method::DELETE, "/auth/sessions/AAAAAAAAAAAAAAAAAAAAAA")]
    {
        for page in says {
            let mut asked = Event::http_api(&method, path).header("content-type", None);
            for (name, value) in page {
                asked = asked.header(name, Some(value));
            }
            asked.0["cookies"] = json!(cookie(&token));
            asked.0["body"] = Value::Null;
            // The second asks for a session that is not there: 404 once it has passed.
            let passes = world.send(path, &asked, LOGIN_AT).await.status != 403;
            for kind in ["rest_request", "http_api_1", "http_api_2"] {
                let event = with_cookies(kind, &method, &cookie(&token), page);
                let answer = answer(&authorizer, &event).await;
                assert_eq!(allows(&answer), passes, "{kind} {method} {page:?}");
                assert!(passes || answer["context"]["code"] == "csrf_refused", "{answer}");
            }
        }
    }
}

#[tokio::test]
async fn a_request_with_the_header_is_judged_by_the_header_alone() {
    let (_world, authorizer, token) = logged_in().await;
    for kind in ["rest_request", "http_api_1", "http_api_2"] {
        for (value, code_of_it) in
            [("Basic YTpi", "authorization_required"), ("Bearer no.to.ken", "invalid_token")]
        {
            let mut event = with_cookies(kind, &Method::GET, &cookie(&token), OURS);
            for member in ["headers", "multiValueHeaders"] {
                if let Some(headers) = event[member].as_object_mut() {
                    headers.insert("Authorization".to_owned(), value.into());
                }
            }
            assert_eq!(
                code(&authorizer, &event).await,
                code_of_it,
                "{kind}: a cache may keep this by {value}"
            );
        }
        assert!(allows(&answer(&authorizer, &with_token(kind, &token)).await), "{kind}");
    }
}

#[tokio::test]
async fn a_cookie_that_is_not_clearly_ours_lets_nobody_in() {
    let (_world, authorizer, token) = logged_in().await;
    let twice = [cookie(&token), cookie("no.to.ken")].concat();
    let neighbour = vec![format!("\u{2000}__Host-latchkey={token}")];
    let other = vec![format!("__Host-latchkey2={token}"), format!("__host-latchkey={token}")];
    for kind in ["rest_request", "http_api_1", "http_api_2"] {
        for (cookies, expected) in [
            (twice.clone(), "invalid_request"),
            (neighbour.clone(), "authorization_required"),
            (other.clone(), "authorization_required"),
            (Vec::new(), "authorization_required"),
            (cookie("no.to.ken"), "invalid_token"),
        ] {
            let event = with_cookies(kind, &Method::GET, &cookies, OURS);
            assert_eq!(code(&authorizer, &event).await, expected, "{kind} {cookies:?}");
        }
    }
    // More than a map of headers holds names of.
    let many = [vec!["a=b".to_owned(); 50_000], cookie(&token)].concat();
    for kind in ["rest_request", "http_api_2"] {
        let event = with_cookies(kind, &Method::GET, &many, OURS);
        assert!(allows(&answer(&authorizer, &event).await), "{kind}");
    }
    // A header that occurs twice counts as one that says nothing good.
    let mut event = with_cookies("rest_request", &Method::GET, &cookie(&token), OURS);
    event["multiValueHeaders"]["Sec-Fetch-Site"] = json!(["same-origin", "cross-site"]);
    assert_eq!(code(&authorizer, &event).await, "csrf_refused");
}

#[tokio::test]
async fn without_the_setting_no_cookie_is_looked_at() {
    let (world, _, token) = logged_in().await;
    for settings in [&SETTINGS[..3], &[]] {
        let authorizer = world.authorizer(settings);
        for kind in KINDS {
            let event = with_cookies(kind, &Method::GET, &cookie(&token), OURS);
            let event = if kind == "token" {
                json!({ "type": "TOKEN", "methodArn": event["methodArn"] })
            } else {
                event
            };
            assert_eq!(code(&authorizer, &event).await, "authorization_required", "{kind}");
        }
    }
}

#[test]
fn the_authorizer_reads_no_cookie_that_has_no_name() {
    let settings = Map::from_iter([("AUTHORIZER_READS_COOKIE".to_owned(), json!("true"))]);
    let lookup = |variable: &str| settings.get(variable).and_then(Value::as_str).map(str::to_owned);
    let wrong = Environment::new(&lookup).authorizer_cookie().unwrap_err();
    assert_eq!(wrong.to_string(), "AUTHORIZER_READS_COOKIE may be true only with JWT_AUTH_COOKIE");
}

#[tokio::test]
async fn the_local_server_asks_the_authorizer_about_a_cookie_too() {
    let (world, _, token) = logged_in().await;
    for (path, page, status) in [
        ("/protected/now", OURS, 200),
        ("/protected/now", &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")], 403),
        // The native authorizer reads its header and nothing else.
        ("/protected", OURS, 401),
    ] {
        let asked = Event::http_api(&Method::GET, path).header("content-type", None);
        let mut asked = page.iter().fold(asked, |event, (name, value)| event.header(name, Some(value)));
        asked.0["cookies"] = json!(cookie(&token));
        let answer = world.gateway.respond(path, &asked.0.to_string(), at(LOGIN_AT)).await;
        assert_eq!(answer["statusCode"], status, "{path} {page:?}");
    }
}
