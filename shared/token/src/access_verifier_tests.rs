//! What `access_problems` lists and what `AccessVerifier` reports never come apart, over random headers and claims.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{Key, Schedule};

const NOW: u64 = 1_685_728_800;
const ORDERS: &str = "https://orders.example.com";

static KEYS: LazyLock<KeySet> = LazyLock::new(|| {
    let always = Schedule { published: at(0), signs_from: at(0), retires: None };
    KeySet::new(vec![Key::generate(Algorithm::EdDSA, always).unwrap()]).unwrap()
});

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

fn verifier() -> AccessVerifier {
    AccessVerifier::new("https://issuer.example".parse().unwrap(), ORDERS.parse().unwrap())
}

/// A token of these members, with our own signature: what is wrong with it is in its members.
fn signed(header: &Map<String, Value>, claims: &Map<String, Value>) -> String {
    let part = |members: &Map<String, Value>| URL_SAFE_NO_PAD.encode(serde_json::to_vec(members).unwrap());
    let input = format!("{}.{}", part(header), part(claims));
    let signature = KEYS.keys()[0].sign(input.as_bytes()).unwrap();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn sound_header() -> Map<String, Value> {
    object(json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": KEYS.keys()[0].id() }))
}

fn of_user() -> Map<String, Value> {
    object(json!({
        "iss": "https://issuer.example", "aud": ORDERS, "sub": "AQEBAQEBAQEBAQEBAQEBAQ", "username": "ada",
        "client_id": "latchkey", "token_use": "access", "iat": NOW, "exp": NOW + 900, "auth_time": NOW - 60,
        "jti": "AwMDAwMDAwMDAwMDAwMDAw", "sid": "AgICAgICAgICAgICAgICAg",
    }))
}

fn of_client() -> Map<String, Value> {
    object(json!({
        "iss": "https://issuer.example", "aud": ORDERS, "sub": "lkc_BAQEBAQEBAQEBAQEBAQEBA",
        "client_id": "lkc_BAQEBAQEBAQEBAQEBAQEBA", "token_use": "access", "iat": NOW, "exp": NOW + 900,
        "jti": "AwMDAwMDAwMDAwMDAwMDAw",
    }))
}

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

/// One member changed: taken out, or replaced by a value that may be sound or not.
type Change = (&'static str, Option<Value>);

fn header_change() -> impl Strategy<Value = Change> {
    let name = prop::sample::select(vec!["typ", "alg", "kid", "crit", "b64", "enc", "zip", "cty", "x"]);
    let value = prop::sample::select(vec![
        json!("JWT"),
        json!("at+jwt"),
        json!("EdDSA"),
        json!("HS256"),
        json!("none"),
        json!("key"),
        json!(["exp"]),
        json!(null),
        json!(1),
    ]);
    (name, prop::option::of(value))
}

fn claim_change() -> impl Strategy<Value = Change> {
    let name = prop::sample::select(vec![
        "iss",
        "aud",
        "sub",
        "username",
        "client_id",
        "token_use",
        "iat",
        "exp",
        "nbf",
        "auth_time",
        "jti",
        "sid",
        "scope",
    ]);
    let value = prop_oneof![
        prop::sample::select(vec![
            json!("https://issuer.example"),
            json!(ORDERS),
            json!("access"),
            json!("AQEBAQEBAQEBAQEBAQEBAQ"),
            json!("lkc_AQEBAQEBAQEBAQEBAQEBAQ"),
            json!("x"),
            json!(null),
            json!([ORDERS]),
            json!(1.5),
            json!(1_u64 << 53),
            json!(0),
        ]),
        (NOW - 10..NOW + 10).prop_map(|instant| json!(instant)),
        (NOW..NOW + 5000 * 86_400).prop_map(|instant| json!(instant)),
    ];
    (name, prop::option::of(value))
}

fn changed(mut members: Map<String, Value>, changes: Vec<Change>) -> Map<String, Value> {
    for (name, value) in changes {
        match value {
            Some(value) => members.insert(name.to_owned(), value),
            None => members.remove(name),
        };
    }
    members
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn a_verifier_reports_the_first_problem_of_every_access_token(
        is_of_user in any::<bool>(),
        header_changes in prop::collection::vec(header_change(), 0..2),
        claim_changes in prop::collection::vec(claim_change(), 0..4),
        late in prop_oneof![Just(0), 0_u64..1000],
    ) {
        let sound_claims = if is_of_user { of_user() } else { of_client() };
        let text = signed(&changed(sound_header(), header_changes), &changed(sound_claims, claim_changes));
        let now = at(NOW + late);
        let token = UnverifiedToken::parse(&text).unwrap();
        let problems = token.access_problems(now);
        let of_header = |problem: &TokenError| matches!(
            problem,
            TokenError::Extension | TokenError::Encrypted | TokenError::ContentType | TokenError::AccessType
        );
        match verifier().verify(&text, &KEYS, now) {
            Ok(access) => {
                prop_assert_eq!(&problems, &[]);
                prop_assert_eq!(token.unverified_bearer(), Some(access.bearer));
                prop_assert_eq!(token.unverified_lifetime(), Some(access.lifetime));
                prop_assert!(token.says_access_token());
            }
            // What these are about is the keys and the settings. Nothing that is looked for earlier is wrong.
            Err(error @ (TokenError::UnknownKey | TokenError::Algorithm)) => {
                prop_assert!(!problems.iter().any(of_header), "{error}: {problems:?}");
            }
            Err(error @ (TokenError::Issuer | TokenError::Audience)) => {
                let earlier = |problem: &TokenError| of_header(problem) || matches!(
                    problem,
                    TokenError::UnknownKey
                        | TokenError::Algorithm
                        | TokenError::ClaimMissing("iss")
                        | TokenError::ClaimMistyped("iss")
                );
                prop_assert!(!problems.iter().any(earlier), "{error}: {problems:?}");
            }
            Err(error) => prop_assert_eq!(problems.first(), Some(&error)),
        }
    }
}

#[test]
fn every_rule_that_an_access_token_breaks_is_listed_in_the_order_of_the_verifier() {
    let header = object(json!({ "typ": "JWT", "alg": "HS256", "crit": [], "enc": "A128GCM", "cty": "JWT" }));
    let claims = object(json!({
        "iss": 1, "token_use": "id", "iat": NOW + 6, "exp": NOW + 5000 * 86_400, "nbf": NOW + 1, "jti": null,
    }));
    let text = signed(&header, &claims);
    let token = UnverifiedToken::parse(&text).unwrap();
    assert!(!token.says_access_token());
    assert_eq!(
        token.access_problems(at(NOW)),
        [
            TokenError::Extension,
            TokenError::Encrypted,
            TokenError::ContentType,
            TokenError::AccessType,
            TokenError::UnknownKey,
            TokenError::Algorithm,
            TokenError::ClaimMistyped("iss"),
            TokenError::ClaimMissing("aud"),
            TokenError::ClaimMistyped("token_use"),
            TokenError::NotYetValid,
            TokenError::IssuedInFuture,
            TokenError::LivesTooLong,
            TokenError::ClaimMissing("sub"),
            TokenError::ClaimMistyped("jti"),
        ]
    );
}
