//! `--aws-only`: the AWS around the functions on one address, for functions that run elsewhere on this machine.
//!
//! One address, because `AWS_ENDPOINT_URL` is one: calls are told apart by `X-Amz-Target`, which browsers send to nobody
//! who did not ask for it.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use aws::AwsSettings;
use axum::{Router, body::Body, extract::State, routing::post};
use http::{Request, Response};
use hyper_util::rt::TokioIo;
use keyring::{PublicKeys, PublicKeysError, SigningSecret};
use local_data::{Store, StoreFileError, TABLE_NAME, folder::prepare, signing_key};
use serde_json::{Value, json};
use stand_ins::{AwsError, Secret, secrets_manager};
use tokio::{net::TcpListener, net::TcpStream, task::JoinHandle};
use users::{Hasher, UserTable};

use crate::{Options, StartError, demo};

/// The port where emulators of AWS are looked for.
pub(crate) const PORT: u16 = 4566;
/// The name of the secret that holds the signing keys.
pub const SECRET_NAME: &str = "latchkey-signing-keys";
/// The name of the table of the public keys.
pub const PUBLIC_KEYS_TABLE: &str = "latchkey-public-keys";

const SECRET_ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:latchkey-signing-keys-l0ca1x";
/// DynamoDB takes no larger request.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// A DynamoDB and a Secrets Manager that serve.
pub struct AwsStandIn {
    address: SocketAddr,
    serving: JoinHandle<io::Result<()>>,
}

struct Services {
    /// `host:port` of the embedded DynamoDB.
    dynamodb: String,
    secret: Mutex<Secret>,
    /// Where the value in force is kept.
    folder: PathBuf,
}

impl AwsStandIn {
    /// Binds the address, opens the store, makes key, tables and demo user where they are missing.
    pub async fn start(options: &Options) -> Result<Self, StartError> {
        let (ip, port) = (options.listen, options.port.unwrap_or(PORT));
        let taken = |source| StartError::Port { address: ip, port, source };
        let listener = TcpListener::bind((ip, port)).await.map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        let folder = options.data.clone();
        let unusable = |source| StartError::Folder { folder: folder.clone(), source };
        prepare(&folder, options.fresh).map_err(unusable)?;
        let store = Store::open(&folder).await?;
        let now = edge::clock::now();
        let keys = std::fs::read_to_string(signing_key::file_in(&folder, now)?).map_err(unusable)?;
        demo::create_user(&store.users, &Hasher::new(), now).await?;
        let dynamodb = store.endpoint.trim_start_matches("http://").to_owned();
        let secret = Mutex::new(Secret::new(SECRET_ARN, keys));
        let services = Arc::new(Services { dynamodb, secret, folder: folder.clone() });
        let routes = Router::new().route("/", post(answer)).with_state(services);
        let serving = tokio::spawn(async move {
            axum::serve(listener, routes)
                .with_graceful_shutdown(async { tokio::signal::ctrl_c().await.unwrap_or(()) })
                .await
        });
        let stand_in = Self { address, serving };
        stand_in.publish(&store).await?;
        Ok(stand_in)
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves until Ctrl-C.
    pub async fn serve(self) -> io::Result<()> {
        self.serving.await.map_err(io::Error::other)?
    }

    /// Does once what the schedule of template.yaml does every 5 minutes.
    async fn publish(&self, store: &Store) -> Result<(), StartError> {
        let url = self.url();
        let lookup = |variable: &str| match variable {
            "AWS_ENDPOINT_URL" => Some(url.clone()),
            "AWS_REGION" | "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("local".to_owned()),
            _ => None,
        };
        let aws = AwsSettings::new(&lookup).map_err(edge::SettingError::from)?;
        // The two tables have the same key.
        let table =
            UserTable::new(AwsSettings::embedded(store.endpoint.clone()).dynamodb(), PUBLIC_KEYS_TABLE);
        table.create_table().await.map_err(StoreFileError::Table)?;
        let published = PublicKeys::new(aws.dynamodb(), PUBLIC_KEYS_TABLE);
        match published.publish(&SigningSecret::new(aws.secrets_manager(), SECRET_NAME)).await {
            // The functions start all the same, and those that read the table say what is missing.
            Ok(_) | Err(PublicKeysError::NoPublicHalf) => Ok(()),
            Err(problem) => Err(problem.into()),
        }
    }
}

async fn answer(State(services): State<Arc<Services>>, request: Request<Body>) -> Response<Body> {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
    match target.map(ToOwned::to_owned) {
        Some(target) if target.starts_with("DynamoDB_") => services.dynamodb(request).await,
        Some(target) if target.starts_with(secrets_manager::TARGET) => {
            services.secrets(&target, request).await
        }
        _ => unknown("DynamoDB and Secrets Manager answer here, and nothing else"),
    }
}

impl Services {
    async fn dynamodb(&self, request: Request<Body>) -> Response<Body> {
        match forward(&self.dynamodb, request).await {
            Ok(response) => response,
            Err(_) => failure(500, ("InternalServerError", "the embedded DynamoDB is gone")),
        }
    }

    async fn secrets(&self, target: &str, request: Request<Body>) -> Response<Body> {
        let Ok(body) = axum::body::to_bytes(request.into_body(), MAX_BODY_BYTES).await else {
            return unknown("the body is too large");
        };
        let mut secret = self.secret.lock().unwrap_or_else(PoisonError::into_inner);
        let value =
            |secret: &Secret| secret.labelled("AWSCURRENT").and_then(|(_, value)| value.map(str::to_owned));
        let before = value(&secret);
        let response = secrets_manager::answer(&mut secret, target, &body).map(Body::from);
        let kept = match value(&secret).filter(|now| before.as_ref() != Some(now)) {
            Some(value) => signing_key::replace_secret(&self.folder, &value).is_ok(),
            None => true,
        };
        if kept { response } else { failure(500, ("InternalServiceError", "the key file cannot be written")) }
    }
}

/// The answer of the server at `address`.
async fn forward(
    address: &str,
    request: Request<Body>,
) -> Result<Response<Body>, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?.map(Body::new))
}

fn unknown(message: &'static str) -> Response<Body> {
    failure(400, ("UnknownOperationException", message))
}

fn failure(status: u16, error: AwsError) -> Response<Body> {
    secrets_manager::failure(status, error).map(Body::from)
}

/// What `--ready-file` says: where AWS is, and what is there.
pub fn ready(url: &str) -> Value {
    json!({
        "url": url, "username": demo::USERNAME, "password": demo::PASSWORD,
        "users_table": TABLE_NAME, "public_keys_table": PUBLIC_KEYS_TABLE, "signing_secret": SECRET_NAME,
    })
}

/// What answers where, and what whoever asks has to set.
pub fn greeting(url: &str, options: &Options) -> String {
    let (data, listen) = (options.data.display(), options.listen);
    let warning = if listen.is_loopback() {
        String::new()
    } else {
        format!("\nWhoever reaches {listen} reads the signing key and the password hashes.\n")
    };
    format!(
        r"A stand-in for AWS on {url}, data in {data}
{warning}
  DynamoDB         tables {TABLE_NAME} and {PUBLIC_KEYS_TABLE}
  Secrets Manager  secret {SECRET_NAME}
  demo user        {}
  password         {}

Functions, the latchkey command and AWS's own tools find it with

  export AWS_ENDPOINT_URL={url} AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
  export USERS_TABLE={TABLE_NAME} PUBLIC_KEYS_TABLE={PUBLIC_KEYS_TABLE} SIGNING_SECRET={SECRET_NAME}

docs/development.md has sam local start-api and cargo lambda watch on top of it.
Stop with Ctrl-C.",
        demo::USERNAME,
        demo::PASSWORD,
    )
}
