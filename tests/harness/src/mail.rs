//! A world in which letters are sent.

use std::time::Duration;

use edge::Environment;
use local::{OutboxStream, SesStandIn};
use local_data::Store;
use mailer::Mailer;
use serde_json::Value;
use stand_ins::SentLetter;
use users::{Codes, Deliveries, Outbox};

use crate::{ISSUER, World, at};

/// What a world needs to send letters.
pub const MAIL_SETTINGS: [(&str, &str); 6] = [
    ("JWT_ALLOW_REFRESH", "true"),
    ("ACCOUNT_LINK", "https://app.example.com/account"),
    ("CORS_ALLOWED_ORIGINS", "https://app.example.com"),
    ("OUTBOX_TABLE", "latchkey-users-outbox"),
    ("MAIL_FROM", "Example <no-reply@latchkey.example>"),
    ("MAIL_CONFIGURATION_SET", "latchkey"),
];

/// A world, the mailer beside it and the SES that it sends to.
pub struct MailWorld {
    /// The routes and the table.
    pub world: World,
    /// What letters are sent to.
    pub ses: SesStandIn,
    /// The letters that are asked for.
    pub outbox: Outbox,
    mailer: Mailer,
    stream: OutboxStream,
}

impl MailWorld {
    /// One with [`MAIL_SETTINGS`] and no user.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// The same with these settings too.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let store = Store::in_memory().await.unwrap();
        let settings = [&MAIL_SETTINGS, settings].concat();
        let world = World::over(&store, &settings);
        let ses = SesStandIn::new();
        let outbox = Outbox::beside(&world.users);
        let lookup = |variable: &str| match variable {
            "JWT_ISSUER" => Some(ISSUER.to_owned()),
            _ => settings.iter().find(|(name, _)| *name == variable).map(|(_, value)| (*value).to_owned()),
        };
        let deliveries = Deliveries::new(outbox.clone(), Codes::beside(&world.users));
        let mailer = Mailer::new(deliveries, ses.client(), &Environment::new(&lookup)).unwrap();
        let stream = OutboxStream::new(store.dynamodb.clone(), &outbox);
        Self { world, ses, outbox, mailer, stream }
    }

    /// Lets the mailer have one batch of the stream; whether it did all of it, or none if there is none.
    pub async fn deliver_once(&mut self, now: u64) -> Option<bool> {
        let event = self.stream.next().await?;
        let answer = self.mailer.answer(&event.to_string(), at(now), Duration::from_mins(1)).await;
        Some(self.stream.settle(&answer))
    }

    /// Lets the mailer have everything, and the same again until it is done.
    pub async fn deliver(&mut self, now: u64) {
        for _ in 0..100 {
            if self.deliver_once(now).await.is_none() {
                return;
            }
        }
        panic!("the mailer does not come to an end");
    }

    /// What the mailer answers to an event.
    pub async fn answer(&self, event: &Value, now: u64) -> Value {
        self.mailer.answer(&event.to_string(), at(now), Duration::from_mins(1)).await
    }

    /// The event of the letters that are new, which are then not delivered by themselves.
    pub async fn take_event(&mut self) -> Value {
        let event = self.stream.next().await.expect("a letter");
        self.stream.settle(&Value::Null);
        event
    }

    /// Every letter that was sent, the oldest first.
    pub fn letters(&self) -> Vec<SentLetter> {
        self.ses.lock().sent().cloned().collect()
    }
}
