//! One test for each thing that must not be accepted: each fails when its check is deleted.
//! Every forged token is correctly signed with our own key unless the signature is what is forged.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::{Algorithm, Key, MAX_TOKEN_BYTES, Schedule, strict_json::JsonError};

const NOW: u64 = 1_685_728_800;
const SECRET: [u8; 32] = [9; 32];

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

fn keys() -> KeySet {
    let always = Schedule { published: at(0), signs_from: at(0), retires: None };
    KeySet::new(vec![Key::from_secret("key", &SECRET, always).unwrap()]).unwrap()
}

fn verifier() -> Verifier {
    Verifier::new(Issuer::new("https://issuer.example".parse().unwrap(), "latchkey".parse().unwrap()))
}

/// A sound header is spelled as our own tokens spell it, every other one as it comes: they take different ways.
fn sign(header: &str, payload: &str) -> String {
    let sound = self::header().to_string();
    let spelled = if header == sound { OUR_HEADER } else { header };
    sign_spelled(spelled, payload)
}

fn sign_spelled(header: &str, payload: &str) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = keys().keys()[0].sign(input.as_bytes()).unwrap();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn header() -> Value {
    json!({ "typ": "JWT", "alg": "HS256", "kid": "key" })
}

/// [`header`] to the letter as a key of ours writes it.
const OUR_HEADER: &str = r#"{"typ":"JWT","alg":"HS256","kid":"key"}"#;

/// Sound headers that no key of ours writes.
const OTHER_HEADERS: [&str; 3] = [
    r#"{"alg":"HS256","kid":"key","typ":"JWT"}"#,
    r#"{"typ":"JWT","alg":"HS256","kid":"key" }"#,
    r#"{"typ":"JWT","alg":"HS256","kid":"key","x":"y"}"#,
];

fn payload() -> Value {
    json!({
        "iss": "https://issuer.example", "aud": "latchkey", "username": "ada",
        "sub": "AQEBAQEBAQEBAQEBAQEBAQ", "jti": "AwMDAwMDAwMDAwMDAwMDAw", "sid": "AgICAgICAgICAgICAgICAg",
        "iat": NOW, "exp": NOW + 3600,
    })
}

fn verify(token: &str) -> Result<Claims, TokenError> {
    verifier().verify(token, &keys(), at(NOW))
}

fn with_header(name: &str, value: Value) -> Result<Claims, TokenError> {
    let mut header = header();
    header[name] = value;
    verify(&sign(&header.to_string(), &payload().to_string()))
}

fn with_claim(name: &str, value: Value) -> Result<Claims, TokenError> {
    let mut payload = payload();
    payload[name] = value;
    verify(&sign(&header().to_string(), &payload.to_string()))
}

fn without(mut object: Value, name: &str) -> String {
    object.as_object_mut().map(|members: &mut Map<String, Value>| members.remove(name));
    object.to_string()
}

#[test]
fn the_sound_token_of_these_tests_is_accepted() {
    let claims = verify(&sign(&header().to_string(), &payload().to_string())).unwrap();
    assert_eq!(claims.username, "ada");
    assert_eq!(claims.lifetime.issued_at, at(NOW));
}

#[test]
fn a_token_is_live_until_the_second_before_exp_without_leeway() {
    let token = sign(&header().to_string(), &payload().to_string());
    let verify_at = |now| verifier().verify(&token, &keys(), at(now));
    assert!(verify_at(NOW + 3599).is_ok());
    for now in [NOW + 3600, NOW + 3601, NOW + 3659] {
        assert_eq!(verify_at(now), Err(TokenError::Expired));
    }
}

#[test]
fn verifying_even_an_expired_token_forgives_its_age_and_nothing_else() {
    let verify = |token: &str, now| verifier().verify_even_expired(token, &keys(), at(now));
    let token = sign(&header().to_string(), &payload().to_string());
    for now in [NOW, NOW + 3600, NOW + 1_000_000_000] {
        let claims = verify(&token, now).unwrap();
        assert_eq!(
            (claims.username(), claims.session_id().to_string().as_str()),
            ("ada", "AgICAgICAgICAgICAgICAg")
        );
        assert_eq!(claims.subject().to_string(), "AQEBAQEBAQEBAQEBAQEBAQ");
    }
    assert_eq!(verify(&token, NOW - 6), Err(TokenError::IssuedInFuture));
    let (unsigned, _) = token.rsplit_once('.').unwrap();
    let forged = format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode([0; 32]));
    assert_eq!(verify(&forged, NOW), Err(TokenError::Signature));
    let elsewhere =
        Verifier::new(Issuer::new("https://other.example".parse().unwrap(), "latchkey".parse().unwrap()));
    assert_eq!(elsewhere.verify_even_expired(&token, &keys(), at(NOW)), Err(TokenError::Issuer));
}

#[test]
fn iat_may_be_five_seconds_ahead_of_our_clock_and_no_more() {
    for ahead in [0, 1, 5] {
        assert!(with_claim("iat", json!(NOW + ahead)).is_ok(), "{ahead}");
    }
    for ahead in [6, 60, 1_000_000_000] {
        assert_eq!(with_claim("iat", json!(NOW + ahead)), Err(TokenError::IssuedInFuture), "{ahead}");
    }
}

#[test]
fn no_token_lives_longer_than_the_longest_session_of_any_policy() {
    let longest = (366 + 3660) * 86_400;
    assert!(with_claim("exp", json!(NOW + longest)).is_ok());
    assert_eq!(with_claim("exp", json!(NOW + longest + 1)), Err(TokenError::LivesTooLong));
    assert_eq!(with_claim("exp", json!(9_007_199_254_740_991_u64)), Err(TokenError::LivesTooLong));
}

#[test]
fn nbf_is_honoured_when_it_is_there() {
    assert!(with_claim("nbf", json!(NOW)).is_ok());
    assert_eq!(with_claim("nbf", json!(NOW + 1)), Err(TokenError::NotYetValid));
    assert_eq!(with_claim("nbf", json!("soon")), Err(TokenError::ClaimMistyped("nbf")));
}

#[test]
fn the_algorithm_is_the_key_s_own() {
    for alg in ["none", "None", "nOnE", "", "HS384", "HS512", "RS256", "ES256", "EdDSA", "hs256", "HS256 "] {
        assert_eq!(with_header("alg", json!(alg)), Err(TokenError::Algorithm), "{alg}");
    }
    for alg in [json!(null), json!(["HS256"]), json!(1)] {
        assert_eq!(with_header("alg", alg), Err(TokenError::Algorithm));
    }
    let token = sign(&without(header(), "alg"), &payload().to_string());
    assert_eq!(verify(&token), Err(TokenError::Algorithm));
}

#[test]
fn a_public_key_is_no_hmac_secret() {
    let always = Schedule { published: at(0), signs_from: at(0), retires: None };
    let rsa = KeySet::new(vec![Key::generate(Algorithm::RS256, always).unwrap()]).unwrap();
    let id = rsa.keys()[0].id().to_owned();
    let jwk = serde_json::to_string(rsa.keys()[0].public_jwk().unwrap()).unwrap();
    let modulus =
        serde_json::to_value(rsa.keys()[0].public_jwk().unwrap()).unwrap()["n"].as_str().unwrap().to_owned();
    for secret in [jwk.as_bytes(), modulus.as_bytes(), &URL_SAFE_NO_PAD.decode(&modulus).unwrap()] {
        let forger = KeySet::new(vec![Key::from_secret(&id, secret, always).unwrap()]).unwrap();
        for alg in ["HS256", "RS256"] {
            let input = format!(
                "{}.{}",
                URL_SAFE_NO_PAD.encode(json!({ "typ": "JWT", "alg": alg, "kid": id }).to_string()),
                URL_SAFE_NO_PAD.encode(payload().to_string()),
            );
            let signature = forger.keys()[0].sign(input.as_bytes()).unwrap();
            let token = format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature));
            assert!(verifier().verify(&token, &forger, at(NOW)).is_ok() == (alg == "HS256"));
            assert!(verifier().verify(&token, &rsa, at(NOW)).is_err());
        }
    }
}

#[test]
fn the_key_is_one_of_our_ring_by_its_exact_kid() {
    for kid in ["", "other", "Key", "../../dev/null", "' OR 1=1--", "key\u{0}", &"k".repeat(2048)] {
        assert_eq!(with_header("kid", json!(kid)), Err(TokenError::UnknownKey), "{kid}");
    }
    for kid in [json!(null), json!(1), json!(["key"])] {
        assert_eq!(with_header("kid", kid), Err(TokenError::UnknownKey));
    }
    let token = sign(&without(header(), "kid"), &payload().to_string());
    assert_eq!(verify(&token), Err(TokenError::UnknownKey));
}

#[test]
fn a_retired_key_verifies_nothing() {
    let schedule = Schedule { published: at(0), signs_from: at(0), retires: Some(at(NOW)) };
    let retired = KeySet::new(vec![Key::from_secret("key", &SECRET, schedule).unwrap()]).unwrap();
    for header in [OUR_HEADER].iter().chain(&OTHER_HEADERS) {
        let token = sign_spelled(header, &payload().to_string());
        assert_eq!(verifier().verify(&token, &retired, at(NOW)), Err(TokenError::UnknownKey), "{header}");
    }
}

#[test]
fn a_header_is_no_less_sound_or_false_for_being_spelled_otherwise() {
    assert_eq!(URL_SAFE_NO_PAD.encode(OUR_HEADER), keys().keys()[0].header());
    let payload = payload().to_string();
    for header in OTHER_HEADERS {
        let token = sign_spelled(header, &payload);
        assert!(verify(&token).is_ok(), "{header}");
        let (input, _) = token.rsplit_once('.').unwrap();
        let forged = format!("{input}.{}", URL_SAFE_NO_PAD.encode([0; 32]));
        assert_eq!(verify(&forged), Err(TokenError::Signature), "{header}");
    }
}

#[test]
fn crit_and_b64_are_rejected_whatever_they_hold() {
    for crit in [json!([]), json!(["exp"]), json!(["b64"]), json!(["http://x/y"]), json!("exp"), json!(null)]
    {
        assert_eq!(with_header("crit", crit), Err(TokenError::Extension));
    }
    for b64 in [json!(true), json!(false)] {
        assert_eq!(with_header("b64", b64), Err(TokenError::Extension));
    }
}

#[test]
fn encrypted_and_compressed_tokens_are_rejected() {
    assert_eq!(with_header("enc", json!("A128GCM")), Err(TokenError::Encrypted));
    assert_eq!(with_header("zip", json!("DEF")), Err(TokenError::Encrypted));
    assert_eq!(verify("a.b.c.d.e"), Err(TokenError::NotCompact));
}

#[test]
fn a_token_within_a_token_is_rejected() {
    for cty in [json!("JWT"), json!("jwt"), json!("json"), json!(""), json!(null)] {
        assert_eq!(with_header("cty", cty), Err(TokenError::ContentType));
    }
}

#[test]
fn typ_is_jwt() {
    for typ in [json!("jwt"), json!("at+jwt"), json!(""), json!(null), json!(1)] {
        assert_eq!(with_header("typ", typ), Err(TokenError::Type));
    }
    assert_eq!(verify(&sign(&without(header(), "typ"), &payload().to_string())), Err(TokenError::Type));
}

#[test]
fn key_members_of_the_header_are_never_looked_at() {
    for name in ["jwk", "jku", "x5u", "x5c"] {
        assert!(with_header(name, json!("https://attacker.example")).is_ok());
    }
}

#[test]
fn iss_and_aud_are_present_and_exact() {
    for iss in ["", "https://issuer.example/", "https://ISSUER.example", "http://issuer.example"] {
        assert_eq!(with_claim("iss", json!(iss)), Err(TokenError::Issuer));
    }
    for aud in ["", "Latchkey", "latchkey2"] {
        assert_eq!(with_claim("aud", json!(aud)), Err(TokenError::Audience));
    }
    assert_eq!(with_claim("aud", json!(["latchkey"])), Err(TokenError::ClaimMistyped("aud")));
    assert_eq!(with_claim("iss", json!({})), Err(TokenError::ClaimMistyped("iss")));
}

#[test]
fn every_claim_of_ours_is_required() {
    for name in ["iss", "aud", "sub", "username", "iat", "exp", "jti", "sid"] {
        let token = sign(&header().to_string(), &without(payload(), name));
        assert_eq!(verify(&token), Err(TokenError::ClaimMissing(name)));
    }
    for name in ["sub", "jti", "sid"] {
        assert_eq!(with_claim(name, json!("no identifier")), Err(TokenError::ClaimMistyped(name)));
    }
}

#[test]
fn instants_are_json_integers_below_2_to_the_53() {
    let odd = [
        "\"1685728800\"",
        "1685728800.0",
        "1.6857288e9",
        "-1",
        "-0",
        "9007199254740992",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "1e15",
        "1e300",
        "true",
        "null",
        "[]",
        "{}",
    ];
    for name in ["iat", "exp", "nbf"] {
        for value in odd {
            let mut members = payload();
            members[name] = json!("HERE");
            let payload = members.to_string().replace("\"HERE\"", value);
            let token = sign(&header().to_string(), &payload);
            assert_eq!(verify(&token), Err(TokenError::ClaimMistyped(name)), "{name}: {value}");
        }
    }
}

#[test]
fn a_member_that_occurs_twice_is_rejected_in_header_and_claims() {
    let twice = |object: Value, member: &str| object.to_string().replacen('{', &format!("{{{member},"), 1);
    let duplicate = JsonError::DuplicateMember;
    for member in [r#""kid":"key""#, r#""\u0061lg":"none""#] {
        let token = sign(&twice(header(), member), &payload().to_string());
        assert_eq!(verify(&token), Err(TokenError::Header(duplicate)));
    }
    for member in [r#""sub":"x""#, r#""\u0073ub":"x""#, r#""role":1,"role":1"#] {
        let token = sign(&header().to_string(), &twice(payload(), member));
        assert_eq!(verify(&token), Err(TokenError::Payload(duplicate)));
    }
}

#[test]
fn the_parts_are_strict_base64url() {
    let token = sign(&header().to_string(), &payload().to_string());
    let parts: Vec<&str> = token.split('.').collect();
    for place in 0..3 {
        for spoilt in [
            format!("{}=", parts[place]),
            format!("{}==", parts[place]),
            format!(" {}", parts[place]),
            format!("{}\n", parts[place]),
            format!("{}+", parts[place]),
            format!("{}/", parts[place]),
            format!("{}%3D", parts[place]),
            String::new(),
        ] {
            let mut spoilt_parts = parts.clone();
            spoilt_parts[place] = &spoilt;
            assert_eq!(verify(&spoilt_parts.join(".")), Err(TokenError::NotBase64Url), "{spoilt}");
        }
    }
    // 32 bytes leave two spare bits in the last character; each other spelling is another token.
    let last = token.chars().last().unwrap();
    for other in ('A'..='Z').chain('a'..='z').chain('0'..='9').filter(|other| *other != last) {
        let spelled = format!("{}{other}", &token[..token.len() - 1]);
        assert!(verify(&spelled).is_err(), "{other}");
    }
}

#[test]
fn only_three_parts_are_a_token() {
    let token = sign(&header().to_string(), &payload().to_string());
    let json = json!({ "payload": "x", "signatures": [] }).to_string();
    for text in ["", ".", "a", "a.b", "a.b.c.d", &format!("{token}."), &format!("{token}.x"), &json] {
        assert!(matches!(verify(text), Err(TokenError::NotCompact | TokenError::NotBase64Url)), "{text}");
    }
    for text in [format!("Bearer {token}"), format!(" {token}"), format!("\"{token}\"")] {
        assert_eq!(verify(&text), Err(TokenError::NotBase64Url));
    }
}

#[test]
fn a_token_has_4096_bytes_at_most_and_length_is_tested_first() {
    let sized = |length: usize| {
        let mut payload = payload();
        payload["fill"] = json!("");
        let empty = sign(&header().to_string(), &payload.to_string()).len();
        payload["fill"] = json!("x".repeat((length - empty) * 3 / 4));
        sign(&header().to_string(), &payload.to_string())
    };
    let (longest, beyond) = (sized(MAX_TOKEN_BYTES), sized(MAX_TOKEN_BYTES + 4));
    assert!(longest.len() <= MAX_TOKEN_BYTES && beyond.len() > MAX_TOKEN_BYTES);
    assert!(verify(&longest).is_ok());
    assert_eq!(verify(&beyond), Err(TokenError::TooLong));
    assert_eq!(verify(&"!".repeat(5_000_000)), Err(TokenError::TooLong));
}

#[test]
fn every_single_bit_of_the_signature_counts() {
    let token = sign(&header().to_string(), &payload().to_string());
    let (input, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    for bit in 0..signature.len() * 8 {
        let mut flipped = signature.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let forged = format!("{input}.{}", URL_SAFE_NO_PAD.encode(flipped));
        assert_eq!(verify(&forged), Err(TokenError::Signature));
    }
    for forged in [vec![0; 32], vec![0; 64], signature[..31].to_vec(), signature[..16].to_vec()] {
        let forged = format!("{input}.{}", URL_SAFE_NO_PAD.encode(forged));
        assert_eq!(verify(&forged), Err(TokenError::Signature));
    }
}

#[test]
fn the_zero_signature_of_ecdsa_is_rejected() {
    // CVE-2022-21449: r = s = 0 verified under any key.
    let always = Schedule { published: at(0), signs_from: at(0), retires: None };
    let keys = KeySet::new(vec![Key::generate(Algorithm::ES256, always).unwrap()]).unwrap();
    let input = format!("{}.{}", keys.keys()[0].header(), URL_SAFE_NO_PAD.encode(payload().to_string()));
    for signature in [vec![0; 64], vec![0x30, 6, 2, 1, 0, 2, 1, 0]] {
        let token = format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature));
        assert_eq!(verifier().verify(&token, &keys, at(NOW)), Err(TokenError::Signature));
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_verifier_panic_or_accept(text in "\\PC{0,200}") {
        prop_assert!(verify(&text).is_err());
    }

    #[test]
    fn no_changed_character_is_accepted(place in any::<prop::sample::Index>(), with in "[A-Za-z0-9_.-]") {
        let token = sign(&header().to_string(), &payload().to_string());
        let place = place.index(token.len());
        let mut changed = token.clone();
        changed.replace_range(place..=place, &with);
        prop_assert_eq!(verify(&changed).is_ok(), changed == token);
    }
}
