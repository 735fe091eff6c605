use aws_smithy_types::{DateTime, date_time::Format};
use serde_json::{Map, Value};
use token::{
    CustomClaims, CustomClaimsError, IdentifierError, Timestamp,
    strict_json::{self, JsonError},
};
use users::{HashError, Status, UserRecord, UsernameError};

use crate::ClaimOfField;

/// What the fields of a Django dump become.
pub(super) struct DjangoFields {
    pub(super) username: String,
    pub(super) claims: Vec<ClaimOfField>,
}

/// Why a row is no user that can be imported; says nothing of its hash.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowError {
    #[error("the row is longer than 64 KiB")]
    TooLong,
    #[error("{0}")]
    Json(#[from] JsonError),
    #[error("there is no {0:?}")]
    Missing(String),
    #[error("{0:?} is not {1}")]
    Mistyped(String, &'static str),
    #[error("{0:?} is no member of a user")]
    Unknown(String),
    #[error("{0}")]
    Username(#[from] UsernameError),
    #[error("the user_id: {0}")]
    Identifier(#[from] IdentifierError),
    #[error("{0}")]
    Hash(#[from] HashError),
    #[error("{0}")]
    Claims(#[from] CustomClaimsError),
    #[error("row {0} has the same name")]
    SameName(u64),
    #[error("row {0} has the same user_id")]
    SameId(u64),
}

/// A user as `user export` writes them, or an object of a Django dump; and the name as written, if there is one.
pub(super) fn read(text: &[u8], django: &DjangoFields) -> (Option<String>, Result<UserRecord, RowError>) {
    let mut members = match strict_json::parse_object(text) {
        Ok(members) => members,
        Err(problem) => return (None, Err(problem.into())),
    };
    if let Some(Value::Object(fields)) = members.remove("fields") {
        let name = fields.get(&django.username).and_then(Value::as_str).map(str::to_owned);
        return (name, of_django(fields, django));
    }
    let name = members.get("username").and_then(Value::as_str).map(str::to_owned);
    (name, of_export(members))
}

fn of_export(mut members: Map<String, Value>) -> Result<UserRecord, RowError> {
    let record = UserRecord {
        username: required(&mut members, "username")?.parse()?,
        id: optional_string(&mut members, "user_id")?.map(|text| text.parse()).transpose()?,
        password_hash: required(&mut members, "password_hash")?.parse()?,
        claims: match members.remove("claims") {
            None => CustomClaims::default(),
            Some(Value::Object(claims)) => CustomClaims::new(claims)?,
            Some(_) => return Err(RowError::Mistyped("claims".into(), "an object")),
        },
        status: match flag(&mut members, "disabled")? {
            Some(true) => Status::Disabled,
            _ => Status::Enabled,
        },
        created_at: match members.remove("created_at") {
            None => None,
            Some(value) => Some(instant(&value)?),
        },
    };
    match members.into_iter().next() {
        None => Ok(record),
        Some((name, _)) => Err(RowError::Unknown(name.chars().take(64).collect())),
    }
}

fn instant(value: &Value) -> Result<Timestamp, RowError> {
    let instant = value.as_u64().and_then(Timestamp::from_seconds);
    instant.ok_or_else(|| RowError::Mistyped("created_at".into(), "a number of seconds since 1970"))
}

/// `password`, `is_active` and `date_joined` are of every user model that Django ships.
fn of_django(mut fields: Map<String, Value>, django: &DjangoFields) -> Result<UserRecord, RowError> {
    let mut claims = Map::new();
    for ClaimOfField { claim, field } in &django.claims {
        match fields.get(field) {
            None => return Err(RowError::Missing(field.clone())),
            Some(Value::Null) => {}
            Some(value) => drop(claims.insert(claim.clone(), value.clone())),
        }
    }
    Ok(UserRecord {
        username: required(&mut fields, &django.username)?.parse()?,
        id: None,
        password_hash: required(&mut fields, "password")?.parse()?,
        claims: CustomClaims::new(claims)?,
        status: match flag(&mut fields, "is_active")? {
            Some(false) => Status::Disabled,
            _ => Status::Enabled,
        },
        created_at: optional_string(&mut fields, "date_joined")?.map(|text| joined(&text)).transpose()?,
    })
}

/// `2023-06-02T18:00:00.123Z`, with an offset, or in UTC without one where the project has no time zones.
fn joined(text: &str) -> Result<Timestamp, RowError> {
    let date = |text: &str| DateTime::from_str(text, Format::DateTimeWithOffset);
    let instant = date(text).or_else(|_| date(&format!("{text}Z"))).ok();
    let seconds = instant.and_then(|instant| u64::try_from(instant.secs()).ok());
    let mistyped = || RowError::Mistyped("date_joined".into(), "a date and time since 1970");
    seconds.and_then(Timestamp::from_seconds).ok_or_else(mistyped)
}

fn required(members: &mut Map<String, Value>, name: &str) -> Result<String, RowError> {
    optional_string(members, name)?.ok_or_else(|| RowError::Missing(name.to_owned()))
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
