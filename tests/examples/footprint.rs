//! The size and the resident memory of the release binaries, against their bounds, and how soon the discovery document
//! is there.
//!
//! `cargo lambda build --release` first, then `cargo run -p tests --example footprint -- target/lambda`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a check for the terminal"
)]

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use harness::{Event, SecretsManager, World, at, lambda::Function};
use http::Method;
use local_data::TABLE_NAME;
use serde_json::{Value, json};
use token::{Algorithm, Key, KeySet, Schedule};

const MEGABYTE: f64 = 1_000_000.0;
const ROUNDS: usize = 1000;
const PASSWORD: &str = "correct horse battery";

#[tokio::main]
async fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "target/lambda".to_owned()));
    let store = harness::DynamoDb::start().await;
    World::at_endpoint(&store.endpoint, &[]).create("ada", PASSWORD).await;
    let always = Schedule { published: at(0), signs_from: at(0), retires: None };
    let keys = KeySet::new(vec![Key::generate(Algorithm::RS256, always).unwrap()]).unwrap();
    let secrets = SecretsManager::start(&keys.to_secret()).await;
    let start = async |name: &str| {
        let variables = [
            ("AWS_ENDPOINT_URL_DYNAMODB", store.endpoint.as_str()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.url()),
            ("USERS_TABLE", TABLE_NAME),
            ("SIGNING_SECRET", "signing"),
            ("JWT_ISSUER", "https://issuer.example"),
            ("JWT_ALLOW_REFRESH", "true"),
        ];
        Function::start(&folder.join(name).join("bootstrap"), &variables).await
    };
    let mut login = start("login").await;
    let credentials = post("/auth/login", &json!({ "username": "ada", "password": PASSWORD }));
    let mut token = String::new();
    for _ in 0..100 {
        token = invoke(&mut login, &credentials).await;
    }
    let after_100 = login.peak_memory();
    for _ in 0..ROUNDS {
        token = invoke(&mut login, &credentials).await;
    }
    let mut refresh = start("refresh").await;
    for _ in 0..ROUNDS {
        token = invoke(&mut refresh, &post("/auth/refresh", &json!({ "token": token }))).await;
    }
    check("size of refresh", size(&folder.join("refresh/bootstrap")), 8.5);
    check("resident memory of refresh after 1,000 refreshes", refresh.peak_memory(), 12.0);
    check("resident memory of login after 1,100 logins", login.peak_memory(), 30.0);
    check("its growth in the last 1,000 of them", login.peak_memory() - after_100, 1.0);
    let began = Instant::now();
    let discovery = Event::http_api(&Method::GET, "/.well-known/openid-configuration");
    assert_eq!(start("jwks").await.invoke(&discovery).await.status, 200);
    println!(
        "discovery document after a cold start: {} ms (API Gateway waits 1,500 ms)",
        began.elapsed().as_millis()
    );
}

fn post(path: &str, body: &Value) -> Event {
    Event::http_api(&Method::POST, path).json(body)
}

async fn invoke(function: &mut Function, event: &Event) -> String {
    let reply = function.invoke(event).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.token().to_owned()
}

#[expect(clippy::cast_precision_loss, reason = "megabytes for people")]
fn size(file: &Path) -> f64 {
    std::fs::metadata(file).unwrap().len() as f64 / MEGABYTE
}

fn check(what: &str, megabytes: f64, bound: f64) {
    println!("{what}: {megabytes:.1} MB (at most {bound} MB)");
    assert!(megabytes <= bound, "{what}");
}
