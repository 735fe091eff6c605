//! The Lambda Runtime API and the AWS around a function, for the real binaries.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path as UrlPath, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    net::TcpListener,
    process::{Child, Command},
    sync::{Notify, mpsc},
    task::JoinHandle,
};

use crate::{Event, Reply};

/// How long a function of a loaded machine may take for one answer before the test gives up.
const PATIENCE: Duration = Duration::from_mins(1);

/// One running function.
pub struct Function {
    events: Arc<Events>,
    answers: mpsc::UnboundedReceiver<Value>,
    child: Child,
    /// What it prints, read all the time: a full pipe would stop it.
    printed: [JoinHandle<String>; 2],
}

#[derive(Default)]
struct Events {
    waiting: Mutex<VecDeque<String>>,
    arrived: Notify,
    /// Told when the function asks for an event.
    asked: Notify,
}

#[derive(Clone)]
struct RuntimeApi {
    events: Arc<Events>,
    answers: mpsc::UnboundedSender<Value>,
}

impl Function {
    /// Starts `program` as Lambda would, with these variables on top of Lambda's own.
    pub async fn start(program: &Path, variables: &[(&str, &str)]) -> Self {
        let events = Arc::new(Events::default());
        let (sender, answers) = mpsc::unbounded_channel();
        let api = RuntimeApi { events: Arc::clone(&events), answers: sender };
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
            .with_state(api);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let mut child = Command::new(program)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "function")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let printed = [read(child.stdout.take().unwrap()), read(child.stderr.take().unwrap())];
        Self { events, answers, child, printed }
    }

    /// Waits until the function asks for its first event.
    pub async fn ready(&self) {
        tokio::time::timeout(PATIENCE, self.events.asked.notified()).await.expect("a poll in time");
    }

    /// The function's answer to an HTTP event.
    pub async fn invoke(&mut self, event: &Event) -> Reply {
        Reply::new(&self.call(&event.0).await)
    }

    /// The function's answer to any event.
    pub async fn call(&mut self, event: &Value) -> Value {
        self.events.waiting.lock().unwrap().push_back(event.to_string());
        self.events.arrived.notify_one();
        let answer = tokio::time::timeout(PATIENCE, self.answers.recv()).await.expect("an answer in time");
        answer.expect("a running function")
    }

    /// The most memory that the running function has had resident, in megabytes (Linux).
    pub fn peak_memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        let kibibytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kibibytes * 1024.0 / 1_000_000.0
    }

    /// Stops the function; what it printed on both streams.
    pub async fn stop(mut self) -> String {
        self.child.kill().await.unwrap();
        self.read_output().await
    }

    /// Waits for the function to end by itself; what it printed on both streams.
    pub async fn ended(mut self) -> String {
        let status =
            tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("an end in time").unwrap();
        assert!(!status.success());
        self.read_output().await
    }

    async fn read_output(self) -> String {
        let [stdout, stderr] = self.printed;
        stdout.await.unwrap() + &stderr.await.unwrap()
    }
}

fn read(mut stream: impl AsyncRead + Send + Unpin + 'static) -> JoinHandle<String> {
    tokio::spawn(async move {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

async fn next(State(api): State<RuntimeApi>) -> Response {
    api.events.asked.notify_one();
    let event = loop {
        if let Some(event) = api.events.waiting.lock().unwrap().pop_front() {
            break event;
        }
        api.events.arrived.notified().await;
    };
    #[expect(clippy::disallowed_methods, reason = "Lambda tells the deadline as a time of day")]
    let deadline = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_mins(1);
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-west-1:123456789012:function:f".to_owned(),
        ),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, event).into_response()
}

async fn answered(
    State(api): State<RuntimeApi>,
    UrlPath(_): UrlPath<String>,
    body: Bytes,
) -> http::StatusCode {
    api.answers.send(serde_json::from_slice(&body).unwrap()).unwrap();
    http::StatusCode::ACCEPTED
}

/// A function error is a bug: API Gateway makes a 500 of it.
async fn failed(State(api): State<RuntimeApi>, UrlPath(_): UrlPath<String>, body: Bytes) -> http::StatusCode {
    let error = json!({ "statusCode": 500, "headers": {}, "body": String::from_utf8_lossy(&body) });
    api.answers.send(error).unwrap();
    http::StatusCode::ACCEPTED
}

/// A Secrets Manager that holds one secret; returns its URL and the count of its calls.
pub async fn secrets_manager(secret: String) -> (String, Arc<Mutex<usize>>) {
    let calls = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&calls);
    let routes = Router::new().route(
        "/",
        post(move |headers: HeaderMap| async move {
            *counter.lock().unwrap() += 1;
            assert_eq!(headers["x-amz-target"], "secretsmanager.GetSecretValue");
            json!({ "Name": "signing", "SecretString": secret }).to_string()
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, calls)
}

/// A Secrets Manager whose answers break off within the secret; returns its URL.
pub async fn breaking_secrets_manager(secret: &str) -> String {
    let answer = format!(r#"{{"Name":"signing","SecretString":"{secret}"#);
    let routes = Router::new().route("/", post(move || async move { answer }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}

/// The binary of `function`, built now if it is not there or not new.
///
/// It is found beside the test itself, so that it has the same profile and no second build of the SDK.
pub fn binary(function: &str) -> PathBuf {
    let profile_folder = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
    let mut build = std::process::Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--locked", "--workspace", "--bins"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let target = profile_folder.parent().unwrap();
    let status =
        build.current_dir(env!("CARGO_MANIFEST_DIR")).env("CARGO_TARGET_DIR", target).status().unwrap();
    assert!(status.success(), "cargo build of the functions");
    profile_folder.join(function)
}
