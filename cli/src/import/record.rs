use aws_smithy_types::{DateTime, date_time::Format};
use serde_json::{Map, Value};
use token::{
    CustomClaims, CustomClaimsError, IdentifierError, Timestamp,
    strict_json::{self, JsonError},
};
use users::{
    Assurance, HashError, LocaleError, MailAddress, MailAddressError, Origin, PasswordHash, Status,
    UserRecord, Username, UsernameError,
};

use super::{
    groups::Groups,
    names::{Decision, Names},
};
use crate::{ClaimOfField, WithoutPassword};

/// A clock may be wrong by a day; what is later was not written in seconds, or is no date of joining.
const LATEST_DATE_AHEAD: u64 = 24 * 60 * 60;

/// How rows become users.
pub(super) struct Rules {
    /// The field of a Django dump with the name.
    pub(super) username_field: String,
    pub(super) claims: Vec<ClaimOfField>,
    pub(super) names: Names,
    pub(super) without_password: WithoutPassword,
    /// Whether the `email` of a Django dump is where its user is written to.
    pub(super) trust_emails: bool,
    /// In front of each key of a dump, where users come from several systems.
    pub(super) source: Option<String>,
    pub(super) now: Timestamp,
}

/// A row as it was read.
pub(super) struct SourceRow {
    /// The name as written, if there is one.
    pub(super) name: Option<String>,
    /// The name here, if it can be one: also of a row that is rejected, whose name is kept for them.
    pub(super) username: Option<Username>,
    pub(super) origin: Option<Origin>,
    pub(super) assurance: Assurance,
    pub(super) content: Content,
}

/// What a row is.
pub(super) enum Content {
    /// A user, and whether an invalid date was dropped.
    User(Box<UserRecord>, Option<DateNote>),
    /// An object of another model of a full dump.
    OtherModel(String),
    /// The administrator wants it left out.
    LeftOut,
    Rejected(RowError),
}

/// Why a user has no date of before.
#[derive(Clone, Copy, Debug)]
pub(super) struct DateNote(pub(super) &'static str);

/// Why a row is no user that can be imported; says nothing of its hash.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowError {
    #[error("the row is longer than 64 KiB")]
    TooLong,
    #[error("{0}")]
    Json(#[from] JsonError),
    #[error("there is no {0:?}")]
    Missing(String),
    #[error("there is no \"pk\": dump without --natural-primary")]
    NoKey,
    #[error("{0:?} is not {1}")]
    Mistyped(String, &'static str),
    #[error("{0:?} is no member of a user")]
    Unknown(String),
    #[error("{0}")]
    Username(#[from] UsernameError),
    #[error("the user_id: {0}")]
    Identifier(#[from] IdentifierError),
    #[error("{0} (--without-password says what becomes of such users)")]
    NoPassword(HashError),
    #[error("{0}")]
    Hash(HashError),
    #[error("{0}")]
    Claims(#[from] CustomClaimsError),
    #[error("the email: {0}")]
    Email(#[from] MailAddressError),
    #[error("the locale: {0}")]
    Locale(#[from] LocaleError),
    #[error("row {0} has the same name")]
    SameName(u64),
    #[error("row {0} has the same user_id")]
    SameId(u64),
    #[error("row {0} has the same key")]
    SameKey(u64),
    #[error("imported before as {0}; `latchkey user rename` makes that user this one")]
    Renamed(Username),
    #[error("this user was deleted here; --restore-deleted brings them back")]
    Deleted,
}

impl RowError {
    /// What the rows are counted by.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::TooLong => "row too long",
            Self::Json(_) => "not JSON",
            Self::Missing(_) | Self::NoKey => "a member is missing",
            Self::Mistyped(..) => "a member is of another type",
            Self::Unknown(_) => "an unknown member",
            Self::Username(UsernameError::Empty) => "no name",
            Self::Username(UsernameError::TooLong) => "name too long",
            Self::Username(UsernameError::InvisibleCharacter) => "name with an invisible character",
            Self::Identifier(_) => "not a user_id",
            Self::NoPassword(_) => "no password",
            Self::Hash(HashError::TooWeak(_)) => "password hash too weak",
            Self::Hash(HashError::UnknownAlgorithm) => "password hash of an unknown algorithm",
            Self::Hash(HashError::Parameters) => "password hash out of bounds",
            Self::Hash(_) => "password hash malformed",
            Self::Claims(_) => "claims that no token can carry",
            Self::Email(_) => "not an address",
            Self::Locale(_) => "not a language",
            Self::SameName(_) => "one name for several rows",
            Self::SameId(_) => "one user_id for several rows",
            Self::SameKey(_) => "one key for several rows",
            Self::Renamed(_) => "renamed since the last import",
            Self::Deleted => "deleted here",
        }
    }
}

impl SourceRow {
    /// A row of which nothing is known.
    pub(super) fn rejected(error: RowError) -> Self {
        Self {
            name: None,
            username: None,
            origin: None,
            assurance: Assurance::Record,
            content: Content::Rejected(error),
        }
    }
}

impl Rules {
    /// A user as `user export` writes them, or an object of a Django dump.
    pub(super) fn read(&self, text: &[u8], groups: &Groups) -> SourceRow {
        let mut members = match strict_json::parse_object(text) {
            Ok(members) => members,
            Err(error) => return SourceRow::rejected(error.into()),
        };
        match members.remove("fields") {
            Some(Value::Object(fields)) => self.django(&members, fields, groups),
            fields => {
                members.extend(fields.map(|fields| ("fields".to_owned(), fields)));
                self.line(members)
            }
        }
    }

    fn django(&self, members: &Map<String, Value>, fields: Map<String, Value>, groups: &Groups) -> SourceRow {
        let key = members.get("pk").filter(|key| key.is_string() || key.is_number());
        let name = fields.get(&self.username_field).and_then(Value::as_str).map(str::to_owned);
        if let Some(Value::String(model)) = members.get("model")
            && !fields.contains_key("password")
        {
            let content = Content::OtherModel(model.clone());
            return SourceRow { content, ..SourceRow::rejected(RowError::NoKey) };
        }
        let origin = name.clone().map(|name| Origin { name, key: key.map(|key| self.key(key)) });
        let field = &self.username_field;
        let no_name = no_name(field, fields.contains_key(field));
        self.row(name, no_name, origin, |username, origin| {
            self.of_django(username, origin, key, fields, groups)
        })
    }

    /// A key as text, behind the name of its system.
    fn key(&self, key: &Value) -> String {
        let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        self.source.as_ref().map_or_else(|| key.clone(), |source| format!("{source}:{key}"))
    }

    fn line(&self, mut members: Map<String, Value>) -> SourceRow {
        let name = members.get("username").and_then(Value::as_str).map(str::to_owned);
        let origin = match origin(&mut members) {
            Ok(origin) => origin,
            Err(error) => return SourceRow { name, ..SourceRow::rejected(error) },
        };
        // Who comes with an id is that user, whatever the name was elsewhere.
        let origin = match (&origin, members.contains_key("user_id")) {
            (None, false) => name.clone().map(|name| Origin { name, key: None }),
            _ => origin,
        };
        let no_name = no_name("username", members.contains_key("username"));
        self.row(name, no_name, origin, |username, origin| self.of_export(username, origin, members))
    }

    /// The row of a name, of which `user` makes a record.
    fn row(
        &self,
        name: Option<String>,
        no_name: RowError,
        origin: Option<Origin>,
        user: impl FnOnce(Username, Option<Origin>) -> Result<(UserRecord, Option<DateNote>), RowError>,
    ) -> SourceRow {
        let (username, assurance) = match name.as_deref().map(|name| self.names.decide(name)) {
            None => (Err(no_name), Assurance::Record),
            Some(Decision::LeftOut) => {
                return SourceRow { name, content: Content::LeftOut, ..SourceRow::rejected(RowError::NoKey) };
            }
            Some(Decision::Named(username)) => (Ok(username.clone()), Assurance::Administrator),
            Some(Decision::None) => {
                let text = name.as_deref().unwrap_or_default();
                (text.parse::<Username>().map_err(RowError::from), Assurance::Record)
            }
        };
        let known = username.as_ref().ok().cloned();
        let content = match username.and_then(|username| user(username, origin.clone())) {
            Ok((record, note)) => Content::User(Box::new(record), note),
            Err(error) => Content::Rejected(error),
        };
        SourceRow { name, username: known, origin, assurance, content }
    }

    fn of_export(
        &self,
        username: Username,
        origin: Option<Origin>,
        mut members: Map<String, Value>,
    ) -> Result<(UserRecord, Option<DateNote>), RowError> {
        members.remove("username");
        let id = optional_string(&mut members, "user_id")?.map(|text| text.parse()).transpose()?;
        let disabled = flag(&mut members, "disabled")? == Some(true);
        let status = if disabled { Status::Disabled } else { Status::Enabled };
        let (password_hash, status) = match members.remove("password_hash") {
            // Our own way to say that there is none.
            Some(Value::Null) => (None, status),
            Some(Value::String(text)) => self.password(&text, status)?,
            None if self.without_password != WithoutPassword::Reject => self.password("", status)?,
            None => return Err(RowError::Missing("password_hash".to_owned())),
            Some(_) => return Err(RowError::Mistyped("password_hash".to_owned(), "a string")),
        };
        let claims = match members.remove("claims") {
            None => CustomClaims::default(),
            Some(Value::Object(claims)) => CustomClaims::new(claims)?,
            Some(_) => return Err(RowError::Mistyped("claims".into(), "an object")),
        };
        let date = members.remove("created_at").map(|value| {
            let instant = value.as_u64().and_then(Timestamp::from_seconds);
            self.date(instant, "created_at is not a number of seconds since 1970")
        });
        let (created_at, note) = date.unwrap_or_default();
        let email = optional_string(&mut members, "email")?.map(|text| text.parse()).transpose()?;
        let locale = optional_string(&mut members, "locale")?.map(|text| text.parse()).transpose()?;
        match members.into_iter().next() {
            None => {
                let record = UserRecord {
                    username,
                    id,
                    origin,
                    password_hash,
                    claims,
                    status,
                    created_at,
                    email,
                    locale,
                };
                Ok((record, note))
            }
            Some((name, _)) => Err(RowError::Unknown(name.chars().take(64).collect())),
        }
    }

    /// `password`, `is_active` and `date_joined` are of every user model that Django ships.
    fn of_django(
        &self,
        username: Username,
        origin: Option<Origin>,
        key: Option<&Value>,
        mut fields: Map<String, Value>,
        groups: &Groups,
    ) -> Result<(UserRecord, Option<DateNote>), RowError> {
        let mut claims = Map::new();
        for ClaimOfField { claim, field } in &self.claims {
            let value = match fields.get(field) {
                Some(value) => groups.named(field, value),
                None if field == "pk" => key.ok_or(RowError::NoKey)?.clone(),
                None => return Err(RowError::Missing(field.clone())),
            };
            if !value.is_null() {
                claims.insert(claim.clone(), value);
            }
        }
        let status = match flag(&mut fields, "is_active")? {
            Some(false) => Status::Disabled,
            _ => Status::Enabled,
        };
        let hash = optional_string(&mut fields, "password")?;
        let (password_hash, status) = self.password(&hash.unwrap_or_default(), status)?;
        let date = fields.remove("date_joined").map(|value| {
            let instant = value.as_str().and_then(joined);
            self.date(instant, "date_joined is not a date and time since 1970")
        });
        let (created_at, note) = date.unwrap_or_default();
        let claims = CustomClaims::new(claims)?;
        let email = self.django_email(&fields)?;
        let (id, locale) = (None, None);
        Ok((
            UserRecord { username, id, origin, password_hash, claims, status, created_at, email, locale },
            note,
        ))
    }

    /// Where the user of a Django dump is written to; nobody has proved that it is theirs, so only if that is wanted.
    fn django_email(&self, fields: &Map<String, Value>) -> Result<Option<MailAddress>, RowError> {
        let email = fields.get("email").and_then(Value::as_str).filter(|email| !email.is_empty());
        Ok(email.filter(|_| self.trust_emails).map(str::parse).transpose()?)
    }

    fn password(&self, hash: &str, status: Status) -> Result<(Option<PasswordHash>, Status), RowError> {
        match (hash.parse(), self.without_password) {
            (Ok(hash), _) => Ok((Some(hash), status)),
            (Err(HashError::Unusable), WithoutPassword::Disabled) => Ok((None, Status::Disabled)),
            (Err(HashError::Unusable), WithoutPassword::Enabled) => Ok((None, status)),
            (Err(error @ HashError::Unusable), WithoutPassword::Reject) => Err(RowError::NoPassword(error)),
            (Err(error), _) => Err(RowError::Hash(error)),
        }
    }

    /// A wrong date is lost, and not its user.
    fn date(&self, date: Option<Timestamp>, problem: &'static str) -> (Option<Timestamp>, Option<DateNote>) {
        match date {
            None => (None, Some(DateNote(problem))),
            Some(date) if date.seconds() > self.now.seconds() + LATEST_DATE_AHEAD => {
                (None, Some(DateNote("the date is in the future")))
            }
            date => (date, None),
        }
    }
}

/// Why a row has no name that can be read.
fn no_name(member: &str, is_there: bool) -> RowError {
    if is_there {
        RowError::Mistyped(member.to_owned(), "a string")
    } else {
        RowError::Missing(member.to_owned())
    }
}

/// `{"name":…,"key":…}`, as `user export` writes them.
fn origin(members: &mut Map<String, Value>) -> Result<Option<Origin>, RowError> {
    let mut origin = match members.remove("origin") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(origin)) => origin,
        Some(_) => return Err(RowError::Mistyped("origin".into(), "an object")),
    };
    let name =
        optional_string(&mut origin, "name")?.ok_or_else(|| RowError::Missing("origin.name".into()))?;
    let key = optional_string(&mut origin, "key")?;
    Ok(Some(Origin { name, key }))
}

/// `2023-06-02T18:00:00.123Z`, with an offset, or in UTC without one where the project has no time zones.
fn joined(text: &str) -> Option<Timestamp> {
    let date = |text: &str| DateTime::from_str(text, Format::DateTimeWithOffset);
    let instant = date(text).or_else(|_| date(&format!("{text}Z"))).ok()?;
    Timestamp::from_seconds(u64::try_from(instant.secs()).ok()?)
}

fn optional_string(members: &mut Map<String, Value>, name: &str) -> Result<Option<String>, RowError> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(RowError::Mistyped(name.to_owned(), "a string")),
    }
}

fn flag(members: &mut Map<String, Value>, name: &str) -> Result<Option<bool>, RowError> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(flag)),
        Some(_) => Err(RowError::Mistyped(name.to_owned(), "true or false")),
    }
}
