use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{Router, body::Body, extract::ConnectInfo, extract::State};
use edge::{Environment, SettingError};
use http::{Response, StatusCode, header};
use jwks::Jwks;
use keyring::{KeySource, PublicKeysError, Purpose, SigningKeys};
use local_data::{Store, StoreFileError, folder::prepare, signing_key, signing_key::KeyFileError};
use login::Login;
use password::ChangePassword;
use refresh::Refresh;
use serde_json::Value;
use sessions::Sessions;
use tokio::net::TcpListener;
use users::Hasher;
use verify::Verify;

use crate::{Gateway, HttpRequest, Options, Protected, Site, demo, demo::DemoError};

/// The port of SAM's own local API.
const PORT: u16 = 3000;
/// The largest body read; the functions refuse from 16 KiB on, API Gateway from 10 MB on.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

/// The cookie's name with `--cookie`.
const AUTH_COOKIE: &str = "__Host-latchkey";

/// A server that listens and does not serve yet.
pub struct Server {
    listener: TcpListener,
    served: Served,
}

/// What answers requests.
struct Served {
    gateway: Gateway,
    site: Site,
}

/// Why the server cannot start: one line for a person.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Most often another server.
    #[error("port {port} of {address} cannot be had; choose another with --port ({source})")]
    Port {
        /// The address.
        address: IpAddr,
        /// The port.
        port: u16,
        /// What the system says.
        source: io::Error,
    },
    /// The system does not say where the server listens.
    #[error("cannot tell the server's own address: {0}")]
    Address(#[source] io::Error),
    /// The data folder cannot be made, emptied or written.
    #[error("cannot use the folder {}: {source}; choose another with --data", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The embedded DynamoDB.
    #[error(transparent)]
    Store(#[from] StoreFileError),
    /// The signing key.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// A duration out of range, or an origin that is none.
    #[error("{0} (set by --expiration, --refresh-expiration and --allow-origin)")]
    Setting(#[from] SettingError),
    /// The demo user.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// The table of the public keys.
    #[error("cannot publish the public keys: {0}")]
    Publication(#[from] PublicKeysError),
}

impl Server {
    /// Binds the port, opens the store, makes key and demo user where they are missing.
    pub async fn start(options: &Options) -> Result<Self, StartError> {
        let (address, port) = (Ipv4Addr::LOCALHOST, options.port.unwrap_or(PORT));
        let listener = TcpListener::bind((address, port)).await.map_err(|source| StartError::Port {
            address: address.into(),
            port,
            source,
        })?;
        let folder = options.data.as_path();
        prepare(folder, options.fresh)
            .map_err(|source| StartError::Folder { folder: folder.to_owned(), source })?;
        let store = Store::open(folder).await?;
        let now = edge::clock::now();
        let key_file = signing_key::file_in(folder, now)?;
        let hasher = Hasher::new();
        demo::create_user(&store.users, &hasher, now).await?;
        let gateway = gateway(&store, hasher, &key_file, options, &listener)?;
        let site = Site::new(options, now);
        Ok(Self { listener, served: Served { gateway, site } })
    }

    /// Where it listens.
    pub fn url(&self) -> io::Result<String> {
        Ok(format!("http://{}", self.listener.local_addr()?))
    }

    /// Serves until Ctrl-C.
    pub async fn serve(self) -> io::Result<()> {
        let app = Router::new().fallback(answer).with_state(Arc::new(self.served));
        axum::serve(self.listener, app.into_make_service_with_connect_info::<SocketAddr>())
            .with_graceful_shutdown(async { tokio::signal::ctrl_c().await.unwrap_or(()) })
            .await
    }
}

fn gateway(
    store: &Store,
    hasher: Hasher,
    key_file: &Path,
    options: &Options,
    listener: &TcpListener,
) -> Result<Gateway, StartError> {
    let address = listener.local_addr().map_err(StartError::Address)?;
    let lookup = |variable: &str| match variable {
        "JWT_ISSUER" => Some(format!("http://{address}")),
        "JWT_ALLOW_REFRESH" => Some("true".to_owned()),
        "JWT_EXPIRATION_DELTA" => Some(options.expiration.get().to_string()),
        "JWT_AUTH_COOKIE" => options.cookie.then(|| AUTH_COOKIE.to_owned()),
        "CORS_ALLOWED_ORIGINS" => Some(options.allow_origin.join(",")),
        "JWT_REFRESH_EXPIRATION_DELTA" => Some(options.refresh_expiration.get().to_string()),
        _ => None,
    };
    let settings = Environment::new(&lookup);
    let max_stale = settings.keys_max_stale()?;
    let keys = || SigningKeys::new(KeySource::File(key_file.to_owned()), Purpose::Sign, max_stale);
    Ok(Gateway {
        login: Login::new(store.users.clone(), keys(), hasher.clone(), &settings)?,
        refresh: Refresh::new(store.users.clone(), keys(), &settings)?,
        verify: Verify::new(store.users.clone(), keys(), &settings)?,
        sessions: Sessions::new(store.users.clone(), keys(), &settings)?,
        password: ChangePassword::new(store.users.clone(), keys(), hasher, &settings)?,
        jwks: Jwks::new(keys(), &settings)?,
        cors: settings.cors()?,
        protected: Protected::new(store.users.clone(), keys(), &settings)?,
    })
}

async fn answer(
    State(served): State<Arc<Served>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: axum::extract::Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY_BYTES).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, r#"{"message":"Request Entity Too Large"}"#.to_owned());
    };
    let machine = edge::clock::now();
    let request = HttpRequest {
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
        body: body.into(),
        source_ip: peer.ip(),
    };
    if let Some(response) = served.site.answer(&request, machine) {
        return response;
    }
    let now = served.site.now(machine);
    let event = request.to_event(now).to_string();
    to_http(&served.gateway.respond(request.uri.path(), &event, now).await)
}

/// The HTTP response that API Gateway makes of a function's answer.
fn to_http(answer: &Value) -> Response<Body> {
    let status = answer.get("statusCode").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    let status = status.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::BAD_GATEWAY);
    let body = answer.get("body").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut response = Response::builder().status(status);
    for (name, value) in answer.get("headers").and_then(Value::as_object).into_iter().flatten() {
        if let Some(value) = value.as_str() {
            response = response.header(name, value);
        }
    }
    for cookie in answer.get("cookies").and_then(Value::as_array).into_iter().flatten() {
        if let Some(cookie) = cookie.as_str() {
            response = response.header(header::SET_COOKIE, cookie);
        }
    }
    response.body(Body::from(body)).unwrap_or_else(|_| plain(StatusCode::BAD_GATEWAY, String::new()))
}

fn plain(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
}
