//! A strict Secrets Manager with one secret: versions, labels and tokens by AWS's rules, and faults on demand.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use aws_sdk_secretsmanager::Client;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::post,
};
use edge::{Environment, KeySource, aws::AwsSettings};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The ARN of the secret.
pub const SECRET_ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:signing-a1B2c3";
/// The version that the secret begins with.
pub const FIRST_VERSION: &str = "00000000-0000-0000-0000-000000000000";

/// One secret behind AWS's JSON protocol, on a loopback port.
pub struct SecretsManager {
    secret: Arc<Mutex<Secret>>,
    url: String,
}

struct Secret {
    /// A version of a rotation that has just begun has no value.
    versions: BTreeMap<String, Option<String>>,
    /// The version of each label; a label is on one version at most.
    labels: BTreeMap<String, String>,
    rotation_enabled: bool,
    /// The value that takes turns with the one in force, at each reading.
    alternative: Option<String>,
    calls: Vec<String>,
    fault: Option<Fault>,
}

/// From some call on, the caller hears nothing any more.
struct Fault {
    calls_left: usize,
    /// Whether the call at which it begins still takes effect.
    applies: bool,
}

/// A refusal: AWS's name for it and its sentence.
type Refused = (&'static str, &'static str);

impl SecretsManager {
    /// A secret of this value, in force and enabled for rotation.
    pub async fn start(value: &str) -> Self {
        let secret = Secret {
            versions: BTreeMap::from([(FIRST_VERSION.to_owned(), Some(value.to_owned()))]),
            labels: BTreeMap::from([("AWSCURRENT".to_owned(), FIRST_VERSION.to_owned())]),
            rotation_enabled: true,
            alternative: None,
            calls: Vec::new(),
            fault: None,
        };
        let secret = Arc::new(Mutex::new(secret));
        let routes = Router::new().route("/", post(answer)).with_state(Arc::clone(&secret));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { secret, url }
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
        AwsSettings::new(&Environment::new(&lookup)).unwrap().secrets_manager()
    }

    /// The secret as the source of a function's keys.
    pub fn source(&self) -> KeySource {
        KeySource::SecretsManager { client: self.client(), secret_id: SECRET_ARN.to_owned() }
    }

    /// Does what `RotateSecret` does before it calls the rotation function; the token of the rotation.
    ///
    /// `None` while an earlier one is not complete, which AWS then tries again.
    pub fn begin_rotation(&self) -> Option<String> {
        self.secret().begin_rotation()
    }

    /// Switches rotation off or on.
    pub fn enable_rotation(&self, enabled: bool) {
        self.secret().rotation_enabled = enabled;
    }

    /// Puts another value in force, as a person does in the console.
    pub fn put_by_hand(&self, value: &str) {
        self.secret().put_by_hand(value.to_owned());
    }

    /// Whenever the value in force has been read, puts this one in its place, and the other way round.
    pub fn alternate_with(&self, value: &str) {
        self.secret().alternative = Some(value.to_owned());
    }

    /// Overwrites the value under a label, which AWS never does.
    pub fn corrupt(&self, label: &str, value: &str) {
        let mut secret = self.secret();
        let version = secret.labels[label].clone();
        secret.versions.insert(version, Some(value.to_owned()));
    }

    /// The version and the value under a label.
    pub fn labelled(&self, label: &str) -> Option<(String, Option<String>)> {
        let secret = self.secret();
        let version = secret.labels.get(label)?;
        Some((version.clone(), secret.versions[version].clone()))
    }

    /// The calls since this was asked last, by IAM's names without `secretsmanager:`.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.secret().calls)
    }

    /// Answers `calls` more calls, and then nothing but failures; the first of those still takes effect if `applies`.
    pub fn fail_after(&self, calls: usize, applies: bool) {
        self.secret().fault = Some(Fault { calls_left: calls, applies });
    }

    /// Answers again.
    pub fn recover(&self) {
        self.secret().fault = None;
    }

    fn secret(&self) -> MutexGuard<'_, Secret> {
        self.secret.lock().unwrap()
    }
}

async fn answer(State(secret): State<Arc<Mutex<Secret>>>, headers: HeaderMap, body: Bytes) -> Response {
    let mut secret = secret.lock().unwrap();
    let call = headers["x-amz-target"].to_str().unwrap().trim_start_matches("secretsmanager.").to_owned();
    let request: Value = serde_json::from_slice(&body).unwrap();
    if let Some(fault) = &mut secret.fault {
        if fault.calls_left == 0 {
            if std::mem::take(&mut fault.applies) {
                let _lost = secret.apply(&call, &request);
            }
            return failure(StatusCode::INTERNAL_SERVER_ERROR, ("InternalServiceError", "out of order"));
        }
        fault.calls_left -= 1;
    }
    match secret.apply(&call, &request) {
        Ok(answer) => axum_json(StatusCode::OK, &answer),
        Err(refused) => failure(StatusCode::BAD_REQUEST, refused),
    }
}

fn failure(status: StatusCode, (name, message): Refused) -> Response {
    axum_json(status, &json!({ "__type": name, "Message": message }))
}

fn axum_json(status: StatusCode, body: &Value) -> Response {
    (status, [("content-type", "application/x-amz-json-1.1")], body.to_string()).into_response()
}

impl Secret {
    fn apply(&mut self, call: &str, request: &Value) -> Result<Value, Refused> {
        self.calls.push(call.to_owned());
        if request["SecretId"] != SECRET_ARN {
            return Err(("ResourceNotFoundException", "no such secret"));
        }
        match call {
            "DescribeSecret" => Ok(self.describe()),
            "GetSecretValue" => self.get(request),
            "PutSecretValue" => self.put(request),
            "UpdateSecretVersionStage" => self.update_stage(request),
            "RotateSecret" => {
                let begun = self.begin_rotation();
                let refused = (
                    "InvalidRequestException",
                    "A previous rotation isn't complete. That rotation will be reattempted.",
                );
                Ok(json!({ "ARN": SECRET_ARN, "VersionId": begun.ok_or(refused)? }))
            }
            _ => Err(("UnknownOperationException", "no such operation")),
        }
    }

    fn begin_rotation(&mut self) -> Option<String> {
        let pending = self.labels.get("AWSPENDING");
        if pending.is_some_and(|version| Some(version) != self.labels.get("AWSCURRENT")) {
            return None;
        }
        let token = format!("00000000-0000-0000-0000-{:012}", self.versions.len());
        self.versions.insert(token.clone(), None);
        self.labels.insert("AWSPENDING".to_owned(), token.clone());
        Some(token)
    }

    fn describe(&self) -> Value {
        let mut stages: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (label, version) in &self.labels {
            stages.entry(version).or_default().push(label);
        }
        json!({ "ARN": SECRET_ARN, "RotationEnabled": self.rotation_enabled, "VersionIdsToStages": stages })
    }

    fn put_by_hand(&mut self, value: String) {
        let version = format!("11111111-0000-0000-0000-{:012}", self.versions.len());
        self.versions.insert(version.clone(), Some(value));
        self.move_label("AWSCURRENT", &version);
    }

    fn get(&mut self, request: &Value) -> Result<Value, Refused> {
        let label = request["VersionStage"].as_str().unwrap_or("AWSCURRENT");
        let absent = ("ResourceNotFoundException", "no such version");
        let version = self.labels.get(label).ok_or(absent)?.clone();
        if request["VersionId"].as_str().is_some_and(|asked| asked != version) {
            return Err(absent);
        }
        let value = self.versions[&version].clone().ok_or(absent)?;
        if let Some(next) = self.alternative.take() {
            self.alternative = Some(value.clone());
            self.put_by_hand(next);
        }
        Ok(json!({ "ARN": SECRET_ARN, "VersionId": version, "SecretString": value }))
    }

    fn put(&mut self, request: &Value) -> Result<Value, Refused> {
        let token = request["ClientRequestToken"].as_str().unwrap();
        let value = request["SecretString"].as_str().unwrap();
        if !(32..=64).contains(&token.len()) || !(1..=65_536).contains(&value.len()) {
            return Err(("InvalidParameterException", "token or value out of range"));
        }
        if let Some(Some(there)) = self.versions.get(token) {
            if there != value {
                return Err(("ResourceExistsException", "the version has another value"));
            }
        } else {
            self.versions.insert(token.to_owned(), Some(value.to_owned()));
            for label in request["VersionStages"].as_array().unwrap_or(&vec![json!("AWSCURRENT")]) {
                self.move_label(label.as_str().unwrap(), token);
            }
        }
        Ok(json!({ "ARN": SECRET_ARN, "VersionId": token }))
    }

    fn update_stage(&mut self, request: &Value) -> Result<Value, Refused> {
        let label = request["VersionStage"].as_str().unwrap();
        let (to, from) = (request["MoveToVersionId"].as_str(), request["RemoveFromVersionId"].as_str());
        let holder = self.labels.get(label).map(String::as_str);
        if holder.is_some() && holder != from && holder != to {
            return Err(("InvalidParameterException", "the label is on another version"));
        }
        match to {
            Some(to) if !self.versions.contains_key(to) => {
                return Err(("ResourceNotFoundException", "no such version"));
            }
            Some(to) => self.move_label(label, to),
            None if label == "AWSCURRENT" => {
                return Err(("InvalidParameterException", "AWSCURRENT can only be moved"));
            }
            None => drop(self.labels.remove(label)),
        }
        Ok(json!({ "ARN": SECRET_ARN }))
    }

    /// The version that loses `AWSCURRENT` gets `AWSPREVIOUS`.
    fn move_label(&mut self, label: &str, version: &str) {
        let lost = self.labels.insert(label.to_owned(), version.to_owned());
        if let Some(lost) = lost.filter(|lost| label == "AWSCURRENT" && lost != version) {
            self.labels.insert("AWSPREVIOUS".to_owned(), lost);
        }
    }
}
