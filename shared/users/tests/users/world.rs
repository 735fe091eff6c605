//! A table of its own for each test, and people to put in it.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher, RandomState},
    ops::RangeInclusive,
};

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Config, Credentials, Region, retry::RetryConfig},
    types::AttributeValue,
};
use token::{CustomClaims, Entropy, RefreshSwitch, Seconds, SessionId, SessionPolicy, Timestamp, UserId};
use users::{
    Account, EarlierFailures, NewSession, NewUser, OpenSessionError, PasswordHash, Session, TryId, User,
    UserTable, Username, VerifiedLogin,
};

pub(crate) const NOW: u64 = 1_685_728_800;
pub(crate) const HOUR: u64 = 3600;

/// A table and the client below it.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) table: UserTable,
    pub(crate) client: Client,
    pub(crate) table_name: String,
}

impl World {
    /// An empty table.
    pub(crate) async fn new() -> Self {
        let endpoint = match endpoint_of_the_environment() {
            Some(endpoint) => endpoint,
            None => embedded().await,
        };
        let client = client(&endpoint, RetryConfig::standard());
        let table_name = format!("users-{:016x}", RandomState::new().hash_one("table"));
        let table = UserTable::new(client.clone(), &table_name);
        table.create_table().await.unwrap();
        Self { table, client, table_name }
    }

    /// A table with an enabled user `ada`, who has [`old_hash`] and no session.
    pub(crate) async fn with_ada() -> Self {
        let world = Self::new().await;
        world.add("ada", 1).await;
        world
    }

    pub(crate) async fn add(&self, username: &str, id: u8) -> User {
        self.table.create(&new_user(username, id), at(NOW)).await.unwrap();
        self.user(username).await
    }

    pub(crate) async fn user(&self, username: &str) -> User {
        self.table.find(&name(username)).await.unwrap().unwrap()
    }

    /// A row as it is stored.
    pub(crate) async fn row(&self, key: &str) -> HashMap<String, AttributeValue> {
        let key = AttributeValue::S(key.to_owned());
        let found = self.client.get_item().table_name(&self.table_name).key("pk", key).send().await;
        found.unwrap().item.unwrap()
    }

    /// As a login reads it.
    pub(crate) async fn account(&self, username: &str) -> Account {
        self.table.for_login(&name(username), None, at(NOW)).await.unwrap().user.unwrap()
    }

    pub(crate) async fn ada(&self) -> User {
        self.user("ada").await
    }

    pub(crate) async fn sessions(&self, username: &str) -> BTreeMap<SessionId, Session> {
        self.user(username).await.sessions
    }

    /// Writes the whole map at once: of these sessions, each opened as many seconds after [`NOW`] as its index.
    pub(crate) async fn put_sessions(&self, username: &str, indices: RangeInclusive<u8>) {
        let entry = |index: u8| {
            let iat = AttributeValue::N((NOW + u64::from(index)).to_string());
            (session_id(index).to_string(), AttributeValue::M(HashMap::from([("iat".to_owned(), iat)])))
        };
        self.client
            .update_item()
            .table_name(&self.table_name)
            .key("pk", AttributeValue::S(format!("user#{username}")))
            .update_expression("SET #sessions = :sessions")
            .expression_attribute_names("#sessions", "sessions")
            .expression_attribute_values(":sessions", AttributeValue::M(indices.map(entry).collect()))
            .send()
            .await
            .unwrap();
    }

    /// A login of the user as read, at `now`; which sessions had to go.
    pub(crate) async fn log_in(
        &self,
        user: &User,
        id: SessionId,
        now: u64,
    ) -> Result<Vec<SessionId>, OpenSessionError> {
        let account = Account::from(user.clone());
        self.table.open_session(&login(&account, &new_session(id, now)), &policy()).await
    }
}

/// A client without TLS.
pub(crate) fn client(endpoint: &str, retries: RetryConfig) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(retries)
        .endpoint_url(endpoint)
        .build();
    Client::from_conf(config)
}

async fn embedded() -> String {
    let database = dynoxide::Database::memory().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    format!("http://{address}")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the suite runs against any endpoint, named as the SDKs name it"
)]
fn endpoint_of_the_environment() -> Option<String> {
    std::env::var("AWS_ENDPOINT_URL_DYNAMODB").ok()
}

pub(crate) fn new_user(username: &str, id: u8) -> NewUser {
    NewUser {
        username: name(username),
        id: user_id(id),
        password_hash: old_hash(),
        claims: CustomClaims::default(),
        email: None,
    }
}

pub(crate) fn name(text: &str) -> Username {
    text.parse().unwrap()
}

pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

pub(crate) fn user_id(index: u8) -> UserId {
    UserId::new(Entropy([index; 16]))
}

pub(crate) fn session_id(index: u8) -> SessionId {
    SessionId::new(Entropy([index; 16]))
}

/// The first login of a user, with the hash as read.
pub(crate) fn login<'a>(user: &'a Account, session: &'a NewSession<'a>) -> VerifiedLogin<'a> {
    VerifiedLogin { user, session, upgraded_hash: None, earlier_failures: EarlierFailures::None }
}

pub(crate) fn new_session(id: SessionId, issued_at: u64) -> NewSession<'static> {
    NewSession { id, issued_at: at(issued_at), user_agent: Some("curl/8.5"), source_ip: Some("203.0.113.7") }
}

/// 1 hour and 2 days: a session is over 49 hours after its login.
pub(crate) fn policy() -> SessionPolicy {
    SessionPolicy::new(Seconds::new(HOUR), Seconds::new(48 * HOUR), RefreshSwitch::On).unwrap()
}

/// A mark that no other test, row or call has to share.
pub(crate) fn try_id() -> TryId {
    let mut entropy = [0; 16];
    entropy[..8].copy_from_slice(&RandomState::new().hash_one("try").to_be_bytes());
    TryId::new(Entropy(entropy))
}

/// Hashes that nobody verifies here.
pub(crate) fn old_hash() -> PasswordHash {
    hash("AAAAAAAAAAAAAAAAAAAAAA")
}

pub(crate) fn upgraded_hash() -> PasswordHash {
    hash("BBBBBBBBBBBBBBBBBBBBBA")
}

pub(crate) fn new_hash() -> PasswordHash {
    hash("CCCCCCCCCCCCCCCCCCCCCA")
}

fn hash(output: &str) -> PasswordHash {
    format!("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA${output}").parse().unwrap()
}
