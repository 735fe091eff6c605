//! Writes letters and sends them: the events of the outbox's stream in, mail out.
//!
//! A record names a row of the outbox, and the row says which letter and about whom. Who gets it, and whether, is decided here, where no
//! caller sees it. A record is delivered at least once and in no certain order, and an answer of SES can be lost. So an attempt is written
//! down before it is made: a letter goes out at most twice, and each brings a code of its own, which works until one of them is used.

mod language;
mod letter;
mod send;

use std::time::Duration;

use aws_sdk_sesv2::Client;
use edge::{AuditDetails, Environment, LetterOutcome, Reason, Rejection, SettingError, audit, log::Field};
use serde_json::{Value, json};
use token::{Seconds, Timestamp};
use users::{
    AccountCode, Deliveries, Grant, Letter, LetterId, LetterKind, LetterState, Recipient, StoreError,
};

pub use crate::language::LANGUAGES;
use crate::{letter::Writer, send::Sent};

/// How long a letter may wait that somebody waits for; later it would surprise them.
const MAX_AGE: Seconds = Seconds::new(600);
/// How long another may wait: an invitation of many, or the word of what has happened. Less than the stream delivers it.
const LATEST: Seconds = Seconds::new(6 * 3600);
/// The longest that one letter may take, so that one that hangs leaves time for the others.
const LONGEST: Duration = Duration::from_secs(6);
/// What is left for the answer to Lambda.
const RESERVE: Duration = Duration::from_millis(200);

/// The use case and all that it may touch.
pub struct Mailer {
    deliveries: Deliveries,
    ses: Client,
    writer: Writer,
}

/// Why a letter is to be tried again.
enum Trouble {
    /// Our own rejection: the store, the random source, a panic, the time.
    Rejection(Rejection),
    /// Another run is at it.
    TakenByAnother,
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Rejection(error.into())
    }
}

impl From<edge::random::RandomError> for Trouble {
    fn from(error: edge::random::RandomError) -> Self {
        Self::Rejection(error.into())
    }
}

/// What is known of a letter once somebody has looked at it.
type Looked = (AuditDetails, Result<Option<LetterOutcome>, Trouble>);

impl Mailer {
    /// Sends the letters of `deliveries` with `ses`, as `environment` says.
    pub fn new(
        deliveries: Deliveries,
        ses: Client,
        environment: &Environment<'_>,
    ) -> Result<Self, SettingError> {
        Ok(Self { deliveries, ses, writer: Writer::new(environment)? })
    }

    /// Opens the connection to DynamoDB.
    pub async fn warm_up(&self) {
        // Whatever fails here is tried again by the first letter, and says so.
        let _ = self.deliveries.outbox().outcome(&LetterId::of_record("nothing")).await;
    }

    /// Takes an event of the stream, and answers which records are to be delivered again: the first that failed, and with it all
    /// after it.
    pub async fn answer(&self, event: &str, now: Timestamp, limit: Duration) -> Value {
        let event: Value = serde_json::from_str(event).unwrap_or_default();
        let records = event.get("Records").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let began = tokio::time::Instant::now();
        for (index, record) in records.iter().enumerate() {
            let left = limit.saturating_sub(began.elapsed()).saturating_sub(RESERVE);
            let key = record.pointer("/dynamodb/Keys/pk/S").and_then(Value::as_str);
            let Some(key) = key else { continue };
            // One that is cut off may be sent twice: it is for the next run, which begins with it.
            let has_time = index == 0 || left >= LONGEST;
            if !has_time || !self.deliver(&LetterId::of_record(key), now, left.min(LONGEST)).await {
                let number = record.pointer("/dynamodb/SequenceNumber").cloned().unwrap_or_default();
                return json!({ "batchItemFailures": [{ "itemIdentifier": number }] });
            }
        }
        json!({ "batchItemFailures": [] })
    }

    /// Whether there is nothing more to do for a letter.
    pub async fn deliver(&self, id: &LetterId, now: Timestamp, limit: Duration) -> bool {
        // In a box, for the SDKs' futures in it are large.
        let looking = Box::pin(async { Ok(self.look_at(id, now).await) });
        let (details, outcome) = match edge::guarded(looking, limit).await {
            Ok(looked) => looked,
            Err(rejection) => (AuditDetails::default(), Err(Trouble::Rejection(rejection))),
        };
        match outcome {
            Ok(None) => true,
            Ok(Some(outcome)) => self.settle(id, outcome, details).await,
            Err(trouble) => {
                trouble.report(details);
                // It would hold up every letter after it.
                trouble.is_for_ever() && self.settle(id, LetterOutcome::Broken, AuditDetails::default()).await
            }
        }
    }

    async fn settle(&self, id: &LetterId, outcome: LetterOutcome, details: AuditDetails) -> bool {
        audit::letter(outcome, details);
        if outcome == LetterOutcome::Delayed {
            return false;
        }
        let Err(error) = self.deliveries.finish(id, outcome.word()).await else { return true };
        Trouble::from(error).report(AuditDetails::default());
        // Not again: it has been sent, and the attempt is written down.
        outcome == LetterOutcome::Sent
    }

    async fn look_at(&self, id: &LetterId, now: Timestamp) -> Looked {
        let mut details = AuditDetails::default();
        let outcome = self.try_to_send(id, now, &mut details).await;
        (details, outcome)
    }

    async fn try_to_send(
        &self,
        id: &LetterId,
        now: Timestamp,
        details: &mut AuditDetails,
    ) -> Result<Option<LetterOutcome>, Trouble> {
        let Some((letter, state)) = self.deliveries.outbox().find(id).await? else { return Ok(None) };
        if state.is_done {
            return Ok(None);
        }
        *details = std::mem::take(details).with(Field::Letter, letter.kind.as_str());
        if letter.asked_at.plus(longest_wait(letter.kind)) < now {
            return Ok(Some(LetterOutcome::TooOld));
        }
        // First of all, and whoever it is for: what is left of the address's allowance must not tell whether there is a user.
        if let Some(source) = letter.source.as_ref().filter(|_| !state.is_charged) {
            match self.deliveries.charge(id, source, now).await? {
                Grant::Granted => {}
                Grant::Enough => return Ok(Some(LetterOutcome::AddressHasEnough)),
                Grant::TakenByAnother => return Err(Trouble::TakenByAnother),
            }
        }
        let Some(recipient) = self.recipient(&letter, now).await? else {
            return Ok(Some(LetterOutcome::NoRecipient));
        };
        *details = std::mem::take(details).and(recipient.user.map(AuditDetails::user).unwrap_or_default());
        if let Some(refused) = self.begin(id, state, &recipient, now).await? {
            return Ok(Some(refused));
        }
        let sent = match self.send(&letter, &recipient, now).await {
            Ok(sent) => sent,
            Err(trouble) => {
                self.deliveries.not_sent(id).await?;
                return Err(trouble);
            }
        };
        *details = std::mem::take(details).with_any(Field::AwsError, sent.code());
        Ok(Some(match sent {
            Sent::Taken => LetterOutcome::Sent,
            Sent::Refused(_) => LetterOutcome::Refused,
            Sent::Unknown(_) => LetterOutcome::Delayed,
            Sent::Failed(_) => {
                self.deliveries.not_sent(id).await?;
                LetterOutcome::Delayed
            }
        }))
    }

    async fn recipient(&self, letter: &Letter, now: Timestamp) -> Result<Option<Recipient>, StoreError> {
        match (letter.kind, &letter.username, &letter.to) {
            (LetterKind::Recovery, Some(username), _) => self.deliveries.recovery(username).await,
            (LetterKind::Invitation, Some(username), _) => self.deliveries.invitation(username, now).await,
            (LetterKind::Recovery | LetterKind::Invitation, None, _) | (.., None) => Ok(None),
            (.., Some(to)) => Ok(Some(Recipient::named(letter.user, to.clone(), letter.locale.clone()))),
        }
    }

    /// Writes down that an attempt begins; says why it may not.
    async fn begin(
        &self,
        id: &LetterId,
        state: LetterState,
        recipient: &Recipient,
        now: Timestamp,
    ) -> Result<Option<LetterOutcome>, Trouble> {
        if !state.is_granted {
            return match self.deliveries.grant(id, recipient, now).await? {
                Grant::Granted => Ok(None),
                Grant::TakenByAnother => Err(Trouble::TakenByAnother),
                Grant::Enough => Ok(Some(LetterOutcome::UserHasEnough)),
            };
        }
        if self.deliveries.begin_again(id, state).await? {
            return Ok(None);
        }
        if state.uncertain < 2 { Err(Trouble::TakenByAnother) } else { Ok(Some(LetterOutcome::Uncertain)) }
    }

    async fn send(&self, letter: &Letter, to: &Recipient, now: Timestamp) -> Result<Sent, Trouble> {
        let code = AccountCode::new(edge::random::entropy()?);
        let until = match &letter.username {
            Some(username) => self.deliveries.put_code(to, username, &code, now).await?,
            None => None,
        };
        let written = self.writer.write(letter, to.locale.as_ref(), until.map(|until| (&code, until)));
        Ok(send::send(&self.ses, &self.writer, to.address.as_str(), &written).await)
    }
}

/// How long a letter of this kind may wait to be sent.
const fn longest_wait(kind: LetterKind) -> Seconds {
    match kind {
        LetterKind::Recovery | LetterKind::Test => MAX_AGE,
        LetterKind::Invitation | LetterKind::PasswordChanged | LetterKind::LinkMade => LATEST,
    }
}

impl Trouble {
    /// A panic and a row that cannot be read come again.
    fn is_for_ever(&self) -> bool {
        let Self::Rejection(rejection) = self else { return false };
        matches!(rejection.reason(), Reason::Internal("panic") | Reason::Store(StoreError::Malformed(_)))
    }

    fn report(&self, details: AuditDetails) {
        match self {
            Self::Rejection(rejection) => audit::decided("send_letter", Err(rejection), details),
            Self::TakenByAnother => {}
        }
    }
}
