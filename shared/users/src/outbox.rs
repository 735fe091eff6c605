//! Letters to be written: rows that any function may put, and that the mailer alone reads. A row says which letter and to
//! whom; it holds no code and no words.

use std::sync::Arc;

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, Put, StreamSpecification, StreamViewType, TransactWriteItem},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use token::{Entropy, Seconds, Timestamp, UserId};

use crate::{
    CodeUser, Locale, MailAddress, MalformedRow, MalformedRowOf, Operation, SourceAddress, StoreError,
    UserTable, Username,
    row::{Row, instant, malformed, optional_text, parsed, read_instant, string, text},
    schema::{EXPIRES_AT, KEY, LOCALE, SOURCE_IP, USER_ID, USERNAME},
    table::create_table,
};

/// What the name of the table is, after that of the users'.
const SUFFIX: &str = "-outbox";
/// Before the random part of a key.
const ROW: &str = "letter#";
const LETTER: &str = "letter";
pub(crate) const TO: &str = "to";
const ASKED_AT: &str = "asked_at";
/// Set with the first attempt at sending, in the write that counts the letter against what may be sent.
pub(crate) const GRANTED: &str = "granted";
/// Set when the letter has been counted against what may be asked for from its address, whoever gets it or nobody.
pub(crate) const CHARGED: &str = "charged";
/// How many attempts at sending have begun whose outcome nobody knows.
pub(crate) const UNCERTAIN: &str = "uncertain";
/// What became of the letter; there is nothing more to do then.
pub(crate) const OUTCOME: &str = "outcome";

/// How long a row stays; DynamoDB's TTL then deletes it. No check relies on that.
const KEPT: Seconds = Seconds::new(86_400);

/// The table of letters to be written, beside a table of users.
#[derive(Clone, Debug)]
pub struct Outbox {
    pub(crate) client: Client,
    pub(crate) name: Arc<str>,
}

/// What a letter is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LetterKind {
    /// A code with which the user of a name sets a new password, asked for by anybody.
    Recovery,
    /// A code with which an invited person becomes a user.
    Invitation,
    /// The password has been changed.
    PasswordChanged,
    /// An administrator has made a link for a new password.
    LinkMade,
    /// Letters go out and arrive.
    Test,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    /// What it is about.
    pub kind: LetterKind,
    /// The user it is about; of a test, nobody.
    pub username: Option<Username>,
    /// Their `sub`, where that is known to whoever asks; for the log.
    pub user: Option<UserId>,
    /// To whom it goes, where that is not to be looked up.
    pub to: Option<MailAddress>,
    /// In which language, where that is not to be looked up.
    pub locale: Option<Locale>,
    /// Where whoever asked for it is.
    pub source: Option<SourceAddress>,
    /// When it was asked for.
    pub asked_at: Timestamp,
}

/// The key of a row: 128 random bits, drawn by whoever puts it, so that it meets no other row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LetterId(pub(crate) String);

/// A way to tell a user of what happens to them: a letter, asked for in the transaction in which it happens.
#[derive(Clone, Copy, Debug)]
pub struct Notice<'a> {
    /// Where letters are asked for.
    pub outbox: &'a Outbox,
    /// Its key.
    pub id: &'a LetterId,
}

/// What has become of a letter so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LetterState {
    /// Whether it has been counted against what may be asked for from its address.
    pub is_charged: bool,
    /// Whether it has been counted against what may be sent.
    pub is_granted: bool,
    /// How many attempts have begun whose outcome nobody knows.
    pub uncertain: u64,
    /// Whether there is nothing more to do.
    pub is_done: bool,
}

impl LetterKind {
    /// The word for it, in rows and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recovery => "recovery",
            Self::Invitation => "invitation",
            Self::PasswordChanged => "password_changed",
            Self::LinkMade => "link_made",
            Self::Test => "test",
        }
    }

    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Recovery, Self::Invitation, Self::PasswordChanged, Self::LinkMade, Self::Test];
}

impl LetterId {
    /// The key of this randomness.
    pub fn new(entropy: Entropy) -> Self {
        Self(format!("{ROW}{}", BASE64_URL_SAFE_NO_PAD.encode(entropy.0)))
    }

    /// The key that a record of the table's stream names; any other text is the key of no row.
    pub fn of_record(key: &str) -> Self {
        Self(key.to_owned())
    }

    pub(crate) fn key(&self) -> AttributeValue {
        string(&self.0)
    }
}

impl Letter {
    /// A letter about a user, who is looked up when it is written.
    pub fn about(kind: LetterKind, username: Username, asked_at: Timestamp) -> Self {
        Self { kind, username: Some(username), user: None, to: None, locale: None, source: None, asked_at }
    }

    /// A letter that says nothing but that it arrives.
    pub fn test(address: MailAddress, asked_at: Timestamp) -> Self {
        let kind = LetterKind::Test;
        Self { kind, username: None, user: None, to: Some(address), locale: None, source: None, asked_at }
    }

    /// A letter about a user who is written to at this address.
    #[must_use]
    pub fn to(self, user: UserId, address: MailAddress, locale: Option<Locale>) -> Self {
        Self { user: Some(user), to: Some(address), locale, ..self }
    }

    fn row(&self, id: &LetterId) -> Row {
        let optional = [
            (USERNAME, self.username.as_ref().map(string)),
            (USER_ID, self.user.as_ref().map(string)),
            (TO, self.to.as_ref().map(string)),
            (LOCALE, self.locale.as_ref().map(string)),
            (SOURCE_IP, self.source.as_ref().map(string)),
        ];
        let mut row = Row::from([
            (KEY.to_owned(), id.key()),
            (LETTER.to_owned(), string(self.kind.as_str())),
            (ASKED_AT.to_owned(), instant(self.asked_at)),
            (EXPIRES_AT.to_owned(), instant(self.asked_at.plus(KEPT))),
        ]);
        row.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        row
    }

    fn read(row: &Row) -> Result<Self, MalformedRow> {
        let word = text(row, LETTER)?;
        let kind = LetterKind::ALL.into_iter().find(|kind| kind.as_str() == word);
        Ok(Self {
            kind: kind.ok_or_else(|| malformed(LETTER))?,
            username: optional(row, USERNAME)?,
            user: optional(row, USER_ID)?,
            to: optional(row, TO)?,
            locale: optional(row, LOCALE)?,
            source: optional(row, SOURCE_IP)?,
            asked_at: read_instant(row, ASKED_AT)?,
        })
    }
}

impl Notice<'_> {
    /// The part of a transaction that tells `user`, at the address they have now; none for one without an address, and where no
    /// letters are sent.
    pub(crate) fn part(
        notice: Option<Self>,
        kind: LetterKind,
        username: &Username,
        user: &CodeUser,
        now: Timestamp,
    ) -> Result<Option<TransactWriteItem>, StoreError> {
        let Some((notice, to)) = notice.zip(user.email()) else { return Ok(None) };
        let letter = Letter::about(kind, username.clone(), now).to(user.id, to, user.locale.clone());
        notice.outbox.part(notice.id, &letter).map(Some)
    }
}

fn optional<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    row: &Row,
    attribute: &'static str,
) -> Result<Option<T>, MalformedRow> {
    optional_text(row, attribute)?.map(|_| parsed(row, attribute)).transpose()
}

impl Outbox {
    /// The one beside `users`: called as it is, with `-outbox` behind.
    pub fn beside(users: &UserTable) -> Self {
        Self::new(users.client.clone(), &format!("{}{SUFFIX}", users.name))
    }

    /// The one of this name.
    pub fn new(client: Client, name: &str) -> Self {
        Self { client, name: name.into() }
    }

    /// What the table is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the table, whose stream names the rows and holds nothing else of them, unless there is one; for the local server and
    /// for tests.
    pub async fn create_table(&self) -> Result<(), StoreError> {
        let stream =
            StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::KeysOnly);
        let stream = stream.build().map_err(|error| StoreError::unbuilt(Operation::CreateTable, error))?;
        create_table(&self.client, &self.name, Some(stream)).await
    }

    /// Asks for a letter. Reads nothing, whatever the letter says.
    pub async fn put(&self, id: &LetterId, letter: &Letter) -> Result<(), StoreError> {
        let put = self.client.put_item().table_name(&*self.name).set_item(Some(letter.row(id)));
        let put = put.send().await;
        put.map(drop).map_err(|error| StoreError::unavailable(Operation::PutItem, error))
    }

    /// Asking for a letter, as a part of the transaction with what it tells of.
    pub(crate) fn part(&self, id: &LetterId, letter: &Letter) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder().table_name(&*self.name).set_item(Some(letter.row(id))).build();
        let put = put.map_err(|error| StoreError::unbuilt(Operation::TransactWriteItems, error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// The letter of a row and what has become of it; none where there is no row.
    pub async fn find(&self, id: &LetterId) -> Result<Option<(Letter, LetterState)>, StoreError> {
        let get = self.client.get_item().table_name(&*self.name).consistent_read(true).key(KEY, id.key());
        let row = get.send().await.map_err(|error| StoreError::unavailable(Operation::GetItem, error))?.item;
        let Some(row) = row else { return Ok(None) };
        let of_letter = |error| MalformedRow { row: MalformedRowOf::Letter, ..error };
        let uncertain = match row.get(UNCERTAIN) {
            Some(AttributeValue::N(count)) => count.parse().unwrap_or(u64::MAX),
            _ => 0,
        };
        let state = LetterState {
            is_charged: row.contains_key(CHARGED),
            is_granted: row.contains_key(GRANTED),
            uncertain,
            is_done: row.contains_key(OUTCOME),
        };
        match Letter::read(&row) {
            Ok(letter) => Ok(Some((letter, state))),
            // Given up already, because it cannot be read.
            Err(_) if state.is_done => Ok(None),
            Err(error) => Err(of_letter(error).into()),
        }
    }

    /// What became of a letter, in a word; none while it is not known.
    pub async fn outcome(&self, id: &LetterId) -> Result<Option<String>, StoreError> {
        let get = self.client.get_item().table_name(&*self.name).consistent_read(true).key(KEY, id.key());
        let row = get.send().await.map_err(|error| StoreError::unavailable(Operation::GetItem, error))?.item;
        Ok(row.and_then(|row| text(&row, OUTCOME).map(str::to_owned).ok()))
    }
}
