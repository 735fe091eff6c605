//! What attackers and broken clients send: a designed 4xx each time, never a 5xx, a panic or a hang.

use harness::{Event, LOGIN_AT, World};
use http::Method;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";
const ROUTES: [&str; 8] = [
    "/auth/login",
    "/auth/refresh",
    "/auth/verify",
    "/auth/logout",
    "/auth/sessions",
    "/auth/sessions/AQEBAQEBAQEBAQEBAQEBAQ",
    "/.well-known/jwks.json",
    "/.well-known/openid-configuration",
];

async fn still_lives(world: &World) {
    assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT).await.status, 200);
}

#[tokio::test]
async fn bodies_that_are_no_proper_json_object_are_400_or_413() {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    let mut bodies: Vec<String> = [
        "",
        " ",
        "null",
        "true",
        "1",
        "-0",
        "\"x\"",
        "[]",
        "[[",
        "{",
        "{]",
        "{\"a\"",
        "{\"a\":}",
        "{}{}",
        "{} x",
        "nul",
        "\u{feff}{}",
        "{\"token\":\"\\ud800\"}",
        "{\"username\":\"\\udfff\",\"password\":\"x\"}",
        "{\"a\":1e999}",
        "{'a':1}",
        "{\"token\":\"a\",\"token\":\"b\"}",
        "{\"username\":\"a\",\"\\u0075sername\":\"b\",\"password\":\"x\"}",
        "\u{0}",
        "{\"token\":\"\u{1}\"}",
    ]
    .map(str::to_owned)
    .into();
    bodies.push("[".repeat(16_000));
    bodies.push(format!("{}{}", "{\"a\":".repeat(3_000), "1"));
    bodies.push("x".repeat(1_000_000));
    bodies.push(format!("{{\"token\":\"{}\"}}", "a".repeat(5_000_000)));
    for path in ["/auth/login", "/auth/refresh", "/auth/verify", "/auth/logout"] {
        for body in &bodies {
            let reply = world.send(path, &Event::http_api(&Method::POST, path).body(body), LOGIN_AT).await;
            let expected =
                if body.len() > 16 * 1024 { (413, "body_too_large") } else { (400, "invalid_request") };
            assert_eq!((reply.status, reply.code()), expected, "{path} {body:.40}");
        }
    }
    still_lives(&world).await;
}

#[tokio::test]
async fn tokens_that_are_none_are_400() {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    for hostile in [
        "",
        ".",
        "..",
        "a.b.c",
        "\u{0}",
        "\u{fffd}",
        &"a".repeat(4097),
        &format!(" {token}"),
        &format!("{token}\n"),
        &format!("Bearer {token}"),
        &format!("{token}="),
        "eyJhbGciOiJub25lIn0.e30.",
    ] {
        for path in ["/auth/refresh", "/auth/verify", "/auth/logout"] {
            let reply = world.post(path, &json!({ "token": hostile }), LOGIN_AT).await;
            assert_eq!((reply.status, reply.code()), (400, "invalid_token"), "{path} {hostile:.40}");
        }
    }
}

#[tokio::test]
async fn names_reach_dynamodb_as_values_only() {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    for name in [
        ":v",
        "#n",
        "attribute_exists(pk)",
        "\" OR \"\"=\"",
        "{\"S\":\"x\"}",
        "user#ada",
        "attempts#ada",
        "ada#",
        "../ada",
        "' OR 1=1--",
        "%00",
        "\\",
        "ada\u{301}",
        "🦀",
    ] {
        let reply = world.log_in(name, PASSWORD, LOGIN_AT).await;
        assert_eq!((reply.status, reply.code()), (400, "invalid_credentials"), "{name}");
    }
    still_lives(&world).await;
}

/// Shapes that make `lambda_http` panic, and shapes that are no event at all.
fn broken_events(path: &str) -> Vec<Value> {
    let sound = || Event::http_api(&Method::POST, path).0;
    let mut events = vec![json!(null), json!([]), json!(1), json!("x"), json!({}), json!({ "Records": [] })];
    for body in ["!", "%%%", "YQ", "Y Q=", "=\u{0}"] {
        let mut event = sound();
        event["isBase64Encoded"] = true.into();
        event["body"] = body.into();
        events.push(event);
    }
    for host in ["a b", "[::1", "host:99999999", "", "\\", "ho<st"] {
        let mut event = sound();
        event["headers"]["host"] = host.into();
        events.push(event);
    }
    // More than the `http` crate has room for.
    let mut crowded = sound();
    crowded["headers"] = (0..24_577).map(|index| (format!("x-{index}"), json!("v"))).collect();
    events.push(crowded);
    for proto in ["", "ht tp", "1"] {
        let mut event = sound();
        event["headers"]["x-forwarded-proto"] = proto.into();
        events.push(event);
    }
    for query in [" ", "a=\"<>", "\u{0}", "%zz"] {
        let mut event = sound();
        event["rawQueryString"] = query.into();
        events.push(event);
    }
    for (member, value) in [
        ("headers", json!({ "bad name": "x" })),
        ("body", json!(1)),
        ("rawPath", json!(null)),
        ("requestContext", json!({})),
    ] {
        let mut event = sound();
        event[member] = value;
        events.push(event);
    }
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_break_the_parser_are_400_and_the_process_lives() {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    for path in ROUTES {
        for event in broken_events(path) {
            let answer = world.gateway.respond(path, &event.to_string(), harness::at(LOGIN_AT)).await;
            let status = answer["statusCode"].as_u64().unwrap();
            assert!((200..500).contains(&status), "{path}: {event} gives {answer}");
            if path.starts_with("/auth") {
                assert!((400..500).contains(&status), "{path}: {event} gives {answer}");
            }
        }
        for text in ["", "{", "\u{0}", "[[[["] {
            let answer = world.gateway.respond(path, text, harness::at(LOGIN_AT)).await;
            assert_eq!(answer["statusCode"], 400);
        }
    }
    still_lives(&world).await;
}

#[tokio::test]
async fn a_load_balancer_hears_of_an_unreadable_event_in_its_own_form() {
    let world = World::new().await;
    let mut event = Event::load_balancer(&Method::POST, "/auth/login");
    event.0["isBase64Encoded"] = true.into();
    event.0["body"] = "###".into();
    let respond = async |event: &Event| {
        world.gateway.respond("/auth/login", &event.0.to_string(), harness::at(LOGIN_AT)).await
    };
    let plain = respond(&event).await;
    assert_eq!((&plain["statusCode"], &plain["statusDescription"]), (&json!(400), &json!("400 Bad Request")));
    assert_eq!(plain["headers"]["content-type"], "application/json");
    event.0["multiValueHeaders"] = json!({ "content-type": ["application/json"] });
    event.0.as_object_mut().unwrap().remove("headers");
    let lists = respond(&event).await;
    assert_eq!(lists["multiValueHeaders"]["content-type"], json!(["application/json"]));
    assert!(lists.get("headers").is_none() && lists["body"] == plain["body"], "{lists}");
    let mut other = Event::rest_api(&Method::POST, "/auth/login");
    other.0["isBase64Encoded"] = true.into();
    other.0["body"] = "###".into();
    assert!(respond(&other).await.get("statusDescription").is_none(), "a REST API takes no other members");
}
