//! `cargo run -p local -- --aws-only` as a person starts it, and the real functions against it.

use std::path::Path;

use harness::{Event, LocalServer, lambda, lambda::Function};
use http::Method;
use local::stand_in::{PUBLIC_KEYS_TABLE, SECRET_NAME};
use local_data::TABLE_NAME;
use serde_json::{Value, json};
use tempfile::TempDir;

const RAW_SECRET: &str = "a-secret-that-was-put-by-hand-0123456789";

struct StandIn(LocalServer);

impl StandIn {
    fn start(data: &Path) -> Self {
        Self(LocalServer::start(data, &["--aws-only"]))
    }

    /// A function with the variables that the greeting tells to set, and its own.
    async fn function(&self, name: &str) -> Function {
        let greeting = self.0.greeting();
        let exported = greeting.lines().filter_map(|line| line.trim().strip_prefix("export "));
        let mut variables: Vec<_> =
            exported.flat_map(|line| line.split(' ')).map(|pair| pair.split_once('=').unwrap()).collect();
        variables.extend([("JWT_ISSUER", "http://localhost:3000"), ("JWT_ALLOW_REFRESH", "true")]);
        Function::start(&lambda::binary(name), &variables).await
    }

    fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        let lookup = |variable: &str| match variable {
            "AWS_ENDPOINT_URL" => Some(self.0.url().to_owned()),
            "AWS_REGION" | "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("local".to_owned()),
            _ => None,
        };
        aws::AwsSettings::new(&lookup).unwrap().secrets_manager()
    }
}

fn post(path: &str, body: &Value) -> Event {
    Event::http_api(&Method::POST, path).json(body)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_functions_find_users_and_keys_at_one_address_and_verify_with_the_published_halves() {
    let data = TempDir::new().unwrap();
    let stand_in = StandIn::start(data.path());
    let credentials = json!({ "username": "demo", "password": "latchkey demo password" });
    let reply = stand_in.function("login").await.invoke(&post("/auth/login", &credentials)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let asked = json!({ "token": reply.token(), "check_session": true });
    let verified = stand_in.function("verify").await.invoke(&post("/auth/verify", &asked)).await;
    assert_eq!((verified.status, &verified.body["claims"]["username"]), (200, &json!("demo")));
}

#[test]
fn its_ready_file_has_the_names_that_its_greeting_has() {
    let data = TempDir::new().unwrap();
    let StandIn(server) = StandIn::start(data.path());
    let (ready, greeting) = (server.ready(), server.greeting());
    for (member, variable) in [
        ("url", "AWS_ENDPOINT_URL"),
        ("users_table", "USERS_TABLE"),
        ("public_keys_table", "PUBLIC_KEYS_TABLE"),
        ("signing_secret", "SIGNING_SECRET"),
    ] {
        let exported = format!("{variable}={} ", ready[member].as_str().unwrap());
        assert!(greeting.replace('\n', " ").contains(&exported), "no {exported} in {greeting}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_put_is_there_after_a_restart() {
    let data = TempDir::new().unwrap();
    let stand_in = StandIn::start(data.path());
    let secrets = stand_in.secrets();
    let refused = secrets.get_secret_value().secret_id("another").send().await.unwrap_err();
    assert!(refused.into_service_error().is_resource_not_found_exception());
    let put = secrets.put_secret_value().secret_id(SECRET_NAME).secret_string(RAW_SECRET);
    put.send().await.unwrap();
    drop(stand_in);
    let again = StandIn::start(data.path());
    let read = again.secrets().get_secret_value().secret_id(SECRET_NAME).send().await.unwrap();
    assert_eq!(read.secret_string(), Some(RAW_SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_neither_dynamodb_nor_secrets_manager_is_refused() {
    let data = TempDir::new().unwrap();
    let stand_in = StandIn::start(data.path());
    let secrets = stand_in.secrets();
    let unknown = secrets.list_secrets().send().await.unwrap_err();
    let unknown = aws_sdk_secretsmanager::error::DisplayErrorContext(unknown).to_string();
    assert!(
        unknown.contains("ResourceNotFoundException") || unknown.contains("UnknownOperation"),
        "{unknown}"
    );
    let rotation = secrets.rotate_secret().secret_id(SECRET_NAME).send().await.unwrap();
    assert!(rotation.version_id().is_some());
}

#[test]
fn sam_local_and_cargo_lambda_are_told_the_names_of_the_stand_in() {
    let sam: Value = serde_json::from_str(include_str!("../../local/sam-env.json")).unwrap();
    let manifest = include_str!("../../Cargo.toml");
    for (variable, name) in [
        ("USERS_TABLE", TABLE_NAME),
        ("PUBLIC_KEYS_TABLE", PUBLIC_KEYS_TABLE),
        ("SIGNING_SECRET", SECRET_NAME),
    ] {
        assert_eq!(sam["Parameters"][variable], name);
        assert!(manifest.contains(&format!("{variable} = \"{name}\"\n")), "{variable} in Cargo.toml");
    }
}

#[test]
fn cargo_lambda_watch_has_the_routes_of_the_gateway() {
    let manifest = include_str!("../../Cargo.toml");
    let (_, table) = manifest.split_once("[workspace.metadata.lambda.watch.router]\n").unwrap();
    let routed: Vec<_> = table.lines().take_while(|line| !line.is_empty()).collect();
    let expected: Vec<_> = local::ROUTES
        .iter()
        .map(|(path, function)| format!("\"{path}\" = \"{}\"", format!("{function:?}").to_lowercase()))
        .collect();
    assert_eq!(routed, expected);
}

#[test]
fn cargo_lambda_deploys_with_the_memory_and_the_time_of_the_template() {
    let template = crate::template::template();
    for (binary, name) in crate::template::functions() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions").join(&binary);
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let properties = &template["Resources"][name.as_str()]["Properties"];
        let of_all = &template["Globals"]["Function"]["Timeout"];
        let timeout = properties["Timeout"].as_u64().or(of_all.as_u64()).unwrap();
        for line in [
            format!("memory = {}", properties["MemorySize"].as_u64().unwrap()),
            format!("timeout = {timeout}"),
            format!("role = \"arn:aws:iam::123456789012:role/latchkey-{binary}\""),
        ] {
            assert!(manifest.contains(&format!("\n{line}\n")), "{binary} lacks {line}");
        }
    }
}
