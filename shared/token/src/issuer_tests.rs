use jsonwebtoken::{DecodingKey, Validation};
use serde_json::Value;

use super::*;
use crate::{Algorithm, Entropy, KeySet, MAX_TOKEN_BYTES, Schedule, TokenError, UnverifiedToken, Verifier};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

fn one_key(algorithm: Algorithm) -> KeySet {
    let schedule = Schedule { published: at(0), signs_from: at(0), retires: None };
    KeySet::new(vec![Key::generate(algorithm, schedule).unwrap()]).unwrap()
}

fn claims(issuer: &Issuer, custom: CustomClaims) -> Claims {
    issuer.claims(
        Subject { id: UserId::new(Entropy([1; 16])), username: "ada" },
        SessionId::new(Entropy([2; 16])),
        TokenId::new(Entropy([3; 16])),
        Lifetime { issued_at: at(1000), expires_at: at(4600) },
        custom,
    )
}

fn issuer() -> Issuer {
    Issuer::new("https://issuer.example".parse().unwrap(), "latchkey".parse().unwrap())
}

#[test]
fn a_token_of_every_algorithm_is_verified_to_the_claims_it_was_issued_for() {
    let custom: CustomClaims = r#"{"role":"admin","groups":["a","b"]}"#.parse().unwrap();
    let claims = claims(&issuer(), custom);
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA, Algorithm::HS256] {
        let keys = one_key(algorithm);
        let token = issuer().issue(&claims, &keys, at(1000)).unwrap();
        assert_eq!(Verifier::new(issuer()).verify(&token, &keys, at(1000)).unwrap(), claims);
    }
}

#[test]
fn jsonwebtoken_accepts_what_we_sign() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        let keys = one_key(algorithm);
        let token = issuer().issue(&claims(&issuer(), CustomClaims::default()), &keys, at(1000)).unwrap();
        let key = DecodingKey::from_jwk(keys.keys()[0].public_jwk().unwrap()).unwrap();
        let mut validation = Validation::new(algorithm.into());
        validation.validate_exp = false;
        validation.set_audience(&["latchkey"]);
        validation.set_issuer(&["https://issuer.example"]);
        let decoded = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap();
        assert_eq!(decoded.claims["sub"], "AQEBAQEBAQEBAQEBAQEBAQ");
        assert_eq!(decoded.header.kid.as_deref(), Some(keys.keys()[0].id()));
    }
}

#[test]
fn header_and_claims_hold_the_documented_members_and_no_other() {
    let token = issuer()
        .issue(&claims(&issuer(), CustomClaims::default()), &one_key(Algorithm::ES256), at(1000))
        .unwrap();
    let token = UnverifiedToken::parse(&token).unwrap();
    assert_eq!(token.header().keys().collect::<Vec<_>>(), ["alg", "kid", "typ"]);
    let claims = Value::Object(token.unverified_claims().unwrap());
    assert_eq!(
        claims.to_string(),
        r#"{"aud":"latchkey","exp":4600,"iat":1000,"iss":"https://issuer.example","jti":"AwMDAwMDAwMDAwMDAwMDAw","sid":"AgICAgICAgICAgICAgICAg","sub":"AQEBAQEBAQEBAQEBAQEBAQ","username":"ada"}"#
    );
}

#[test]
fn the_longest_of_everything_still_fits_a_token() {
    let (url, audience) = (format!("https://{}", "x".repeat(248)), "x".repeat(256));
    let issuer = Issuer::new(url.parse().unwrap(), audience.parse().unwrap());
    let custom = format!(r#"{{"r":"{}"}}"#, "x".repeat(1024 - 8)).parse().unwrap();
    let mut claims = claims(&issuer, custom);
    claims.username = "\u{10ffff}".repeat(128);
    // An RSA key of 4096 bits signs with 512 bytes, 256 more than ours: base64url makes that 342.
    let token = issuer.issue(&claims, &one_key(Algorithm::RS256), at(1000)).unwrap();
    assert!(token.len() + 342 + 64 <= MAX_TOKEN_BYTES, "{}", token.len());
}

#[test]
fn a_set_without_a_signing_key_issues_nothing() {
    let schedule = Schedule { published: at(0), signs_from: at(2000), retires: None };
    let keys = KeySet::new(vec![Key::generate(Algorithm::ES256, schedule).unwrap()]).unwrap();
    let result = issuer().issue(&claims(&issuer(), CustomClaims::default()), &keys, at(1000));
    assert_eq!(result, Err(IssueError::NoSigningKey));
}

#[test]
fn empty_and_long_names_and_control_characters_make_no_audience() {
    for name in ["", "a\nb", "a\"b", "a\\b", &"x".repeat(257)] {
        assert_eq!(name.parse::<Audience>(), Err(AudienceError));
    }
}

#[test]
fn an_expired_token_is_said_to_be_expired_only_after_its_signature_was_checked() {
    let keys = one_key(Algorithm::ES256);
    let token = issuer().issue(&claims(&issuer(), CustomClaims::default()), &keys, at(1000)).unwrap();
    let verifier = Verifier::new(issuer());
    assert_eq!(verifier.verify(&token, &keys, at(4600)), Err(TokenError::Expired));
    assert_eq!(verifier.verify(&token, &one_key(Algorithm::ES256), at(4600)), Err(TokenError::UnknownKey));
}
