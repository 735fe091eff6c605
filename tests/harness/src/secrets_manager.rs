//! A Secrets Manager with one secret, which keeps AWS's rules, counts its calls and fails on demand.

use std::sync::{Arc, Mutex, MutexGuard};

use aws::AwsSettings;
use aws_sdk_secretsmanager::Client;
use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use keyring::{KeySource, SigningSecret};
use serde_json::Value;
use stand_ins::{AwsError, Secret, secrets_manager};
use tokio::net::TcpListener;

/// The ARN of the secret.
pub const SECRET_ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:signing-a1B2c3";

/// One secret behind AWS's JSON protocol, on a loopback port.
pub struct SecretsManager {
    kept: Arc<Mutex<Kept>>,
    url: String,
}

struct Kept {
    secret: Secret,
    /// The value that takes turns with the one in force, at each reading.
    alternative: Option<String>,
    calls: Vec<String>,
    fault: Option<Fault>,
    breaks_off: bool,
}

/// Starts an AWS that denies every call, as where a policy forbids it, and quotes what was sent; returns its URL.
pub async fn denying_aws() -> String {
    let deny = async |sent: String| {
        let said = format!("not authorized to perform this action: {sent}");
        secrets_manager::failure(400, ("AccessDeniedException", &said))
    };
    let routes = Router::new().route("/", post(deny));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}

/// From some call on, the caller hears nothing any more.
struct Fault {
    calls_left: usize,
    /// Whether the call at which it begins still takes effect.
    applies: bool,
}

impl SecretsManager {
    /// A secret of this value, in force and enabled for rotation.
    pub async fn start(value: &str) -> Self {
        let secret = Secret::new(SECRET_ARN, value.to_owned());
        let kept = Kept { secret, alternative: None, calls: Vec::new(), fault: None, breaks_off: false };
        let kept = Arc::new(Mutex::new(kept));
        let routes = Router::new().route("/", post(answer)).with_state(Arc::clone(&kept));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { kept, url }
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client as the functions have it.
    pub fn client(&self) -> Client {
        let lookup = |variable: &str| match variable {
            "AWS_REGION" => Some("eu-west-1".to_owned()),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
            "AWS_ENDPOINT_URL_SECRETS_MANAGER" => Some(self.url.clone()),
            _ => None,
        };
        AwsSettings::new(&lookup).unwrap().secrets_manager()
    }

    /// The secret as functions and tools reach it.
    pub fn signing_secret(&self) -> SigningSecret {
        SigningSecret::new(self.client(), SECRET_ARN)
    }

    /// The secret as the source of a function's keys.
    pub fn source(&self) -> KeySource {
        KeySource::Secret(self.signing_secret())
    }

    /// Does what `RotateSecret` does before it calls the rotation function; the token of the rotation.
    ///
    /// `None` while an earlier one is not complete, which AWS then tries again.
    pub fn begin_rotation(&self) -> Option<String> {
        self.kept().secret.begin_rotation()
    }

    /// Switches rotation off or on.
    pub fn enable_rotation(&self, enabled: bool) {
        self.kept().secret.enable_rotation(enabled);
    }

    /// Puts another value in force, as a person does in the console.
    pub fn put_by_hand(&self, value: &str) {
        self.kept().secret.put_by_hand(value.to_owned());
    }

    /// Whenever the value in force has been read, puts this one in its place, and the other way round.
    pub fn alternate_with(&self, value: &str) {
        self.kept().alternative = Some(value.to_owned());
    }

    /// Overwrites the value under a label, which AWS never does.
    pub fn corrupt(&self, label: &str, value: &str) {
        self.kept().secret.corrupt(label, value);
    }

    /// The version and the value under a label.
    pub fn labelled(&self, label: &str) -> Option<(String, Option<String>)> {
        let kept = self.kept();
        let (version, value) = kept.secret.labelled(label)?;
        Some((version.to_owned(), value.map(ToOwned::to_owned)))
    }

    /// The calls since this was asked last, by IAM's names without `secretsmanager:`.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.kept().calls)
    }

    /// Answers `calls` more calls, and then nothing but failures; the first of those still takes effect if `applies`.
    pub fn fail_after(&self, calls: usize, applies: bool) {
        self.kept().fault = Some(Fault { calls_left: calls, applies });
    }

    /// From now on each answer that has the secret in it breaks off right after it.
    pub fn break_off(&self) {
        self.kept().breaks_off = true;
    }

    /// Answers again.
    pub fn recover(&self) {
        self.kept().fault = None;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }
}

async fn answer(
    State(kept): State<Arc<Mutex<Kept>>>,
    headers: HeaderMap,
    body: Bytes,
) -> http::Response<String> {
    let mut kept = kept.lock().unwrap();
    let call = headers["x-amz-target"].to_str().unwrap().trim_start_matches("secretsmanager.");
    let request: Value = serde_json::from_slice(&body).unwrap();
    if let Some(fault) = &mut kept.fault {
        if fault.calls_left == 0 {
            if std::mem::take(&mut fault.applies) {
                let _lost = kept.apply(call, &request);
            }
            return secrets_manager::failure(500, ("InternalServiceError", "out of order"));
        }
        fault.calls_left -= 1;
    }
    let response = secrets_manager::response(kept.apply(call, &request));
    if kept.breaks_off { response.map(cut_after_secret) } else { response }
}

fn cut_after_secret(body: String) -> String {
    match body.find("\",\"VersionId\"") {
        Some(end) if body.contains("SecretString") => body[..end].to_owned(),
        _ => body,
    }
}

impl Kept {
    fn apply(&mut self, call: &str, request: &Value) -> Result<Value, AwsError> {
        self.calls.push(call.to_owned());
        let answer = self.secret.apply(call, request)?;
        if call == "GetSecretValue"
            && let Some(next) = self.alternative.take()
        {
            self.alternative = Some(answer["SecretString"].as_str().unwrap().to_owned());
            self.secret.put_by_hand(next);
        }
        Ok(answer)
    }
}
