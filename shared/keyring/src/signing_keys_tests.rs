//! The cache against a stand-in of Secrets Manager that counts and can be made to fail.

use std::sync::{
    Mutex as StdMutex,
    atomic::{AtomicU64, Ordering},
};

use token::{
    Algorithm, CustomClaims, Entropy, Issuer, Key, Lifetime, Schedule, SessionId, Subject, TokenId, UserId,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::RwLock,
};

use super::*;
use aws::AwsSettings;

use crate::SigningSecret;

const NOW: u64 = 1_685_728_800;
/// Longer than a reading takes on a busy machine.
const A_WHILE: Duration = Duration::from_mins(1);

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

/// One secret on a loopback port; `None` answers like a Secrets Manager that is down.
struct Stand {
    secret: Arc<StdMutex<Option<String>>>,
    calls: Arc<AtomicU64>,
    /// No answer is given while this is held for writing.
    gate: Arc<RwLock<()>>,
    url: String,
}

impl Stand {
    async fn start(secret: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stand = Self {
            secret: Arc::new(StdMutex::new(Some(secret.to_owned()))),
            calls: Arc::default(),
            gate: Arc::default(),
            url: format!("http://{}", listener.local_addr().unwrap()),
        };
        let (secret, calls) = (Arc::clone(&stand.secret), Arc::clone(&stand.calls));
        let gate = Arc::clone(&stand.gate);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&secret), Arc::clone(&calls), Arc::clone(&gate)));
            }
        });
        stand
    }

    fn hold(&self, secret: Option<&str>) {
        *self.secret.lock().unwrap() = secret.map(ToOwned::to_owned);
    }

    fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    fn keys(&self, max_stale: u64) -> SigningKeys {
        self.impatient_keys(max_stale).with_patience(A_WHILE)
    }

    fn impatient_keys(&self, max_stale: u64) -> SigningKeys {
        let lookup = |variable: &str| match variable {
            "AWS_REGION" => Some("eu-west-1".to_owned()),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
            "AWS_ENDPOINT_URL_SECRETS_MANAGER" => Some(self.url.clone()),
            _ => None,
        };
        let client = AwsSettings::new(&lookup).unwrap().secrets_manager();
        let source = KeySource::Secret(SigningSecret::new(client, "signing"));
        SigningKeys::new(source, Purpose::Sign, Seconds::new(max_stale))
    }
}

async fn answer(
    mut stream: TcpStream,
    secret: Arc<StdMutex<Option<String>>>,
    calls: Arc<AtomicU64>,
    gate: Arc<RwLock<()>>,
) {
    let mut request = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(count) if count > 0 => request.extend_from_slice(&chunk[..count]),
            _ => return,
        }
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() < length.unwrap_or(0) {
            continue;
        }
        request.clear();
        calls.fetch_add(1, Ordering::Relaxed);
        drop(gate.read().await);
        let (status, body) = match &*secret.lock().unwrap() {
            Some(secret) => {
                ("200 OK", serde_json::json!({ "Name": "signing", "SecretString": secret }).to_string())
            }
            None => ("400 Bad Request", r#"{"__type":"AccessDeniedException"}"#.to_owned()),
        };
        let reply = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(reply.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Waits until no reading is under way.
async fn settled(keys: &SigningKeys) {
    drop(keys.shared.reading.lock().await);
}

/// A bare secret; `letter` is one of a to f.
fn bare_secret(letter: &str) -> String {
    format!("hs256:{letter}{letter}9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a")
}

fn key_id(keys: &KeySet) -> &str {
    keys.keys()[0].id()
}

#[tokio::test]
async fn keys_are_read_once_in_five_minutes() {
    let stand = Stand::start(&bare_secret("a")).await;
    let keys = stand.keys(3600);
    for second in [0, 1, 299] {
        keys.current(at(NOW + second)).await.unwrap();
    }
    assert_eq!(stand.calls(), 1);
    stand.hold(Some(&bare_secret("b")));
    let renewed = keys.current(at(NOW + 300)).await.unwrap();
    assert_eq!(stand.calls(), 2);
    assert_eq!(key_id(&renewed), key_id(&KeySet::from_secret(&bare_secret("b")).unwrap()));
}

#[tokio::test]
async fn keys_are_used_an_hour_longer_while_secrets_manager_is_down() {
    let stand = Stand::start(&bare_secret("a")).await;
    let keys = stand.keys(3600);
    keys.current(at(NOW)).await.unwrap();
    stand.hold(None);
    keys.current(at(NOW + 300)).await.unwrap();
    let calls = stand.calls();
    keys.current(at(NOW + 329)).await.unwrap();
    assert_eq!(stand.calls(), calls, "asked again within the cooldown");
    keys.current(at(NOW + 330)).await.unwrap();
    settled(&keys).await;
    assert!(stand.calls() > calls, "not asked after the cooldown");
    keys.current(at(NOW + 3899)).await.unwrap();
    assert!(matches!(keys.current(at(NOW + 3900)).await, Err(KeysUnavailable)));
    stand.hold(Some(&bare_secret("a")));
    keys.current(at(NOW + 3901)).await.unwrap();
}

#[tokio::test]
async fn a_stale_time_of_zero_uses_no_key_past_its_cache_time() {
    let stand = Stand::start(&bare_secret("a")).await;
    let keys = stand.keys(0);
    keys.current(at(NOW)).await.unwrap();
    stand.hold(None);
    assert!(matches!(keys.current(at(NOW + 300)).await, Err(KeysUnavailable)));
}

#[tokio::test]
async fn bad_keys_fail_closed_when_cold_and_keep_the_good_ones_when_warm() {
    let bad = ["", "short", "{", "{}", r#"{"keys":[]}"#, &format!("{{\"keys\":\"{}\"}}", "x".repeat(64_000))];
    for secret in bad {
        let stand = Stand::start(secret).await;
        assert!(matches!(stand.keys(3600).current(at(NOW)).await, Err(KeysUnavailable)), "{secret:.20}");
        stand.hold(Some(&bare_secret("a")));
        let keys = stand.keys(3600);
        let good = key_id(&keys.current(at(NOW)).await.unwrap()).to_owned();
        stand.hold(Some(secret));
        assert_eq!(key_id(&keys.current(at(NOW + 300)).await.unwrap()), good);
    }
}

#[tokio::test]
async fn a_silent_source_keeps_nobody_waiting_while_a_set_may_be_used() {
    let stand = Stand::start(&old_secret()).await;
    let keys = stand.impatient_keys(3600);
    keys.current(at(NOW)).await.unwrap();
    stand.hold(Some(&new_secret()));
    let closed = stand.gate.write().await;
    // Would hang until the SDK gives up if callers waited for the reading. The first waits a little, the rest not at all.
    for second in 300..400 {
        assert_eq!(key_id(&keys.current(at(NOW + second)).await.unwrap()), key_id(&old_set()));
    }
    drop(closed);
    settled(&keys).await;
    // On a busy machine the SDK may have given the reading up; the next one is due after the cooldown.
    keys.current(at(NOW + 430)).await.unwrap();
    settled(&keys).await;
    assert_eq!(key_id(&keys.current(at(NOW + 431)).await.unwrap()), key_id(&new_set()));
}

#[tokio::test]
async fn a_caller_that_gives_up_leaves_the_first_reading_to_the_next_one() {
    let stand = Stand::start(&old_secret()).await;
    let keys = Arc::new(stand.keys(3600));
    let closed = stand.gate.write().await;
    let given_up = tokio::time::timeout(Duration::from_millis(50), keys.current(at(NOW))).await;
    assert!(given_up.is_err());
    let joining = tokio::spawn({
        let keys = Arc::clone(&keys);
        async move { keys.current(at(NOW)).await.map(drop) }
    });
    tokio::task::yield_now().await;
    drop(closed);
    joining.await.unwrap().unwrap();
    assert_eq!(stand.calls(), 1, "the second caller waited for the first one's reading");
}

#[tokio::test]
async fn a_set_in_which_no_key_signs_yet_replaces_no_set_that_can_sign() {
    let later = Schedule { published: at(NOW), signs_from: at(NOW + 86_400), retires: None };
    let later = KeySet::new(vec![Key::generate(Algorithm::ES256, later).unwrap()]).unwrap();
    let stand = Stand::start(&old_secret()).await;
    let keys = stand.keys(3600);
    keys.current(at(NOW)).await.unwrap();
    stand.hold(Some(&later.to_secret()));
    assert_eq!(key_id(&keys.current(at(NOW + 300)).await.unwrap()), key_id(&old_set()));
    settled(&keys).await;
    assert_eq!(key_id(&keys.current(at(NOW + 3899)).await.unwrap()), key_id(&old_set()));
    // It is what there is once the old set may no longer be used, and for whoever only verifies.
    settled(&keys).await;
    assert_eq!(key_id(&keys.current(at(NOW + 3900)).await.unwrap()), key_id(&later));
}

fn old_secret() -> String {
    bare_secret("a")
}

fn new_secret() -> String {
    bare_secret("b")
}

fn old_set() -> KeySet {
    KeySet::from_secret(&old_secret()).unwrap()
}

fn new_set() -> KeySet {
    KeySet::from_secret(&new_secret()).unwrap()
}

#[tokio::test]
async fn a_clock_that_was_set_back_reads_the_keys_again() {
    let stand = Stand::start(&bare_secret("a")).await;
    let keys = stand.keys(3600);
    keys.current(at(NOW)).await.unwrap();
    keys.current(at(NOW - 1)).await.unwrap();
    assert_eq!(stand.calls(), 2);
}

fn issuer() -> Issuer {
    Issuer::new("https://issuer.example".parse().unwrap(), "latchkey".parse().unwrap())
}

fn token_of(keys: &KeySet) -> String {
    let claims = issuer().claims(
        Subject { id: UserId::new(Entropy([1; 16])), username: "ada" },
        SessionId::new(Entropy([2; 16])),
        TokenId::new(Entropy([3; 16])),
        Lifetime { issued_at: at(NOW), expires_at: at(NOW + 3600) },
        CustomClaims::default(),
    );
    issuer().issue(&claims, keys, at(NOW)).unwrap()
}

#[tokio::test]
async fn ten_thousand_unknown_kids_read_the_secret_once_a_cooldown() {
    let stand = Stand::start(&bare_secret("a")).await;
    let keys = stand.keys(3600);
    let verifier = Verifier::new(issuer());
    keys.current(at(NOW)).await.unwrap();
    let foreign = token_of(&KeySet::from_secret(&bare_secret("f")).unwrap());
    for second in 0..10_000_u64 {
        let rejected = keys.verify(&verifier, &foreign, at(NOW + second / 200)).await;
        assert!(matches!(rejected, Err(VerificationError::Token(TokenError::UnknownKey))));
    }
    // 50 seconds: one reading at the start, one 30 seconds later.
    assert_eq!(stand.calls(), 2);
}

#[tokio::test]
async fn a_new_key_is_found_by_the_first_token_that_names_it() {
    let always = Schedule { published: at(0), signs_from: at(0), retires: None };
    let old = Key::generate(Algorithm::ES256, always).unwrap();
    let old = KeySet::new(vec![old]).unwrap();
    let stand = Stand::start(&old.to_secret()).await;
    let keys = stand.keys(3600);
    keys.current(at(NOW)).await.unwrap();
    let new = KeySet::new(vec![Key::generate(Algorithm::ES256, always).unwrap()]).unwrap();
    stand.hold(Some(&new.to_secret()));
    keys.verify(&Verifier::new(issuer()), &token_of(&new), at(NOW + 30)).await.unwrap();
    assert_eq!(stand.calls(), 2);
}
