use std::{
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use access_token::AccessToken;
use authorizer::Authorizer;
use aws::AwsSettings;
use aws_sdk_dynamodb::{
    Client,
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::BeforeTransmitInterceptorContextRef,
        retry::{RetryConfig, RetryPartition, TokenBucket},
        timeout::TimeoutConfig,
    },
    error::BoxError,
};
use client_token::ClientToken;
use edge::Environment;
use http::Method;
use jwks::Jwks;
use keyring::{KeySource, PublicKeys, Purpose, SigningKeys};
use local::{Gateway, Protected};
use local_data::{Store, TABLE_NAME};
use login::Login;
use password::ChangePassword;
use redeem::Redeem;
use refresh::Refresh;
use request_letter::RequestLetter;
use serde_json::{Value, json};
use sessions::Sessions;
use tempfile::TempDir;
use token::{Algorithm, Claims, CustomClaims, Issuer, Key, KeySet, Schedule, Timestamp, UserId, Verifier};
use users::{Codes, Hasher, NewUser, Outbox, Password, UserTable, Username};
use verify::Verify;

use crate::{Event, Faults, Reply, SecretsManager, contract};

/// The login of the worked example: 2023-06-02 18:00:00 UTC.
pub const LOGIN_AT: u64 = 1_685_728_800;
/// The issuer of every world.
pub const ISSUER: &str = "https://k3y1atch42.execute-api.eu-west-1.amazonaws.com";

/// The RS256 key of every world, as the key file holds it.
static SECRET: LazyLock<String> = LazyLock::new(|| {
    let always = Schedule { published: at(0), signs_from: at(0), retires: None };
    let key = Key::generate(Algorithm::RS256, always).unwrap();
    KeySet::new(vec![key]).unwrap().to_secret().to_string()
});

/// How long a request waits for renewed keys: on a busy machine longer than a function does.
const PATIENCE: Duration = Duration::from_mins(1);

/// The whole product in one process.
pub struct World {
    /// The routes.
    pub gateway: Gateway,
    /// The table that the gateway uses, for arranging and looking.
    pub users: UserTable,
    /// What `login` and `password` hash with.
    pub hashers: [Hasher; 2],
    /// What goes wrong between the gateway and its table.
    pub faults: Faults,
    calls: Calls,
    folder: TempDir,
}

/// The instant `seconds` after the epoch.
pub fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

/// The operation of every HTTP request that the SDK sends, retries included.
#[derive(Clone, Debug, Default)]
struct Calls(Arc<Mutex<Vec<String>>>);

impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "Calls"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context.request().headers().get("x-amz-target").unwrap_or_default();
        self.0.lock().unwrap().push(target.trim_start_matches("DynamoDB_20120810.").to_owned());
        Ok(())
    }
}

impl World {
    /// A world with the worked example's durations, an RS256 key and no user.
    pub async fn new() -> Self {
        Self::with(&[("JWT_ALLOW_REFRESH", "true")]).await
    }

    /// A world with these settings.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        Self::with_client(&Store::in_memory().await.unwrap().client(), settings)
    }

    /// A world whose DynamoDB is at `endpoint`.
    pub fn at_endpoint(endpoint: &str, settings: &[(&str, &str)]) -> Self {
        Self::with_client(&AwsSettings::embedded(endpoint.to_owned()).dynamodb(), settings)
    }

    /// A world over this store.
    pub(crate) fn over(store: &Store, settings: &[(&str, &str)]) -> Self {
        Self::with_client(&store.client(), settings)
    }

    fn with_client(client: &Client, settings: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        // A world signs with the same key as another: to make one takes longer than most tests.
        local_data::signing_key::replace_secret(folder.path(), &SECRET).unwrap();
        let key_file = local_data::signing_key::file_in(folder.path(), at(0)).unwrap();
        let source = || KeySource::File(key_file.clone());
        Self::build(client, settings, source, source, folder)
    }

    /// A world with the worked example's durations whose keys are the secret of `secrets`.
    pub async fn with_secret(secrets: &SecretsManager) -> Self {
        Self::with_sources(|| secrets.source(), || secrets.source()).await
    }

    /// The same with these settings.
    pub async fn with_secret_and(secrets: &SecretsManager, settings: &[(&str, &str)]) -> Self {
        let store = Store::in_memory().await.unwrap();
        let source = || secrets.source();
        Self::build(&store.client(), settings, source, source, TempDir::new().unwrap())
    }

    /// A world in which only login and refresh read the secret; the other functions read `published`.
    pub async fn with_public_keys(secrets: &SecretsManager, published: &PublicKeys) -> Self {
        Self::with_sources(|| secrets.source(), || KeySource::PublicKeys(published.clone())).await
    }

    async fn with_sources(signing: impl Fn() -> KeySource, verifying: impl Fn() -> KeySource) -> Self {
        let store = Store::in_memory().await.unwrap();
        let settings = [("JWT_ALLOW_REFRESH", "true")];
        Self::build(&store.client(), &settings, signing, verifying, TempDir::new().unwrap())
    }

    fn build(
        client: &Client,
        settings: &[(&str, &str)],
        signing: impl Fn() -> KeySource,
        verifying: impl Fn() -> KeySource,
        folder: TempDir,
    ) -> Self {
        let (calls, faults) = (Calls::default(), Faults::default());
        // Without the limits of a function: a busy machine is no outage.
        let plenty = TokenBucket::builder().capacity(100_000).build();
        let config = client.config().to_builder();
        let config = config
            .timeout_config(TimeoutConfig::disabled())
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
            // Worlds of one process must not use up each other's retries.
            .retry_partition(RetryPartition::custom("world").token_bucket(plenty).build())
            .interceptor(faults.clone())
            .interceptor(calls.clone());
        let users = UserTable::new(Client::from_conf(config.build()), TABLE_NAME);
        let lookup = |variable: &str| {
            let set =
                settings.iter().find(|(name, _)| *name == variable).map(|(_, value)| (*value).to_owned());
            set.or_else(|| (variable == "JWT_ISSUER").then(|| ISSUER.to_owned()))
        };
        let environment = Environment::new(&lookup);
        let max_stale = environment.keys_max_stale().unwrap();
        let keys = |purpose, source| SigningKeys::new(source, purpose, max_stale).with_patience(PATIENCE);
        let hashers = [Hasher::new(), Hasher::new()];
        let [of_login, of_password] = hashers.clone();
        let outbox = environment.outbox_table().map(|_| Outbox::beside(&users));
        let has_access = environment.access_policy().unwrap().is_some();
        let gateway = Gateway {
            login: Login::new(users.clone(), keys(Purpose::Sign, signing()), of_login, &environment).unwrap(),
            refresh: Refresh::new(users.clone(), keys(Purpose::Sign, signing()), &environment).unwrap(),
            verify: Verify::new(users.clone(), keys(Purpose::Verify, verifying()), &environment).unwrap(),
            sessions: Sessions::new(users.clone(), keys(Purpose::Verify, verifying()), &environment).unwrap(),
            password: ChangePassword::new(
                users.clone(),
                keys(Purpose::Sign, signing()),
                of_password,
                &environment,
            )
            .unwrap()
            .telling(outbox.clone()),
            access_token: has_access
                .then(|| AccessToken::new(users.clone(), keys(Purpose::Sign, signing()), &environment))
                .transpose()
                .unwrap(),
            client_token: environment
                .machine_clients()
                .unwrap()
                .then(|| ClientToken::new(users.clone(), keys(Purpose::Sign, signing()), &environment))
                .transpose()
                .unwrap(),
            redeem: environment
                .named_account_link()
                .unwrap()
                .map(|_| Redeem::new(users.clone(), Codes::beside(&users), Hasher::new(), &environment))
                .transpose()
                .unwrap()
                .map(|redeem| redeem.telling(outbox.clone())),
            request_letter: outbox.map(|outbox| RequestLetter::new(outbox, &environment).unwrap()),
            jwks: Jwks::new(keys(Purpose::Verify, verifying()), &environment).unwrap(),
            cors: environment.cors().unwrap(),
            protected: Protected::new(users.clone(), keys(Purpose::Verify, verifying()), &environment)
                .unwrap(),
        };
        Self { gateway, users, hashers, faults, calls, folder }
    }

    /// Creates a user.
    pub async fn create(&self, username: &str, password: &str) -> UserId {
        let id = UserId::new(edge::random::entropy().unwrap());
        let hash = Hasher::new()
            .hash(&Password::try_from(password.to_owned()).unwrap(), edge::random::entropy().unwrap());
        let username: Username = username.parse().unwrap();
        let user = NewUser {
            username,
            id,
            password_hash: hash.unwrap(),
            claims: CustomClaims::default(),
            email: None,
        };
        self.users.create(&user, at(LOGIN_AT)).await.unwrap();
        id
    }

    /// The answer to `event` at `now`; one that openapi.yaml does not know fails the test.
    pub async fn send(&self, path: &str, event: &Event, now: u64) -> Reply {
        let reply = Reply::new(&self.gateway.respond(path, &event.0.to_string(), at(now)).await);
        contract::check(path, &reply);
        reply
    }

    /// The answer to a POST of `body`.
    pub async fn post(&self, path: &str, body: &Value, now: u64) -> Reply {
        self.send(path, &Event::http_api(&Method::POST, path).json(body), now).await
    }

    /// The answer to a login.
    pub async fn log_in(&self, username: &str, password: &str, now: u64) -> Reply {
        self.post("/auth/login", &json!({ "username": username, "password": password }), now).await
    }

    /// The answer to a refresh.
    pub async fn refresh(&self, token: &str, now: u64) -> Reply {
        self.post("/auth/refresh", &json!({ "token": token }), now).await
    }

    /// The answer to a logout.
    pub async fn log_out(&self, token: &str, now: u64) -> Reply {
        self.post("/auth/logout", &json!({ "token": token }), now).await
    }

    /// The answer to a logout everywhere.
    pub async fn log_out_everywhere(&self, token: &str, now: u64) -> Reply {
        self.post("/auth/logout", &json!({ "token": token, "everywhere": true }), now).await
    }

    /// The answer to a list of sessions, with the token in the `Authorization` header.
    pub async fn list_sessions(&self, token: &str, now: u64) -> Reply {
        self.send("/auth/sessions", &Event::http_api(&Method::GET, "/auth/sessions").bearer(token), now).await
    }

    /// The answer to the end of one session, with the token in the `Authorization` header.
    pub async fn end_session(&self, session: &str, token: &str, now: u64) -> Reply {
        let path = format!("/auth/sessions/{session}");
        self.send(&path, &Event::http_api(&Method::DELETE, &path).bearer(token), now).await
    }

    /// The claims of a token of this world.
    pub fn claims(&self, token: &str, now: u64) -> Claims {
        self.verifier().verify(token, &self.keys(), at(now)).unwrap()
    }

    /// The keys of this world, to forge with.
    pub fn keys(&self) -> KeySet {
        let secret =
            std::fs::read_to_string(local_data::signing_key::file_in(self.folder.path(), at(0)).unwrap());
        KeySet::from_secret(&secret.unwrap()).unwrap()
    }

    /// The issuer of this world, to forge with.
    pub fn issuer(&self) -> Issuer {
        Issuer::new(ISSUER.parse().unwrap(), "latchkey".parse().unwrap())
    }

    /// An authorizer with these settings, over the users and keys of this world.
    pub fn authorizer(&self, settings: &[(&str, &str)]) -> Authorizer {
        let lookup = |variable: &str| match variable {
            "JWT_ISSUER" => Some(ISSUER.to_owned()),
            "USERS_TABLE" => Some(TABLE_NAME.to_owned()),
            _ => settings.iter().find(|(name, _)| *name == variable).map(|(_, value)| (*value).to_owned()),
        };
        let environment = Environment::new(&lookup);
        let key_file = local_data::signing_key::file_in(self.folder.path(), at(0)).unwrap();
        let keys = SigningKeys::new(
            KeySource::File(key_file),
            Purpose::Verify,
            environment.keys_max_stale().unwrap(),
        );
        let users = environment.checked_table().unwrap().map(|_| self.users.clone());
        Authorizer::new(users, keys, &environment).unwrap()
    }

    fn verifier(&self) -> Verifier {
        Verifier::new(self.issuer())
    }

    /// How many calls to DynamoDB there were since this was asked last.
    pub fn calls(&self) -> usize {
        self.operations().len()
    }

    /// The calls to DynamoDB since this was asked last, by IAM's names without `dynamodb:`.
    pub fn operations(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.0.lock().unwrap())
    }
}
