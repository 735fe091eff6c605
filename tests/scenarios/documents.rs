//! The two `/.well-known` documents.

use harness::{Event, LOGIN_AT, World, at};
use http::Method;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::{Value, json};

const JWKS: &str = "/.well-known/jwks.json";
const DISCOVERY: &str = "/.well-known/openid-configuration";

async fn get(world: &World, path: &str) -> harness::Reply {
    world.send(path, &Event::http_api(&Method::GET, path), LOGIN_AT).await
}

#[tokio::test]
async fn the_jwk_set_is_cacheable_and_holds_public_members_only() {
    let world = World::new().await;
    let reply = get(&world, JWKS).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers["cache-control"], "public, max-age=300");
    let keys = reply.body["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    let members: Vec<_> = keys[0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"]);
}

#[tokio::test]
async fn discovery_names_the_issuer_of_the_tokens_and_the_jwk_set_below_it() {
    let world = World::new().await;
    let reply = get(&world, DISCOVERY).await;
    let issuer = world.issuer().url().as_str().to_owned();
    assert_eq!(reply.headers["cache-control"], "public, max-age=300");
    assert_eq!(reply.body["issuer"], issuer);
    assert_eq!(reply.body["jwks_uri"], format!("{issuer}{JWKS}"));
    assert_eq!(reply.body["id_token_signing_alg_values_supported"], json!(["RS256"]));
}

#[tokio::test]
async fn a_token_verifies_with_another_library_through_the_jwk_set() {
    let world = World::new().await;
    world.create("ada", "correct horse battery").await;
    let token = world.log_in("ada", "correct horse battery", LOGIN_AT).await.token().to_owned();
    let keys: JwkSet = serde_json::from_value(get(&world, JWKS).await.body).unwrap();
    let header = decode_header(&token).unwrap();
    let jwk = keys.find(header.kid.as_deref().unwrap()).unwrap();
    let mut validation = Validation::new(header.alg);
    validation.validate_exp = false;
    validation.set_issuer(&[world.issuer().url().as_str()]);
    validation.set_audience(&["latchkey"]);
    let claims = decode::<Value>(&token, &DecodingKey::from_jwk(jwk).unwrap(), &validation).unwrap().claims;
    assert_eq!(claims["username"], "ada");
    validation.set_audience(&["another"]);
    assert!(decode::<Value>(&token, &DecodingKey::from_jwk(jwk).unwrap(), &validation).is_err());
}

#[tokio::test]
async fn the_documents_of_a_rest_api_have_the_stage_in_front_of_their_path() {
    let world = World::new().await;
    let event = Event::rest_api(&Method::GET, &format!("/prod{JWKS}"));
    assert_eq!(world.send(JWKS, &event, LOGIN_AT).await.status, 200);
    let event = Event::rest_api(&Method::GET, "/prod/.well-known/other").0.to_string();
    let answer = world.gateway.respond(JWKS, &event, at(LOGIN_AT)).await;
    assert_eq!(answer["statusCode"], 404, "a route that leads here by mistake");
}
