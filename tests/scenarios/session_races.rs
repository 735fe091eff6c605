//! A refresh against the end of its session: once the ending call has returned, no refresh succeeds.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use harness::{LOGIN_AT, World, at};
use token::{
    CustomClaims, KeySet, RefreshSwitch, Seconds, SessionId, SessionPolicy, Subject, TokenId, UserId,
};
use tokio::task::JoinSet;
use users::{Account, EarlierFailures, NewSession, NewUser, User, VerifiedLogin};

const ROUNDS: u32 = 200;
const REFRESHERS: usize = 2;
/// Of no password that anybody knows.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAA";

/// A world with ada in it, and what opening a session of hers takes beside a password.
struct Arena {
    world: World,
    ada: User,
    keys: KeySet,
    policy: SessionPolicy,
}

impl Arena {
    async fn new() -> Self {
        let (world, name) = (World::new().await, "ada".parse().unwrap());
        let id = UserId::new(edge::random::entropy().unwrap());
        let (password_hash, claims) = (HASH.parse().unwrap(), CustomClaims::default());
        world
            .users
            .create(&NewUser { id, username: name, password_hash, claims, email: None }, at(LOGIN_AT))
            .await
            .unwrap();
        let ada = world.users.find(&"ada".parse().unwrap()).await.unwrap().unwrap();
        let policy =
            SessionPolicy::new(Seconds::new(3600), Seconds::new(172_800), RefreshSwitch::On).unwrap();
        let keys = world.keys();
        Self { world, ada, keys, policy }
    }

    /// The token of a session opened now.
    async fn log_in(&self) -> String {
        let Self { world, ada, keys, policy } = self;
        let (session_id, now) = (SessionId::new(edge::random::entropy().unwrap()), at(LOGIN_AT));
        let login = VerifiedLogin {
            user: &Account::from(ada.clone()),
            session: &NewSession { id: session_id, issued_at: now, user_agent: None, source_ip: None },
            upgraded_hash: None,
            earlier_failures: EarlierFailures::None,
        };
        world.users.open_session(&login, policy).await.unwrap();
        let (subject, jti) =
            (Subject { id: ada.id, username: "ada" }, TokenId::new(edge::random::entropy().unwrap()));
        let claims = world.issuer().claims(subject, session_id, jti, policy.log_in(now), ada.claims.clone());
        world.issuer().issue(&claims, keys, now).unwrap()
    }
}

/// Refreshes what it got last until a refresh was begun after the end; how many succeeded.
async fn refresh_until(world: &World, mut token: String, ended: &AtomicBool) -> usize {
    let mut refreshed = 0;
    loop {
        let had_ended = ended.load(Ordering::SeqCst);
        let reply = world.refresh(&token, LOGIN_AT + 1).await;
        if reply.status == 200 {
            assert!(!had_ended, "a refresh that began after the end of its session succeeded");
            reply.token().clone_into(&mut token);
            refreshed += 1;
        } else {
            assert_eq!(reply.status, 400, "{reply:?}");
        }
        if had_ended {
            return refreshed;
        }
    }
}

/// Runs `end` against refreshes of one session, in many rounds.
async fn race(end: impl AsyncFn(&World, &str)) {
    let arena = Arc::new(Arena::new().await);
    let mut successes = 0;
    for _ in 0..ROUNDS {
        arena.world.users.enable(&arena.ada.username).await.unwrap();
        let token = arena.log_in().await;
        let ended = Arc::new(AtomicBool::new(false));
        let mut refreshes = JoinSet::new();
        for _ in 0..REFRESHERS {
            let (arena, token, ended) = (Arc::clone(&arena), token.clone(), Arc::clone(&ended));
            refreshes.spawn(async move { refresh_until(&arena.world, token, &ended).await });
        }
        tokio::task::yield_now().await;
        end(&arena.world, &token).await;
        ended.store(true, Ordering::SeqCst);
        successes += refreshes.join_all().await.iter().sum::<usize>();
    }
    assert!(successes > 0, "no refresh came before an end: there was no race");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_logout_no_refresh_of_the_session_succeeds() {
    race(async |world, token| assert_eq!(world.log_out(token, LOGIN_AT + 1).await.status, 204)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_logout_everywhere_no_refresh_of_the_session_succeeds() {
    race(async |world, token| assert_eq!(world.log_out_everywhere(token, LOGIN_AT + 1).await.status, 204))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_user_is_disabled_no_refresh_of_the_session_succeeds() {
    race(async |world, _| world.users.disable(&"ada".parse().unwrap()).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_change_of_the_password_no_refresh_of_the_session_succeeds() {
    // The one write of `POST /auth/password`, without the hashes before it.
    race(async |world, token| {
        let user = world.users.find(&"ada".parse().unwrap()).await.unwrap().unwrap();
        let by = world.claims(token, LOGIN_AT + 1).session_id;
        let new = NewSession {
            id: SessionId::new(edge::random::entropy().unwrap()),
            issued_at: at(LOGIN_AT + 1),
            user_agent: None,
            source_ip: None,
        };
        world
            .users
            .change_password(&Account::from(user), by, &HASH.parse().unwrap(), &new, None)
            .await
            .unwrap();
    })
    .await;
}
