//! What `problems` lists and what `Verifier` reports never come apart, over random headers and claims.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::{Issuer, Key, KeySet, Schedule, Verifier};

const NOW: u64 = 1_685_728_800;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

fn keys() -> KeySet {
    let always = Schedule { published: at(0), signs_from: at(0), retires: None };
    KeySet::new(vec![Key::from_secret("key", &[9; 32], always).unwrap()]).unwrap()
}

fn verifier() -> Verifier {
    Verifier::new(Issuer::new("https://issuer.example".parse().unwrap(), "latchkey".parse().unwrap()))
}

/// A token of these members, with our own signature: what is wrong with it is in its members.
fn signed(header: &Map<String, Value>, claims: &Map<String, Value>) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = |members: &Map<String, Value>| URL_SAFE_NO_PAD.encode(serde_json::to_vec(members).unwrap());
    let input = format!("{}.{}", part(header), part(claims));
    let signature = keys().keys()[0].sign(input.as_bytes()).unwrap();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn sound_header() -> Map<String, Value> {
    object(json!({ "typ": "JWT", "alg": "HS256", "kid": "key" }))
}

fn sound_claims() -> Map<String, Value> {
    object(json!({
        "iss": "https://issuer.example", "aud": "latchkey", "username": "ada",
        "sub": "AQEBAQEBAQEBAQEBAQEBAQ", "jti": "AwMDAwMDAwMDAwMDAwMDAw", "sid": "AgICAgICAgICAgICAgICAg",
        "iat": NOW, "exp": NOW + 3600,
    }))
}

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

/// One member changed: taken out, or replaced by a value that may be sound or not.
type Change = (&'static str, Option<Value>);

fn header_change() -> impl Strategy<Value = Change> {
    let name =
        prop::sample::select(vec!["typ", "alg", "kid", "crit", "b64", "enc", "zip", "cty", "jwk", "x"]);
    let value = prop::sample::select(vec![
        json!("JWT"),
        json!("jwt"),
        json!("at+jwt"),
        json!("HS256"),
        json!("RS256"),
        json!("none"),
        json!("key"),
        json!(["exp"]),
        json!(null),
        json!(1),
        json!(false),
    ]);
    (name, prop::option::of(value))
}

fn claim_change() -> impl Strategy<Value = Change> {
    let name = prop::sample::select(vec![
        "iss", "aud", "sub", "username", "iat", "exp", "nbf", "jti", "sid", "role",
    ]);
    let value = prop_oneof![
        prop::sample::select(vec![
            json!("https://issuer.example"),
            json!("latchkey"),
            json!("AQEBAQEBAQEBAQEBAQEBAQ"),
            json!("x"),
            json!(null),
            json!(["latchkey"]),
            json!(1.5),
            json!(-1),
            json!("1685728800"),
            json!(1_u64 << 53),
            json!((1_u64 << 53) - 1),
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
    fn a_verifier_reports_the_first_problem_of_every_token(
        header_changes in prop::collection::vec(header_change(), 0..2),
        claim_changes in prop::collection::vec(claim_change(), 0..4),
        late in prop_oneof![Just(0), 0_u64..4000],
    ) {
        let text = signed(&changed(sound_header(), header_changes), &changed(sound_claims(), claim_changes));
        let now = at(NOW + late);
        let problems = UnverifiedToken::parse(&text).unwrap().problems(now);
        let known = keys();
        match verifier().verify(&text, &known, now) {
            Ok(_) => prop_assert_eq!(&problems, &[]),
            // What these are about is the keys and the settings. Nothing that is looked for earlier is wrong.
            Err(error @ (TokenError::UnknownKey | TokenError::Algorithm)) => {
                let earlier = |problem: &TokenError| matches!(
                    problem,
                    TokenError::Extension | TokenError::Encrypted | TokenError::ContentType | TokenError::Type
                );
                prop_assert!(!problems.iter().any(earlier), "{error}: {problems:?}");
            }
            Err(error @ (TokenError::Issuer | TokenError::Audience)) => {
                let later = |problem: &TokenError| matches!(
                    problem,
                    TokenError::NotYetValid
                        | TokenError::IssuedInFuture
                        | TokenError::LivesTooLong
                        | TokenError::Expired
                );
                prop_assert!(problems.iter().all(later), "{error}: {problems:?}");
            }
            Err(error) => prop_assert_eq!(problems.first(), Some(&error)),
        }
        let even_expired = verifier().verify_even_expired(&text, &known, now);
        prop_assert_eq!(
            even_expired.is_ok(),
            matches!(verifier().verify(&text, &known, now), Ok(_) | Err(TokenError::Expired))
        );
    }
}

#[test]
fn every_rule_that_a_token_breaks_is_listed_in_the_order_of_the_verifier() {
    let header =
        object(json!({ "typ": "at+jwt", "alg": "none", "crit": [], "enc": "A128GCM", "cty": "JWT" }));
    let claims = object(json!({
        "iss": 1, "sub": "x", "iat": NOW + 6, "exp": NOW + 5000 * 86_400, "nbf": NOW + 1, "jti": null,
    }));
    let text = signed(&header, &claims);
    assert_eq!(
        UnverifiedToken::parse(&text).unwrap().problems(at(NOW)),
        [
            TokenError::Extension,
            TokenError::Encrypted,
            TokenError::ContentType,
            TokenError::Type,
            TokenError::UnknownKey,
            TokenError::Algorithm,
            TokenError::ClaimMistyped("iss"),
            TokenError::ClaimMissing("aud"),
            TokenError::ClaimMistyped("sub"),
            TokenError::ClaimMissing("username"),
            TokenError::ClaimMistyped("jti"),
            TokenError::ClaimMissing("sid"),
            TokenError::NotYetValid,
            TokenError::IssuedInFuture,
            TokenError::LivesTooLong,
        ]
    );
    let expired = signed(&sound_header(), &sound_claims());
    let expired = UnverifiedToken::parse(&expired).unwrap();
    assert_eq!(expired.problems(at(NOW + 3600)), [TokenError::Expired]);
    assert_eq!(expired.problems(at(NOW + 3599)), []);
}

#[test]
fn a_payload_that_is_no_object_is_one_problem() {
    // {"typ":"JWT","alg":"HS256","kid":"key"} and [].
    let token =
        UnverifiedToken::parse("eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImtpZCI6ImtleSJ9.W10.AA").unwrap();
    assert_eq!(token.problems(at(NOW)), [TokenError::Payload(JsonError::NotAnObject)]);
}
