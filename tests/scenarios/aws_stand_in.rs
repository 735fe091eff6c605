//! `cargo run -p local -- --aws-only` as a person starts it, and the real functions against it.

use std::path::Path;

use harness::{Event, LocalServer, lambda, lambda::Function};
use http::Method;
use local::stand_in::{PUBLIC_KEYS_TABLE, SECRET_NAME};
use local_data::TABLE_NAME;
use serde_json::{Value, json};
use tempfile::TempDir;

const RAW_SECRET: &str = "hs256:8f3b1c9e5a7d2f604c8b9e1d3a5f7c2064e8b0d9f1a3c5e7092b4d6f8a1c3e5b";

struct StandIn(LocalServer);

impl StandIn {
    fn start(data: &Path) -> Self {
        Self(LocalServer::start(data, &["--aws-only"]))
    }

    fn access_key(&self) -> &str {
        self.0.ready()["access_key_id"].as_str().unwrap()
    }

    /// A function with the variables that the greeting tells to set, and its own.
    async fn function(&self, name: &str) -> Function {
        let greeting = self.0.greeting();
        let mut variables: Vec<_> = exported(&greeting).collect();
        variables.extend([("JWT_ISSUER", "http://localhost:3000"), ("JWT_ALLOW_REFRESH", "true")]);
        Function::start(&lambda::binary(name), &variables).await
    }

    fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        let greeting = self.0.greeting();
        let lookup = |variable: &str| {
            exported(&greeting).find(|(name, _)| *name == variable).map(|(_, value)| value.to_owned())
        };
        aws::AwsSettings::new(&lookup).unwrap().secrets_manager()
    }
}

/// The variables that a greeting tells to set.
fn exported(greeting: &str) -> impl Iterator<Item = (&str, &str)> {
    let exported = greeting.lines().filter_map(|line| line.trim().strip_prefix("export "));
    exported.flat_map(|line| line.split(' ')).map(|pair| pair.split_once('=').unwrap())
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
    let rejected = secrets.get_secret_value().secret_id("another").send().await.unwrap_err();
    assert!(rejected.into_service_error().is_resource_not_found_exception());
    let put = secrets.put_secret_value().secret_id(SECRET_NAME).secret_string(RAW_SECRET);
    put.send().await.unwrap();
    drop(stand_in);
    let again = StandIn::start(data.path());
    let read = again.secrets().get_secret_value().secret_id(SECRET_NAME).send().await.unwrap();
    assert_eq!(read.secret_string(), Some(RAW_SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_neither_dynamodb_nor_secrets_manager_is_rejected() {
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

/// What `curl -s HOST_AND_PORT …` would send, and the status and body that come back.
fn call(stand_in: &StandIn, key: &str, target: &str, headers: &str, body: &Value) -> (u16, String) {
    let body = body.to_string();
    let address = stand_in.0.url().trim_start_matches("http://");
    let host = if headers.contains("Host: ") { String::new() } else { format!("Host: {address}\r\n") };
    let request = format!(
        "POST / HTTP/1.1\r\n{host}{headers}X-Amz-Target: {target}\r\nContent-Type: application/x-amz-json-1.0\r\n\
         X-Amz-Date: x\r\nAuthorization: AWS4-HMAC-SHA256 Credential={key}/20261127/us-east-1/dynamodb/aws4_request, \
         SignedHeaders=host, Signature=0\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let (status, _, body) = crate::local_server::exchange_with(address, &request);
    (status, body)
}

#[tokio::test]
async fn a_page_reads_neither_the_users_nor_the_signing_key_and_nor_does_another_account() {
    let data = TempDir::new().unwrap();
    let stand_in = StandIn::start(data.path());
    let scan = ("DynamoDB_20120810.Scan", json!({ "TableName": TABLE_NAME }));
    let secret = ("secretsmanager.GetSecretValue", json!({ "SecretId": SECRET_NAME }));
    let key = stand_in.access_key();
    for (target, body) in [&scan, &secret] {
        let (status, said) = call(&stand_in, key, target, "", body);
        assert_eq!(status, 200, "{said}");
        for (key, headers, expected) in [
            // A page of another server, which cannot know the key, and one that somehow does.
            ("a", "Origin: http://evil.example\r\n", 403),
            (key, "Origin: http://evil.example\r\n", 403),
            (key, "Origin: null\r\n", 403),
            // A page whose name was made to point here.
            (key, "Host: evil.example:4566\r\nOrigin: http://evil.example:4566\r\n", 403),
            (key, "Host: evil.example:4566\r\n", 403),
            // Another account of this machine.
            ("a", "", 400),
            ("local", "", 400),
        ] {
            let (status, said) = call(&stand_in, key, target, headers, body);
            assert_eq!(status, expected, "{target} {headers}: {said}");
            for canary in ["argon2", "private", "PRIVATE", "\"d\"", "demo"] {
                assert!(!said.contains(canary), "{said}");
            }
        }
    }
    // No preflight is answered with leave.
    let address = stand_in.0.url().trim_start_matches("http://");
    let preflight = format!(
        "OPTIONS / HTTP/1.1\r\nHost: {address}\r\nOrigin: http://evil.example\r\n\
         Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n"
    );
    let (status, head, _) = crate::local_server::exchange_with(address, &preflight);
    assert!(status == 403 && !head.contains("access-control"), "{head}");
}

#[tokio::test]
async fn each_run_has_credentials_of_its_own() {
    let data = TempDir::new().unwrap();
    let first = StandIn::start(data.path()).access_key().to_owned();
    let second = StandIn::start(data.path());
    assert_ne!(first, second.access_key());
    let target = "DynamoDB_20120810.Scan";
    let (status, said) = call(&second, &first, target, "", &json!({ "TableName": TABLE_NAME }));
    assert_eq!(status, 400, "{said}");
    assert!(said.contains("UnrecognizedClientException") && said.contains("AWS_ACCESS_KEY_ID"), "{said}");
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
        .map(|(path, function)| format!("\"{path}\" = \"{}\"", crate::template::binary(*function)))
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
