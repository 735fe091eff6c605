//! A new password by a code.

use super::*;

/// R4, R6 and R8.
#[tokio::test]
async fn a_code_sets_a_new_password_and_ends_every_session_and_every_wait() {
    let world = world().await;
    let id = world.create("ada", OLD).await;
    let tokens = [world.log_in("ada", OLD, LOGIN_AT).await, world.log_in("ada", OLD, LOGIN_AT).await];
    for _ in 0..20 {
        world.log_in("ada", "wrong", LOGIN_AT).await;
    }
    assert_eq!(world.log_in("ada", OLD, LOGIN_AT).await.status, 429);
    let code = allow_recovery(&world, "ada").await;
    assert_eq!(
        show(&world, &code, LOGIN_AT).await.body,
        json!({ "purpose": "recovery", "username": "ada", "expires_in": DAY })
    );
    let reply = recover(&world, &code, NEW, LOGIN_AT).await;
    assert_eq!(reply.status, 204, "{reply:?}");
    assert!(reply.headers["set-cookie"].is_null());

    for token in &tokens {
        let token = token.token();
        assert_eq!(world.refresh(token, LOGIN_AT).await.code(), "session_ended");
        let checked = json!({ "token": token, "check_session": true });
        assert_eq!(world.post("/auth/verify", &checked, LOGIN_AT).await.code(), "session_ended");
        assert_eq!(world.list_sessions(token, LOGIN_AT).await.code(), "session_ended");
        let change = json!({ "current_password": NEW, "new_password": "eight green umbrellas" });
        let change = post("/auth/password", &change).bearer(token);
        assert_eq!(world.send("/auth/password", &change, LOGIN_AT).await.code(), "session_ended");
        let authorizer = world.authorizer(&[("CHECK_SESSION", "true")]);
        let event = crate::authorizer::with_token("http_api_2", token).to_string();
        let limit = std::time::Duration::from_secs(8);
        let answer = authorizer.answer(&event, at(LOGIN_AT), limit).await.unwrap();
        assert_eq!(answer["isAuthorized"], false);
    }
    assert_eq!(world.log_in("ada", OLD, LOGIN_AT).await.code(), "invalid_credentials");
    let login = world.log_in("ada", NEW, LOGIN_AT).await;
    assert_eq!(login.body["user"]["sub"], id.to_string());
    assert_eq!(recover(&world, &code, OLD, LOGIN_AT).await.code(), "invalid_code");
}

/// a newer code ends one, and a new password the other.
#[tokio::test]
async fn a_new_password_of_their_own_ends_the_codes_that_are_out() {
    let world = world().await;
    world.create("ada", OLD).await;
    let first = allow_recovery(&world, "ada").await;
    let token = world.log_in("ada", OLD, LOGIN_AT).await.token().to_owned();
    assert_eq!(show(&world, &first, LOGIN_AT).await.status, 200, "a login leaves it as it is");
    let second = allow_recovery(&world, "ada").await;
    assert_eq!(show(&world, &first, LOGIN_AT).await.code(), "invalid_code");
    assert_eq!(show(&world, &second, LOGIN_AT).await.status, 200);
    let change = json!({ "current_password": OLD, "new_password": NEW });
    let change = post("/auth/password", &change).bearer(&token);
    assert_eq!(world.send("/auth/password", &change, LOGIN_AT).await.status, 200);
    for code in [&first, &second] {
        assert_eq!(recover(&world, code, "eight green umbrellas", LOGIN_AT).await.code(), "invalid_code");
    }
    assert_eq!(world.log_in("ada", NEW, LOGIN_AT).await.status, 200);
}

/// R5
#[tokio::test]
async fn the_code_of_somebody_disabled_deleted_or_gone_touches_nobody() {
    let world = world().await;
    world.create("ada", OLD).await;
    let code = allow_recovery(&world, "ada").await;
    let ada: Username = "ada".parse().unwrap();
    world.users.disable(&ada).await.unwrap();
    assert_eq!(recover(&world, &code, NEW, LOGIN_AT).await.code(), "invalid_code");
    world.users.delete(&ada).await.unwrap();
    assert_eq!(recover(&world, &code, NEW, LOGIN_AT).await.code(), "invalid_code");
    world.create("ada", OLD).await;
    assert_eq!(recover(&world, &code, NEW, LOGIN_AT).await.code(), "invalid_code");
    assert_eq!(world.log_in("ada", OLD, LOGIN_AT).await.status, 200);
}

/// R4: whichever comes first.
#[tokio::test(flavor = "multi_thread")]
async fn no_session_of_the_old_password_outlives_a_recovery() {
    let world = world().await;
    for round in 0..6 {
        let username = format!("ada {round}");
        world.create(&username, OLD).await;
        let code = allow_recovery(&world, &username).await;
        let logins = (0..4).map(async |_| world.log_in(&username, OLD, LOGIN_AT).await);
        let recovery = recover(&world, &code, NEW, LOGIN_AT);
        let (logins, recovery) =
            futures_util::future::join(futures_util::future::join_all(logins), recovery).await;
        assert_eq!(recovery.status, 204);
        for login in logins {
            if login.status == 200 {
                assert_eq!(world.refresh(login.token(), LOGIN_AT).await.code(), "session_ended");
            } else {
                assert_eq!(login.code(), "invalid_credentials");
            }
        }
        let user = world.users.find(&username.parse().unwrap()).await.unwrap().unwrap();
        assert!(user.sessions.is_empty(), "round {round}");
    }
}

/// Whatever DynamoDB's answers are, it is done once or not at all, and who is told that it was done can log in.
#[tokio::test]
async fn faults_of_the_table_lose_no_password_and_use_no_code_up_twice() {
    use harness::Fault::{Conflict, InProgress, LostFromTheFirstWriteOn, LostResponse};
    let plans = [LostResponse, Conflict, InProgress, LostFromTheFirstWriteOn]
        .into_iter()
        .flat_map(|fault| [1, 2, 3, 4, 30].map(|times| (fault, times)));
    for (fault, times) in plans {
        let world = world().await;
        world.create("ada", OLD).await;
        let code = allow_recovery(&world, "ada").await;
        let invitation = invite(&world, "bob", "{}").await;
        world.faults.set(fault, times);
        let recovered = recover(&world, &code, NEW, LOGIN_AT).await;
        world.faults.clear();
        world.faults.set(fault, times);
        let registered = register(&world, &invitation, NEW, LOGIN_AT).await;
        world.faults.clear();
        for (name, reply, done) in [("ada", recovered, 204), ("bob", registered, 201)] {
            let said = format!("{fault:?} {times} {name} {reply:?}");
            let has_new = world.log_in(name, NEW, LOGIN_AT).await.status == 200;
            assert!(reply.status == done || reply.status == 503, "{said}");
            assert!(has_new || reply.status == 503, "{said}");
            let again = match name {
                "ada" => recover(&world, &code, NEW, LOGIN_AT).await,
                _ => register(&world, &invitation, NEW, LOGIN_AT).await,
            };
            assert_eq!(again.status == done, !has_new, "{said}: {again:?}");
            assert_eq!(world.log_in(name, NEW, LOGIN_AT).await.status, 200, "{said}");
        }
    }
}
