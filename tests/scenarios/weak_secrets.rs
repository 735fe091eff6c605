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

fn weak_secrets() -> [(&'static str, String); 13] {
    let (rsa, p256, ed25519) = (key(Algorithm::RS256), key(Algorithm::ES256), key(Algorithm::EdDSA));
    let rsa_1024 = include_str!("../../shared/token/testdata/rsa1024.pem");
    let p384 = include_str!("../../shared/token/testdata/p384.pem");
    [
        ("empty", String::new()),
        ("short", "k".repeat(31)),
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
        ("JSON over 64 KB", key_set(&[rsa]) + &" ".repeat(65_536)),
    ]
}

async fn kid(world: &World, now: u64) -> (u64, Value) {
    let reply = world.send(JWK_SET, &Event::http_api(&Method::GET, JWK_SET), now).await;
    (reply.status, reply.body["keys"][0]["kid"].clone())
}

#[tokio::test]
async fn a_function_without_keys_refuses_every_weak_secret_with_503() {
    for (name, weak) in weak_secrets() {
        let world = World::with_secret(&SecretsManager::start(&weak).await).await;
        world.create("ada", "correct horse battery").await;
        let refused = world.log_in("ada", "correct horse battery", LOGIN_AT).await;
        assert_eq!((refused.status, refused.code()), (503, "temporarily_unavailable"), "{name}");
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
        secrets.put_by_hand(&weak);
        let later = now + 301;
        secrets.calls();
        assert_eq!(world.log_in("ada", "correct horse battery", later).await.status, 200, "{name}");
        assert_eq!(world.refresh(&token, later).await.status, 200, "{name}");
        assert_eq!(kid(&world, later).await, (200, good["kid"].clone()), "{name}");
        assert_eq!(secrets.calls().len(), 3, "each of the three functions read it anew");
    }
}
