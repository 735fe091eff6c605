//! The clock of the local server: what it does to tokens, who may move it, and what it rejects.

use harness::{Event, LOGIN_AT, LocalServer, World};
use http::Method;
use local::ROUTES;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::local_server::{demo_login, exchange, post};

const PATH: &str = "/local/clock";
const JSON: &str = "Content-Type: application/json";

/// The status and the answer to a request of a program on this machine with these headers too.
fn ask(port: u16, method: &str, headers: &[&str], body: &str) -> (u16, Value) {
    let (status, _, body) = exchange(port, &request(port, method, headers, body));
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

fn request(port: u16, method: &str, headers: &[&str], body: &str) -> String {
    let host = format!("Host: 127.0.0.1:{port}");
    let host =
        if headers.iter().any(|header| header.starts_with("Host:")) { String::new() } else { host + "\r\n" };
    let headers: String = headers.iter().flat_map(|header| [*header, "\r\n"]).collect();
    let length = body.len();
    format!(
        "{method} {PATH} HTTP/1.1\r\n{host}{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

fn now(port: u16) -> u64 {
    ask(port, "GET", &[], "").1["now"].as_u64().unwrap()
}

fn stop_at(port: u16, seconds: u64) -> u64 {
    let (status, reading) =
        ask(port, "POST", &[JSON], &json!({ "to": seconds, "running": false }).to_string());
    assert_eq!(
        (status, &reading["now"], &reading["running"]),
        (200, &json!(seconds), &json!(false)),
        "{reading}"
    );
    seconds
}

#[test]
fn the_worked_example_is_walked_through_in_a_moment() {
    let data = TempDir::new().unwrap();
    let server = LocalServer::start(data.path(), &[]);
    let iat = now(server.port()) + 10;
    stop_at(server.port(), iat);
    let mut token = demo_login(server.port()).1["token"].clone();
    let mut refresh = |seconds: u64| {
        stop_at(server.port(), iat + seconds);
        let (_, answer) = post(server.port(), "/auth/refresh", &json!({ "token": token }));
        if answer["token"].is_string() {
            token = answer["token"].clone();
        }
        answer
    };
    for step in 1..=96 {
        assert_eq!(refresh(step * 1800)["expires_in"], 3600, "refresh {step}");
    }
    assert_eq!(refresh(172_801)["code"], "refresh_expired");
    assert_eq!(refresh(172_800 + 3599)["code"], "refresh_expired");
    assert_eq!(refresh(172_800 + 3600)["code"], "token_expired");
}

#[test]
fn it_moves_by_seconds_stops_runs_and_goes_back_to_the_machine_s_time() {
    let data = TempDir::new().unwrap();
    let server = LocalServer::start(data.path(), &["--expiration", "5m", "--refresh-expiration", "1h"]);
    let (status, reading) = ask(server.port(), "GET", &[], "");
    assert_eq!((status, &reading["now"], &reading["running"]), (200, &reading["machine"], &json!(true)));
    assert_eq!((&reading["expiration"], &reading["refresh_expiration"]), (&json!(300), &json!(3600)));
    let (_, stopped) = ask(server.port(), "POST", &[JSON], r#"{"running":false}"#);
    let then = stopped["now"].as_u64().unwrap();
    for (by, ahead) in [(86_400, 86_400), (-3600, 82_800)] {
        let (_, moved) = ask(server.port(), "POST", &[JSON], &json!({ "by": by }).to_string());
        assert_eq!((&moved["now"], &moved["running"]), (&json!(then + ahead), &json!(false)));
    }
    let (_, running) = ask(server.port(), "POST", &[JSON], r#"{"running":true}"#);
    assert!(running["running"] == true && running["now"].as_u64().unwrap() >= then + 82_800);
    let (status, reset) = ask(server.port(), "DELETE", &[], "");
    assert_eq!((status, &reset["now"], &reset["running"]), (200, &reset["machine"], &json!(true)));
}

#[test]
fn what_it_cannot_do_is_said_and_leaves_it_alone() {
    let data = TempDir::new().unwrap();
    let server = LocalServer::start(data.path(), &[]);
    stop_at(server.port(), now(server.port()) + 100);
    let before = now(server.port());
    let text = "Content-Type: text/plain";
    for (headers, body, status, code, said) in [
        (&[JSON][..], "{}", 400, "invalid_request", "Send \"to\""),
        (&[JSON], "", 400, "invalid_request", "not valid JSON"),
        (&[JSON], "[1]", 400, "invalid_request", "not a JSON object"),
        (&[JSON], r#"{"by":1,"by":2}"#, 400, "invalid_request", "occurs twice"),
        (&[JSON], r#"{"by":1,"to":2}"#, 400, "invalid_request", "not both"),
        (&[JSON], r#"{"by":"1h"}"#, 400, "invalid_request", "The field \"by\" must be a whole number"),
        (&[JSON], r#"{"by":1.5}"#, 400, "invalid_request", "The field \"by\" must be a whole number"),
        (&[JSON], r#"{"to":-1}"#, 400, "invalid_request", "The field \"to\" must be a whole number"),
        (&[JSON], r#"{"to":null}"#, 400, "invalid_request", "The field \"to\" must be a whole number"),
        (&[JSON], r#"{"running":1}"#, 400, "invalid_request", "\"running\" must be true or false"),
        (&[JSON], r#"{"ahead":1}"#, 400, "invalid_request", "There is no field \"ahead\""),
        (&[JSON], r#"{"to":0}"#, 400, "invalid_request", "The clock can be set to any time from"),
        (&[JSON], r#"{"by":-9223372036854775808}"#, 400, "invalid_request", "The clock can be set to any"),
        (&[JSON], r#"{"by":9223372036854775807}"#, 400, "invalid_request", "The clock can be set to any"),
        (&[JSON], r#"{"to":18446744073709551615}"#, 400, "invalid_request", "The clock can be set to any"),
        (&[], r#"{"by":1}"#, 415, "unsupported_media_type", "Content-Type: application/json"),
        (&[text], r#"{"by":1}"#, 415, "unsupported_media_type", "Content-Type: application/json"),
        (&[JSON, text], r#"{"by":1}"#, 415, "unsupported_media_type", "Content-Type: application/json"),
        (&[JSON], &*format!("{{\"by\":{}1}}", " ".repeat(1024)), 413, "body_too_large", "1 KiB"),
    ] {
        let (answered, rejection) = ask(server.port(), "POST", headers, body);
        assert_eq!((answered, &rejection["code"]), (status, &json!(code)), "{body}: {rejection}");
        assert!(rejection["message"].as_str().unwrap().contains(said), "{body}: {rejection}");
    }
    for method in ["PUT", "PATCH", "OPTIONS"] {
        let (status, head, _) =
            exchange(server.port(), &request(server.port(), method, &[JSON], r#"{"by":1}"#));
        assert!(status == 405 && head.contains("allow: get, head, post, delete"), "{method}: {head}");
    }
    assert_eq!(now(server.port()), before);
}

#[test]
fn no_page_of_another_site_reads_or_moves_it() {
    let data = TempDir::new().unwrap();
    let server = LocalServer::start(data.path(), &[]);
    let own = format!("Origin: http://127.0.0.1:{}", server.port());
    let other_port = format!("Origin: http://127.0.0.1:{}", server.port() ^ 1);
    let localhost = format!("Host: localhost:{}", server.port());
    let stopped = stop_at(server.port(), now(server.port()) + 100);
    for foreign in [
        &["Origin: https://evil.example"][..],
        &["Origin: null"],
        &[&other_port],
        &["Sec-Fetch-Site: cross-site"],
        &["Sec-Fetch-Site: same-site"],
        &[&own, "Sec-Fetch-Site: cross-site"],
        &[&own, &own],
        // Another site whose name leads here: the browser takes its page for one of ours.
        &["Host: evil.example", "Origin: http://evil.example", "Sec-Fetch-Site: same-origin"],
        &["Host: 127.0.0.1.evil.example"],
        &["Host: localhost@evil.example"],
        &[&localhost, &own],
    ] {
        let headers: Vec<_> = foreign.iter().copied().chain([JSON]).collect();
        for (method, body) in [("GET", ""), ("POST", r#"{"by":1}"#), ("DELETE", "")] {
            let (status, rejection) = ask(server.port(), method, &headers, body);
            assert_eq!((status, &rejection["code"]), (403, &json!("foreign_page")), "{method} {foreign:?}");
        }
    }
    assert_eq!(now(server.port()), stopped);
    for own in [&[&*own, "Sec-Fetch-Site: same-origin"][..], &[&localhost], &["Host: [::1]"]] {
        let headers: Vec<_> = own.iter().copied().chain([JSON]).collect();
        assert_eq!(ask(server.port(), "POST", &headers, r#"{"by":1}"#).0, 200, "{own:?}");
    }
}

#[tokio::test]
async fn nothing_that_is_deployed_has_a_clock_to_move() {
    let fronts = ["/auth/", "/oauth2/", "/.well-known/"];
    assert!(ROUTES.iter().all(|(path, _)| fronts.iter().any(|front| path.starts_with(front))));
    let template = include_str!("../../template.yaml");
    assert!(!template.contains("/local/"));
    let world = World::new().await;
    let event = Event::http_api(&Method::POST, PATH).json(&json!({ "by": 1 }));
    assert_eq!(world.send(PATH, &event, LOGIN_AT).await.status, 404);
}
