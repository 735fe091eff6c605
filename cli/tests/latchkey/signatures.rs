//! `latchkey token explain` with keys to check the signature.

use std::fs;

use local_data::signing_key;
use serde_json::{Value, json};
use token::{
    Algorithm, CustomClaims, Entropy, Issuer, Key, KeySet, RefreshSwitch, Schedule, Seconds, SessionId,
    SessionPolicy, Subject, Timestamp, TokenId, UserId, public_jwk_set,
};

use crate::folder::{Folder, Run, latchkey, run};

const LOGIN: u64 = 1_685_728_800;

pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

pub(crate) fn keys(algorithm: Algorithm) -> KeySet {
    let always = Schedule { published: at(0), signs_from: at(0), retires: None };
    KeySet::new(vec![Key::generate(algorithm, always).unwrap()]).unwrap()
}

/// The token of a login at `now`.
fn issue(keys: &KeySet, now: Timestamp) -> String {
    let policy = SessionPolicy::new(Seconds::new(3600), Seconds::new(172_800), RefreshSwitch::On).unwrap();
    let issuer = Issuer::new("https://issuer.example".parse().unwrap(), "latchkey".parse().unwrap());
    let claims = issuer.claims(
        Subject { id: UserId::new(Entropy([1; 16])), username: "ada" },
        SessionId::new(Entropy([2; 16])),
        TokenId::new(Entropy([3; 16])),
        policy.log_in(now),
        CustomClaims::default(),
    );
    issuer.issue(&claims, keys, now).unwrap()
}

fn explain(token: &str, at: u64, keys: &[&str]) -> (i32, Value) {
    let at = at.to_string();
    let run = run(latchkey(&[&["token", "explain", token, "--json", "--at", &at], keys].concat()), "");
    assert_eq!(run.err, "");
    (run.status, serde_json::from_str(&run.out).unwrap())
}

/// `token` with another first character in its signature.
pub(crate) fn tampered(token: &str) -> String {
    let (input, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{input}.{first}{}", &signature[1..])
}

#[test]
fn a_jwk_set_verifies_the_signature_of_each_algorithm() {
    let folder = Folder::new();
    let file = folder.path().join("jwks.json");
    let jwks = ["--jwks", file.to_str().unwrap()];
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        let keys = keys(algorithm);
        fs::write(&file, public_jwk_set(&keys, at(LOGIN)).to_string()).unwrap();
        let token = issue(&keys, at(LOGIN));
        let (status, json) = explain(&token, LOGIN, &jwks);
        let verified = json!({ "status": "verified", "kid": keys.keys()[0].id() });
        assert_eq!((status, &json["signature"]), (0, &verified), "{algorithm}");

        let (status, json) = explain(&tampered(&token), LOGIN, &jwks);
        let wrong = json!({ "status": "wrong", "reason": "the signature is wrong" });
        assert_eq!((status, &json["signature"]), (1, &wrong), "{algorithm}");
        assert_eq!(json["problems"], json!(["the signature is wrong"]));
    }
}

#[test]
fn the_key_and_its_algorithm_are_those_of_the_set() {
    let folder = Folder::new();
    let file = folder.path().join("jwks.json");
    let jwks = ["--jwks", file.to_str().unwrap()];
    let keys = keys(Algorithm::ES256);
    let token = issue(&keys, at(LOGIN));
    let published = public_jwk_set(&keys, at(LOGIN));
    let with = |name: &str, value: Value| {
        let mut set = published.clone();
        set["keys"][0][name] = value;
        set
    };
    for (set, reason) in [
        (json!({ "keys": [] }), "kid names no key of ours"),
        (with("kid", json!("another")), "kid names no key of ours"),
        (with("alg", json!("RS256")), "alg is not the algorithm of the key"),
        (with("alg", json!("none")), "alg is not the algorithm of the key"),
        (with("alg", Value::Null), "alg is not the algorithm of the key"),
    ] {
        fs::write(&file, set.to_string()).unwrap();
        let (status, json) = explain(&token, LOGIN, &jwks);
        assert_eq!((status, &json["signature"]["reason"]), (1, &json!(reason)));
    }
    // A key of a kind that we do not know stands beside ours and is for somebody else.
    let ours = published["keys"][0].clone();
    fs::write(&file, json!({ "keys": [{ "kty": "AKP", "kid": "pq" }, ours] }).to_string()).unwrap();
    assert_eq!(explain(&token, LOGIN, &jwks).0, 0);
}

#[test]
fn the_key_of_the_local_server_verifies_its_tokens() {
    let folder = Folder::new();
    let path = folder.path().to_str().unwrap();
    let file = signing_key::file_in(folder.path(), at(LOGIN)).unwrap();
    let keys = KeySet::from_secret(&fs::read_to_string(file).unwrap()).unwrap();
    let token = issue(&keys, at(LOGIN));
    let (status, json) = explain(&token, LOGIN, &["--local", path]);
    assert_eq!((status, &json["signature"]["status"]), (0, &json!("verified")));
    let text = run(latchkey(&["token", "explain", &token, "--local", path]), "").out;
    assert!(text.starts_with("Signature verified with the key "), "{text}");
    let (status, json) = explain(&tampered(&token), LOGIN, &["--local", path]);
    assert_eq!((status, &json["signature"]["status"]), (1, &json!("wrong")));
    // An instant before the key was made: what is asked there is the age.
    let (_, json) = explain(&token, LOGIN - 1, &["--local", path]);
    assert_eq!(json["signature"]["status"], json!("verified"));
}

#[test]
fn a_retired_key_of_the_local_server_verifies_nothing() {
    let folder = Folder::new();
    let path = folder.path().to_str().unwrap();
    let schedule = Schedule { published: at(0), signs_from: at(0), retires: Some(at(LOGIN + 10)) };
    let keys = KeySet::new(vec![Key::generate(Algorithm::HS256, schedule).unwrap()]).unwrap();
    fs::write(folder.path().join("signing-keys.json"), keys.to_secret().as_bytes()).unwrap();
    let token = issue(&keys, at(LOGIN));
    assert_eq!(explain(&token, LOGIN + 9, &["--local", path]).0, 0);
    let (status, json) = explain(&token, LOGIN + 10, &["--local", path]);
    assert_eq!((status, &json["problems"]), (1, &json!(["kid names no key of ours"])));
}

#[test]
fn keys_that_cannot_be_used_are_named_in_one_line_and_never_shown() {
    let folder = Folder::new();
    let token = issue(&keys(Algorithm::HS256), at(LOGIN));
    let rejected = |arguments: &[&str], reason: &str| {
        let Run { status, out, err } =
            run(latchkey(&[&["token", "explain", &token], arguments].concat()), "");
        assert_eq!((status, out.as_str(), err.lines().count()), (1, "", 1));
        assert!(err.starts_with("latchkey: cannot use the keys of ") && err.contains(reason), "{err}");
        assert!(!err.contains("hidden"), "{err}");
    };
    let file = folder.path().join("jwks.json");
    let path = file.to_str().unwrap();
    rejected(&["--jwks", path], "No such file");
    for (text, reason) in
        [("hidden", "not valid JSON"), ("[]", "not a JSON object"), (r#"{"hidden":[]}"#, "not a JWK set")]
    {
        fs::write(&file, text).unwrap();
        rejected(&["--jwks", path], reason);
    }
    let folder_path = folder.path().to_str().unwrap();
    rejected(&["--local", folder_path], "No such file");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "explaining makes no key");
    fs::write(folder.path().join("signing-keys.json"), r#"{"keys":[{"hidden":1}]}"#).unwrap();
    rejected(&["--local", folder_path], "not a key set");
}
