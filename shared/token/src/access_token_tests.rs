use serde_json::json;

use super::*;
use crate::{
    AccessVerifier, Algorithm, Entropy, Key, MAX_TOKEN_BYTES, Schedule, TokenError, UnverifiedToken, Verifier,
};

const ORDERS: &str = "https://orders.example.com";

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

fn key(algorithm: Algorithm) -> Key {
    Key::generate(algorithm, Schedule { published: at(0), signs_from: at(0), retires: None }).unwrap()
}

fn one_key(algorithm: Algorithm) -> KeySet {
    KeySet::new(vec![key(algorithm)]).unwrap()
}

fn issuer() -> Issuer {
    Issuer::new("https://issuer.example".parse().unwrap(), "latchkey".parse().unwrap())
}

fn verifier() -> AccessVerifier {
    AccessVerifier::new("https://issuer.example".parse().unwrap(), ORDERS.parse().unwrap())
}

fn user() -> Bearer {
    Bearer::User {
        id: UserId::new(Entropy([1; 16])),
        username: "ada".to_owned(),
        session_id: SessionId::new(Entropy([2; 16])),
        logged_in_at: at(500),
    }
}

fn client() -> Bearer {
    Bearer::Client(ClientId::new(Entropy([4; 16])))
}

fn issued(bearer: &Bearer, scope: &str, custom: &str, keys: &KeySet) -> String {
    let grant = AccessGrant {
        audience: &ORDERS.parse().unwrap(),
        bearer,
        scopes: &Scopes::of_claim(Some(&scope.into())),
        lifetime: Lifetime { issued_at: at(1000), expires_at: at(1900) },
        token_id: TokenId::new(Entropy([3; 16])),
        custom: &custom.parse().unwrap(),
    };
    issuer().issue_access(grant, keys, at(1000)).unwrap()
}

fn claims(token: &str) -> Value {
    UnverifiedToken::parse(token).unwrap().unverified_claims().unwrap().into()
}

/// A token of these header members and claims, signed by the key that its `kid` names.
fn signed(header: &Value, claims: &Value, key: &Key) -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let encode = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
    let input = format!("{}.{}", encode(header), encode(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(key.sign(input.as_bytes()).unwrap());
    format!("{input}.{signature}")
}

#[test]
fn a_users_token_has_every_claim_of_rfc_9068_and_those_of_the_user() {
    let token = issued(&user(), "orders:read", r#"{"role":"clerk"}"#, &one_key(Algorithm::ES256));
    let header = UnverifiedToken::parse(&token).unwrap().header().clone();
    assert_eq!(header.keys().collect::<Vec<_>>(), ["alg", "kid", "typ"]);
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(
        claims(&token),
        json!({
            "iss": "https://issuer.example", "aud": ORDERS, "sub": "AQEBAQEBAQEBAQEBAQEBAQ",
            "client_id": "latchkey", "iat": 1000, "exp": 1900, "jti": "AwMDAwMDAwMDAwMDAwMDAw",
            "auth_time": 500, "amr": ["pwd"], "scope": "orders:read", "token_use": "access",
            "sid": "AgICAgICAgICAgICAgICAg", "username": "ada", "role": "clerk",
        })
    );
}

/// X1
#[test]
fn a_clients_token_names_the_client_and_neither_a_user_nor_a_session() {
    let token = issued(&client(), "", "{}", &one_key(Algorithm::ES256));
    assert_eq!(
        claims(&token),
        json!({
            "iss": "https://issuer.example", "aud": ORDERS, "sub": "lkc_BAQEBAQEBAQEBAQEBAQEBA",
            "client_id": "lkc_BAQEBAQEBAQEBAQEBAQEBA", "iat": 1000, "exp": 1900,
            "jti": "AwMDAwMDAwMDAwMDAwMDAw", "token_use": "access",
        })
    );
}

/// A7
#[test]
fn claims_of_a_user_cannot_say_what_the_token_says() {
    let custom = r#"{
        "scope":"admin", "scp":"admin", "client_id":"x", "azp":"x", "act":{"sub":"x"}, "may_act":{"sub":"x"},
        "cnf":{"jkt":"x"}, "acr":"x", "scopes":["admin"], "authorization_details":[{"type":"x"}], "amr":["mfa"], "role":"clerk"
    }"#;
    let said = claims(&issued(&user(), "orders:read", custom, &one_key(Algorithm::ES256)));
    for name in ["scp", "scopes", "authorization_details", "azp", "act", "may_act", "cnf", "acr"] {
        assert_eq!(said.get(name), None, "{name}");
    }
    assert_eq!(
        (&said["scope"], &said["client_id"], &said["amr"]),
        (&json!("orders:read"), &json!("latchkey"), &json!(["pwd"]))
    );
    assert_eq!(said["role"], "clerk");
    assert_eq!(claims(&issued(&user(), "", custom, &one_key(Algorithm::ES256))).get("scope"), None);
}

#[test]
fn what_is_issued_is_verified_with_every_algorithm_that_has_a_public_half() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        let keys = one_key(algorithm);
        for bearer in [user(), client()] {
            let token = issued(&bearer, "a b", "{}", &keys);
            let verified = verifier().verify(&token, &keys, at(1899)).unwrap();
            assert_eq!(verified.bearer, bearer);
            assert_eq!(Value::Object(verified.claims().clone()), claims(&token));
            assert_eq!(verified.subject(), claims(&token)["sub"]);
            assert_eq!(verifier().verify(&token, &keys, at(1900)), Err(TokenError::Expired));
        }
    }
    let keys = one_key(Algorithm::HS256);
    let token = issued(&user(), "a b", "{}", &keys);
    assert_eq!(verifier().verify(&token, &keys, at(1000)), Err(TokenError::Algorithm));
}

/// A1 and A2: each difference alone is enough.
#[test]
fn neither_verifier_takes_the_others_tokens_by_typ_alone_or_by_aud_alone() {
    let key = key(Algorithm::ES256);
    let keys = KeySet::new(vec![key.clone()]).unwrap();
    let header = |typ: &str| json!({ "typ": typ, "alg": "ES256", "kid": key.id() });
    let with = |token: &str, audience: &str| {
        let mut claims = claims(token);
        claims["aud"] = audience.into();
        claims
    };
    let session = issuer()
        .issue(
            &issuer().claims(
                crate::Subject { id: UserId::new(Entropy([1; 16])), username: "ada" },
                SessionId::new(Entropy([2; 16])),
                TokenId::new(Entropy([3; 16])),
                Lifetime { issued_at: at(1000), expires_at: at(1900) },
                CustomClaims::default(),
            ),
            &keys,
            at(1000),
        )
        .unwrap();
    let access = issued(&user(), "a", "{}", &keys);
    let refused = |token: &str| Verifier::new(issuer()).verify(token, &keys, at(1000)).unwrap_err();
    assert!(Verifier::new(issuer()).verify(&session, &keys, at(1000)).is_ok());
    assert_eq!(refused(&access), TokenError::Type);
    assert_eq!(refused(&signed(&header("at+jwt"), &with(&access, "latchkey"), &key)), TokenError::Type);
    assert_eq!(refused(&signed(&header("JWT"), &claims(&access), &key)), TokenError::Audience);
    assert_eq!(refused(&signed(&header("at+jwt"), &claims(&session), &key)), TokenError::Type);

    let refused = |token: &str| verifier().verify(token, &keys, at(1000)).unwrap_err();
    assert_eq!(refused(&session), TokenError::AccessType);
    assert_eq!(refused(&signed(&header("JWT"), &claims(&access), &key)), TokenError::AccessType);
    assert_eq!(refused(&signed(&header("at+jwt"), &with(&access, "latchkey"), &key)), TokenError::Audience);
    // With the right typ and aud it still says that it is none.
    let other = signed(&header("at+jwt"), &with(&session, ORDERS), &key);
    assert_eq!(refused(&other), TokenError::ClaimMissing("token_use"));
}

#[test]
fn an_access_token_with_a_claim_changed_or_missing_is_rejected() {
    let key = key(Algorithm::ES256);
    let keys = KeySet::new(vec![key.clone()]).unwrap();
    let header = json!({ "typ": "at+jwt", "alg": "ES256", "kid": key.id() });
    let good = claims(&issued(&user(), "a", "{}", &keys));
    let of_client = claims(&issued(&client(), "a", "{}", &keys));
    let verdict = |claims: &Value| verifier().verify(&signed(&header, claims, &key), &keys, at(1000));
    assert!(verdict(&good).is_ok() && verdict(&of_client).is_ok());
    for name in ["iss", "aud", "sub", "iat", "exp", "jti", "token_use", "username", "auth_time"] {
        for (change, error) in
            [(None, TokenError::ClaimMissing(name)), (Some(json!({})), TokenError::ClaimMistyped(name))]
        {
            let mut claims = good.clone();
            match change {
                Some(value) => claims[name] = value,
                None => drop(claims.as_object_mut().unwrap().remove(name)),
            }
            assert_eq!(verdict(&claims), Err(error), "{name}");
        }
    }
    for (name, value, error) in [
        ("iss", json!("https://issuer.example/"), TokenError::Issuer),
        ("aud", json!([ORDERS]), TokenError::ClaimMistyped("aud")),
        ("token_use", json!("id"), TokenError::ClaimMistyped("token_use")),
        ("nbf", json!(1001), TokenError::NotYetValid),
        ("iat", json!(1006), TokenError::IssuedInFuture),
        ("exp", json!(1000), TokenError::Expired),
        ("exp", json!(1000.5), TokenError::ClaimMistyped("exp")),
        ("sub", json!("lkc_BAQEBAQEBAQEBAQEBAQEBA"), TokenError::ClaimMistyped("sub")),
    ] {
        let mut claims = good.clone();
        claims[name] = value;
        assert_eq!(verdict(&claims), Err(error), "{name}");
    }
    // A client's token with another client_id, or with a user's sub.
    for (name, value) in [("client_id", "lkc_AQEBAQEBAQEBAQEBAQEBAQ"), ("sub", "AQEBAQEBAQEBAQEBAQEBAQ")] {
        let mut claims = of_client.clone();
        claims[name] = value.into();
        assert_eq!(verdict(&claims), Err(TokenError::ClaimMistyped(name)));
    }
}

#[test]
fn the_longest_of_everything_still_fits_an_access_token() {
    let (url, audience) = (format!("https://{}", "x".repeat(248)), "x".repeat(256));
    let issuer = Issuer::new(url.parse().unwrap(), audience.parse().unwrap());
    let scopes: Scopes = "s".repeat(1024 - 12).parse().unwrap();
    let Bearer::User { id, session_id, logged_in_at, .. } = user() else { unreachable!() };
    let bearer = Bearer::User { id, session_id, logged_in_at, username: "\u{10ffff}".repeat(128) };
    let grant = AccessGrant {
        audience: &"y".repeat(128).parse().unwrap(),
        bearer: &bearer,
        scopes: &scopes,
        lifetime: Lifetime { issued_at: at(1000), expires_at: at(1900) },
        token_id: TokenId::new(Entropy([3; 16])),
        // A user's scopes are among these 1,024 bytes, so that both are never as long as can be.
        custom: &CustomClaims::default(),
    };
    let token = issuer.issue_access(grant, &one_key(Algorithm::RS256), at(1000)).unwrap();
    assert!(token.len() + 342 + 64 <= MAX_TOKEN_BYTES, "{}", token.len());
}
