use std::{collections::HashMap, fmt};

use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use token::{CustomClaims, Timestamp};

use crate::{
    MalformedRow, PasswordHash, Status, UserRecord,
    row::{Row, instant, optional_text, read_enabled, read_instant, string},
    schema::{CLAIMS, CREATED_AT, ENABLED, IMPORTED, ORIGIN_KEY, ORIGIN_NAME, PASSWORD_HASH},
};

/// What stands for a hash where there is no password: Django's mark, which no password matches.
pub(crate) const NO_PASSWORD: &str = "!";
/// How many bytes of SHA-256 tell two imported texts apart.
const FINGERPRINT_BYTES: usize = 16;

/// Who a user was in the system they came from.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    /// The name, letter by letter as it was written there.
    pub name: String,
    /// What identifies the user there: the primary key.
    pub key: Option<String>,
}

/// What the last import said of a user, to tell what has changed since: there, or here.
#[derive(Clone, PartialEq)]
pub(crate) struct LastImport {
    pub(crate) origin: Option<Origin>,
    /// Of the hash and the claims a fingerprint is kept: the weak hash of another program must not outlive its
    /// replacement.
    hash: String,
    claims: String,
    pub(crate) status: Status,
    pub(crate) created_at: Option<Timestamp>,
}

impl Origin {
    /// Whether both are one person: by the key where both have one, else by every letter of the name.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (&self.key, &other.key) {
            (Some(one), Some(other)) => one == other,
            _ => self.name == other.name,
        }
    }

    pub(crate) fn attributes(&self) -> HashMap<String, AttributeValue> {
        let mut entry = HashMap::from([(ORIGIN_NAME.to_owned(), string(&self.name))]);
        if let Some(key) = &self.key {
            entry.insert(ORIGIN_KEY.to_owned(), string(key));
        }
        entry
    }

    /// The origin in the attribute of the last import, if it has one.
    pub(crate) fn of(row: &Row) -> Result<Option<Self>, MalformedRow> {
        let Some(AttributeValue::M(entry)) = row.get(IMPORTED) else { return Ok(None) };
        let Some(name) = optional_text(entry, ORIGIN_NAME)? else { return Ok(None) };
        Ok(Some(Self { name: name.to_owned(), key: optional_text(entry, ORIGIN_KEY)?.map(str::to_owned) }))
    }
}

impl LastImport {
    pub(crate) fn of(record: &UserRecord) -> Self {
        Self {
            origin: record.origin.clone(),
            hash: fingerprint(hash_text(record.password_hash.as_ref())),
            claims: fingerprint(&record.claims.to_string()),
            status: record.status,
            created_at: record.created_at,
        }
    }

    /// The last import of a user's row, unless they came another way or no more than the origin was kept.
    pub(crate) fn read(row: &Row) -> Result<Option<Self>, MalformedRow> {
        let Some(AttributeValue::M(entry)) = row.get(IMPORTED) else { return Ok(None) };
        let (Some(hash), Some(claims)) =
            (optional_text(entry, PASSWORD_HASH)?, optional_text(entry, CLAIMS)?)
        else {
            return Ok(None);
        };
        let created_at =
            entry.contains_key(CREATED_AT).then(|| read_instant(entry, CREATED_AT)).transpose()?;
        Ok(Some(Self {
            origin: Origin::of(row)?,
            hash: hash.to_owned(),
            claims: claims.to_owned(),
            status: if read_enabled(entry)? { Status::Enabled } else { Status::Disabled },
            created_at,
        }))
    }

    pub(crate) fn attribute(&self) -> AttributeValue {
        let mut entry = self.origin.as_ref().map(Origin::attributes).unwrap_or_default();
        entry.insert(PASSWORD_HASH.to_owned(), string(&self.hash));
        entry.insert(CLAIMS.to_owned(), string(&self.claims));
        entry.insert(ENABLED.to_owned(), AttributeValue::Bool(self.status == Status::Enabled));
        if let Some(created_at) = self.created_at {
            entry.insert(CREATED_AT.to_owned(), instant(created_at));
        }
        AttributeValue::M(entry)
    }

    pub(crate) fn had_hash(&self, hash: Option<&PasswordHash>) -> bool {
        self.hash == fingerprint(hash_text(hash))
    }

    pub(crate) fn had_claims(&self, claims: &CustomClaims) -> bool {
        self.claims == fingerprint(&claims.to_string())
    }
}

/// The text that is stored for a password, or for none.
pub(crate) fn hash_text(hash: Option<&PasswordHash>) -> &str {
    hash.map_or(NO_PASSWORD, PasswordHash::expose)
}

fn fingerprint(text: &str) -> String {
    let digest = digest(&SHA256, text.as_bytes());
    let bytes = digest.as_ref();
    URL_SAFE_NO_PAD.encode(bytes.get(..FINGERPRINT_BYTES).unwrap_or(bytes))
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "{:?} with the key {key}", self.name),
            None => write!(f, "{:?}", self.name),
        }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({self})")
    }
}
