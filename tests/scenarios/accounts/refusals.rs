//! What no code is, and who may not even try one.

use super::*;

/// M6: for every other purpose, whatever the order.
#[tokio::test]
async fn a_code_does_what_it_is_for_and_nothing_else() {
    let world = world().await;
    world.create("ada", OLD).await;
    let (invitation, recovery) = (invite(&world, "bob", "{}").await, allow_recovery(&world, "ada").await);
    for _ in 0..2 {
        assert_eq!(recover(&world, &invitation, NEW, LOGIN_AT).await.code(), "invalid_code");
        assert_eq!(register(&world, &recovery, NEW, LOGIN_AT).await.code(), "invalid_code");
    }
    assert_eq!(world.log_in("ada", OLD, LOGIN_AT).await.status, 200);
    assert_eq!(register(&world, &invitation, NEW, LOGIN_AT).await.status, 201);
    assert_eq!(recover(&world, &recovery, NEW, LOGIN_AT).await.status, 204);
}

/// S-1: as people copy it.
#[tokio::test]
async fn a_code_is_taken_in_any_case_and_with_any_blanks_and_hyphens() {
    let world = world().await;
    let code = invite(&world, "ada", "{}").await;
    for spelling in [
        code.to_lowercase(),
        code.replace('-', ""),
        code.replace('-', " "),
        format!(" {code}\r\n"),
        code.replace('1', "I"),
    ] {
        assert_eq!(show(&world, &spelling, LOGIN_AT).await.status, 200, "{spelling:?}");
    }
}

/// One answer for all that is no code, which says nothing about who exists; and none of them is counted or costs a hash.
#[tokio::test]
async fn whatever_is_no_code_gets_one_answer() {
    let world = world().await;
    world.create("ada", OLD).await;
    let whole = allow_recovery(&world, "ada").await;
    let other = new_code().expose().to_string();
    let first = show(&world, &other, LOGIN_AT).await;
    assert_eq!((first.status, first.code()), (400, "invalid_code"));
    world.operations();
    let strange =
        ["", "0", "ada", "\u{0}", "\u{1d7d8}", "code#x", "*", "{\"S\":\"x\"}", "' OR 1=1 --", &whole[1..]];
    let long = "0".repeat(10_000);
    for text in strange.into_iter().chain([&*long, &*format!("{whole}0")]) {
        for path in PATHS {
            assert_eq!(world.post(path, &body(path, text), LOGIN_AT).await, first, "{path} {text:?}");
        }
    }
    assert_eq!(world.operations(), [""; 0], "what has not the form of a code is not looked for");
    for _ in 0..300 {
        assert_eq!(recover(&world, &other, NEW, LOGIN_AT).await, first);
    }
    let calls = world.operations();
    assert!(calls.iter().all(|call| call == "GetItem") && calls.len() == 300, "{calls:?}");
    assert_eq!(recover(&world, &whole, NEW, LOGIN_AT).await.status, 204, "nobody is slowed down");
}

#[tokio::test]
async fn a_field_that_is_missing_or_no_string_is_named() {
    let world = world().await;
    let code = invite(&world, "ada", "{}").await;
    for path in PATHS {
        for (name, _) in body(path, &code).as_object().unwrap() {
            for value in [json!(null), json!(1), json!(["x"]), json!({ "S": "x" }), json!(true)] {
                let mut wrong = body(path, &code);
                wrong[name] = value;
                let reply = world.post(path, &wrong, LOGIN_AT).await;
                assert_eq!(reply.body["message"], format!("The field \"{name}\" must be a string."));
            }
            let mut without = body(path, &code);
            without.as_object_mut().unwrap().remove(name);
            let reply = world.post(path, &without, LOGIN_AT).await;
            assert_eq!(reply.body["message"], format!("The field \"{name}\" is required."), "{path}");
        }
    }
    assert_eq!(show(&world, &code, LOGIN_AT).await.status, 200);
}

/// M8: who follows a link or looks in before a person does changes nothing.
#[tokio::test]
async fn only_a_post_with_json_does_anything() {
    let world = world().await;
    let code = invite(&world, "ada", "{}").await;
    for path in PATHS {
        for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let mut event = Event::http_api(&Method::from_bytes(method.as_bytes()).unwrap(), path)
                .json(&body(path, &code));
            event.0["rawQueryString"] = format!("code={code}&password=x").into();
            let reply = world.send(path, &event, LOGIN_AT).await;
            assert_eq!((reply.status, &reply.headers["allow"]), (405, &json!("POST")), "{method} {path}");
            assert!(!reply.body.to_string().contains(&code));
        }
        let form = Event::http_api(&Method::POST, path).form(&format!("code={code}&password={NEW}"));
        assert_eq!(world.send(path, &form, LOGIN_AT).await.status, 415);
        let empty = Event::http_api(&Method::POST, path);
        assert_eq!(world.send(path, &empty, LOGIN_AT).await.status, 400);
        let large = json!({ "code": code, "password": "x".repeat(17_000) });
        assert_eq!(world.post(path, &large, LOGIN_AT).await.status, 413);
    }
    assert!(world.users.find(&"ada".parse().unwrap()).await.unwrap().is_none());
    assert_eq!(show(&world, &code, LOGIN_AT).await.status, 200);
}

/// a page of another site sets nobody's password.
#[tokio::test]
async fn in_cookie_mode_foreign_pages_are_refused_and_others_may_call() {
    let world = World::with(&[&SETTINGS[..], &[("JWT_AUTH_COOKIE", "__Host-latchkey")]].concat()).await;
    world.create("ada", OLD).await;
    let codes = [invite(&world, "bob", "{}").await, allow_recovery(&world, "ada").await];
    let foreign = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
    for (path, code) in [(PATHS[0], &codes[0]), (PATHS[1], &codes[0]), (PATHS[2], &codes[1])] {
        for header in foreign {
            let event = post(path, &body(path, code)).header(header.0, Some(header.1));
            let event = event.header("cookie", Some("__Host-latchkey=x"));
            assert_eq!(world.send(path, &event, LOGIN_AT).await.code(), "csrf_refused", "{path} {header:?}");
        }
        let ours = post(path, &body(path, code)).header("origin", Some("https://app.example.com"));
        let ours = ours.header("sec-fetch-site", Some("cross-site"));
        let reply = world.send(path, &ours, LOGIN_AT).await;
        assert!([200, 201, 204].contains(&reply.status), "{path} {reply:?}");
        assert!(reply.headers["set-cookie"].is_null());
        assert_eq!(reply.headers["access-control-allow-origin"], "https://app.example.com");
    }
}
