//! Which pages of other origins may call, and what the rest gets to see.

use harness::{Event, ISSUER, LOGIN_AT, Reply, World, at};
use http::Method;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";
const APP: &str = "https://app.example.com";
const PATHS: [(&str, &str); 8] = [
    ("/auth/login", "POST"),
    ("/auth/refresh", "POST"),
    ("/auth/verify", "POST"),
    ("/auth/logout", "POST"),
    ("/auth/password", "POST"),
    ("/auth/sessions", "GET"),
    ("/auth/sessions/AQEBAQEBAQEBAQEBAQEBAQ", "DELETE"),
    ("/.well-known/jwks.json", "GET, HEAD"),
];

async fn world(more: &[(&str, &str)]) -> World {
    let settings = [
        ("JWT_ALLOW_REFRESH", "true"),
        ("CORS_ALLOWED_ORIGINS", "http://localhost:5173, https://app.example.com"),
    ];
    World::with(&[&settings[..], more].concat()).await
}

fn preflight(path: &str, origin: &str) -> Event {
    Event::http_api(&Method::OPTIONS, path)
        .header("origin", Some(origin))
        .header("access-control-request-method", Some("POST"))
        .header("access-control-request-headers", Some("content-type"))
}

/// The answer without a look at openapi.yaml, which says in words what preflights get.
async fn send(world: &World, path: &str, event: &Event) -> Reply {
    Reply::new(&world.gateway.respond(path, &event.0.to_string(), at(LOGIN_AT)).await)
}

fn cors_headers(reply: &Reply) -> Vec<&str> {
    let headers = reply.headers.as_object().unwrap().keys().map(String::as_str);
    headers.filter(|name| name.starts_with("access-control-") || *name == "vary").collect()
}

#[tokio::test]
async fn a_page_of_a_named_origin_may_make_every_call() {
    let world = world(&[]).await;
    for (path, methods) in PATHS {
        for origin in [APP, "http://localhost:5173"] {
            let reply = send(&world, path, &preflight(path, origin)).await;
            assert_eq!((reply.status, &reply.body), (204, &Value::Null), "{path}");
            for (name, value) in [
                ("access-control-allow-origin", origin),
                ("access-control-allow-methods", methods),
                (
                    "access-control-allow-headers",
                    "authorization, content-type, traceparent, tracestate, baggage, sentry-trace",
                ),
                ("access-control-max-age", "7200"),
                ("vary", "Origin"),
            ] {
                assert_eq!(reply.headers[name], value, "{path} {name}");
            }
            assert!(reply.headers["access-control-allow-credentials"].is_null(), "there is no cookie");
        }
    }
}

#[tokio::test]
async fn its_answers_and_rejections_are_readable_and_say_when_to_come_again() {
    let world = world(&[]).await;
    world.create("ada", PASSWORD).await;
    let login = Event::http_api(&Method::POST, "/auth/login").header("origin", Some(APP));
    for (body, status) in [
        (json!({ "username": "ada", "password": PASSWORD }), 200),
        (json!({ "username": "ada", "password": "wrong" }), 400),
    ] {
        let reply = world.send("/auth/login", &login.clone().json(&body), LOGIN_AT).await;
        assert_eq!((reply.status, &reply.headers["access-control-allow-origin"]), (status, &json!(APP)));
        assert_eq!(reply.headers["access-control-expose-headers"], "retry-after");
        assert_eq!(reply.headers["vary"], "Origin");
    }
}

#[tokio::test]
async fn credentials_are_allowed_in_cookie_mode_alone() {
    let world = World::with(&[("JWT_AUTH_COOKIE", "__Host-latchkey"), ("CORS_ALLOWED_ORIGINS", APP)]).await;
    let reply = send(&world, "/auth/refresh", &preflight("/auth/refresh", APP)).await;
    assert_eq!(reply.headers["access-control-allow-credentials"], "true");
    let login = Event::http_api(&Method::POST, "/auth/login").header("origin", Some(APP)).json(&json!({}));
    let reply = world.send("/auth/login", &login, LOGIN_AT).await;
    assert_eq!(reply.headers["access-control-allow-credentials"], "true");
}

#[tokio::test]
async fn other_origins_are_told_nothing_but_that_answers_differ() {
    let world = world(&[]).await;
    for origin in [
        "https://evil.example",
        "null",
        "https://app.example.com.evil.example",
        "http://app.example.com",
        ISSUER,
    ] {
        for (path, _) in PATHS {
            let reply = send(&world, path, &preflight(path, origin)).await;
            assert_eq!((reply.status, cors_headers(&reply)), (405, vec!["vary"]), "{origin}");
        }
    }
    let plain = Event::http_api(&Method::GET, "/.well-known/jwks.json");
    assert_eq!(world.send("/.well-known/jwks.json", &plain, LOGIN_AT).await.headers["vary"], "Origin");
}

#[tokio::test]
async fn without_named_origins_there_is_no_such_header() {
    let world = World::new().await;
    for (path, _) in PATHS {
        let reply = send(&world, path, &preflight(path, APP)).await;
        assert!(reply.status == 405 && cors_headers(&reply).is_empty(), "{path}: {reply:?}");
    }
}

#[tokio::test]
async fn an_options_request_that_is_no_preflight_is_405_as_ever() {
    let world = world(&[]).await;
    let event = Event::http_api(&Method::OPTIONS, "/auth/login").header("origin", Some(APP));
    let reply = world.send("/auth/login", &event, LOGIN_AT).await;
    assert_eq!((reply.status, &reply.headers["allow"]), (405, &json!("POST")));
}
