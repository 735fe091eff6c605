//! Access tokens: what a service is shown in place of the token of the session, and machine clients.

mod binaries;
mod clients;
mod everywhere;
mod issue;
mod off;
mod verifiers;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use edge::Endpoint as _;
use harness::{Event, LOGIN_AT, Reply, World, at};
use http::Method;
use serde_json::{Value, json};
use token::{AccessAudiences, ClientId, Key, UnverifiedToken, UserId};
use users::{ClientSecret, MachineClient, StoredSecret};

const PASSWORD: &str = "correct horse battery";
const ORDERS: &str = "https://orders.example.com";
const BILLING: &str = "https://billing.example.com";
const AUDIENCES: &str = "https://orders.example.com=orders:read orders:write;https://billing.example.com";
/// What switches both on.
pub(crate) const SETTINGS: [(&str, &str); 3] =
    [("JWT_ALLOW_REFRESH", "true"), ("ACCESS_TOKEN_AUDIENCES", AUDIENCES), ("MACHINE_CLIENTS", "true")];
/// Of each race.
const ROUNDS: u32 = 100;
const CLAIMS: &str = r#"{"scope":"orders:read other","role":"clerk"}"#;

/// A world with access tokens, with these settings beside; ada may read orders.
async fn world_with(settings: &[(&str, &str)]) -> (World, UserId) {
    let world = World::with(&[&SETTINGS, settings].concat()).await;
    let id = world.create("ada", PASSWORD).await;
    set_claims(&world, CLAIMS).await;
    (world, id)
}

async fn set_claims(world: &World, claims: &str) {
    world.users.set_claims(&"ada".parse().unwrap(), &claims.parse().unwrap()).await.unwrap();
}

/// The same with ada logged in: the token of her session.
async fn logged_in() -> (World, String) {
    let (world, _) = world_with(&[]).await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    (world, token)
}

fn asking(token: &str, body: &Value) -> Event {
    Event::http_api(&Method::POST, "/auth/access").json(body).bearer(token)
}

/// The answer to the bearer of `token`.
async fn access(world: &World, token: &str, body: &Value, now: u64) -> Reply {
    world.send("/auth/access", &asking(token, body), now).await
}

/// An access token for the orders.
async fn access_token(world: &World, token: &str, now: u64) -> String {
    let reply = access(world, token, &json!({ "audience": ORDERS }), now).await;
    reply.body["access_token"].as_str().unwrap_or_else(|| panic!("{reply:?}")).to_owned()
}

fn claims(token: &str) -> Value {
    UnverifiedToken::parse(token).unwrap().unverified_claims().unwrap().into()
}

fn header(token: &str) -> Value {
    UnverifiedToken::parse(token).unwrap().header().clone().into()
}

/// A token of this header and these claims, really signed by `key`.
fn signed(header: &Value, claims: &Value, key: &Key) -> String {
    let encode = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
    let input = format!("{}.{}", encode(header), encode(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(key.sign(input.as_bytes()).unwrap());
    format!("{input}.{signature}")
}

/// A machine client with these audiences and one secret.
async fn client(world: &World, audiences: &str) -> (ClientId, String) {
    let entropy = || edge::random::entropy().unwrap();
    let secret = ClientSecret::new(entropy(), [entropy(), entropy()]);
    let client = MachineClient {
        id: ClientId::new(entropy()),
        name: "worker".to_owned(),
        enabled: true,
        audiences: audiences.parse::<AccessAudiences>().unwrap(),
        secrets: vec![StoredSecret {
            id: secret.id().clone(),
            hash: secret.hash(),
            created_at: at(LOGIN_AT),
        }],
        created_at: at(LOGIN_AT),
        last_change: None,
    };
    world.users.create_client(&client).await.unwrap();
    (client.id, secret.expose().to_owned())
}

/// The answer to a form at the token endpoint.
async fn ask_as_client(world: &World, form: &str, now: u64) -> Reply {
    let event = Event::http_api(&Method::POST, "/oauth2/token").form(form);
    world.send("/oauth2/token", &event, now).await
}

/// What a client sends beside other parameters.
fn credentials(id: ClientId, secret: &str) -> String {
    format!("grant_type=client_credentials&client_id={id}&client_secret={secret}")
}

/// The calls that the two functions make, from their warm-up to a client that keeps failing, with ada logging in by
/// `password`.
pub(crate) async fn operations(world: &World, password: &str) -> (Vec<String>, Vec<String>) {
    let token = world.log_in("ada", password, LOGIN_AT + 999).await.token().to_owned();
    let (id, secret) = client(world, ORDERS).await;
    let (access_endpoint, client_endpoint) = (&world.gateway.access_token, &world.gateway.client_token);
    world.operations();
    access_endpoint.as_ref().unwrap().warm_up(at(LOGIN_AT + 999)).await;
    access_token(world, &token, LOGIN_AT + 999).await;
    let of_access = world.operations();
    client_endpoint.as_ref().unwrap().warm_up(at(LOGIN_AT + 999)).await;
    for (secret, status) in [(&*secret, 200), ("wrong", 400)] {
        assert_eq!(ask_as_client(world, &credentials(id, secret), LOGIN_AT + 999).await.status, status);
    }
    (of_access, world.operations())
}
