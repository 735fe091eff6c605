//! The real functions, who calls them, and what they wrote.

use std::collections::BTreeMap;

use edge::log::{EVENTS, Field, REASONS};
use harness::{Event, Reply, SecretsManager, World, lambda::Function};
use http::Method;
use serde_json::{Value, json};
use token::{Algorithm, Issuer, Key, KeySet, Schedule};

use crate::{
    alarms::{Measured, State, alarms},
    binaries::{PASSWORD, Stack, post},
    insights::{Log, Row},
    resolved::resolved,
};

/// A deployment with the users `ada` and `user0` to `user11`, who all have the password [`PASSWORD`].
pub(super) struct Site {
    stack: Stack,
    pub(super) world: World,
    pub(super) keys: KeySet,
    settings: Vec<(&'static str, &'static str)>,
    running: BTreeMap<&'static str, Function>,
    printed: String,
    log: Log,
    /// How much later the next lines are written, in milliseconds.
    later: i64,
    logins: f64,
}

/// Where somebody calls from, and with what.
#[derive(Clone, Copy)]
pub(super) struct Client {
    pub(super) address: &'static str,
    pub(super) user_agent: &'static str,
}

/// A setting of [`Site::with`].
pub(super) const ACCESS_TOKENS: (&str, &str) = ("ACCESS_TOKEN_AUDIENCES", "https://orders.example.com");

pub(super) const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) Safari/604.1";
pub(super) const HOME: Client = Client { address: "198.51.100.10", user_agent: PHONE };
pub(super) const ON_THE_ROAD: Client = Client { address: "192.0.2.77", user_agent: PHONE };
pub(super) const THIEF: Client = Client { address: "203.0.113.66", user_agent: "python-requests/2.32" };

impl Client {
    pub(super) fn sends(self, event: Event) -> Event {
        from(event, self.address, self.user_agent)
    }
}

/// `event`, from this address and program.
pub(super) fn from(event: Event, address: &str, user_agent: &str) -> Event {
    let mut event = event.header("user-agent", Some(user_agent));
    event.0["requestContext"]["http"]["sourceIp"] = address.into();
    event
}

pub(super) fn log_in(name: &str, password: &str) -> Event {
    post("/auth/login", &json!({ "username": name, "password": password }))
}

pub(super) fn refresh(token: &str) -> Event {
    post("/auth/refresh", &json!({ "token": token }))
}

/// For [`ACCESS_TOKENS`].
pub(super) fn access(token: &str) -> Event {
    post("/auth/access", &json!({ "audience": "https://orders.example.com" })).bearer(token)
}

pub(super) fn list(token: &str) -> Event {
    Event::http_api(&Method::GET, "/auth/sessions").bearer(token)
}

pub(super) fn change(token: &str, current: &str, new: &str) -> Event {
    post("/auth/password", &json!({ "current_password": current, "new_password": new })).bearer(token)
}

impl Site {
    pub(super) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// One whose functions have these settings too.
    pub(super) async fn with(settings: &[(&'static str, &'static str)]) -> Self {
        let keys = new_keys();
        let stack = Stack::new(&keys.to_secret()).await;
        let world = World::at_endpoint(&stack.store.endpoint, &[]);
        for number in 0..12 {
            world.create(&format!("user{number}"), PASSWORD).await;
        }
        let (running, log) = (BTreeMap::new(), Log::default());
        let settings = settings.to_vec();
        Self { stack, world, keys, settings, running, printed: String::new(), log, later: 0, logins: 0.0 }
    }

    /// What `function` answers.
    pub(super) async fn call(&mut self, function: &'static str, event: Event) -> Reply {
        if function == "login" {
            self.logins += 1.0;
        }
        self.running(function).await.invoke(&event).await
    }

    /// What `function` answers to an event that is no HTTP request.
    pub(super) async fn ask(&mut self, function: &'static str, event: &Value) -> Value {
        self.running(function).await.call(event).await
    }

    async fn running(&mut self, function: &'static str) -> &mut Function {
        if !self.running.contains_key(function) {
            let started = self.stack.start(function, &self.settings).await;
            self.running.insert(function, started);
        }
        self.running.get_mut(function).unwrap()
    }

    /// The token of a login, which succeeds.
    pub(super) async fn token(&mut self, name: &str, client: Client) -> String {
        let reply = self.call("login", client.sends(log_in(name, PASSWORD))).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.token().to_owned()
    }

    /// Lets minutes pass: what is written from now on is written later.
    pub(super) async fn minutes_pass(&mut self, minutes: i64) {
        self.stop().await;
        self.later += minutes * 60_000;
    }

    async fn stop(&mut self) {
        for (_, function) in std::mem::take(&mut self.running) {
            let printed = function.stop().await;
            self.log.add(&printed, self.later);
            self.printed.push_str(&printed);
        }
    }

    /// Everything that was written. Each line keeps to the schema.
    pub(super) async fn log(&mut self) -> Log {
        self.stop().await;
        assert!(!self.log.lines().is_empty());
        for line in self.log.lines() {
            keeps_to_the_schema(line);
        }
        self.log.clone()
    }

    /// Whether this alarm goes off, of a stack with all of them.
    pub(super) async fn raises(&mut self, alarm: &str) -> bool {
        self.stop().await;
        let mut measured = Measured::default();
        measured.add_log(&self.printed);
        measured.add("AWS/Lambda", "Invocations", &["FunctionName=Login"], self.logins);
        let alarms = alarms(&[("Observability", "full")]);
        alarms[alarm].state(&[measured], State::Ok) == State::Alarm
    }

    /// What the wait of a name comes to when enough time has passed.
    pub(super) async fn unlock(&self, name: &str) {
        self.world.users.clear_attempts(&name.parse().unwrap()).await.unwrap();
    }

    /// The table that a rotation publishes to.
    pub(super) async fn make_table_of_public_keys(&self) {
        harness::PublicKeysTable::create(&self.stack.store.endpoint).await;
    }

    /// Secrets Manager begins a rotation: the token of its version.
    pub(super) fn begin_rotation(&self) -> String {
        self.stack.secrets.begin_rotation().unwrap()
    }

    /// Takes the key out of the secret and puts another one in: what `latchkey keys retire` does to a leaked one.
    pub(super) async fn change_key(&mut self) {
        self.stop().await;
        self.stack.secrets = SecretsManager::start(&new_keys().to_secret()).await;
    }

    /// One who makes tokens as this service does, with the key that they stole.
    pub(super) fn forger() -> Issuer {
        Issuer::new("https://issuer.example".parse().unwrap(), "latchkey".parse().unwrap())
    }
}

fn new_keys() -> KeySet {
    let always = Schedule { published: harness::at(0), signs_from: harness::at(0), retires: None };
    KeySet::new(vec![Key::generate(Algorithm::ES256, always).unwrap()]).unwrap()
}

/// The query that the template ships under this name.
pub(super) fn shipped(name: &str) -> String {
    let template = resolved(&[]);
    let query = &template["Resources"][name]["Properties"]["QueryString"];
    let text = query.as_str().map(str::to_owned);
    text.unwrap_or_else(|| crate::template::plain(query)[0].as_str().unwrap().to_owned())
}

/// What the shipped query finds in an attack among honest users; it must find nothing among those alone.
pub(super) async fn found(name: &str, attack: &Log) -> Vec<Row> {
    let honest = super::honest::log().await;
    let query = shipped(name);
    let of_honest = honest.query(&query);
    assert!(of_honest.is_empty(), "{name} suspects the honest: {of_honest:?}");
    attack.and(honest).query(&query)
}

fn keeps_to_the_schema(line: &Row) {
    let known = |name: &String| {
        let name = name.split('.').next().unwrap();
        name == "@timestamp" || Field::ALL.iter().any(|field| field.name() == name)
    };
    let unknown: Vec<_> = line.keys().filter(|name| !known(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?} in {line:?}");
    let text = |name: &str| line.get(name).map(|value| value.as_str().unwrap());
    assert!(EVENTS.iter().any(|(event, _)| Some(*event) == text("event")), "{line:?}");
    if let Some(outcome) = text("outcome") {
        assert!(["success", "rejected", "failure"].contains(&outcome) && line["v"] == 1, "{line:?}");
        assert_eq!(outcome == "success", text("reason").is_none(), "{line:?}");
        assert!(line.contains_key("request_id"), "{line:?}");
    }
    if let Some(reason) = text("reason") {
        assert!(REASONS.iter().any(|(word, _)| *word == reason), "{line:?}");
    }
}
