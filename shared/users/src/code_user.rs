use std::{collections::HashMap, fmt};

use aws_lc_rs::digest;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use token::{Timestamp, UserId};

use crate::{
    MalformedRow, SecretHash,
    row::{Row, parsed, string, text},
    schema::{ENABLED, GENERATION, PASSWORD_HASH, USER_ID},
};

/// The user whose password a code sets, as they were when they were read.
///
/// A code is bound to the id, the stored hash and the generation. When any of these changes, however it happens, the code
/// stops working.
pub struct CodeUser {
    /// `sub`.
    pub id: UserId,
    stored_hash: AttributeValue,
    generation: Option<AttributeValue>,
}

impl CodeUser {
    pub(crate) fn read(user: &Row) -> Result<Self, MalformedRow> {
        let (id, stored_hash) = (parsed(user, USER_ID)?, string(text(user, PASSWORD_HASH)?));
        Ok(Self { id, stored_hash, generation: user.get(GENERATION).cloned() })
    }

    /// Binds a code and its expiry to the user; computing it takes the stored hash.
    pub(crate) fn fingerprint(&self, code: &SecretHash, valid_until: Timestamp) -> String {
        let text = |value: Option<&AttributeValue>| match value {
            Some(AttributeValue::S(text) | AttributeValue::N(text)) => text.clone(),
            _ => String::new(),
        };
        let parts = [
            code.as_str().to_owned(),
            valid_until.seconds().to_string(),
            self.id.to_string(),
            text(self.generation.as_ref()),
            text(Some(&self.stored_hash)),
        ];
        BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, parts.join("\n").as_bytes()))
    }

    /// That the row is still so, and the user enabled.
    pub(crate) fn condition(&self) -> String {
        let generation = match self.generation {
            Some(_) => "#generation = :generation",
            None => "attribute_not_exists(#generation)",
        };
        format!("#user_id = :user_id AND #enabled = :enabled AND #hash = :stored AND {generation}")
    }

    pub(crate) fn names() -> HashMap<String, String> {
        [("#user_id", USER_ID), ("#enabled", ENABLED), ("#hash", PASSWORD_HASH), ("#generation", GENERATION)]
            .map(|(name, attribute)| (name.to_owned(), attribute.to_owned()))
            .into()
    }

    pub(crate) fn values(&self) -> Row {
        let values = [
            (":user_id".to_owned(), string(&self.id)),
            (":enabled".to_owned(), AttributeValue::Bool(true)),
            (":stored".to_owned(), self.stored_hash.clone()),
        ];
        let generation = self.generation.clone().map(|number| (":generation".to_owned(), number));
        values.into_iter().chain(generation).collect()
    }
}

/// Never the hash.
impl fmt::Debug for CodeUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodeUser({})", self.id)
    }
}
