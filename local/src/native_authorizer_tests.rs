use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;
use token::{Key, KeySet, Schedule, public_jwk_set};

use super::*;

const ISSUER: &str = "https://issuer.example";
const NOW: u64 = 1_685_728_800;

/// A key, its public set, and what signs with it.
struct Signer {
    keys: KeySet,
    key: EncodingKey,
    header: Header,
}

fn now() -> Timestamp {
    Timestamp::from_seconds(NOW).unwrap()
}

impl Signer {
    fn new(of: token::Algorithm, algorithm: Algorithm) -> Self {
        let start = Timestamp::from_seconds(0).unwrap();
        let always = Schedule { published: start, signs_from: start, retires: None };
        let keys = KeySet::new(vec![Key::generate(of, always).unwrap()]).unwrap();
        let secret: Value = serde_json::from_str(&keys.to_secret()).unwrap();
        let pem = secret["keys"][0]["private_key"].as_str().unwrap().as_bytes();
        let key = match of {
            token::Algorithm::RS256 => EncodingKey::from_rsa_pem(pem),
            _ => EncodingKey::from_ec_pem(pem),
        };
        let mut header = Header::new(algorithm);
        header.kid = Some(keys.keys()[0].id().to_owned());
        Self { keys, key: key.unwrap(), header }
    }

    fn rsa() -> Self {
        Self::new(token::Algorithm::RS256, Algorithm::RS256)
    }

    fn sign(&self, claims: &Value) -> String {
        encode(&self.header, claims, &self.key).unwrap()
    }

    fn outcome(&self, authorization: Option<&str>, scopes: &[&str]) -> Result<Value, NativeRejection> {
        let lookup = |variable: &str| (variable == "JWT_ISSUER").then(|| ISSUER.to_owned());
        let authorizer = NativeAuthorizer {
            issuer: edge::Environment::new(&lookup).issuer_url().unwrap(),
            audience: vec!["orders".to_owned(), "latchkey".to_owned()],
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            api: NativeApi::Http,
        };
        let set = serde_json::from_value(public_jwk_set(&self.keys, now())).unwrap();
        authorizer.authorize(authorization, &set, now())
    }
}

fn claims(change: &Value) -> Value {
    let mut claims = json!({ "iss": ISSUER, "aud": "latchkey", "iat": NOW, "exp": NOW + 1, "sub": "ada" });
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    claims
}

#[test]
fn the_claims_that_the_guide_lists_are_checked() {
    let signer = Signer::rsa();
    for (change, accepted) in [
        (json!({}), true),
        (json!({ "aud": ["x", "orders"] }), true),
        (json!({ "aud": null, "client_id": "latchkey" }), true),
        (json!({ "nbf": NOW, "iat": null }), true),
        (json!({ "iat": 0 }), true),
        (json!({ "iss": "https://issuer.example/" }), false),
        (json!({ "iss": null }), false),
        (json!({ "aud": "other" }), false),
        (json!({ "aud": "other", "client_id": "latchkey" }), false),
        (json!({ "aud": null }), false),
        (json!({ "exp": NOW }), false),
        (json!({ "exp": null }), false),
        (json!({ "exp": "1985728800" }), false),
        (json!({ "nbf": NOW + 1 }), false),
        (json!({ "iat": NOW + 1 }), false),
    ] {
        let claims = claims(&change);
        let token = signer.sign(&claims);
        let expected = if accepted { Ok(claims) } else { Err(NativeRejection::BadToken) };
        assert_eq!(signer.outcome(Some(&format!("Bearer {token}")), &[]), expected, "{change}");
    }
}

#[test]
fn the_token_may_come_with_bearer_before_it_or_bare() {
    let signer = Signer::rsa();
    let token = signer.sign(&claims(&json!({})));
    for value in [token.clone(), format!("Bearer {token}"), format!("bearer  {token}")] {
        assert!(signer.outcome(Some(&value), &[]).is_ok(), "{value}");
    }
    for value in ["", "Bearer", "Bearer x", "no.to.ken", &format!("Basic {token}")] {
        assert_eq!(signer.outcome(Some(value), &[]), Err(NativeRejection::BadToken), "{value}");
    }
    assert_eq!(signer.outcome(None, &[]), Err(NativeRejection::NoToken));
}

#[test]
fn the_key_is_one_of_rsa_that_the_token_s_kid_names() {
    let mut signer = Signer::rsa();
    let claims = claims(&json!({}));
    let by_another = Signer { header: signer.header.clone(), ..Signer::rsa() }.sign(&claims);
    assert_eq!(signer.outcome(Some(&by_another), &[]), Err(NativeRejection::BadToken));
    let with_es256 = Signer::new(token::Algorithm::ES256, Algorithm::ES256);
    let token = with_es256.sign(&claims);
    assert_eq!(with_es256.outcome(Some(&token), &[]), Err(NativeRejection::BadToken));
    for kid in [None, Some("another".to_owned())] {
        signer.header.kid = kid;
        let token = signer.sign(&claims);
        assert_eq!(signer.outcome(Some(&token), &[]), Err(NativeRejection::BadToken));
    }
}

#[test]
fn one_of_the_route_s_scopes_is_enough_and_none_is_another_rejection() {
    let signer = Signer::rsa();
    for (change, accepted) in [
        (json!({ "scope": "read write" }), true),
        (json!({ "scp": ["write"] }), true),
        (json!({ "scope": "readwrite" }), false),
        (json!({}), false),
    ] {
        let token = signer.sign(&claims(&change));
        let outcome = signer.outcome(Some(&token), &["write", "admin"]);
        assert_eq!(outcome.is_ok(), accepted, "{change}");
        assert!(accepted || outcome == Err(NativeRejection::MissingScope));
    }
}
