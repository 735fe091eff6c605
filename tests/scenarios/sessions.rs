//! `GET /auth/sessions` and `DELETE /auth/sessions/{sid}`.

use harness::{Event, LOGIN_AT, Reply, World, at};
use http::Method;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";
const HOUR: u64 = 3600;
const TWO_DAYS: u64 = 172_800;
const LIST: &str = "/auth/sessions";

type Kind = fn(&Method, &str) -> Event;

async fn with_users() -> World {
    let world = World::new().await;
    for username in ["ada", "bob"] {
        world.create(username, PASSWORD).await;
    }
    world
}

async fn log_in(world: &World, username: &str, now: u64) -> String {
    world.log_in(username, PASSWORD, now).await.token().to_owned()
}

fn session_of(world: &World, token: &str, now: u64) -> String {
    world.claims(token, now).session_id.to_string()
}

fn user_of(world: &World, token: &str, now: u64) -> Value {
    let claims = world.claims(token, now);
    json!({ "sub": claims.subject.to_string(), "username": claims.username })
}

async fn list_with(world: &World, authorization: Option<&str>) -> Reply {
    let event = Event::http_api(&Method::GET, LIST).header("authorization", authorization);
    world.send(LIST, &event, LOGIN_AT).await
}

fn listed(reply: &Reply) -> Vec<String> {
    let sessions = reply.body["sessions"].as_array().unwrap_or_else(|| panic!("{reply:?}"));
    sessions.iter().map(|session| session["session_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_list_says_of_each_session_since_when_from_where_until_when_and_which_is_this() {
    let world = with_users().await;
    let log_in = async |event: Event, now| {
        let login = event.json(&json!({ "username": "ada", "password": PASSWORD }));
        world.send("/auth/login", &login, now).await.token().to_owned()
    };
    let event = || Event::http_api(&Method::POST, "/auth/login");
    let phone = log_in(event().header("user-agent", Some("Phone <script>\"")), LOGIN_AT).await;
    let silent = Event::load_balancer(&Method::POST, "/auth/login").header("user-agent", None);
    let silent = log_in(silent, LOGIN_AT + 60).await;
    let laptop = log_in(event(), LOGIN_AT + 600).await;
    self::log_in(&world, "bob", LOGIN_AT).await;
    let now = LOGIN_AT + 1000;
    let reply = world.list_sessions(&phone, now).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers["cache-control"], "no-store");
    assert_eq!(
        reply.body,
        json!({ "user": user_of(&world, &phone, now), "sessions": [
            {
                "session_id": session_of(&world, &laptop, now), "current": false, "issued_at": LOGIN_AT + 600,
                "user_agent": "curl/8.5.0", "source_ip": "203.0.113.7",
                "refresh_expires_in": TWO_DAYS - 400, "session_expires_in": TWO_DAYS + HOUR - 400,
            },
            {
                "session_id": session_of(&world, &silent, now), "current": false, "issued_at": LOGIN_AT + 60,
                "user_agent": null, "source_ip": null,
                "refresh_expires_in": TWO_DAYS - 940, "session_expires_in": TWO_DAYS + HOUR - 940,
            },
            {
                "session_id": session_of(&world, &phone, now), "current": true, "issued_at": LOGIN_AT,
                "user_agent": "Phone <script>\"", "source_ip": "203.0.113.7",
                "refresh_expires_in": TWO_DAYS - 1000, "session_expires_in": TWO_DAYS + HOUR - 1000,
            },
        ] })
    );
}

#[tokio::test]
async fn a_session_is_listed_until_the_second_before_its_last_token_dies() {
    let world = with_users().await;
    log_in(&world, "ada", LOGIN_AT).await;
    let token = log_in(&world, "ada", LOGIN_AT + TWO_DAYS + 1800).await;
    let reply = world.list_sessions(&token, LOGIN_AT + TWO_DAYS + HOUR - 1).await;
    let old = &reply.body["sessions"][1];
    assert_eq!((&old["refresh_expires_in"], &old["session_expires_in"]), (&json!(0), &json!(1)));
    let reply = world.list_sessions(&token, LOGIN_AT + TWO_DAYS + HOUR).await;
    assert_eq!(listed(&reply), [session_of(&world, &token, LOGIN_AT + TWO_DAYS + HOUR)]);
}

#[tokio::test]
async fn with_refreshing_off_a_session_ends_with_its_token() {
    let world = World::with(&[]).await;
    world.create("ada", PASSWORD).await;
    log_in(&world, "ada", LOGIN_AT).await;
    let token = log_in(&world, "ada", LOGIN_AT + 1800).await;
    let reply = world.list_sessions(&token, LOGIN_AT + HOUR - 1).await;
    let ends: Vec<_> = reply.body["sessions"].as_array().unwrap().iter().collect();
    assert_eq!((&ends[0]["session_expires_in"], &ends[1]["session_expires_in"]), (&json!(1801), &json!(1)));
    assert!(ends.iter().all(|session| session.get("refresh_expires_in").is_none()));
    let reply = world.list_sessions(&token, LOGIN_AT + HOUR).await;
    assert_eq!(listed(&reply), [session_of(&world, &token, LOGIN_AT + HOUR)]);
}

#[tokio::test]
async fn a_list_is_one_read_and_an_end_is_one_write_more() {
    let world = with_users().await;
    let token = log_in(&world, "ada", LOGIN_AT).await;
    let other = session_of(&world, &log_in(&world, "ada", LOGIN_AT).await, LOGIN_AT);
    world.calls();
    world.list_sessions(&token, LOGIN_AT).await;
    assert_eq!(world.operations(), ["GetItem"]);
    assert_eq!(world.end_session(&other, &token, LOGIN_AT).await.status, 204);
    assert_eq!(world.operations(), ["GetItem", "UpdateItem"]);
    assert_eq!(world.end_session(&other, &token, LOGIN_AT).await.status, 204);
    assert_eq!(world.operations(), ["GetItem"], "there is nothing to write");
}

#[tokio::test]
async fn a_session_on_another_device_ends_at_its_next_refresh_and_at_once_where_it_is_checked() {
    let world = with_users().await;
    let (mine, other) = (log_in(&world, "ada", LOGIN_AT).await, log_in(&world, "ada", LOGIN_AT).await);
    let third = log_in(&world, "ada", LOGIN_AT).await;
    for _ in 0..2 {
        let reply = world.end_session(&session_of(&world, &other, LOGIN_AT), &mine, LOGIN_AT + 1).await;
        assert_eq!((reply.status, &reply.body), (204, &Value::Null));
        assert_eq!(reply.headers, json!({ "cache-control": "no-store" }));
    }
    assert_eq!(world.refresh(&other, LOGIN_AT + 1).await.code(), "session_ended");
    assert_eq!(world.list_sessions(&other, LOGIN_AT + 1).await.code(), "session_ended");
    let body = json!({ "token": other, "check_session": true });
    assert_eq!(world.post("/auth/verify", &body, LOGIN_AT + 1).await.code(), "session_ended");
    for token in [&mine, &third] {
        assert_eq!(world.refresh(token, LOGIN_AT + 1).await.status, 200);
    }
    let left = listed(&world.list_sessions(&mine, LOGIN_AT + 1).await);
    assert!(left.len() == 2 && !left.contains(&session_of(&world, &other, LOGIN_AT)), "{left:?}");
}

#[tokio::test]
async fn the_own_session_can_be_ended_and_the_token_ends_nothing_after_that() {
    let world = with_users().await;
    let (token, other) = (log_in(&world, "ada", LOGIN_AT).await, log_in(&world, "ada", LOGIN_AT).await);
    let sid = session_of(&world, &token, LOGIN_AT);
    assert_eq!(world.end_session(&sid, &token, LOGIN_AT).await.status, 204);
    for sid in [sid, session_of(&world, &other, LOGIN_AT)] {
        let reply = world.end_session(&sid, &token, LOGIN_AT).await;
        assert_eq!((reply.status, reply.code()), (401, "session_ended"));
    }
    assert_eq!(world.refresh(&other, LOGIN_AT).await.status, 200);
}

#[tokio::test]
async fn nobody_sees_or_ends_a_session_of_another_user() {
    let world = with_users().await;
    let (ada, bob) = (log_in(&world, "ada", LOGIN_AT).await, log_in(&world, "bob", LOGIN_AT).await);
    let of_bob = session_of(&world, &bob, LOGIN_AT);
    assert_eq!(listed(&world.list_sessions(&ada, LOGIN_AT).await), [session_of(&world, &ada, LOGIN_AT)]);
    world.calls();
    let theirs = world.end_session(&of_bob, &ada, LOGIN_AT).await;
    assert_eq!(world.operations(), ["GetItem"]);
    let nobodys = world.end_session("AQEBAQEBAQEBAQEBAQEBAQ", &ada, LOGIN_AT).await;
    assert_eq!((theirs.status, &theirs), (204, &nobodys), "which of the two it is, is not told");
    assert_eq!(world.refresh(&bob, LOGIN_AT).await.status, 200);
    assert_eq!(listed(&world.list_sessions(&bob, LOGIN_AT).await), [of_bob]);
}

#[tokio::test]
async fn a_token_without_a_live_session_sees_nothing() {
    let world = with_users().await;
    let (token, other) = (log_in(&world, "ada", LOGIN_AT).await, log_in(&world, "ada", LOGIN_AT).await);
    world.log_out(&token, LOGIN_AT).await;
    let ended = world.list_sessions(&token, LOGIN_AT).await;
    let message = "The session of this token has ended. Log in again.";
    assert_eq!((ended.status, &ended.body), (401, &json!({ "code": "session_ended", "message": message })));
    assert_eq!(ended.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
    let name = "ada".parse().unwrap();
    world.users.disable(&name).await.unwrap();
    let disabled = world.list_sessions(&other, LOGIN_AT).await;
    assert_eq!((disabled.status, disabled.code()), (401, "user_disabled"));
    world.users.delete(&name).await.unwrap();
    world.create("ada", PASSWORD).await;
    log_in(&world, "ada", LOGIN_AT).await;
    let namesake = world.list_sessions(&other, LOGIN_AT).await;
    assert_eq!((namesake.status, namesake.code()), (401, "session_ended"));
}

#[tokio::test]
async fn a_call_without_a_token_is_401_and_asks_for_one() {
    let world = with_users().await;
    let token = log_in(&world, "ada", LOGIN_AT).await;
    world.calls();
    for authorization in [
        None,
        Some(""),
        Some(" "),
        Some("Bearer"),
        Some("Bearer  "),
        Some("Basic YWRhOng="),
        Some(token.as_str()),
    ] {
        let reply = list_with(&world, authorization).await;
        assert_eq!((reply.status, reply.code()), (401, "authorization_required"), "{authorization:?}");
        assert_eq!(reply.headers["www-authenticate"], "Bearer");
        assert_eq!(reply.headers["cache-control"], "no-store");
    }
    let path = "/auth/sessions/none";
    let reply = world.send(path, &Event::http_api(&Method::DELETE, path), LOGIN_AT).await;
    assert_eq!(reply.code(), "authorization_required", "whatever the path says");
    assert_eq!(world.calls(), 0);
}

#[tokio::test]
async fn a_call_with_a_bad_token_is_401_and_says_that_it_is_bad() {
    let world = with_users().await;
    let token = log_in(&world, "ada", LOGIN_AT).await;
    world.calls();
    for (authorization, now, code) in [
        (format!("Bearer {token}"), LOGIN_AT + HOUR, "token_expired"),
        (format!("Bearer {token}x"), LOGIN_AT, "invalid_token"),
        (format!("Bearer {token} {token}"), LOGIN_AT, "invalid_token"),
        (format!("Bearer token={token}"), LOGIN_AT, "invalid_token"),
        ("Bearer \u{e9}".to_owned(), LOGIN_AT, "authorization_required"),
        ("Bearer a.b.c".to_owned(), LOGIN_AT, "invalid_token"),
        (format!("Bearer {}", "a".repeat(5000)), LOGIN_AT, "invalid_token"),
    ] {
        let event = Event::http_api(&Method::GET, LIST).header("authorization", Some(&authorization));
        let reply = world.send(LIST, &event, now).await;
        assert_eq!((reply.status, reply.code()), (401, code), "{authorization:.40}");
        if code != "authorization_required" {
            assert_eq!(reply.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
        }
    }
    assert_eq!(world.calls(), 0);
}

#[tokio::test]
async fn the_scheme_may_be_in_any_case_and_be_followed_by_spaces() {
    let world = with_users().await;
    let token = log_in(&world, "ada", LOGIN_AT).await;
    for scheme in ["Bearer ", "bearer ", "BEARER ", "Bearer   ", " Bearer "] {
        let reply = list_with(&world, Some(&format!("{scheme}{token}"))).await;
        assert_eq!(reply.status, 200, "{scheme:?}: {reply:?}");
    }
}

#[tokio::test]
async fn two_authorization_headers_are_400_in_every_kind_of_event_that_tells() {
    let world = with_users().await;
    let token = log_in(&world, "ada", LOGIN_AT).await;
    let one = format!("Bearer {token}");
    let both = [one.as_str(), "Bearer other"];
    let mut rest = Event::rest_api(&Method::GET, LIST).header("Authorization", Some(&one));
    rest.0["multiValueHeaders"]["Authorization"] = json!(both);
    let mut balancer = Event::load_balancer(&Method::GET, LIST);
    let mut headers = balancer.0.as_object_mut().unwrap().remove("headers").unwrap();
    headers.as_object_mut().unwrap().values_mut().for_each(|value| *value = json!([value]));
    headers["authorization"] = json!(both);
    balancer.0["multiValueHeaders"] = headers;
    let http = |value: &str| Event::http_api(&Method::GET, LIST).header("authorization", Some(value));
    for event in
        [http(&both.join(",")), http(&both.join(", ")), http(&format!("{one},")), rest.clone(), balancer]
    {
        let reply = world.send(LIST, &event, LOGIN_AT).await;
        let message = "There must be one Authorization header with one token.";
        assert_eq!(
            (reply.status, reply.body),
            (400, json!({ "code": "invalid_request", "message": message }))
        );
    }
    rest.0["multiValueHeaders"]["Authorization"] = json!([one]);
    assert_eq!(world.send(LIST, &rest, LOGIN_AT).await.status, 200, "one is one");
}

#[tokio::test]
async fn the_token_is_read_from_the_header_alone() {
    let world = with_users().await;
    let token = log_in(&world, "ada", LOGIN_AT).await;
    let mut event = Event::http_api(&Method::GET, LIST)
        .json(&json!({ "token": token, "access_token": token }))
        .header("cookie", Some(&format!("token={token}")));
    event.0["rawQueryString"] = format!("access_token={token}").into();
    let reply = world.send(LIST, &event, LOGIN_AT).await;
    assert_eq!((reply.status, reply.code()), (401, "authorization_required"));
}

#[tokio::test]
async fn a_path_that_ends_in_no_session_id_is_400() {
    let world = with_users().await;
    let token = log_in(&world, "ada", LOGIN_AT).await;
    for sid in [
        "x",
        "{sid}",
        "AQEBAQEBAQEBAQEBAQEBA",
        "AQEBAQEBAQEBAQEBAQEBAQ==",
        "AQEBAQEBAQEBAQEBAQEBAR",
        "AQEBAQEBAQEBAQEBAQEB%51",
        "%00",
        "..",
        "#sessions",
        ":user_id",
        &"A".repeat(4000),
    ] {
        let reply = world.end_session(sid, &token, LOGIN_AT).await;
        assert_eq!((reply.status, reply.code()), (400, "invalid_request"), "{sid}: {reply:?}");
        let message = reply.body["message"].as_str().unwrap();
        assert!(message.contains("22 characters of base64url"), "{message}");
    }
    assert_eq!(listed(&world.list_sessions(&token, LOGIN_AT).await).len(), 1);
}

#[tokio::test]
async fn every_kind_of_event_lists_and_ends_sessions() {
    let world = with_users().await;
    let token = log_in(&world, "ada", LOGIN_AT).await;
    for (kind, stage) in [
        (Event::http_api as Kind, ""),
        (Event::http_api, "/dev"),
        (Event::rest_api, "/prod"),
        (Event::load_balancer, ""),
    ] {
        let other = session_of(&world, &log_in(&world, "ada", LOGIN_AT).await, LOGIN_AT);
        let event = kind(&Method::GET, &format!("{stage}{LIST}")).bearer(&token);
        assert_eq!(listed(&world.send(LIST, &event, LOGIN_AT).await).len(), 2);
        let path = format!("{LIST}/{other}");
        let mut event = kind(&Method::DELETE, &format!("{stage}{path}")).bearer(&token);
        event.0["pathParameters"] = json!({ "sid": other });
        event.0["body"] = Value::Null;
        assert_eq!(world.send(&path, &event, LOGIN_AT).await.status, 204);
        assert_eq!(listed(&world.list_sessions(&token, LOGIN_AT).await).len(), 1);
    }
}

#[tokio::test]
async fn a_route_that_leads_here_by_mistake_is_404() {
    let world = with_users().await;
    let event = Event::http_api(&Method::GET, "/auth/other").0.to_string();
    let answer = world.gateway.respond(LIST, &event, at(LOGIN_AT)).await;
    assert_eq!(answer["statusCode"], 404);
}

#[tokio::test]
async fn a_store_that_is_down_is_503_and_never_401() {
    let down = World::at_endpoint("http://127.0.0.1:9", &[("JWT_ALLOW_REFRESH", "true")]);
    let other = with_users().await;
    let claims = other.claims(&log_in(&other, "ada", LOGIN_AT).await, LOGIN_AT);
    let token = down.issuer().issue(&claims, &down.keys(), at(LOGIN_AT)).unwrap();
    for reply in [
        down.list_sessions(&token, LOGIN_AT).await,
        down.end_session(&claims.session_id.to_string(), &token, LOGIN_AT).await,
    ] {
        assert_eq!((reply.status, reply.code()), (503, "temporarily_unavailable"));
        assert!(reply.headers["www-authenticate"].is_null());
    }
}
