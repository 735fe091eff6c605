use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use token::{Timestamp, UserId};

use super::{
    Assurance, ImportError, Imported, Origin, UserRecord,
    origin::{LastImport, NO_PASSWORD, hash_text},
};
use crate::{
    Status, StoreError, User, UserTable, Username,
    row::{Row, instant, no_sessions, string, user_key},
    schema::{
        CLAIMS, CREATED_AT, ENABLED, IMPORTED, KEY, PASSWORD_HASH, RESERVED, SESSIONS, USER_ID, USERNAME,
    },
    update::{Outcome, update},
};

/// What became of the name of somebody who was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// Nobody else gets it until an administrator says so.
    Reserved,
    /// They are here already, or the name was reserved for them.
    Theirs,
    /// Another person has it; who that was, if they came from elsewhere.
    OfAnother(Option<Origin>),
}

impl UserTable {
    /// Keeps the name of somebody who was not imported from everybody else: of two people with one name the first to
    /// come would else be taken for the other. Without an origin it is of several.
    ///
    /// A reserved name is a user who cannot log in: disabled, and without a password.
    pub async fn reserve(
        &self,
        username: &Username,
        origin: Option<&Origin>,
        new_id: UserId,
        now: Timestamp,
    ) -> Result<Reservation, StoreError> {
        let mut row = Row::from(
            [
                (KEY, user_key(username)),
                (USER_ID, string(&new_id)),
                (USERNAME, string(username)),
                (ENABLED, AttributeValue::Bool(false)),
                (PASSWORD_HASH, string(NO_PASSWORD)),
                (CLAIMS, string("{}")),
                (CREATED_AT, instant(now)),
                (SESSIONS, no_sessions()),
                (RESERVED, AttributeValue::Bool(true)),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        if let Some(origin) = origin {
            row.insert(IMPORTED.to_owned(), AttributeValue::M(origin.attributes()));
        }
        let Outcome::Rejected(Some(row)) = self.put_row(row).await? else { return Ok(Reservation::Reserved) };
        let here = Origin::of(&row)?;
        if let (Some(here), Some(origin)) = (&here, origin)
            && here.is(origin)
        {
            return Ok(Reservation::Theirs);
        }
        if !is_reserved(&row) {
            return Ok(Reservation::OfAnother(here));
        }
        // Of several from now on, none of whom may have it without an administrator's word.
        let shared = self
            .update_item(user_key(username))
            .update_expression("REMOVE #imported")
            .condition_expression("attribute_exists(#reserved)")
            .expression_attribute_names("#imported", IMPORTED)
            .expression_attribute_names("#reserved", RESERVED);
        update(shared).await?;
        Ok(Reservation::Reserved)
    }

    /// Makes a reserved name a user's, where it was reserved for them.
    pub(super) async fn take_reserved(
        &self,
        record: &UserRecord,
        assurance: Assurance,
        row: &Row,
        user: &User,
        now: Timestamp,
    ) -> Result<Imported, ImportError> {
        let holder = Origin::of(row).map_err(StoreError::from)?;
        let is_theirs = holder.as_ref().zip(record.origin.as_ref()).is_some_and(|(one, other)| one.is(other));
        if !is_theirs && assurance == Assurance::Record {
            return Err(ImportError::Reserved(holder));
        }
        let disabled = self.since().filter(|_| record.status == Status::Disabled);
        let stamps: Vec<_> = self.stamp().chain(disabled).collect();
        let values = HashMap::from([
            (":id", string(&record.id.unwrap_or(user.id))),
            (":enabled", AttributeValue::Bool(record.status == Status::Enabled)),
            (":hash", string(hash_text(record.password_hash.as_ref()))),
            (":claims", string(&record.claims)),
            (":created_at", instant(record.created_at.unwrap_or(now))),
            (":imported", LastImport::of(record).attribute()),
            (":read_id", string(&user.id)),
            (":none", string(NO_PASSWORD)),
        ]);
        let mut write = self
            .update_item(user_key(&record.username))
            .update_expression(format!(
                "SET #id = :id, #enabled = :enabled, #hash = :hash, #claims = :claims, \
                 #created_at = :created_at, #imported = :imported{} REMOVE #reserved",
                stamps.iter().map(|(name, _)| format!(", #{name} = :{name}")).collect::<Vec<_>>().concat()
            ))
            .condition_expression("attribute_exists(#reserved) AND #id = :read_id AND #hash = :none");
        for (placeholder, name) in [
            ("#id", USER_ID),
            ("#enabled", ENABLED),
            ("#hash", PASSWORD_HASH),
            ("#claims", CLAIMS),
            ("#created_at", CREATED_AT),
            ("#imported", IMPORTED),
            ("#reserved", RESERVED),
        ] {
            write = write.expression_attribute_names(placeholder, name);
        }
        for (name, value) in stamps {
            write = write
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        for (placeholder, value) in values {
            write = write.expression_attribute_values(placeholder, value);
        }
        match update(write).await? {
            Outcome::Done(_) => Ok(Imported::Created),
            Outcome::Rejected(_) => Err(ImportError::Contended),
        }
    }
}

/// Whether the row only keeps its name from others. One that was given a password since is a user.
pub(crate) fn is_reserved(row: &Row) -> bool {
    let has_password = row.get(PASSWORD_HASH).is_none_or(|hash| *hash != string(NO_PASSWORD));
    row.contains_key(RESERVED) && !has_password
}

/// Whether the row only keeps its name for the user of the other.
pub(crate) fn is_reserved_for(row: &Row, user: &Row) -> bool {
    let origins = Origin::of(row).ok().flatten().zip(Origin::of(user).ok().flatten());
    is_reserved(row) && origins.is_some_and(|(one, other)| one.is(&other))
}
