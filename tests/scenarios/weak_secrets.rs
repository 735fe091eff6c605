//! Every secret that must not sign: 503 from a function that has no keys yet, the last good keys in one that has.

use harness::{Event, LOGIN_AT, SecretsManager, World, at};
use http::Method;
use serde_json::{Value, json};
use token::{Algorithm, Key, KeySet, Schedule};

const JWK_SET: &str = "/.well-known/jwks.json";

fn key(algorithm: Algorithm) -> Value {
    let always = Schedule { published: at(0), signs_from: at(0), retires: None };
    let set = KeySet::new(vec![Key::generate(algorithm, always).unwrap()]).unwrap();
    serde_json::from_str::<Value>(&set.to_secret()).unwrap()["keys"][0].clone()
}

fn key_set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

fn with(mut key: Value, member: &str, value: &str) -> Value {
    key[member] = value.into();
    key
}

/// The public half of `key` with this member in its JWK.
fn public_with(key: &Value, member: &str, value: Value) -> String {
    let set = KeySet::from_secret(&key_set(std::slice::from_ref(key))).unwrap();
    let mut public: Value = serde_json::from_str(&set.to_public().unwrap()).unwrap();
    public["keys"][0]["public_key"][member] = value;
    public.to_string()
}

fn weak_secrets() -> Vec<(&'static str, String)> {
    let (rsa, p256, ed25519) = (key(Algorithm::RS256), key(Algorithm::ES256), key(Algorithm::EdDSA));
    let rsa_1024 = include_str!("../../shared/token/testdata/rsa1024.pem");
    let p384 = include_str!("../../shared/token/testdata/p384.pem");
    let garbled = key_set(&[key(Algorithm::HS256)]).replacen('{', "", 1);
    let phrase = "correct horse battery staple, and then some";
    vec![
        ("empty", String::new()),
        ("one letter", "k".repeat(64)),
        ("a guessable phrase", phrase.to_owned()),
        ("a phrase behind the prefix", format!("hs256:{phrase}")),
        ("a phrase in a key set", key_set(&[with(key(Algorithm::HS256), "secret", &base64_url(phrase))])),
        (
            "a public key of ssh",
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDLxVWqG5yJ4bDk7yQvZ0cK u@h".to_owned(),
        ),
        ("a public key in DER", "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=".to_owned()),
        ("a garbled key set", garbled),
        ("short", format!("hs256:{}", "9f86d081884c7d65".repeat(3))),
        ("a public key for encryption", public_with(&rsa, "use", "enc".into())),
        ("a public key with a private member", public_with(&rsa, "d", "AAAA".into())),
        ("a modulus that can be factored", public_with(&rsa, "n", base64_url(roca()).into())),
        ("a short HS256 key", key_set(&[with(key(Algorithm::HS256), "secret", "c2hvcnQ")])),
        ("not JSON", r#"{"keys":[{"kid":"#.to_owned()),
        ("without keys", key_set(&[])),
        ("RSA-1024", key_set(&[with(rsa.clone(), "private_key", rsa_1024)])),
        ("the wrong curve", key_set(&[with(p256.clone(), "private_key", p384)])),
        ("alg and key at odds", key_set(&[with(ed25519, "alg", "RS256")])),
        ("a kid twice", key_set(&[p256.clone(), p256.clone()])),
        ("HS256 beside a public key", key_set(&[p256, key(Algorithm::HS256)])),
        ("a bare PEM", rsa_1024.to_owned()),
        ("a bare string over 64 KB", "k".repeat(65_537)),
        ("JSON over 64 KB", key_set(std::slice::from_ref(&rsa)) + &" ".repeat(65_536)),
    ]
}

fn base64_url(bytes: impl AsRef<[u8]>) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes)
}

fn roca() -> Vec<u8> {
    let hex = include_str!("../../shared/token/testdata/roca.hex").trim();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

async fn kid(world: &World, now: u64) -> (u64, Value) {
    let reply = world.send(JWK_SET, &Event::http_api(&Method::GET, JWK_SET), now).await;
    (reply.status, reply.body["keys"][0]["kid"].clone())
}

#[tokio::test]
async fn a_function_without_keys_rejects_every_weak_secret_with_503() {
    for (name, weak) in weak_secrets() {
        let world = World::with_secret(&SecretsManager::start(&weak).await).await;
        world.create("ada", "correct horse battery").await;
        let rejected = world.log_in("ada", "correct horse battery", LOGIN_AT).await;
        assert_eq!((rejected.status, rejected.code()), (503, "temporarily_unavailable"), "{name}");
        assert_eq!(kid(&world, LOGIN_AT).await.0, 503, "{name}");
    }
}

#[tokio::test]
async fn a_function_with_keys_goes_on_with_them_under_every_weak_secret() {
    let good = key(Algorithm::RS256);
    let secrets = SecretsManager::start(&key_set(std::slice::from_ref(&good))).await;
    let world = World::with_secret(&secrets).await;
    world.create("ada", "correct horse battery").await;
    for (index, (name, weak)) in (0_u64..).zip(weak_secrets()) {
        let now = LOGIN_AT + index * 3600;
        secrets.put_by_hand(&key_set(std::slice::from_ref(&good)));
        let token = world.log_in("ada", "correct horse battery", now).await.token().to_owned();
        assert_eq!(world.refresh(&token, now).await.status, 200);
        assert_eq!(kid(&world, now).await, (200, good["kid"].clone()));
        // After an outage the keys are renewed beside the requests: here, before the secret changes again.
        let mut read = secrets.calls().len();
        while read < 3 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            read += secrets.calls().len();
        }
        secrets.put_by_hand(&weak);
        let later = now + 301;
        secrets.calls();
        assert_eq!(world.log_in("ada", "correct horse battery", later).await.status, 200, "{name}");
        assert_eq!(world.refresh(&token, later).await.status, 200, "{name}");
        assert_eq!(kid(&world, later).await, (200, good["kid"].clone()), "{name}");
        assert_eq!(secrets.calls().len(), 3, "each of the three functions read it anew");
    }
}
