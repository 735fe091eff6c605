//! Codes that set a password: invitations and forgotten passwords. The numbers are those of the requirements that each test
//! shows.

mod binaries;
mod invitation;
mod model;
mod off;
mod recovery;
mod refusals;

use harness::{Event, LOGIN_AT, Reply, World, at};
use http::Method;
use serde_json::{Value, json};
use token::CustomClaims;
use users::{AccountCode, CodeOrigin, CodePurpose, Codes, Invitation, LastChange, Username};

pub(crate) const SETTINGS: [(&str, &str); 3] = [
    ("JWT_ALLOW_REFRESH", "true"),
    ("ACCOUNT_LINK", "https://app.example.com/account"),
    ("CORS_ALLOWED_ORIGINS", "https://app.example.com"),
];
const ADMINISTRATOR: &str = "arn:aws:iam::123456789012:user/grace";
const DAY: u64 = 86_400;
const OLD: &str = "correct horse battery";
const NEW: &str = "seven green umbrellas";
const PATHS: [&str; 3] = ["/auth/code", "/auth/registration/complete", "/auth/recovery/complete"];

async fn world() -> World {
    World::with(&SETTINGS).await
}

fn codes(world: &World) -> Codes {
    Codes::beside(&world.users)
}

fn origin(made_at: u64) -> CodeOrigin {
    let made = LastChange { at: at(made_at), by: ADMINISTRATOR.into() };
    CodeOrigin { made, valid_until: at(made_at + DAY) }
}

fn new_code() -> AccountCode {
    AccountCode::new(edge::random::entropy().unwrap())
}

/// The code of an invitation, made when [`LOGIN_AT`] is.
async fn invite(world: &World, username: &str, claims: &str) -> String {
    let code = new_code();
    let username: Username = username.parse().unwrap();
    let claims: CustomClaims = claims.parse().unwrap();
    let invitation = Invitation { username, claims, email: None, locale: None, origin: origin(LOGIN_AT) };
    codes(world).invite(&invitation, &code).await.unwrap();
    code.expose().to_string()
}

/// A code for a new password, made then.
async fn allow_recovery(world: &World, username: &str) -> String {
    let code = new_code();
    codes(world).allow_recovery(&username.parse().unwrap(), &code, &origin(LOGIN_AT), None).await.unwrap();
    code.expose().to_string()
}

async fn show(world: &World, code: &str, now: u64) -> Reply {
    world.post("/auth/code", &json!({ "code": code }), now).await
}

async fn register(world: &World, code: &str, password: &str, now: u64) -> Reply {
    world.post("/auth/registration/complete", &json!({ "code": code, "password": password }), now).await
}

async fn recover(world: &World, code: &str, password: &str, now: u64) -> Reply {
    world.post("/auth/recovery/complete", &json!({ "code": code, "new_password": password }), now).await
}

/// The body that a path takes.
fn body(path: &str, code: &str) -> Value {
    match path {
        "/auth/code" => json!({ "code": code }),
        "/auth/registration/complete" => json!({ "code": code, "password": NEW }),
        _ => json!({ "code": code, "new_password": NEW }),
    }
}

fn post(path: &str, body: &Value) -> Event {
    Event::http_api(&Method::POST, path).json(body)
}

/// Every call to DynamoDB that `redeem` makes while everything that it can do is done.
pub(crate) async fn operations() -> Vec<String> {
    let world = world().await;
    world.create("ada", OLD).await;
    let (invitation, recovery) = (invite(&world, "bob", "{}").await, allow_recovery(&world, "ada").await);
    world.log_in("ada", "wrong", LOGIN_AT).await;
    world.operations();
    edge::Endpoint::warm_up(world.gateway.redeem.as_ref().unwrap(), at(LOGIN_AT)).await;
    assert_eq!(show(&world, &invitation, LOGIN_AT).await.status, 200);
    assert_eq!(register(&world, &invitation, NEW, LOGIN_AT).await.status, 201);
    assert_eq!(recover(&world, &recovery, NEW, LOGIN_AT).await.status, 204);
    world.operations()
}
