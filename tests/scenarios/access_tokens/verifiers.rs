//! Those who take access tokens: our authorizer, and API Gateway's own by its published rules.

use std::time::Duration;

use harness::SecretsManager;
use jsonwebtoken::{DecodingKey, Validation, jwk::JwkSet};
use local::{NativeApi, NativeAuthorizer, NativeRejection};
use serde_json::json;
use token::{Algorithm, KeySet, Schedule};

use super::*;
use crate::authorizer::with_token;

const LIMIT: Duration = Duration::from_secs(8);

/// Whether an authorizer with these settings lets `token` through, and what it hands on.
async fn decision(world: &World, settings: &[(&str, &str)], token: &str, now: u64) -> Value {
    let settings = [&[("ACCESS_TOKEN_AUDIENCES", AUDIENCES)], settings].concat();
    let event = with_token("http_api_2", token).to_string();
    world.authorizer(&settings).answer(&event, at(now), LIMIT).await.unwrap()
}

/// A2
#[tokio::test]
async fn our_authorizer_takes_one_kind_of_token_and_never_the_other() {
    let (world, session) = logged_in().await;
    let access = access_token(&world, &session, LOGIN_AT).await;
    let reply = super::access(&world, &session, &json!({ "audience": BILLING }), LOGIN_AT).await;
    let billing = reply.body["access_token"].as_str().unwrap();
    let of_orders = [("AUTHORIZER_AUDIENCE", ORDERS)];
    for (settings, token, passes) in [
        (&[][..], &*session, true),
        (&[], &access, false),
        (&of_orders, &session, false),
        (&of_orders, &access, true),
        (&of_orders, billing, false),
        (&[("AUTHORIZER_AUDIENCE", BILLING)], &access, false),
        (&[("AUTHORIZER_AUDIENCE", BILLING)], billing, true),
    ] {
        let answer = decision(&world, settings, token, LOGIN_AT).await;
        assert_eq!(answer["isAuthorized"], passes, "{settings:?}");
        if passes {
            assert_eq!(answer["context"], claims(token));
        }
    }
    let answer = decision(&world, &of_orders, &access, LOGIN_AT + 900).await;
    assert_eq!(
        (&answer["isAuthorized"], &answer["context"]["code"]),
        (&json!(false), &json!("token_expired"))
    );
}

#[tokio::test]
async fn our_authorizer_asks_whether_the_session_goes_on_and_the_client_may_still_act() {
    let (world, session) = logged_in().await;
    let access = access_token(&world, &session, LOGIN_AT).await;
    let (id, secret) = client(&world, ORDERS).await;
    let machine = ask_as_client(&world, &credentials(id, &secret), LOGIN_AT).await;
    let machine = machine.body["access_token"].as_str().unwrap();
    let checking = [("AUTHORIZER_AUDIENCE", ORDERS), ("CHECK_SESSION", "true")];
    let trusting = [("AUTHORIZER_AUDIENCE", ORDERS)];
    world.operations();
    for token in [&access, machine] {
        assert_eq!(decision(&world, &checking, token, LOGIN_AT).await["isAuthorized"], true);
        assert_eq!(world.operations(), ["GetItem"]);
        assert_eq!(decision(&world, &trusting, token, LOGIN_AT).await["isAuthorized"], true);
        assert_eq!(world.operations(), [""; 0]);
    }
    world.log_out(&session, LOGIN_AT).await;
    world.users.set_client_enabled(id, false).await.unwrap();
    for (token, code) in [(&*access, "session_ended"), (machine, "client_gone")] {
        let answer = decision(&world, &checking, token, LOGIN_AT).await;
        assert_eq!((&answer["isAuthorized"], &answer["context"]["code"]), (&json!(false), &json!(code)));
        assert_eq!(decision(&world, &trusting, token, LOGIN_AT).await["isAuthorized"], true);
    }
    world.users.delete_client(id).await.unwrap();
    let answer = decision(&world, &checking, machine, LOGIN_AT).await;
    assert_eq!(answer["context"]["code"], "client_gone");
}

/// A2 and A6: the routes of the local server that API Gateway's native authorizer guards.
#[tokio::test]
async fn a_native_authorizer_tells_the_two_apart_by_their_audience_and_asks_for_the_scope_of_the_route() {
    let (world, session) = logged_in().await;
    let access = access_token(&world, &session, LOGIN_AT).await;
    let call = async |method: Method, path: &str, token: &str, now: u64| {
        let event = Event::http_api(&method, path).bearer(token);
        let reply = Reply::new(&world.gateway.respond(path, &event.0.to_string(), at(now)).await);
        (reply.status, reply.headers["www-authenticate"].clone(), reply.body["claims"].clone())
    };
    let orders = "/protected/orders";
    assert_eq!(call(Method::GET, orders, &access, LOGIN_AT).await, (200, Value::Null, claims(&access)));
    let (status, challenge, _) = call(Method::POST, orders, &access, LOGIN_AT).await;
    assert_eq!((status, challenge), (403, json!("Bearer error=\"insufficient_scope\"")));
    assert_eq!(call(Method::DELETE, orders, &access, LOGIN_AT).await.0, 404);
    for (path, token, now, status) in [
        (orders, &*session, LOGIN_AT, 401),
        (orders, &access, LOGIN_AT + 900, 401),
        ("/protected", &session, LOGIN_AT, 200),
        ("/protected", &access, LOGIN_AT, 401),
        ("/protected/now", &access, LOGIN_AT, 403),
    ] {
        assert_eq!(call(Method::GET, path, token, now).await.0, status, "{path}");
    }
    // The scope of an order's writer, from today on.
    set_claims(&world, r#"{"scope":"orders:read orders:write"}"#).await;
    let access = access_token(&world, &session, LOGIN_AT).await;
    assert_eq!(call(Method::POST, orders, &access, LOGIN_AT).await.0, 200);
}

#[tokio::test]
async fn a_users_scp_never_stands_in_for_a_scope() {
    let (world, _) = world_with(&[]).await;
    set_claims(&world, r#"{"scp":"orders:write","scope":""}"#).await;
    let session = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    let access = access_token(&world, &session, LOGIN_AT).await;
    let event = Event::http_api(&Method::POST, "/protected/orders").bearer(&access);
    let answer = world.gateway.respond("/protected/orders", &event.0.to_string(), at(LOGIN_AT)).await;
    assert_eq!(answer["statusCode"], 403, "API Gateway takes scp for scope");
}

/// A2, by the rules of REST APIs, of which examples/protected-api also demands `token_use`.
#[tokio::test]
async fn a_native_authorizer_of_a_rest_api_tells_the_two_apart_also_by_token_use() {
    let (world, session) = logged_in().await;
    let access = access_token(&world, &session, LOGIN_AT).await;
    let keys = documents(&world).await.1;
    let outcome = |audience: &str, additional: &[(&str, &str)], token: &str| {
        let additional_claims =
            additional.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let authorizer = NativeAuthorizer {
            issuer: harness::ISSUER.parse().unwrap(),
            audience: vec![audience.to_owned()],
            scopes: Vec::new(),
            api: NativeApi::Rest { additional_claims },
        };
        authorizer.authorize(Some(&format!("Bearer {token}")), &keys, at(LOGIN_AT))
    };
    let token_use = [("token_use", "access")];
    assert_eq!(outcome(ORDERS, &token_use, &access), Ok(claims(&access)));
    assert_eq!(outcome(ORDERS, &token_use, &session), Err(NativeRejection::BadToken), "another audience");
    assert_eq!(outcome("latchkey", &[], &session), Ok(claims(&session)));
    assert_eq!(outcome("latchkey", &token_use, &session), Err(NativeRejection::BadToken), "no token_use");
    assert_eq!(outcome("latchkey", &[], &access), Err(NativeRejection::BadToken));
}

/// What the discovery document says, and the key set that it names.
async fn documents(world: &World) -> (Value, JwkSet) {
    let get = async |path: &str| world.send(path, &Event::http_api(&Method::GET, path), LOGIN_AT).await.body;
    let discovery = get("/.well-known/openid-configuration").await;
    let path = discovery["jwks_uri"].as_str().unwrap().strip_prefix(harness::ISSUER).unwrap();
    let keys = serde_json::from_value(get(path).await).unwrap();
    (discovery, keys)
}

/// A6
#[tokio::test]
async fn jsonwebtoken_takes_access_tokens_through_discovery_alone_and_no_session_token() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        let always = Schedule { published: at(0), signs_from: at(0), retires: None };
        let keys = KeySet::new(vec![Key::generate(algorithm, always).unwrap()]).unwrap();
        let secrets = SecretsManager::start(&keys.to_secret()).await;
        let world = World::with_secret_and(&secrets, &SETTINGS).await;
        world.create("ada", PASSWORD).await;
        let session = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
        let (id, secret) = client(&world, ORDERS).await;
        let machine = ask_as_client(&world, &credentials(id, &secret), LOGIN_AT).await;
        let machine = machine.body["access_token"].as_str().unwrap();
        let access = access_token(&world, &session, LOGIN_AT).await;
        let (discovery, keys) = documents(&world).await;
        let taken = |token: &str| {
            let header = jsonwebtoken::decode_header(token).unwrap();
            let named = discovery["id_token_signing_alg_values_supported"].as_array().unwrap();
            assert!(named.contains(&json!(header.alg)), "{header:?}");
            let key = DecodingKey::from_jwk(keys.find(header.kid.as_ref().unwrap()).unwrap()).unwrap();
            let mut validation = Validation::new(header.alg);
            validation.set_audience(&[ORDERS]);
            validation.set_issuer(&[discovery["issuer"].as_str().unwrap()]);
            validation.set_required_spec_claims(&["iss", "aud", "exp", "sub"]);
            // The library would read the clock.
            validation.validate_exp = false;
            let decoded = jsonwebtoken::decode::<Value>(token, &key, &validation);
            decoded.is_ok() && header.typ.as_deref() == Some("at+jwt")
        };
        assert_eq!([&*access, machine, &session].map(taken), [true, true, false], "{algorithm}");
    }
}
