//! Rows in and out of `DynamoDB`'s attribute values; nothing about a row is believed unread.

use std::{
    collections::{BTreeMap, HashMap},
    error::Error,
    str::FromStr,
};

use aws_lc_rs::hmac;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use token::{SessionId, Timestamp};

use crate::{
    Account, AddressFailures, Attempts, LastChange, MalformedRow, MalformedRowOf, NewSession, Session,
    SourceAddress, TryId, User, Username,
    schema::{
        ADDRESS, CHANGED_AT, CHANGED_BY, CLAIMS, CREATED_AT, DISABLED_AT, EMAIL, ENABLED, EXPIRES_AT,
        FAILURES, ISSUED_AT, LAST_FAILURE, LOCALE, PASSWORD_HASH, REPLACED, SESSIONS, SOURCE_IP, TRIES, USER,
        USER_AGENT, USER_ID, USERNAME,
    },
};

pub(crate) type Row = HashMap<String, AttributeValue>;

pub(crate) fn user_key(username: &Username) -> AttributeValue {
    AttributeValue::S(format!("{USER}{username}"))
}

/// What stands for a name where it must not be read: the failed logins under it, which may be a password that somebody typed
/// into the wrong field, and a user who was deleted.
///
/// Whoever can read the table can test a guess. That the table's own name is in it keeps a guess of one from being one of
/// another, and the reader of a key, as in `CloudTrail`, from knowing which table it was tested for.
pub(crate) fn name_mark(table: &str, username: &Username) -> String {
    mark(table, username.as_str())
}

/// What stands for another text in the same way. A table may be named by its ARN, whose last part is its name.
pub(crate) fn mark(table: &str, text: &str) -> String {
    let table = table.rsplit('/').next().unwrap_or_default();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, table.as_bytes()), text.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(tag.as_ref().get(..16).unwrap_or_default())
}

pub(crate) fn address_key(address: &SourceAddress) -> AttributeValue {
    AttributeValue::S(format!("{ADDRESS}{address}"))
}

pub(crate) fn string(value: &(impl ToString + ?Sized)) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn instant(value: Timestamp) -> AttributeValue {
    number(value.seconds())
}

pub(crate) fn no_sessions() -> AttributeValue {
    AttributeValue::M(HashMap::new())
}

/// The entry of a new session in the map of sessions.
pub(crate) fn session_entry(new: &NewSession<'_>) -> Row {
    let session = Session::from(new);
    let mut entry = HashMap::from([(ISSUED_AT.to_owned(), instant(session.issued_at()))]);
    if let Some(user_agent) = session.user_agent() {
        entry.insert(USER_AGENT.to_owned(), string(user_agent));
    }
    if let Some(source_ip) = session.source_ip() {
        entry.insert(SOURCE_IP.to_owned(), string(source_ip));
    }
    entry
}

/// The user of a row that was asked for under `username`.
pub(crate) fn read_user(row: &Row, username: &Username) -> Result<User, MalformedRow> {
    let Account { id, username, enabled, password_hash, claims } = read_account(row, username)?;
    let created_at = read_instant(row, CREATED_AT).map_err(|error| of_user(row, error))?;
    let sessions = read_sessions(row).map_err(|error| of_user(row, error))?;
    let changed = read_instant(row, CHANGED_AT).ok().zip(text(row, CHANGED_BY).ok());
    let last_change = changed.map(|(at, by)| LastChange { at, by: by.into() });
    let disabled_at = read_instant(row, DISABLED_AT).ok();
    let (email, locale) = (parsed(row, EMAIL).ok(), parsed(row, LOCALE).ok());
    Ok(User {
        id,
        username,
        enabled,
        password_hash,
        claims,
        created_at,
        sessions,
        last_change,
        disabled_at,
        email,
        locale,
    })
}

fn of_user(row: &Row, error: MalformedRow) -> MalformedRow {
    let user = parsed(row, USER_ID).map_or(MalformedRowOf::UnidentifiedUser, MalformedRowOf::User);
    MalformedRow { row: user, ..error }
}

/// What [`read_user`] reads without `created_at` and the sessions, which the row need not have then.
pub(crate) fn read_account(row: &Row, username: &Username) -> Result<Account, MalformedRow> {
    account(row, username).map_err(|error| of_user(row, error))
}

fn account(row: &Row, username: &Username) -> Result<Account, MalformedRow> {
    // A row that was written under a name that is not canonical, by another program.
    if parsed::<Username>(row, USERNAME)? != *username {
        return Err(malformed(USERNAME));
    }
    Ok(Account {
        id: parsed(row, USER_ID)?,
        username: username.clone(),
        enabled: read_enabled(row)?,
        password_hash: text(row, PASSWORD_HASH)?.parse(),
        claims: parsed(row, CLAIMS)?,
    })
}

/// The attempts of a row, if there is one and it has not expired.
pub(crate) fn read_attempts(row: Option<&Row>, now: Timestamp) -> Result<Attempts, MalformedRow> {
    let of_name = |error| MalformedRow { row: MalformedRowOf::Attempts, ..error };
    let Some((row, failures, _)) = live_failures(row, now).map_err(of_name)? else {
        return Ok(Attempts::default());
    };
    Ok(Attempts { failures, last_failure: Some(read_instant(row, LAST_FAILURE).map_err(of_name)?) })
}

/// The failures of a row of an address, if there is one and it has not expired.
pub(crate) fn read_address(row: Option<&Row>, now: Timestamp) -> Result<AddressFailures, MalformedRow> {
    let of_address = |error| MalformedRow { row: MalformedRowOf::Address, ..error };
    let Some((_, failures, until)) = live_failures(row, now).map_err(of_address)? else {
        return Ok(AddressFailures::default());
    };
    Ok(AddressFailures { failures, until: Some(until) })
}

/// A row that counts failures, their number and when they expire. `DynamoDB` deletes rows within days of that, and
/// returns them until then.
fn live_failures(row: Option<&Row>, now: Timestamp) -> Result<Option<(&Row, u32, Timestamp)>, MalformedRow> {
    let Some(row) = row.filter(|row| row.contains_key(FAILURES)) else { return Ok(None) };
    let expires_at = read_instant(row, EXPIRES_AT)?;
    let failures = u32::try_from(read_number(row, FAILURES)?).unwrap_or(u32::MAX);
    Ok((now < expires_at).then_some((row, failures, expires_at)))
}

/// Whether the user of this row may log in.
pub(crate) fn read_enabled(row: &Row) -> Result<bool, MalformedRow> {
    match row.get(ENABLED) {
        Some(AttributeValue::Bool(enabled)) => Ok(*enabled),
        _ => Err(malformed(ENABLED)),
    }
}

/// Whether a row that counts failures bears the mark of this try.
pub(crate) fn has_try(row: &Row, id: &TryId) -> bool {
    matches!(row.get(TRIES), Some(AttributeValue::Ss(tries)) if tries.contains(&id.0))
}

/// The sessions of a user's row, as far as this version knows them.
///
/// An entry of another form was written by a newer version or by another program: its session is not ours to refresh,
/// and it ends with the others. It must not shut its user out.
pub(crate) fn read_sessions(row: &Row) -> Result<BTreeMap<SessionId, Session>, MalformedRow> {
    let Some(AttributeValue::M(entries)) = row.get(SESSIONS) else {
        return Err(malformed(SESSIONS));
    };
    let mut sessions = BTreeMap::new();
    for (id, entry) in entries {
        if let (Ok(id), Some(session)) = (id.parse(), read_session(entry)) {
            sessions.insert(id, session);
        }
    }
    Ok(sessions)
}

/// How many entries of the map of sessions [`read_sessions`] leaves out.
pub(crate) fn unknown_sessions(row: &Row) -> Result<usize, MalformedRow> {
    let Some(AttributeValue::M(entries)) = row.get(SESSIONS) else {
        return Err(malformed(SESSIONS));
    };
    Ok(entries.len() - read_sessions(row)?.len())
}

fn read_session(entry: &AttributeValue) -> Option<Session> {
    let AttributeValue::M(entry) = entry else { return None };
    let optional = |name| text(entry, name).ok();
    let issued_at = read_instant(entry, ISSUED_AT).ok()?;
    let replaced = optional(REPLACED).and_then(|id| id.parse().ok());
    Some(Session::new(issued_at, optional(USER_AGENT), optional(SOURCE_IP)).in_place_of(replaced))
}

pub(crate) fn read_instant(row: &Row, attribute: &'static str) -> Result<Timestamp, MalformedRow> {
    Timestamp::from_seconds(read_number(row, attribute)?).ok_or_else(|| malformed(attribute))
}

fn read_number(row: &Row, attribute: &'static str) -> Result<u64, MalformedRow> {
    match row.get(attribute) {
        Some(AttributeValue::N(number)) => number.parse().map_err(|error| unreadable(attribute, error)),
        _ => Err(malformed(attribute)),
    }
}

pub(crate) fn parsed<T>(row: &Row, attribute: &'static str) -> Result<T, MalformedRow>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    text(row, attribute)?.parse().map_err(|error| unreadable(attribute, error))
}

pub(crate) fn text<'a>(row: &'a Row, attribute: &'static str) -> Result<&'a str, MalformedRow> {
    match row.get(attribute) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(malformed(attribute)),
    }
}

/// A text that may be absent.
pub(crate) fn optional_text<'a>(
    row: &'a Row,
    attribute: &'static str,
) -> Result<Option<&'a str>, MalformedRow> {
    row.contains_key(attribute).then(|| text(row, attribute)).transpose()
}

pub(crate) fn malformed(attribute: &'static str) -> MalformedRow {
    MalformedRow { attribute, row: MalformedRowOf::Unknown, source: None }
}

fn unreadable(attribute: &'static str, error: impl Error + Send + Sync + 'static) -> MalformedRow {
    MalformedRow { attribute, row: MalformedRowOf::Unknown, source: Some(Box::new(error)) }
}
