//! Rows of machine clients.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use token::{ClientId, Timestamp};

use crate::{
    LastChange, MachineClient, MalformedRow, MalformedRowOf, SecretHash, SecretId, SourceAddress,
    StoredSecret,
    row::{Row, instant, parsed, read_enabled, read_instant, string, text},
    schema::{CHANGED_AT, CHANGED_BY, CREATED_AT},
};

/// Before the id in the key of a client's row.
pub(crate) const CLIENT: &str = "client#";
/// Before the address in the key of a row of wrong secrets from it. Not the row of failed logins: a worker with an old
/// secret must not keep the people behind the same address from logging in.
const ADDRESS_OF_CLIENTS: &str = "client-address#";

const CLIENT_ID: &str = "client_id";
pub(crate) const NAME: &str = "name";
pub(crate) const AUDIENCES: &str = "audiences";
/// The client's secrets: a map by their ids.
pub(crate) const SECRETS: &str = "secrets";
const HASH: &str = "sha256";

pub(crate) fn client_key(id: ClientId) -> AttributeValue {
    AttributeValue::S(format!("{CLIENT}{id}"))
}

pub(crate) fn client_address_key(address: &SourceAddress) -> AttributeValue {
    AttributeValue::S(format!("{ADDRESS_OF_CLIENTS}{address}"))
}

/// The key of no client, which the role of the function may read all the same.
pub(crate) fn no_client() -> AttributeValue {
    AttributeValue::S(format!("{CLIENT}nobody"))
}

pub(crate) fn write(client: &MachineClient) -> Row {
    HashMap::from([
        (CLIENT_ID.to_owned(), string(&client.id)),
        (NAME.to_owned(), string(&client.name)),
        (crate::schema::ENABLED.to_owned(), AttributeValue::Bool(client.enabled)),
        (AUDIENCES.to_owned(), string(&client.audiences)),
        (SECRETS.to_owned(), secrets(&client.secrets)),
        (CREATED_AT.to_owned(), instant(client.created_at)),
    ])
}

pub(crate) fn secrets(secrets: &[StoredSecret]) -> AttributeValue {
    let entry = |secret: &StoredSecret| {
        let entry = [
            (HASH.to_owned(), string(secret.hash.as_str())),
            (CREATED_AT.to_owned(), instant(secret.created_at)),
        ];
        (secret.id.to_string(), AttributeValue::M(entry.into()))
    };
    AttributeValue::M(secrets.iter().map(entry).collect())
}

pub(crate) fn read(row: &Row) -> Result<MachineClient, MalformedRow> {
    let of_client = |error| MalformedRow { row: MalformedRowOf::Client, ..error };
    let changed = read_instant(row, CHANGED_AT).ok().zip(text(row, CHANGED_BY).ok());
    let client = || {
        Ok(MachineClient {
            id: parsed(row, CLIENT_ID)?,
            name: text(row, NAME)?.to_owned(),
            enabled: read_enabled(row)?,
            audiences: parsed(row, AUDIENCES)?,
            secrets: read_secrets(row)?,
            created_at: read_instant(row, CREATED_AT)?,
            last_change: changed.map(|(at, by)| LastChange { at, by: by.into() }),
        })
    };
    client().map_err(of_client)
}

/// The secrets that this version knows how to check, the oldest first.
fn read_secrets(row: &Row) -> Result<Vec<StoredSecret>, MalformedRow> {
    let Some(AttributeValue::M(entries)) = row.get(SECRETS) else {
        return Err(crate::row::malformed(SECRETS));
    };
    let mut secrets: Vec<_> = entries.iter().filter_map(|(id, entry)| read_secret(id, entry)).collect();
    secrets.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
    Ok(secrets)
}

fn read_secret(id: &str, entry: &AttributeValue) -> Option<StoredSecret> {
    let AttributeValue::M(entry) = entry else { return None };
    let (hash, created_at): (_, Timestamp) = (text(entry, HASH).ok()?, read_instant(entry, CREATED_AT).ok()?);
    Some(StoredSecret { id: SecretId::stored(id), hash: SecretHash::stored(hash), created_at })
}
