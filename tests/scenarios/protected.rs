//! The protected routes of the local server: what the native authorizer of API Gateway and ours let through.

use harness::{Event, LOGIN_AT, Reply, World, at};
use http::Method;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";

/// The replies of the route behind the native authorizer and of the one behind ours.
async fn both(world: &World, authorization: Option<&str>, now: u64) -> [Reply; 2] {
    let get = async |path: &str| {
        let event = Event::http_api(&Method::GET, path).header("authorization", authorization);
        Reply::new(&world.gateway.respond(path, &event.0.to_string(), at(now)).await)
    };
    [get("/protected").await, get("/protected/now").await]
}

fn statuses(replies: &[Reply; 2]) -> [u64; 2] {
    replies.each_ref().map(|reply| reply.status)
}

async fn logged_in() -> (World, String) {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    (world, token)
}

#[tokio::test]
async fn both_hand_the_claims_of_a_live_token_on() {
    let (world, token) = logged_in().await;
    let claims = Value::Object(world.claims(&token, LOGIN_AT).to_json());
    for now in [LOGIN_AT, LOGIN_AT + 3599] {
        for reply in both(&world, Some(&format!("Bearer {token}")), now).await {
            assert_eq!((reply.status, reply.body), (200, json!({ "claims": claims })));
        }
    }
    let refreshed = world.refresh(&token, LOGIN_AT + 600).await.token().to_owned();
    let replies = both(&world, Some(&format!("bearer {refreshed}")), LOGIN_AT + 600).await;
    assert_eq!(statuses(&replies), [200, 200]);
}

#[tokio::test]
async fn an_ended_session_is_rejected_by_ours_at_once_and_by_the_native_one_when_its_token_dies() {
    let (world, token) = logged_in().await;
    let bearer = format!("Bearer {token}");
    assert_eq!(world.log_out(&token, LOGIN_AT + 1).await.status, 204);
    assert_eq!(statuses(&both(&world, Some(&bearer), LOGIN_AT + 1).await), [200, 403]);
    assert_eq!(statuses(&both(&world, Some(&bearer), LOGIN_AT + 3599).await), [200, 403]);
    assert_eq!(statuses(&both(&world, Some(&bearer), LOGIN_AT + 3600).await), [401, 403]);
}

#[tokio::test]
async fn what_gets_through_neither_gets_api_gateway_s_own_answer() {
    let (world, token) = logged_in().await;
    for (authorization, challenge, checked) in [
        (None, "Bearer", 401),
        (Some("Bearer no.to.ken"), "Bearer error=\"invalid_token\"", 403),
        (Some(&*format!("Basic {token}")), "Bearer error=\"invalid_token\"", 403),
    ] {
        let [native, ours] = both(&world, authorization, LOGIN_AT).await;
        assert_eq!((native.status, native.body), (401, json!({ "message": "Unauthorized" })));
        assert_eq!(native.headers["www-authenticate"], challenge);
        let message = if checked == 401 { "Unauthorized" } else { "Forbidden" };
        assert_eq!((ours.status, ours.body), (checked, json!({ "message": message })));
    }
}

#[tokio::test]
async fn below_the_protected_routes_is_nothing() {
    let (world, token) = logged_in().await;
    for path in ["/protected/", "/protected/now/", "/protected/x", "/x/protected"] {
        let event = Event::http_api(&Method::GET, path).bearer(&token);
        assert_eq!(world.send(path, &event, LOGIN_AT).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn pages_of_named_origins_may_call_them_and_no_others() {
    const APP: &str = "https://app.example.com";
    let world = World::with(&[("CORS_ALLOWED_ORIGINS", APP), ("JWT_AUTH_COOKIE", "__Host-latchkey")]).await;
    for path in ["/protected", "/protected/now"] {
        for (origin, opened) in [(APP, true), ("https://other.example.com", false), ("null", false)] {
            let ask = Event::http_api(&Method::OPTIONS, path)
                .header("origin", Some(origin))
                .header("access-control-request-method", Some("GET"))
                .header("access-control-request-headers", Some("authorization,traceparent"));
            let preflight = Reply::new(&world.gateway.respond(path, &ask.0.to_string(), at(LOGIN_AT)).await);
            assert_eq!(preflight.status, if opened { 204 } else { 401 }, "{path} {origin}");
            let call = Event::http_api(&Method::GET, path).header("origin", Some(origin));
            let rejected = Reply::new(&world.gateway.respond(path, &call.0.to_string(), at(LOGIN_AT)).await);
            assert_eq!(rejected.status, 401);
            for reply in [preflight, rejected] {
                let named = &reply.headers["access-control-allow-origin"];
                assert_eq!(named.as_str(), opened.then_some(origin), "{path} {origin}");
                let credentials = &reply.headers["access-control-allow-credentials"];
                assert_eq!(credentials.as_str(), opened.then_some("true"), "{path} {origin}");
            }
        }
    }
}
