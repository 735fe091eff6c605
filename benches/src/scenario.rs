use std::time::{SystemTime, UNIX_EPOCH};

use argon2_rust::{Argon2, Params, Version};
use serde_json::{Value, json};
use token::{
    Algorithm, Entropy, Issuer, Key, KeySet, RefreshSwitch, Schedule, Seconds, SessionId, SessionPolicy,
    Subject, Timestamp, TokenId, UserId,
};

pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const TABLE: &str = "users";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// One user with one session, one key, and what is sent to the functions.
pub struct Scenario {
    /// What Secrets Manager holds.
    pub secret: String,
    /// The user's row, as DynamoDB writes it.
    pub row: Value,
    pub login_event: String,
    pub refresh_event: String,
    pub verify_event: String,
    pub keys: KeySet,
    pub token: String,
}

impl Scenario {
    /// With a key of the algorithm that is deployed by default.
    pub fn new() -> Self {
        Self::of(Algorithm::RS256)
    }

    pub fn of(algorithm: Algorithm) -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let now = Timestamp::from_seconds(seconds - 60).unwrap();
        let always = Schedule { published: now, signs_from: now, retires: None };
        let keys = KeySet::new(vec![Key::generate(algorithm, always).unwrap()]).unwrap();
        let (user, session) = (UserId::new(Entropy([1; 16])), SessionId::new(Entropy([2; 16])));
        let issuer = Issuer::new(ISSUER.parse().unwrap(), "latchkey".parse().unwrap());
        let policy =
            SessionPolicy::new(Seconds::new(3600 * 24), Seconds::new(172_800), RefreshSwitch::On).unwrap();
        let custom = r#"{"groups":["editors","staff"],"scope":"read write"}"#;
        let claims = issuer.claims(
            Subject { id: user, username: "ada" },
            session,
            TokenId::new(Entropy([3; 16])),
            policy.log_in(now),
            custom.parse().unwrap(),
        );
        let token = issuer.issue(&claims, &keys, now).unwrap();
        let argon2 = Argon2::new(argon2_rust::Algorithm::Argon2id, Version::V0x13, Params::OWASP);
        let hash = argon2.hash_encoded(PASSWORD.as_bytes(), b"sixteen bytes it").unwrap();
        let row = json!({
            "pk": { "S": "user#ada" },
            "user_id": { "S": user.to_string() },
            "username": { "S": "ada" },
            "enabled": { "BOOL": true },
            "password_hash": { "S": hash },
            "claims": { "S": custom },
            "created_at": { "N": now.seconds().to_string() },
            "sessions": { "M": { session.to_string(): { "M": {
                "iat": { "N": now.seconds().to_string() },
                "user_agent": { "S": "curl/8.5.0" },
                "source_ip": { "S": "203.0.113.7" },
            } } } },
        });
        let with_token = json!({ "token": token });
        Self {
            secret: keys.to_secret().to_string(),
            row,
            login_event: event("/auth/login", &json!({ "username": "ada", "password": PASSWORD })),
            refresh_event: event("/auth/refresh", &with_token),
            verify_event: event("/auth/verify", &with_token),
            keys,
            token,
        }
    }
}

impl Default for Scenario {
    fn default() -> Self {
        Self::new()
    }
}

fn event(path: &str, body: &Value) -> String {
    let mut event: Value = serde_json::from_str(include_str!("../../tests/events/http_api.json")).unwrap();
    event["rawPath"] = path.into();
    event["requestContext"]["http"]["path"] = path.into();
    event["body"] = body.to_string().into();
    event.to_string()
}
