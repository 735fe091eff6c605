//! `--aws-only`: the AWS around the functions on one address, for functions that run elsewhere on this machine.
//!
//! One address, because `AWS_ENDPOINT_URL` is one: calls are told apart by `X-Amz-Target`. Nothing is answered before
//! `caller` has let the caller in.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use aws::AwsSettings;
use axum::body::Body;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use keyring::{PublicKeys, PublicKeysError, SigningSecret};
use local_data::{DataFolder, DynamoDb, Store, StoreFileError, TABLE_NAME, signing_key};
use serde_json::{Value, json};
use stand_ins::{AwsError, Secret, secrets_manager, ses};
use tokio::{net::TcpListener, task::JoinHandle};
use users::{Hasher, UserTable};

use crate::{
    CallerError, Credentials, Options, SesStandIn, StartError, caller, connections, demo, server::prepare,
};

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
    credentials: Credentials,
    data: DataFolder,
    serving: JoinHandle<io::Result<()>>,
}

struct Services {
    address: SocketAddr,
    credentials: Credentials,
    dynamodb: DynamoDb,
    secret: Mutex<Secret>,
    ses: SesStandIn,
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
        let data = prepare(options)?;
        let folder = data.path().to_owned();
        let store = Store::open(&folder).await?;
        let now = edge::clock::now();
        signing_key::file_in(&folder, now)?;
        let keys = signing_key::read(&folder)?;
        demo::create_user(&store.users, &Hasher::new(), now).await?;
        let credentials = Credentials::generate().map_err(demo::DemoError::Random)?;
        let services = Arc::new(Services {
            address,
            credentials: credentials.clone(),
            dynamodb: store.dynamodb.clone(),
            ses: SesStandIn::new(),
            secret: Mutex::new(Secret::new(SECRET_ARN, keys.to_string())),
            folder,
        });
        let answer = move |request, _| {
            let services = Arc::clone(&services);
            async move { services.answer(request).await }
        };
        let serving = tokio::spawn(connections::serve(listener, None, answer));
        let stand_in = Self { address, credentials, data, serving };
        stand_in.publish(&store).await?;
        Ok(stand_in)
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What whoever asks has to sign with.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Where the data are.
    pub fn folder(&self) -> &DataFolder {
        &self.data
    }

    /// Serves until Ctrl-C.
    pub async fn serve(self) -> io::Result<()> {
        self.serving.await.map_err(io::Error::other)?
    }

    /// Does once what the schedule of template.yaml does every 5 minutes.
    async fn publish(&self, store: &Store) -> Result<(), StartError> {
        let lookup = |variable: &str| match variable {
            "AWS_ENDPOINT_URL" => Some(self.url()),
            "AWS_ACCESS_KEY_ID" => Some(self.credentials.access_key_id().to_owned()),
            "AWS_REGION" | "AWS_SECRET_ACCESS_KEY" => Some("local".to_owned()),
            _ => None,
        };
        let aws = AwsSettings::new(&lookup).map_err(edge::SettingError::from)?;
        let dynamodb = store.client();
        // The two tables have the same key.
        let table = UserTable::new(dynamodb.clone(), PUBLIC_KEYS_TABLE);
        table.create_table().await.map_err(StoreFileError::Table)?;
        let published = PublicKeys::new(dynamodb, PUBLIC_KEYS_TABLE);
        match published.publish(&SigningSecret::new(aws.secrets_manager(), SECRET_NAME)).await {
            // The functions start all the same, and those that read the table say what is missing.
            Ok(_) | Err(PublicKeysError::NoPublicHalf) => Ok(()),
            Err(problem) => Err(problem.into()),
        }
    }
}

impl Services {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        if let Err(error) = caller::check(&parts.headers, self.address, &self.credentials) {
            return rejected(error);
        }
        let is_ses = parts.uri.path().starts_with(ses::PREFIX);
        if !is_ses && (parts.method != Method::POST || parts.uri.path() != "/") {
            return unknown("DynamoDB and Secrets Manager take POST / and nothing else");
        }
        if is_ses {
            return match connections::read(body, MAX_BODY_BYTES).await {
                Ok(body) => self.mail(parts.method.as_str(), parts.uri.path(), &body),
                Err(_) => unknown("the body is longer than 16 MiB, or did not come in time"),
            };
        }
        let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        let Some(target) = target else {
            return unknown("the header X-Amz-Target, which names the operation, is missing");
        };
        let Ok(body) = connections::read(body, MAX_BODY_BYTES).await else {
            return unknown("the body is longer than 16 MiB, or did not come in time");
        };
        if target.starts_with("DynamoDB_") {
            let reply = self.dynamodb.reply(target, body).await;
            json_response(reply.status, "application/x-amz-json-1.0", reply.body)
        } else if target.starts_with(secrets_manager::TARGET) {
            self.secrets(target, &body)
        } else {
            unknown("DynamoDB, Secrets Manager and SES answer here, and nothing else")
        }
    }

    fn mail(&self, method: &str, path: &str, body: &[u8]) -> Response<Body> {
        let reply = self.ses.lock().answer(method, path, body);
        let (status, said) = reply.unwrap_or((500, Value::Null));
        let name =
            said.get("__type").and_then(Value::as_str).and_then(|name| HeaderValue::from_str(name).ok());
        let mut response = json_response(status, "application/json", said.to_string());
        if let Some(name) = name {
            response.headers_mut().insert("x-amzn-errortype", name);
        }
        response
    }

    fn secrets(&self, target: &str, body: &[u8]) -> Response<Body> {
        let mut secret = self.secret.lock().unwrap_or_else(PoisonError::into_inner);
        let value =
            |secret: &Secret| secret.labelled("AWSCURRENT").and_then(|(_, value)| value.map(str::to_owned));
        let before = value(&secret);
        let response = secrets_manager::answer(&mut secret, target, body).map(Body::from);
        let kept = match value(&secret).filter(|now| before.as_ref() != Some(now)) {
            Some(value) => signing_key::replace_secret(&self.folder, &value).is_ok(),
            None => true,
        };
        if kept { response } else { failure(500, ("InternalServiceError", "the key file cannot be written")) }
    }
}

fn rejected(error: CallerError) -> Response<Body> {
    let (status, name) = match error {
        CallerError::Credentials => (400, "UnrecognizedClientException"),
        CallerError::Origin | CallerError::Host => (403, "AccessDeniedException"),
    };
    let body = json!({ "__type": name, "message": error.to_string() });
    json_response(status, "application/x-amz-json-1.1", body.to_string())
}

fn json_response(status: u16, media_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

fn unknown(message: &'static str) -> Response<Body> {
    failure(400, ("UnknownOperationException", message))
}

fn failure(status: u16, error: AwsError) -> Response<Body> {
    secrets_manager::failure(status, error).map(Body::from)
}

/// What `--ready-file` says: where AWS is, and what is there.
pub fn ready(url: &str, credentials: &Credentials) -> Value {
    json!({
        "url": url, "access_key_id": credentials.access_key_id(),
        "username": demo::USERNAME, "password": demo::PASSWORD,
        "users_table": TABLE_NAME, "public_keys_table": PUBLIC_KEYS_TABLE, "signing_secret": SECRET_NAME,
    })
}

/// What answers where, and what whoever asks has to set.
pub fn greeting(url: &str, credentials: &Credentials, options: &Options) -> String {
    let key = credentials.access_key_id();
    let (data, listen) = (options.data.display(), options.listen);
    let warning = if listen.is_loopback() {
        String::new()
    } else {
        format!(
            "\nWhoever reaches {listen} and learns the access key reads the signing key and the password hashes.\n"
        )
    };
    format!(
        r"A stand-in for AWS on {url}, data in {data}
{warning}
  DynamoDB         tables {TABLE_NAME} and {PUBLIC_KEYS_TABLE}
  Secrets Manager  secret {SECRET_NAME}
  demo user        {}
  password         {}

Functions, the latchkey command and AWS's own tools find it with these; the access key is this run's

  export AWS_ENDPOINT_URL={url} AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
  export AWS_ACCESS_KEY_ID={key} AWS_SECRET_ACCESS_KEY=local
  export USERS_TABLE={TABLE_NAME} PUBLIC_KEYS_TABLE={PUBLIC_KEYS_TABLE} SIGNING_SECRET={SECRET_NAME}

docs/development.md has sam local start-api and cargo lambda watch on top of it.
Stop with Ctrl-C.",
        demo::USERNAME,
        demo::PASSWORD,
    )
}
