//! A deployed stack, on AWS or wherever the functions run:
//! `BASE_URL=https://… USERS_TABLE=… cargo test -p tests -- --ignored deployed`. Add `--skip rotation` to leave the key
//! alone; else `ROTATE_SECRET` names its secret.

use harness::deployment::{Deployment, PASSWORD};
use http::{Method, header};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs BASE_URL and USERS_TABLE"]
async fn a_user_of_the_command_line_logs_in_refreshes_is_verified_and_logs_out() {
    let stack = Deployment::of_environment();
    let user = stack.user();
    let login = stack.log_in(&user.name, PASSWORD).await;
    let first = login.token().to_owned();
    assert_eq!(
        (login.body["token_type"].as_str(), &login.headers[header::CACHE_CONTROL]),
        (Some("Bearer"), &"no-store".parse().unwrap())
    );
    let second = stack.post("/auth/refresh", &json!({ "token": first })).await.token().to_owned();
    let verified = stack.post("/auth/verify", &json!({ "token": second, "check_session": true })).await;
    assert_eq!(
        (verified.status, verified.body["claims"]["username"].as_str()),
        (200, Some(user.name.as_str()))
    );
    assert_eq!(verified.body["claims"]["iss"], stack.issuer());
    let before = stack.post("/auth/verify", &json!({ "token": first })).await;
    assert_eq!(before.body["claims"]["iat"], verified.body["claims"]["iat"]);
    let sessions = stack.send(Method::GET, "/auth/sessions", Some(&second), None).await;
    assert_eq!((sessions.status, sessions.body["sessions"].as_array().unwrap().len()), (200, 1));
    assert_eq!(stack.post("/auth/logout", &json!({ "token": second })).await.status, 204);
    let rejected = stack.post("/auth/refresh", &json!({ "token": first })).await;
    assert_eq!((rejected.status, rejected.code()), (400, "session_ended"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs BASE_URL and USERS_TABLE"]
async fn a_disabled_user_is_rejected_and_a_changed_password_ends_every_session() {
    let stack = Deployment::of_environment();
    let user = stack.user();
    let old = stack.log_in(&user.name, PASSWORD).await.token().to_owned();
    let body = json!({ "current_password": PASSWORD, "new_password": "seven green umbrellas" });
    let changed = stack.send(Method::POST, "/auth/password", Some(&old), Some(&body)).await;
    let new = changed.token().to_owned();
    assert_eq!(stack.post("/auth/refresh", &json!({ "token": old })).await.code(), "session_ended");
    assert_eq!(stack.log_in(&user.name, PASSWORD).await.code(), "invalid_credentials");
    user.administer("disable");
    assert_eq!(stack.post("/auth/refresh", &json!({ "token": new })).await.code(), "user_disabled");
    assert_eq!(stack.log_in(&user.name, "seven green umbrellas").await.code(), "invalid_credentials");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs BASE_URL and USERS_TABLE"]
async fn the_documents_name_the_issuer_and_hold_the_key_that_signs() {
    let stack = Deployment::of_environment();
    let discovery = stack.send(Method::GET, "/.well-known/openid-configuration", None, None).await;
    assert_eq!((discovery.status, &discovery.body["issuer"]), (200, &json!(stack.issuer())));
    let user = stack.user();
    let token = stack.log_in(&user.name, PASSWORD).await.token().to_owned();
    let key_id = jsonwebtoken::decode_header(&token).unwrap().kid.unwrap();
    let keys = stack.send(Method::GET, "/.well-known/jwks.json", None, None).await;
    let published = keys.body["keys"].as_array().unwrap();
    assert!(published.iter().any(|key| key["kid"] == key_id), "{key_id} is not among {published:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs BASE_URL and USERS_TABLE"]
async fn bad_requests_are_rejected_with_their_codes() {
    let stack = Deployment::of_environment();
    let method = stack.send(Method::GET, "/auth/login", None, None).await;
    assert_eq!(
        (method.status, method.code(), &method.headers[header::ALLOW]),
        (405, "method_not_allowed", &"POST".parse().unwrap())
    );
    let no_field = stack.post("/auth/login", &json!({ "username": "ada" })).await;
    assert_eq!((no_field.status, no_field.code()), (400, "invalid_request"));
    assert_eq!(stack.log_in("nobody-of-this-name", PASSWORD).await.code(), "invalid_credentials");
    assert_eq!(stack.post("/auth/refresh", &json!({ "token": "x.y.z" })).await.code(), "invalid_token");
    let no_token = stack.send(Method::GET, "/auth/sessions", None, None).await;
    assert_eq!((no_token.status, no_token.code()), (401, "authorization_required"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs BASE_URL, USERS_TABLE and ROTATE_SECRET"]
async fn a_rotation_of_the_key_logs_nobody_out() {
    let stack = Deployment::of_environment();
    let user = stack.user();
    let token = stack.log_in(&user.name, PASSWORD).await.token().to_owned();
    stack.rotate_keys();
    let refreshed = stack.post("/auth/refresh", &json!({ "token": token })).await.token().to_owned();
    for token in [&token, &refreshed] {
        assert_eq!(stack.post("/auth/verify", &json!({ "token": token })).await.status, 200);
    }
    assert_eq!(stack.log_in(&user.name, PASSWORD).await.status, 200);
}

#[test]
fn a_check_that_is_not_told_what_to_check_fails() {
    let asked = "deployed::bad_requests_are_rejected_with_their_codes";
    for (url, table, missing) in [("", "users", "BASE_URL"), ("http://127.0.0.1:9", "", "USERS_TABLE")] {
        let ended = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", asked])
            .env("BASE_URL", url)
            .env("USERS_TABLE", table)
            .output()
            .unwrap();
        let said = String::from_utf8(ended.stderr).unwrap() + &String::from_utf8(ended.stdout).unwrap();
        assert!(!ended.status.success() && said.contains(&format!("{missing} must be set")), "{said}");
    }
}
