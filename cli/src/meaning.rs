//! What the members of a token mean, for people.

use serde_json::{Map, Value};
use token::Timestamp;

use crate::table::Table;

/// The header members we know, in reading order (RFC 7515 §4.1, RFC 7516 §4.1, RFC 7797).
const HEADER: [(&str, &str); 12] = [
    ("typ", "what it is"),
    ("alg", "how it says it is signed; the key decides"),
    ("kid", "the key that signed it"),
    ("crit", "extensions; rejected"),
    ("b64", "an extension; rejected"),
    ("enc", "of an encrypted token; rejected"),
    ("zip", "of an encrypted token; rejected"),
    ("cty", "of a token within a token; rejected"),
    ("jwk", "never looked at"),
    ("jku", "never looked at"),
    ("x5u", "never looked at"),
    ("x5c", "never looked at"),
];

/// The claims we know, in reading order (RFC 7519 §4.1).
const CLAIMS: [(&str, &str); 9] = [
    ("iss", "who issued it"),
    ("aud", "whom it is meant for"),
    ("sub", "the user, for ever"),
    ("username", "the user's name"),
    ("iat", "the login; no refresh changes it"),
    ("nbf", "when it becomes valid"),
    ("exp", "when this token dies"),
    ("jti", "this token"),
    ("sid", "the session"),
];

/// The claims of an access token, in reading order (RFC 9068 §2.2).
const ACCESS_CLAIMS: [(&str, &str); 14] = [
    ("iss", "who issued it"),
    ("aud", "the one service that it is for"),
    ("sub", "the user or the machine client, for ever"),
    ("username", "the user's name"),
    ("client_id", "the machine client, or Latchkey's own audience"),
    ("scope", "what it allows there"),
    ("token_use", "what kind of token it is"),
    ("iat", "when it was issued"),
    ("nbf", "when it becomes valid"),
    ("exp", "when this token dies"),
    ("auth_time", "the login"),
    ("amr", "how the user logged in"),
    ("jti", "this token"),
    ("sid", "the session"),
];

/// What is a date for people.
const INSTANTS: [&str; 3] = ["iat", "nbf", "exp"];
const ACCESS_INSTANTS: [&str; 4] = ["iat", "nbf", "exp", "auth_time"];

/// The header, a line a member.
pub(crate) fn of_header(header: &Map<String, Value>) -> Table {
    table(header, &HEADER, &INSTANTS, "never looked at")
}

/// The claims, a line a claim.
pub(crate) fn of_claims(claims: &Map<String, Value>) -> Table {
    table(claims, &CLAIMS, &INSTANTS, "set by an administrator")
}

/// The claims of an access token, a line a claim.
pub(crate) fn of_access_claims(claims: &Map<String, Value>) -> Table {
    table(claims, &ACCESS_CLAIMS, &ACCESS_INSTANTS, "set by an administrator")
}

fn table(members: &Map<String, Value>, known: &[(&str, &str)], instants: &[&str], other: &str) -> Table {
    let mut table = Table::indented();
    for (name, meaning) in known {
        if let Some(value) = members.get(*name) {
            table.push(&[(*name).to_owned(), (*meaning).to_owned(), shown(name, value, instants)]);
        }
    }
    for (name, value) in members {
        if !known.iter().any(|(known, _)| known == name) {
            table.push(&[name.clone(), other.to_owned(), shown(name, value, instants)]);
        }
    }
    table
}

/// The value, with its date if it is an instant.
fn shown(name: &str, value: &Value, instants: &[&str]) -> String {
    let seconds = value.as_u64().filter(|_| instants.contains(&name));
    let instant = seconds.and_then(Timestamp::from_seconds);
    match (instant, value) {
        (Some(instant), _) => format!("{value} = {instant}"),
        (None, Value::String(text)) => text.clone(),
        (None, value) => value.to_string(),
    }
}
