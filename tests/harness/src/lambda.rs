//! The real binaries under a Lambda Runtime API.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::OnceLock,
    time::Duration,
};

use serde_json::{Value, json};
use stand_ins::RuntimeApi;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    task::{JoinHandle, block_in_place},
};

use crate::{Event, Reply};

/// How long a function on a busy machine may take to end before the test gives up.
const PATIENCE: Duration = Duration::from_mins(5);

/// One running function. Its methods wait in place, so they want a runtime of several threads.
pub struct Function {
    api: RuntimeApi,
    child: Child,
    /// What it prints, read all the time: a full pipe would stop it.
    printed: [JoinHandle<String>; 2],
}

#[expect(clippy::unused_async, reason = "a call to a function is awaited, whoever waits underneath")]
impl Function {
    /// Starts `program` as Lambda would, with these variables on top of Lambda's own.
    pub async fn start(program: &Path, variables: &[(&str, &str)]) -> Self {
        let api = RuntimeApi::start();
        let mut child = Command::new(program)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
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
        Self { api, child, printed }
    }

    /// Waits until the function asks for its first event.
    pub async fn ready(&self) {
        block_in_place(|| self.api.first_poll());
    }

    /// The function's answer to an HTTP event.
    pub async fn invoke(&mut self, event: &Event) -> Reply {
        Reply::new(&self.call(&event.0).await)
    }

    /// The function's answer to any event.
    pub async fn call(&mut self, event: &Value) -> Value {
        self.api.send(&event.to_string());
        match block_in_place(|| self.api.answer()).outcome {
            Ok(response) => serde_json::from_slice(&response).unwrap(),
            // What API Gateway makes of it.
            Err(error) => {
                json!({ "statusCode": 500, "headers": {}, "body": String::from_utf8_lossy(&error) })
            }
        }
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

/// The binary of `function`, built now if it is not there or not new.
///
/// It is found beside the test itself, so that it has the same profile and no second build of the SDK.
pub fn binary(function: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(build).join(function)
}

fn build() -> PathBuf {
    let profile_folder = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
    let mut build = std::process::Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--locked", "--workspace", "--bins"]);
    // Any test will do: with one Cargo chooses the features that `cargo test` has, and compiles no dependency again.
    build.args(["--test", "rfc_vectors"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let target = profile_folder.parent().unwrap();
    let status =
        build.current_dir(env!("CARGO_MANIFEST_DIR")).env("CARGO_TARGET_DIR", target).status().unwrap();
    assert!(status.success(), "cargo build of the functions");
    profile_folder
}
