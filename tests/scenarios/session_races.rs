//! A refresh against the end of its session: once the ending call has returned, no refresh succeeds.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tests::{LOGIN_AT, World, at};
use token::{CustomClaims, Entropy, RefreshSwitch, Seconds, SessionId, SessionPolicy, TokenId, UserId};
use tokio::task::JoinSet;
use users::{NewUser, Session};

const ROUNDS: u32 = 500;
const REFRESHERS: usize = 3;
/// Nobody's: these users log in by themselves.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAA";

/// The token of a session opened now, without the work of a password.
async fn log_in(world: &World, username: &str) -> String {
    let id = || Entropy(edge::random::entropy().unwrap().0);
    let name: users::Username = username.parse().unwrap();
    let user = NewUser {
        id: UserId::new(id()),
        username: name.clone(),
        password_hash: HASH.parse().unwrap(),
        claims: CustomClaims::default(),
    };
    world.users.create(&user, at(LOGIN_AT)).await.unwrap();
    let policy = SessionPolicy::new(Seconds::new(3600), Seconds::new(172_800), RefreshSwitch::On).unwrap();
    let session_id = SessionId::new(id());
    let stored = world.users.find(&name).await.unwrap().unwrap();
    let session = Session::new(at(LOGIN_AT), None, None);
    world.users.open_session(&stored, session_id, &session, None, &policy, at(LOGIN_AT)).await.unwrap();
    let (subject, lifetime) = ((user.id, username), policy.log_in(at(LOGIN_AT)));
    let claims = world.issuer().claims(subject, session_id, TokenId::new(id()), lifetime, user.claims);
    world.issuer().issue(&claims, &world.keys(), at(LOGIN_AT)).unwrap()
}

/// Refreshes until one was begun after the end; every token it got.
async fn refresh_until(world: &World, token: &str, ended: &AtomicBool) -> Vec<String> {
    let mut tokens = vec![token.to_owned()];
    loop {
        let had_ended = ended.load(Ordering::SeqCst);
        let reply = world.refresh(tokens.last().unwrap(), LOGIN_AT + 1).await;
        if reply.status == 200 {
            assert!(!had_ended, "a refresh that began after the end of its session succeeded");
            tokens.push(reply.token().to_owned());
        }
        if had_ended {
            return tokens;
        }
    }
}

/// Runs `end` against refreshes of one session, in many rounds.
async fn race(end: impl AsyncFn(&World, &str, &str)) {
    let world = Arc::new(World::new().await);
    let mut refreshed = 0;
    for round in 0..ROUNDS {
        let username = format!("ada {round}");
        let token = log_in(&world, &username).await;
        let ended = Arc::new(AtomicBool::new(false));
        let mut refreshes = JoinSet::new();
        for _ in 0..REFRESHERS {
            let (world, token, ended) = (Arc::clone(&world), token.clone(), Arc::clone(&ended));
            refreshes.spawn(async move { refresh_until(&world, &token, &ended).await });
        }
        tokio::task::yield_now().await;
        end(&world, &username, &token).await;
        ended.store(true, Ordering::SeqCst);
        for token in refreshes.join_all().await.iter().filter_map(|tokens| tokens.last()) {
            refreshed +=
                u32::from(world.claims(token, LOGIN_AT + 1).lifetime.expires_at > at(LOGIN_AT + 3600));
            assert_ne!(world.refresh(token, LOGIN_AT + 1).await.status, 200, "round {round}");
        }
    }
    assert!(refreshed > 0, "no refresh came before an end: there was no race");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_logout_no_refresh_of_the_session_succeeds() {
    race(async |world, _, token| assert_eq!(world.log_out(token, LOGIN_AT + 1).await.status, 204)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_logout_everywhere_no_refresh_of_the_session_succeeds() {
    race(async |world, _, token| assert_eq!(world.log_out_everywhere(token, LOGIN_AT + 1).await.status, 204))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_user_is_disabled_no_refresh_of_the_session_succeeds() {
    race(async |world, username, _| world.users.disable(&username.parse().unwrap()).await.unwrap()).await;
}
