//! An access token on every route: it gets nothing anywhere.

use local::ROUTES;

use super::*;

/// Every way in which a route could be handed a token: the calls of all routes that take one, with `token` in it.
fn calls(token: &str) -> Vec<(&'static str, String, Event)> {
    let mut calls = Vec::new();
    for (route, _) in ROUTES {
        let path = route.replace("{sid}", "AQEBAQEBAQEBAQEBAQEBAQ");
        let body = json!({
            "token": token, "audience": ORDERS, "check_session": true, "username": "ada", "password": token,
            "current_password": PASSWORD, "new_password": "four more random words", "everywhere": true,
        });
        let without = |member: &str| {
            let mut body = body.clone();
            body.as_object_mut().unwrap().remove(member);
            body
        };
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let event = || Event::http_api(&method, &path);
            let mut in_cookie = event().json(&without("token")).header("sec-fetch-site", Some("same-origin"));
            in_cookie.0["cookies"] = json!([format!("__Host-latchkey={token}")]);
            let form = format!("grant_type=client_credentials&client_id={token}&client_secret={token}");
            for event in [
                event().json(&body),
                event().json(&without("token")).bearer(token),
                event().form(&form),
                event().form("grant_type=client_credentials").bearer(token),
                in_cookie,
            ] {
                calls.push((route, path.clone(), event));
            }
        }
    }
    calls
}

/// A1: with every other difference taken away, `typ` alone and `aud` alone each shut every door.
#[tokio::test]
async fn no_route_takes_an_access_token_by_typ_alone_or_by_aud_alone() {
    let settings = [("JWT_AUTH_COOKIE", "__Host-latchkey"), ("LOGIN_FAILURES_PER_ADDRESS", "0")];
    let (world, _) = world_with(&settings).await;
    let session = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    let access = access_token(&world, &session, LOGIN_AT).await;
    let machine = {
        let (id, secret) = client(&world, ORDERS).await;
        let reply = ask_as_client(&world, &credentials(id, &secret), LOGIN_AT).await;
        reply.body["access_token"].as_str().unwrap().to_owned()
    };
    let keys = world.keys();
    let key = &keys.keys()[0];
    let with = |value: &Value, name: &str, to: &str| {
        let mut value = value.clone();
        value[name] = to.into();
        value
    };
    let (head, said, of_session) = (header(&access), claims(&access), claims(&session));
    let tokens = [
        ("as issued", access.clone()),
        ("of a machine client", machine),
        ("typ alone", signed(&head, &of_session, key)),
        (
            "typ alone, with the claims of an access token",
            signed(&head, &with(&said, "aud", "latchkey"), key),
        ),
        ("aud alone", signed(&with(&head, "typ", "JWT"), &with(&of_session, "aud", ORDERS), key)),
        ("aud alone, with the claims of an access token", signed(&with(&head, "typ", "JWT"), &said, key)),
    ];
    for (what, token) in tokens {
        assert_eq!(accepted(&world, async || token.clone()).await, [""; 0], "{what}");
    }
    // The same calls with the token of a session do get something, so that the above is no test of nothing.
    let log_in = async || world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    let taken = accepted(&world, log_in).await;
    assert_eq!(
        taken,
        [
            "/auth/refresh",
            "/auth/verify",
            "/auth/logout",
            "/auth/sessions",
            "/auth/sessions/{sid}",
            "/auth/access",
            "/auth/password",
        ]
    );
}

/// The routes on which a call with a token succeeds, each tried with a new one. Changing the password, which ends every
/// session, comes last; the calls that need no token are left out.
async fn accepted(world: &World, token: impl AsyncFn() -> String) -> Vec<&'static str> {
    let mut routes: Vec<_> = ROUTES.iter().map(|(route, _)| *route).collect();
    routes.retain(|route| !route.starts_with("/.well-known/") && *route != "/auth/login");
    routes.sort_by_key(|route| *route == "/auth/password");
    let mut successes = Vec::new();
    for wanted in routes {
        for (route, path, event) in calls(&token().await) {
            if route != wanted || successes.contains(&route) {
                continue;
            }
            let reply = Reply::new(&world.gateway.respond(&path, &event.0.to_string(), at(LOGIN_AT)).await);
            assert!(reply.status < 500, "{path}: {reply:?}");
            if reply.status < 300 {
                successes.push(route);
            }
        }
    }
    successes
}

#[tokio::test]
async fn an_access_token_is_no_password_and_changes_no_row() {
    let (world, token) = logged_in().await;
    let access = access_token(&world, &token, LOGIN_AT).await;
    let before = world.users.find(&"ada".parse().unwrap()).await.unwrap();
    for (_, path, event) in calls(&access) {
        let reply = Reply::new(&world.gateway.respond(&path, &event.0.to_string(), at(LOGIN_AT)).await);
        assert!(reply.status < 500, "{path}: {reply:?}");
        assert!(path.starts_with("/.well-known/") || reply.status >= 400, "{path}: {reply:?}");
    }
    assert_eq!(world.users.find(&"ada".parse().unwrap()).await.unwrap(), before);
}
