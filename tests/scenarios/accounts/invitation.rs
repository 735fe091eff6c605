//! Becoming a user with the code of an invitation.

use super::*;

/// G1 and G5.
#[tokio::test]
async fn an_invited_person_sets_a_password_and_logs_in() {
    let world = world().await;
    let code = invite(&world, "Ada@Example.com", r#"{"role":"admin"}"#).await;
    let shown = show(&world, &code, LOGIN_AT + 60).await;
    assert_eq!(shown.status, 200, "{shown:?}");
    assert_eq!(
        shown.body,
        json!({ "purpose": "invitation", "username": "ada@example.com", "expires_in": DAY - 60 })
    );
    assert_eq!(world.log_in("ada@example.com", NEW, LOGIN_AT).await.code(), "invalid_credentials");

    let reply = register(&world, &code, NEW, LOGIN_AT + DAY).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    assert_eq!(reply.headers["cache-control"], "no-store");
    let user = &reply.body["user"];
    assert_eq!(user["username"], "ada@example.com");
    assert!(reply.headers["set-cookie"].is_null() && reply.body["token"].is_null(), "no session opens");

    let login = world.log_in("ada@example.com", NEW, LOGIN_AT + DAY).await;
    assert_eq!(login.body["user"], *user);
    let claims = world.claims(login.token(), LOGIN_AT + DAY);
    assert_eq!(claims.custom.to_string(), r#"{"role":"admin"}"#);
    assert_eq!(register(&world, &code, OLD, LOGIN_AT + DAY).await.code(), "invalid_code");
    assert_eq!(world.log_in("ada@example.com", OLD, LOGIN_AT + DAY).await.code(), "invalid_credentials");
}

#[tokio::test]
async fn an_invitation_is_good_for_its_time_and_no_longer() {
    let world = world().await;
    let code = invite(&world, "ada", "{}").await;
    assert_eq!(show(&world, &code, LOGIN_AT + DAY).await.body["expires_in"], 0);
    for now in [LOGIN_AT + DAY + 1, LOGIN_AT + 400 * DAY] {
        assert_eq!(show(&world, &code, now).await.code(), "invalid_code");
        assert_eq!(register(&world, &code, NEW, now).await.code(), "invalid_code");
    }
    assert!(world.users.find(&"ada".parse().unwrap()).await.unwrap().is_none());
}

/// A password that is refused costs nothing: the code is good for another try.
#[tokio::test]
async fn a_refused_password_does_not_use_the_code_up() {
    let world = world().await;
    let code = invite(&world, "ada lovelace", "{}").await;
    for refused in ["too short", "passwordpassword", "ada lovelace 123", "aaaaaaaaaaaaaaaa"] {
        let reply = register(&world, &code, refused, LOGIN_AT).await;
        assert_eq!((reply.status, reply.code()), (400, "password_refused"), "{refused}");
    }
    assert_eq!(register(&world, &code, NEW, LOGIN_AT).await.status, 201);
}

/// G2: nothing but the code and the password has any influence.
#[tokio::test]
async fn nothing_else_in_the_body_is_taken() {
    let world = world().await;
    let code = invite(&world, "ada", "{}").await;
    let body = json!({ "code": code, "password": NEW });
    for (name, value) in [
        ("claims", json!({ "role": "admin" })),
        ("username", json!("bob")),
        ("user_id", json!("AQEBAQEBAQEBAQEBAQEBAQ")),
        ("enabled", json!(true)),
        ("new_password", json!(OLD)),
        ("next", json!("https://evil.example")),
        ("\u{202e}", json!(null)),
    ] {
        let mut body = body.clone();
        body[name] = value;
        let reply = world.post("/auth/registration/complete", &body, LOGIN_AT).await;
        assert_eq!((reply.status, reply.code()), (400, "invalid_request"), "{name}");
    }
    let long = "x".repeat(500);
    let reply = world
        .post("/auth/registration/complete", &json!({ "code": code, "password": NEW, &*long: 1 }), LOGIN_AT)
        .await;
    assert!(reply.body["message"].as_str().unwrap().len() < 120, "{reply:?}");
    assert_eq!(register(&world, &code, NEW, LOGIN_AT).await.status, 201);
}

/// The name is nobody's until then, and so another may get it first.
#[tokio::test]
async fn an_invitation_whose_name_somebody_has_by_now_no_longer_works() {
    let world = world().await;
    let code = invite(&world, "ada", r#"{"role":"admin"}"#).await;
    let id = world.create("ada", OLD).await;
    assert_eq!(show(&world, &code, LOGIN_AT).await.code(), "invalid_code");
    assert_eq!(register(&world, &code, NEW, LOGIN_AT).await.code(), "invalid_code");
    let ada = world.users.find(&"ada".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((ada.id, ada.claims), (id, CustomClaims::default()));
    assert_eq!(world.log_in("ada", OLD, LOGIN_AT).await.status, 200);
}

/// G7
#[tokio::test(flavor = "multi_thread")]
async fn of_eight_calls_at_once_one_makes_the_user() {
    let world = world().await;
    for round in 0..3 {
        let code = invite(&world, &format!("ada {round}"), "{}").await;
        let password = |index: usize| format!("{NEW} {index}");
        let calls =
            (0..8).map(async |index| register(&world, &code, &password(index), LOGIN_AT).await.status);
        let statuses = futures_util::future::join_all(calls).await;
        let won: Vec<_> = (0..8).filter(|index| statuses[*index] == 201).collect();
        let [winner] = won[..] else { panic!("{statuses:?}") };
        assert!(statuses.iter().all(|status| [201, 400].contains(status)), "{statuses:?}");
        for index in [winner, (winner + 1) % 8] {
            let login = world.log_in(&format!("ada {round}"), &password(index), LOGIN_AT).await;
            assert_eq!(login.status == 200, index == winner);
        }
    }
}
