use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
};

use access_token::AccessToken;
use axum::body::Body;
use client_token::ClientToken;
use edge::{Environment, MAX_BODY_BYTES, SettingError};
use http::{Request, Response, StatusCode, header};
use hyper::body::Incoming;
use jwks::Jwks;
use keyring::{KeySource, PublicKeysError, Purpose, SigningKeys};
use local_data::{
    DataFolder, FolderError, Store, StoreFileError, session_settings, signing_key, signing_key::KeyFileError,
};
use login::Login;
use password::ChangePassword;
use redeem::Redeem;
use refresh::Refresh;
use request_letter::RequestLetter;
use serde_json::Value;
use sessions::Sessions;
use token::{PolicyError, RefreshSwitch, SessionPolicy};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use users::{Deliveries, Hasher};
use verify::Verify;

use crate::{
    Gateway, HttpRequest, HttpsError, Options, Protected, Site, connections,
    connections::BodyError,
    demo,
    demo::DemoError,
    https, mail,
    mail::{MAIL_FROM, PostOffice, SesStandIn},
};

/// The port of SAM's own local API.
const PORT: u16 = 3000;
/// The cookie's name with `--cookie`.
const AUTH_COOKIE: &str = "__Host-latchkey";

/// A server that listens and does not serve yet.
pub struct Server {
    listener: TcpListener,
    /// None for plain HTTP.
    tls: Option<TlsAcceptor>,
    served: Served,
    /// None where no letters are sent.
    mail: Option<PostOffice>,
    folder: DataFolder,
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
    /// The data folder cannot be made or emptied, or others have a hand in it.
    #[error("{0} (set by --data)")]
    Folder(#[from] FolderError),
    /// The embedded DynamoDB.
    #[error(transparent)]
    Store(#[from] StoreFileError),
    /// The signing key.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// A duration out of range, or an origin that is none.
    #[error(
        "{0} (set by --expiration, --refresh-expiration, --cookie-same-site, --allow-origin, --account-link, --access-audiences and --access-expiration)"
    )]
    Setting(#[from] SettingError),
    /// A duration out of range.
    #[error("{0} (set by --expiration and --refresh-expiration)")]
    Policy(#[from] PolicyError),
    /// The file with the durations.
    #[error("cannot write the durations into the folder of --data: {0}")]
    Settings(#[source] io::Error),
    /// The folder for letters cannot be made.
    #[error("cannot make the folder of --mail-folder: {0}")]
    MailFolder(#[source] io::Error),
    /// The certificate of `--https`.
    #[error("{0} (--https)")]
    Https(#[from] HttpsError),
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
        let folder = prepare(options)?;
        let store = Store::open_for_many(folder.path()).await?;
        let now = edge::clock::now();
        let key_file = signing_key::file_in(folder.path(), now)?;
        let hasher = Hasher::new();
        demo::create_user(&store.users, &hasher, now).await?;
        if let Some(folder) = &options.mail_folder {
            mail::make_folder(folder).map_err(StartError::MailFolder)?;
        }
        let (gateway, mail) = gateway(&store, &hasher, &key_file, options, &listener)?;
        let policy = SessionPolicy::new(options.expiration, options.refresh_expiration, RefreshSwitch::On)?;
        let account_link = account_link(options, &url_of(&listener, options)?);
        session_settings::write(folder.path(), &policy, account_link.as_deref())
            .map_err(StartError::Settings)?;
        let site = Site::new(options, mail.as_ref().map(PostOffice::ses), now);
        let tls = options.https.then(|| https::acceptor(&folder, now)).transpose()?;
        Ok(Self { listener, tls, served: Served { gateway, site }, mail, folder })
    }

    /// Where it listens.
    pub fn url(&self) -> io::Result<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}", self.listener.local_addr()?))
    }

    /// Where the data are.
    pub fn folder(&self) -> &DataFolder {
        &self.folder
    }

    /// Serves until Ctrl-C.
    pub async fn serve(self) -> io::Result<()> {
        let served = Arc::new(self.served);
        if let Some(mail) = self.mail {
            let clock = Arc::clone(&served);
            tokio::spawn(mail.work(move || clock.site.now(edge::clock::now())));
        }
        let answer = move |request, peer| {
            let served = Arc::clone(&served);
            async move { answer(&served, request, peer).await }
        };
        connections::serve(self.listener, self.tls, answer).await
    }
}

/// The data folder, emptied of what is ours with `--fresh`.
pub(crate) fn prepare(options: &Options) -> Result<DataFolder, FolderError> {
    let folder = DataFolder::create(&options.data)?;
    if options.fresh {
        folder.forget()?;
    }
    Ok(folder)
}

fn gateway(
    store: &Store,
    hasher: &Hasher,
    key_file: &Path,
    options: &Options,
    listener: &TcpListener,
) -> Result<(Gateway, Option<PostOffice>), StartError> {
    let url = url_of(listener, options)?;
    let lookup = |variable: &str| match variable {
        "JWT_ISSUER" => Some(url.clone()),
        "ACCOUNT_LINK" => account_link(options, &url),
        "MAIL_FROM" => Some(MAIL_FROM.to_owned()),
        "JWT_ALLOW_REFRESH" => Some("true".to_owned()),
        "JWT_EXPIRATION_DELTA" => Some(options.expiration.get().to_string()),
        "JWT_AUTH_COOKIE" => options.cookie.then(|| AUTH_COOKIE.to_owned()),
        "AUTHORIZER_READS_COOKIE" => options.cookie.then(|| "true".to_owned()),
        "JWT_AUTH_COOKIE_SAMESITE" => options.cookie.then(|| options.cookie_same_site.clone()),
        "CORS_ALLOWED_ORIGINS" => Some(options.allow_origin.join(",")),
        "ACCESS_TOKEN_AUDIENCES" => Some(options.access_audiences.clone()),
        "ACCESS_TOKEN_EXPIRATION_DELTA" => options.access_expiration.map(|life| life.get().to_string()),
        "MACHINE_CLIENTS" => (!options.access_audiences.is_empty()).then(|| "true".to_owned()),
        "JWT_REFRESH_EXPIRATION_DELTA" => Some(options.refresh_expiration.get().to_string()),
        _ => None,
    };
    let settings = Environment::new(&lookup);
    let max_stale = settings.keys_max_stale()?;
    let keys = || SigningKeys::new(KeySource::File(key_file.to_owned()), Purpose::Sign, max_stale);
    let access = settings.access_policy()?.is_some();
    let codes = settings.named_account_link()?.map(|_| store.codes.clone());
    let outbox = codes.is_some().then(|| store.outbox.clone());
    let users = || store.users.clone();
    let redeem = codes.clone().map(|codes| Redeem::new(users(), codes, hasher.clone(), &settings));
    let redeem = redeem.transpose()?.map(|redeem| redeem.telling(outbox.clone()));
    let gateway = Gateway {
        login: Login::new(store.users.clone(), keys(), hasher.clone(), &settings)?,
        refresh: Refresh::new(store.users.clone(), keys(), &settings)?,
        verify: Verify::new(store.users.clone(), keys(), &settings)?,
        sessions: Sessions::new(store.users.clone(), keys(), &settings)?,
        password: ChangePassword::new(store.users.clone(), keys(), hasher.clone(), &settings)?
            .telling(outbox.clone()),
        access_token: access.then(|| AccessToken::new(users(), keys(), &settings)).transpose()?,
        client_token: access.then(|| ClientToken::new(users(), keys(), &settings)).transpose()?,
        redeem,
        request_letter: outbox.map(|outbox| RequestLetter::new(outbox, &settings)).transpose()?,
        jwks: Jwks::new(keys(), &settings)?,
        cors: settings.cors()?,
        protected: Protected::new(store.users.clone(), keys(), &settings)?,
    };
    let mail = codes.map(|codes| {
        let deliveries = Deliveries::new(store.outbox.clone(), codes);
        let folder = options.mail_folder.as_deref();
        PostOffice::new(deliveries, store.dynamodb.clone(), SesStandIn::new(), folder, &settings)
    });
    Ok((gateway, mail.transpose()?))
}

/// Where the server is reached.
fn url_of(listener: &TcpListener, options: &Options) -> Result<String, StartError> {
    let address = listener.local_addr().map_err(StartError::Address)?;
    Ok(format!("{}://{address}", if options.https { "https" } else { "http" }))
}

/// The page that codes lead to; none where there are to be none.
fn account_link(options: &Options, url: &str) -> Option<String> {
    let link = options.account_link.clone().unwrap_or_else(|| format!("{url}/"));
    (!link.is_empty()).then_some(link)
}

async fn answer(served: &Served, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = match connections::read(body, MAX_BODY_BYTES).await {
        Ok(body) => body,
        // The functions reject whatever is longer than they read, and how much longer makes no difference.
        Err(BodyError::TooLong) => vec![b' '; MAX_BODY_BYTES + 1],
        Err(BodyError::Incomplete) => {
            return plain(StatusCode::REQUEST_TIMEOUT, r#"{"message":"Request Timeout"}"#.to_owned());
        }
    };
    let machine = edge::clock::now();
    let request = HttpRequest {
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
        body,
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
