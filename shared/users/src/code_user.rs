use std::{collections::HashMap, fmt};

use aws_lc_rs::digest;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use token::{Timestamp, UserId};

use crate::{
    Locale, MailAddress, MalformedRow, SecretHash,
    row::{Row, parsed, string, text},
    schema::{EMAIL, ENABLED, GENERATION, LOCALE, PASSWORD_HASH, USER_ID},
};

/// The user whose password a code sets, as they were when they were read.
///
/// A code is bound to the id, the stored hash, the address and the generation. When any of these changes, however it happens,
/// the code stops working.
pub struct CodeUser {
    /// `sub`.
    pub id: UserId,
    /// The language to write in; no code is bound to it.
    pub locale: Option<Locale>,
    stored_hash: AttributeValue,
    email: Option<AttributeValue>,
    generation: Option<AttributeValue>,
}

impl CodeUser {
    pub(crate) fn read(user: &Row) -> Result<Self, MalformedRow> {
        let (id, stored_hash) = (parsed(user, USER_ID)?, string(text(user, PASSWORD_HASH)?));
        let of = |attribute| user.get(attribute).cloned();
        let locale = parsed(user, LOCALE).ok();
        Ok(Self { id, locale, stored_hash, email: of(EMAIL), generation: of(GENERATION) })
    }

    /// Where the user is written to.
    pub fn email(&self) -> Option<MailAddress> {
        self.email.as_ref()?.as_s().ok()?.parse().ok()
    }

    /// Binds a code and its expiry to the user; computing it takes the stored hash.
    pub(crate) fn fingerprint(&self, code: &SecretHash, valid_until: Timestamp) -> String {
        let text = |value: Option<&AttributeValue>| match value {
            Some(AttributeValue::S(text) | AttributeValue::N(text)) => text.clone(),
            _ => String::new(),
        };
        let mut parts = vec![
            code.as_str().to_owned(),
            valid_until.seconds().to_string(),
            self.id.to_string(),
            text(self.generation.as_ref()),
            text(Some(&self.stored_hash)),
        ];
        parts.extend(self.email.as_ref().map(|email| text(Some(email))));
        BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, parts.join("\n").as_bytes()))
    }

    /// That the row is still so, and the user enabled.
    pub(crate) fn condition(&self) -> String {
        let generation = match self.generation {
            Some(_) => "#generation = :generation",
            None => "attribute_not_exists(#generation)",
        };
        let email = if self.email.is_some() { "#email = :email" } else { "attribute_not_exists(#email)" };
        format!(
            "#user_id = :user_id AND #enabled = :enabled AND #hash = :stored AND {email} AND {generation}"
        )
    }

    pub(crate) fn names() -> HashMap<String, String> {
        let names = [
            ("#user_id", USER_ID),
            ("#enabled", ENABLED),
            ("#hash", PASSWORD_HASH),
            ("#email", EMAIL),
            ("#generation", GENERATION),
        ];
        names.map(|(name, attribute)| (name.to_owned(), attribute.to_owned())).into()
    }

    pub(crate) fn values(&self) -> Row {
        let values = [
            (":user_id".to_owned(), string(&self.id)),
            (":enabled".to_owned(), AttributeValue::Bool(true)),
            (":stored".to_owned(), self.stored_hash.clone()),
        ];
        let generation = self.generation.clone().map(|number| (":generation".to_owned(), number));
        let email = self.email.clone().map(|email| (":email".to_owned(), email));
        values.into_iter().chain(email).chain(generation).collect()
    }
}

/// Never the hash.
impl fmt::Debug for CodeUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodeUser({})", self.id)
    }
}
