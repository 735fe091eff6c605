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

/// The header, a line a member.
pub(crate) fn of_header(header: &Map<String, Value>) -> Table {
    table(header, &HEADER, "never looked at")
}

/// The claims, a line a claim.
pub(crate) fn of_claims(claims: &Map<String, Value>) -> Table {
    table(claims, &CLAIMS, "set by an administrator")
}

fn table(members: &Map<String, Value>, known: &[(&str, &str)], other: &str) -> Table {
    let mut table = Table::indented();
    for (name, meaning) in known {
        if let Some(value) = members.get(*name) {
            table.push(&[(*name).to_owned(), (*meaning).to_owned(), shown(name, value)]);
        }
    }
    for (name, value) in members {
        if !known.iter().any(|(known, _)| known == name) {
            table.push(&[name.clone(), other.to_owned(), shown(name, value)]);
        }
    }
    table
}

/// The value, with its date if it is an instant.
fn shown(name: &str, value: &Value) -> String {
    let instant = match name {
        "iat" | "nbf" | "exp" => value.as_u64().and_then(Timestamp::from_seconds),
        _ => None,
    };
    match (instant, value) {
        (Some(instant), _) => format!("{value} = {instant}"),
        (None, Value::String(text)) => text.clone(),
        (None, value) => value.to_string(),
    }
}
