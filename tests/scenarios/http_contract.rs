//! Methods, media types, sizes, and the kinds of events.

use base64::{Engine, engine::general_purpose::STANDARD};
use harness::{Event, LOGIN_AT, World};
use http::Method;
use serde_json::json;

const PASSWORD: &str = "correct horse battery";
const ROUTES: [&str; 4] = ["/auth/login", "/auth/refresh", "/auth/verify", "/auth/logout"];

#[tokio::test]
async fn every_kind_of_event_is_answered_in_its_own_kind() {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    let body = json!({ "username": "ada", "password": PASSWORD });
    for event in [
        Event::http_api(&Method::POST, "/auth/login"),
        Event::rest_api(&Method::POST, "/auth/login"),
        Event::load_balancer(&Method::POST, "/auth/login"),
    ] {
        let reply = world.send("/auth/login", &event.clone().json(&body), LOGIN_AT).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.headers["content-type"], "application/json");
        assert_eq!(reply.headers["cache-control"], "no-store");
        let refresh = event.json(&json!({ "token": reply.token() }));
        assert_eq!(world.send("/auth/refresh", &refresh, LOGIN_AT).await.status, 200);
    }
}

#[tokio::test]
async fn a_base64_body_is_a_body() {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    let mut event = Event::http_api(&Method::POST, "/auth/login")
        .body(STANDARD.encode(json!({ "username": "ada", "password": PASSWORD }).to_string()));
    event.0["isBase64Encoded"] = true.into();
    assert_eq!(world.send("/auth/login", &event, LOGIN_AT).await.status, 200);
}

#[tokio::test]
async fn another_method_is_405_and_says_which_is_allowed() {
    let world = World::new().await;
    for (path, allowed) in [
        ("/auth/login", "POST"),
        ("/auth/refresh", "POST"),
        ("/auth/verify", "POST"),
        ("/auth/logout", "POST"),
        ("/auth/sessions", "GET"),
        ("/auth/sessions/AQEBAQEBAQEBAQEBAQEBAQ", "DELETE"),
        ("/.well-known/jwks.json", "GET, HEAD"),
        ("/.well-known/openid-configuration", "GET, HEAD"),
    ] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "HEAD"] {
            if allowed.split(", ").any(|one| one == method) {
                continue;
            }
            let event = Event::http_api(&Method::from_bytes(method.as_bytes()).unwrap(), path);
            let reply = world.send(path, &event, LOGIN_AT).await;
            assert_eq!((reply.status, reply.code()), (405, "method_not_allowed"), "{method} {path}");
            assert_eq!(reply.headers["allow"], allowed);
            assert_eq!(reply.headers["cache-control"], "no-store");
        }
    }
}

#[tokio::test]
async fn a_body_of_another_media_type_is_415() {
    let world = World::new().await;
    for path in ROUTES {
        for media_type in [
            None,
            Some(""),
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
            Some("multipart/form-data; boundary=x"),
            Some("application/jsonx"),
            Some("application/json, text/plain"),
        ] {
            let event = Event::http_api(&Method::POST, path).header("content-type", media_type);
            let reply = world.send(path, &event, LOGIN_AT).await;
            assert_eq!((reply.status, reply.code()), (415, "unsupported_media_type"), "{media_type:?}");
        }
        for media_type in ["application/json; charset=utf-8", "Application/JSON", " application/json ;x=y"] {
            let event = Event::http_api(&Method::POST, path).header("content-type", Some(media_type));
            assert_eq!(world.send(path, &event, LOGIN_AT).await.code(), "invalid_request", "{media_type}");
        }
    }
}

#[tokio::test]
async fn sixteen_kibibytes_are_read_and_one_more_is_413() {
    let world = World::new().await;
    for path in ROUTES {
        let sized = |length: usize| {
            let event = Event::http_api(&Method::POST, path);
            event.body(format!(r#"{{"x":"{}"}}"#, "x".repeat(length - 8)))
        };
        assert_eq!(world.send(path, &sized(16 * 1024), LOGIN_AT).await.code(), "invalid_request");
        let reply = world.send(path, &sized(16 * 1024 + 1), LOGIN_AT).await;
        assert_eq!((reply.status, reply.code()), (413, "body_too_large"));
    }
}

#[tokio::test]
async fn a_missing_or_mistyped_field_is_named() {
    let world = World::new().await;
    for (path, body, message) in [
        ("/auth/login", json!({ "password": "x" }), "The field \"username\" is required."),
        ("/auth/login", json!({ "username": "x" }), "The field \"password\" is required."),
        (
            "/auth/login",
            json!({ "username": 1, "password": "x" }),
            "The field \"username\" must be a string.",
        ),
        (
            "/auth/login",
            json!({ "username": "x", "password": 12345 }),
            "The field \"password\" must be a string.",
        ),
        ("/auth/refresh", json!({}), "The field \"token\" is required."),
        ("/auth/refresh", json!({ "token": null }), "The field \"token\" must be a string."),
        ("/auth/refresh", json!({ "token": ["x"] }), "The field \"token\" must be a string."),
        ("/auth/verify", json!({ "check_session": true }), "The field \"token\" is required."),
        ("/auth/logout", json!({ "everywhere": true }), "The field \"token\" is required."),
        ("/auth/logout", json!({ "token": 1 }), "The field \"token\" must be a string."),
        ("/auth/verify", json!({ "token": {} }), "The field \"token\" must be a string."),
    ] {
        let reply = world.post(path, &body, LOGIN_AT).await;
        assert_eq!(reply.status, 400);
        assert_eq!(reply.body, json!({ "code": "invalid_request", "message": message }));
    }
}

#[tokio::test]
async fn unknown_fields_are_ignored() {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    let body = json!({ "username": "ada", "password": PASSWORD, "exp": 1, "is_superuser": true });
    let reply = world.post("/auth/login", &body, LOGIN_AT).await;
    let claims = world.claims(reply.token(), LOGIN_AT);
    assert!(claims.custom.as_map().is_empty());
}

#[tokio::test]
async fn a_path_without_a_route_is_404() {
    let world = World::new().await;
    let reply = world.send("/auth/other", &Event::http_api(&Method::POST, "/auth/other"), LOGIN_AT).await;
    assert_eq!(reply.status, 404);
}
