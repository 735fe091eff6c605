//! Cookie mode: the token where no script can read it, and who may use it.

use harness::{Event, ISSUER, LOGIN_AT, Reply, World};
use http::Method;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";
const APP: &str = "https://app.example.com";
const SETTINGS: [(&str, &str); 3] =
    [("JWT_ALLOW_REFRESH", "true"), ("JWT_AUTH_COOKIE", "__Host-latchkey"), ("CORS_ALLOWED_ORIGINS", APP)];
/// What a browser says of a request that a page of ours makes.
const OURS: &[(&str, &str)] = &[("sec-fetch-site", "same-origin")];
const FOREIGN: &[(&str, &str)] = &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];

async fn world() -> World {
    let world = World::with(&SETTINGS).await;
    world.create("ada", PASSWORD).await;
    world
}

fn with_headers(event: Event, headers: &[(&str, &str)]) -> Event {
    headers.iter().fold(event, |event, (name, value)| event.header(name, Some(value)))
}

/// What a browser sends that has the cookie, without a body.
fn with_cookie(method: &Method, path: &str, token: &str, page: &[(&str, &str)]) -> Event {
    let mut event = with_headers(Event::http_api(method, path).header("content-type", None), page);
    event.0["cookies"] = json!(["theme=dark", format!("__Host-latchkey={token}")]);
    event.0["body"] = Value::Null;
    event
}

async fn post(world: &World, path: &str, token: &str, page: &[(&str, &str)], now: u64) -> Reply {
    world.send(path, &with_cookie(&Method::POST, path, token, page), now).await
}

fn credentials() -> Value {
    json!({ "username": "ada", "password": PASSWORD })
}

/// The token in the answer's cookie, and what else the cookie says.
fn cookie(reply: &Reply) -> (String, String) {
    let set = reply.headers["set-cookie"].as_str().unwrap_or_else(|| panic!("no cookie: {reply:?}"));
    let (token, rest) = set.strip_prefix("__Host-latchkey=").unwrap().split_once("; ").unwrap();
    (token.to_owned(), rest.to_owned())
}

#[tokio::test]
async fn without_the_setting_no_cookie_is_set_or_read() {
    let world = World::new().await;
    world.create("ada", PASSWORD).await;
    let login = world.log_in("ada", PASSWORD, LOGIN_AT).await;
    assert!(login.headers["set-cookie"].is_null());
    let rejected = post(&world, "/auth/refresh", login.token(), OURS, LOGIN_AT).await;
    assert_eq!(rejected.code(), "unsupported_media_type");
    let listed = with_cookie(&Method::GET, "/auth/sessions", login.token(), OURS);
    assert_eq!(world.send("/auth/sessions", &listed, LOGIN_AT).await.code(), "authorization_required");
    let foreign = with_headers(Event::http_api(&Method::POST, "/auth/login").json(&credentials()), FOREIGN);
    assert_eq!(world.send("/auth/login", &foreign, LOGIN_AT).await.status, 200, "nothing there to forge");
}

#[tokio::test]
async fn the_cookie_lives_as_long_as_its_token_and_no_script_or_other_host_has_it() {
    let world = world().await;
    let login = world.log_in("ada", PASSWORD, LOGIN_AT).await;
    let (token, attributes) = cookie(&login);
    assert_eq!(token, login.token());
    assert_eq!(attributes, "HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=3600");

    let refreshed = post(&world, "/auth/refresh", &token, OURS, LOGIN_AT + 600).await;
    assert_eq!(
        (refreshed.status, refreshed.body),
        (200, json!({ "user": login.body["user"], "expires_in": 3600, "refresh_expires_in": 172_200 }))
    );
    let refreshed = post(&world, "/auth/refresh", &token, OURS, LOGIN_AT + 600).await;
    let (successor, attributes) = cookie(&refreshed);
    assert!(attributes.ends_with("Max-Age=3600"));
    let claims = world.claims(&successor, LOGIN_AT + 600);
    assert_eq!(u64::from(claims.lifetime.issued_at), LOGIN_AT);
    assert_eq!(u64::from(claims.lifetime.expires_at), LOGIN_AT + 4200);
}

#[tokio::test]
async fn same_site_is_the_setting_s() {
    for (same_site, said, partitioned) in [
        ("Lax", "SameSite=Lax", false),
        ("None", "SameSite=None", true),
        ("Strict", "SameSite=Strict", false),
    ] {
        let world = World::with(&[&SETTINGS[..], &[("JWT_AUTH_COOKIE_SAMESITE", same_site)]].concat()).await;
        world.create("ada", PASSWORD).await;
        let (_, attributes) = cookie(&world.log_in("ada", PASSWORD, LOGIN_AT).await);
        assert!(attributes.contains(said), "{attributes}");
        // Only a cookie of other sites' pages is one for each site: the others are never in a third party's.
        assert_eq!(attributes.contains("Partitioned"), partitioned, "{attributes}");
    }
}

#[tokio::test]
async fn every_kind_of_event_brings_the_cookie_and_takes_it_back() {
    let world = world().await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    for event in [
        Event::rest_api(&Method::POST, "/auth/refresh"),
        Event::load_balancer(&Method::POST, "/auth/refresh"),
        Event::http_api(&Method::POST, "/auth/refresh"),
    ] {
        let mut event = with_headers(event.json(&json!({})), OURS);
        let cookies = format!("theme=dark; __Host-latchkey={token}");
        event.0["headers"]["cookie"] = json!(cookies);
        if event.0["multiValueHeaders"].is_object() {
            event.0["multiValueHeaders"]["cookie"] = json!([cookies]);
            event.0["multiValueHeaders"]["sec-fetch-site"] = json!(["same-origin"]);
        }
        let reply = world.send("/auth/refresh", &event, LOGIN_AT).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(cookie(&reply).0.matches('.').count(), 2);
    }
}

#[tokio::test]
async fn a_token_in_the_body_comes_first_and_its_successor_is_told() {
    let world = world().await;
    let (ada, bob) = (world.log_in("ada", PASSWORD, LOGIN_AT).await, {
        world.create("bob", PASSWORD).await;
        world.log_in("bob", PASSWORD, LOGIN_AT).await
    });
    let event = with_cookie(&Method::POST, "/auth/refresh", ada.token(), OURS)
        .header("content-type", Some("application/json"))
        .json(&json!({ "token": bob.token() }));
    let reply = world.send("/auth/refresh", &event, LOGIN_AT).await;
    assert_eq!(world.claims(reply.token(), LOGIN_AT).username, "bob");
    assert_eq!(cookie(&reply).0, reply.token());

    let event = with_cookie(&Method::GET, "/auth/sessions", "nonsense", OURS).bearer(bob.token());
    assert_eq!(world.send("/auth/sessions", &event, LOGIN_AT).await.status, 200);
}

#[tokio::test]
async fn logging_out_ends_the_session_and_makes_the_browser_forget_however_often() {
    let world = world().await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    for now in [LOGIN_AT, LOGIN_AT + 1, LOGIN_AT + 4000] {
        let reply = post(&world, "/auth/logout", &token, OURS, now).await;
        assert_eq!(reply.status, 204, "{reply:?}");
        assert_eq!(
            cookie(&reply),
            (String::new(), "HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=0".to_owned())
        );
    }
    let rejected = post(&world, "/auth/refresh", &token, OURS, LOGIN_AT + 2).await;
    assert_eq!((rejected.code(), &rejected.headers["set-cookie"]), ("session_ended", &Value::Null));
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    let everywhere = with_cookie(&Method::POST, "/auth/logout", &token, OURS)
        .header("content-type", Some("application/json"))
        .json(&json!({ "everywhere": true }));
    assert_eq!(world.send("/auth/logout", &everywhere, LOGIN_AT).await.status, 204);
    assert_eq!(post(&world, "/auth/refresh", &token, OURS, LOGIN_AT).await.code(), "session_ended");
}

#[tokio::test]
async fn a_page_that_lives_on_its_cookie_lists_ends_and_changes_its_password() {
    let world = world().await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    let other = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    let path = format!("/auth/sessions/{}", world.claims(&other, LOGIN_AT).session_id);
    let ended = with_cookie(&Method::DELETE, &path, &token, OURS);
    assert_eq!(world.send(&path, &ended, LOGIN_AT).await.status, 204);
    // A browser says nothing of a page's own GET but for Fetch metadata, which older ones lack.
    let listed = with_cookie(&Method::GET, "/auth/sessions", &token, &[]);
    let listed = world.send("/auth/sessions", &listed, LOGIN_AT).await;
    assert_eq!(listed.body["sessions"].as_array().unwrap().len(), 1);
    let body = json!({ "current_password": PASSWORD, "new_password": "four more random words" });
    let change = with_cookie(&Method::POST, "/auth/password", &token, OURS)
        .header("content-type", Some("application/json"))
        .json(&body);
    let changed = world.send("/auth/password", &change, LOGIN_AT).await;
    assert!(changed.status == 200 && changed.body["token"].is_null(), "{changed:?}");
    let fresh = cookie(&changed).0;
    assert_eq!(post(&world, "/auth/refresh", &fresh, OURS, LOGIN_AT).await.status, 200);
    assert_eq!(post(&world, "/auth/refresh", &token, OURS, LOGIN_AT).await.code(), "session_ended");
}

#[tokio::test]
async fn a_cookie_of_another_program_that_is_no_text_hides_nothing() {
    let world = world().await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    let cookies = format!("city=Zürich; __Host-latchkey={token}; b=Ö");
    for kind in [Event::http_api, Event::rest_api, Event::load_balancer] {
        let mut event = with_headers(kind(&Method::POST, "/auth/refresh").json(&json!({})), OURS);
        event.0["headers"]["cookie"] = json!(cookies);
        if event.0["multiValueHeaders"].is_object() {
            event.0["multiValueHeaders"]["cookie"] = json!([cookies]);
            event.0["multiValueHeaders"]["sec-fetch-site"] = json!(["same-origin"]);
        }
        assert_eq!(world.send("/auth/refresh", &event, LOGIN_AT).await.status, 200);
    }
    let mut event = with_cookie(&Method::POST, "/auth/refresh", &token, OURS);
    event.0["cookies"] = json!(["city=Zürich", format!("__Host-latchkey={token}")]);
    assert_eq!(world.send("/auth/refresh", &event, LOGIN_AT).await.status, 200);
}

#[tokio::test]
async fn a_page_can_always_get_rid_of_a_cookie_whose_token_is_good_for_nothing() {
    let world = world().await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    let everywhere = |token: &str| {
        with_cookie(&Method::POST, "/auth/logout", token, OURS)
            .header("content-type", Some("application/json"))
            .json(&json!({ "everywhere": true }))
    };
    let forgotten = "HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=0";
    let of_no_key = with_cookie(&Method::POST, "/auth/logout", "a.b.c", OURS);
    for (event, now, code) in [
        (of_no_key, LOGIN_AT, "invalid_token"),
        (everywhere("a.b.c"), LOGIN_AT, "invalid_token"),
        (everywhere(&token), LOGIN_AT + 3600, "token_expired"),
    ] {
        let rejected = world.send("/auth/logout", &event, now).await;
        assert_eq!((rejected.status, rejected.code(), cookie(&rejected).1.as_str()), (400, code, forgotten));
    }
    let other = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    assert_eq!(world.log_out(&other, LOGIN_AT).await.status, 204);
    let rejected = world.send("/auth/logout", &everywhere(&other), LOGIN_AT).await;
    assert_eq!((rejected.code(), cookie(&rejected).1.as_str()), ("session_ended", forgotten));
    let foreign = with_cookie(&Method::POST, "/auth/logout", &token, FOREIGN);
    assert!(world.send("/auth/logout", &foreign, LOGIN_AT).await.headers["set-cookie"].is_null());
    let said = Event::http_api(&Method::POST, "/auth/logout").json(&json!({ "token": "a.b.c" }));
    assert!(world.send("/auth/logout", &said, LOGIN_AT).await.headers["set-cookie"].is_null());

    let path = format!("/auth/sessions/{}", world.claims(&token, LOGIN_AT).session_id);
    let ended = world.send(&path, &with_cookie(&Method::DELETE, &path, &token, OURS), LOGIN_AT).await;
    assert_eq!((ended.status, cookie(&ended).1.as_str()), (204, forgotten));
}

#[tokio::test]
async fn a_foreign_page_cannot_even_make_its_visitor_read() {
    let world = world().await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    for page in [FOREIGN, &[("sec-fetch-site", "cross-site")], &[("sec-fetch-site", "same-site")]] {
        let listed = with_cookie(&Method::GET, "/auth/sessions", &token, page);
        assert_eq!(world.send("/auth/sessions", &listed, LOGIN_AT).await.code(), "csrf_refused", "{page:?}");
    }
}

#[tokio::test]
async fn a_password_in_front_of_the_site_does_not_hide_the_cookie_and_a_bearer_token_comes_before_two() {
    let world = world().await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    let basic = with_cookie(&Method::GET, "/auth/sessions", &token, OURS)
        .header("authorization", Some("Basic c3RhZ2luZzpzZWNyZXQ="));
    assert_eq!(world.send("/auth/sessions", &basic, LOGIN_AT).await.status, 200);
    let mut twice = with_cookie(&Method::GET, "/auth/sessions", "x", OURS).bearer(&token);
    twice.0["cookies"] = json!(["__Host-latchkey=x", "__Host-latchkey=y"]);
    assert_eq!(world.send("/auth/sessions", &twice, LOGIN_AT).await.status, 200);
}

/// Every call that changes something, as it looks when the cookie is all it has.
fn changes(token: &str, page: &[(&str, &str)]) -> Vec<(&'static str, Event)> {
    const SESSION: &str = "/auth/sessions/AQEBAQEBAQEBAQEBAQEBAQ";
    let change = json!({ "current_password": PASSWORD, "new_password": "four more random words" });
    let json = |event: Event, body| event.header("content-type", Some("application/json")).json(body);
    let of = |method, path| with_cookie(&method, path, token, page);
    vec![
        ("/auth/refresh", of(Method::POST, "/auth/refresh")),
        ("/auth/refresh", json(of(Method::POST, "/auth/refresh"), &json!({}))),
        ("/auth/logout", of(Method::POST, "/auth/logout")),
        ("/auth/logout", json(of(Method::POST, "/auth/logout"), &json!({ "everywhere": true }))),
        ("/auth/password", json(of(Method::POST, "/auth/password"), &change)),
        (SESSION, of(Method::DELETE, SESSION)),
    ]
}

#[tokio::test]
async fn no_foreign_page_can_use_the_cookie_of_its_visitor() {
    let world = world().await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    for page in [
        FOREIGN,
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("sec-fetch-site", "")],
        &[("sec-fetch-site", "same-origin, cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", "https://blog.example.com")],
        &[("origin", "null")],
        &[("origin", "https://app.example.com.evil.example")],
        &[("origin", "http://app.example.com")],
        &[("origin", "https://app.example.com, https://evil.example")],
        &[("referer", "https://app.example.com/")],
        &[],
    ] {
        for (path, event) in changes(&token, page) {
            let reply = world.send(path, &event, LOGIN_AT).await;
            assert_eq!((reply.status, reply.code()), (403, "csrf_refused"), "{page:?} {path}");
            assert!(reply.headers["set-cookie"].is_null());
        }
    }
    assert_eq!(world.refresh(&token, LOGIN_AT).await.status, 200, "nothing has happened");
}

#[tokio::test]
async fn pages_of_the_service_and_of_named_origins_can() {
    for page in [
        OURS,
        &[("origin", ISSUER)],
        &[("origin", APP)],
        &[("sec-fetch-site", "cross-site"), ("origin", APP)],
        &[("sec-fetch-site", "same-site"), ("origin", APP)],
    ] {
        let world = world().await;
        for call in 0..changes("", page).len() {
            let password = if call == 5 { "four more random words" } else { PASSWORD };
            let token = world.log_in("ada", password, LOGIN_AT).await.token().to_owned();
            let (path, event) = changes(&token, page).swap_remove(call);
            let reply = world.send(path, &event, LOGIN_AT).await;
            assert!(matches!(reply.status, 200 | 204), "{page:?} {path} {reply:?}");
        }
    }
}

#[tokio::test]
async fn no_foreign_page_can_give_its_visitor_a_cookie_of_its_own_choice() {
    let world = world().await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    for (path, body) in [
        ("/auth/login", credentials()),
        ("/auth/refresh", json!({ "token": token })),
        ("/auth/logout", json!({ "token": token })),
    ] {
        let event = with_headers(Event::http_api(&Method::POST, path).json(&body), FOREIGN);
        assert_eq!(world.send(path, &event, LOGIN_AT).await.code(), "csrf_refused", "{path}");
    }
    let change = json!({ "current_password": PASSWORD, "new_password": "four more random words" });
    let event = with_headers(Event::http_api(&Method::POST, "/auth/password").json(&change), FOREIGN);
    assert_eq!(world.send("/auth/password", &event.bearer(&token), LOGIN_AT).await.code(), "csrf_refused");
    assert_eq!(
        world.refresh(&token, LOGIN_AT).await.status,
        200,
        "a program that is no browser says nothing of pages"
    );
}

#[tokio::test]
async fn what_the_cookie_holds_is_no_more_trusted_than_a_body() {
    let world = world().await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    for (sent, code) in
        [("x", "invalid_token"), ("a.b.c", "invalid_token"), ("", "invalid_request"), ("\"", "invalid_token")]
    {
        assert_eq!(post(&world, "/auth/refresh", sent, OURS, LOGIN_AT).await.code(), code, "{sent:?}");
    }
    assert_eq!(post(&world, "/auth/refresh", &token, OURS, LOGIN_AT + 3600).await.code(), "token_expired");
    let mut twice = with_cookie(&Method::POST, "/auth/refresh", &token, OURS);
    twice.0["cookies"] = json!([format!("__Host-latchkey={token}"), "__Host-latchkey=x"]);
    let rejected = world.send("/auth/refresh", &twice, LOGIN_AT).await;
    assert_eq!(rejected.body["message"], "The cookie __Host-latchkey is there twice.");
    let none = Event::http_api(&Method::POST, "/auth/refresh");
    let rejected = world.send("/auth/refresh", &with_headers(none, OURS), LOGIN_AT).await;
    assert_eq!(rejected.body["message"], "The field \"token\" is required, or the cookie __Host-latchkey.");
}

/// A request with these cookies and no body, which a page of ours makes.
fn with_cookies(method: &Method, path: &str, cookies: &[String]) -> Event {
    let mut event = with_cookie(method, path, "", OURS);
    event.0["cookies"] = json!(cookies);
    event
}

#[tokio::test]
async fn a_neighbouring_host_s_cookie_with_a_blank_around_our_name_is_not_ours() {
    let world = world().await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    for blank in ["\u{85}", "\u{a0}", "\u{1680}", "\u{2000}", "\u{2028}", "\u{3000}"] {
        for name in [format!("{blank}__Host-latchkey"), format!("__Host-latchkey{blank}")] {
            let foreign = format!("{name}={token}");
            let alone = with_cookies(&Method::POST, "/auth/refresh", std::slice::from_ref(&foreign));
            assert_eq!(
                world.send("/auth/refresh", &alone, LOGIN_AT).await.code(),
                "invalid_request",
                "{name:?}"
            );
            // Beside ours it changes nothing.
            let ours = format!("__Host-latchkey={token}");
            let both = with_cookies(&Method::POST, "/auth/refresh", &[foreign, ours]);
            assert_eq!(world.send("/auth/refresh", &both, LOGIN_AT).await.status, 200, "{name:?}");
        }
    }
}

#[tokio::test]
async fn two_cookies_of_our_name_keep_nobody_from_logging_out() {
    let world = world().await;
    for everywhere in [false, true] {
        let one = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
        let other = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
        for values in [[&one, &other], [&other, &one], [&one, &"worth.nothing.x".to_owned()]] {
            let cookies = values.map(|value| format!("__Host-latchkey={value}"));
            let mut event = with_cookies(&Method::POST, "/auth/logout", &cookies);
            event = event.header("content-type", Some("application/json"));
            event = event.json(&json!({ "everywhere": everywhere }));
            let reply = world.send("/auth/logout", &event, LOGIN_AT).await;
            assert!(reply.status == 204 || reply.code() == "session_ended", "{reply:?}");
            assert_eq!(cookie(&reply).0, "", "the browser forgets the cookie");
        }
        for token in [&one, &other] {
            assert_eq!(world.refresh(token, LOGIN_AT).await.code(), "session_ended");
        }
    }
    let nothing = ["x", "y"].map(|value| format!("__Host-latchkey={value}"));
    let event = with_cookies(&Method::POST, "/auth/logout", &nothing);
    let reply = world.send("/auth/logout", &event, LOGIN_AT).await;
    assert_eq!((reply.code(), cookie(&reply).0), ("invalid_token", String::new()));
}
