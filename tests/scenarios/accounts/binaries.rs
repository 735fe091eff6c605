//! The real binary: what it says in the log, and when it does not start.

use token::{Algorithm, Key, KeySet, Schedule};

use super::*;
use crate::binaries::Stack;

const ON: [(&str, &str); 3] = [SETTINGS[1], SETTINGS[2], ("CODES_TABLE", "latchkey-users-codes")];

async fn stack() -> Stack {
    let always = Schedule { published: at(0), signs_from: at(0), retires: None };
    let keys = KeySet::new(vec![Key::generate(Algorithm::RS256, always).unwrap()]).unwrap();
    Stack::new(&keys.to_secret()).await
}

/// A code of a stack, good now.
async fn code_at(world: &World, username: &str, purpose: CodePurpose) -> String {
    let (code, now) = (new_code(), edge::clock::now().seconds());
    let (codes, username) = (codes(world), username.parse().unwrap());
    match purpose {
        CodePurpose::Recovery => {
            codes.allow_recovery(&username, &code, &origin(now), None).await.unwrap();
        }
        CodePurpose::Invitation => {
            let claims = r#"{"note":"canary-claim"}"#.parse().unwrap();
            let invitation = Invitation { username, claims, email: None, locale: None, origin: origin(now) };
            codes.invite(&invitation, &code).await.unwrap();
        }
    }
    code.expose().to_string()
}

/// M3 and A-25.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_whose_password_was_set_by_whose_code_and_holds_no_code_password_or_name() {
    let stack = stack().await;
    let world = World::at_endpoint(&stack.store.endpoint, &SETTINGS);
    let recovery = code_at(&world, "ada", CodePurpose::Recovery).await;
    let invitation = code_at(&world, "canary-name", CodePurpose::Invitation).await;
    let dead = new_code().expose().to_string();
    let mut redeem = stack.start("redeem", &ON).await;
    let mut send = async |path: &str, body: Value| redeem.invoke(&post(path, &body)).await;
    let canary = "canary password for the log";
    assert_eq!(send(PATHS[0], json!({ "code": recovery })).await.status, 200);
    assert_eq!(send(PATHS[1], json!({ "code": recovery, "password": canary })).await.status, 400);
    assert_eq!(send(PATHS[2], json!({ "code": dead, "new_password": canary })).await.status, 400);
    assert_eq!(send(PATHS[2], json!({ "code": recovery, "new_password": "canary" })).await.status, 400);
    assert_eq!(
        send(PATHS[2], json!({ "code": recovery, "new_password": canary, "canary": 1 })).await.status,
        400
    );
    assert_eq!(send(PATHS[2], json!({ "code": recovery, "new_password": canary })).await.status, 204);
    let registered = send(PATHS[1], json!({ "code": invitation, "password": canary })).await;
    assert_eq!(registered.status, 201);
    let printed = redeem.stop().await;
    let lines: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = |event: &str, outcome: &str| {
        let is_it = |line: &&Value| line["event"] == event && line["outcome"] == outcome;
        lines.iter().find(is_it).unwrap_or_else(|| panic!("{event} {outcome}: {printed}"))
    };
    let (recovered, registered_line) = (line("recover", "success"), line("register", "success"));
    let ada = world.users.find(&"ada".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((&recovered["sub"], &recovered["scope"]), (&json!(ada.id.to_string()), &json!("all")));
    assert_eq!(registered_line["sub"], registered.body["user"]["sub"]);
    for line in [recovered, registered_line, line("show_code", "success")] {
        assert_eq!(line["made_by"], ADMINISTRATOR);
    }
    let reasons: Vec<_> = lines.iter().filter_map(|line| line["reason"].as_str()).collect();
    assert_eq!(reasons, ["code_of_other_purpose", "unknown_code", "password_refused", "invalid_request"]);
    for code in [&recovery, &invitation, &dead] {
        for group in code.split('-') {
            assert!(!printed.contains(group), "{group} in {printed}");
        }
    }
    assert!(!printed.contains("canary"), "{printed}");
}

/// M4: one call to each of two processes at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn two_processes_use_a_code_up_once() {
    let stack = stack().await;
    let world = World::at_endpoint(&stack.store.endpoint, &SETTINGS);
    let mut processes = [stack.start("redeem", &ON).await, stack.start("redeem", &ON).await];
    for round in 0..20 {
        let code = code_at(&world, "ada", CodePurpose::Recovery).await;
        let [one, other] = &mut processes;
        let body = |index: u32| {
            post(PATHS[2], &json!({ "code": code, "new_password": format!("{NEW} {round} {index}") }))
        };
        let (events, at_once) = ([body(0), body(1)], futures_util::future::join);
        let (first, second) = at_once(one.invoke(&events[0]), other.invoke(&events[1])).await;
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 400], "round {round}: {first:?} {second:?}");
    }
}

/// A-23
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_setting_ends_the_function_with_a_line_that_names_it() {
    let stack = stack().await;
    for (settings, said) in [
        (&[][..], "CODES_TABLE must be set"),
        (&[ON[2]], "ACCOUNT_LINK must be set"),
        (
            &[ON[0], ON[2]],
            "ACCOUNT_LINK must be a page of JWT_ISSUER or of an origin in CORS_ALLOWED_ORIGINS",
        ),
        (&[ON[0], ON[1], ON[2], ("PASSWORD_MIN_LENGTH", "7")], "PASSWORD_MIN_LENGTH must be 8 to 128"),
    ] {
        let printed = stack.start("redeem", settings).await.ended().await;
        assert!(printed.contains(said), "{printed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_503_and_leaves_the_code_good() {
    let stack = stack().await;
    let world = World::at_endpoint(&stack.store.endpoint, &SETTINGS);
    let code = code_at(&world, "ada", CodePurpose::Recovery).await;
    let dead = [&ON[..], &[("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")]].concat();
    let mut redeem = stack.start("redeem", &dead).await;
    let event = post(PATHS[2], &json!({ "code": code, "new_password": NEW }));
    let reply = redeem.invoke(&event).await;
    assert_eq!((reply.status, reply.code()), (503, "temporarily_unavailable"));
    assert_eq!(reply.headers["retry-after"], "1");
    let mut redeem = stack.start("redeem", &ON).await;
    assert_eq!(redeem.invoke(&event).await.status, 204);
}
