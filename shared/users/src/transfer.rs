use aws_sdk_dynamodb::types::AttributeValue;
use token::{CustomClaims, Timestamp, UserId};

pub(crate) use self::reserve::{is_reserved, is_reserved_for};
use self::{
    changes::Changes,
    origin::{LastImport, hash_text},
};
pub use self::{origin::Origin, reserve::Reservation};
use crate::{
    HashError, LastChange, Listing, Locale, MailAddress, MalformedRow, PageStart, PasswordHash, StoreError,
    User, UserTable, Username,
    row::{
        Row, instant, no_sessions, number, parsed, read_enabled, read_instant, read_user, string, text,
        user_key,
    },
    schema::{
        CHANGED_AT, CHANGED_BY, CLAIMS, CREATED_AT, DISABLED_AT, EMAIL, ENABLED, GENERATION, IMPORTED, KEY,
        LOCALE, PASSWORD_HASH, RESERVED, SESSIONS, USER, USER_ID, USERNAME,
    },
    update::{Outcome, put, update},
};

mod changes;
mod origin;
mod reserve;

/// A user on the way into the table or out of it: everything but the sessions, which are of the tokens out there.
#[derive(Clone, Debug, PartialEq)]
pub struct UserRecord {
    /// The name, canonical.
    pub username: Username,
    /// `sub`; without one a new user gets a new one and an existing user keeps theirs. Never absent on the way out.
    pub id: Option<UserId>,
    /// Who the user was in the system they came from, if they came from one.
    pub origin: Option<Origin>,
    /// The hash of the password; without one nobody can log in until a password is set.
    pub password_hash: Option<PasswordHash>,
    /// Claims to be added to each token.
    pub claims: CustomClaims,
    /// Whether logging in and refreshing are allowed.
    pub status: Status,
    /// When the user was created; without it, as for the id. Never absent on the way out.
    pub created_at: Option<Timestamp>,
    /// Where to write to the user; without it nothing changes.
    pub email: Option<MailAddress>,
    /// The language to write to the user in; without one nothing changes.
    pub locale: Option<Locale>,
}

/// Whether a user may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// They may log in and refresh.
    Enabled,
    /// They may not.
    Disabled,
}

/// What to do where the user exists and is not as the record has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfDifferent {
    /// Change nothing.
    Reject,
    /// Carry over what was changed there since the last import, where nobody has changed it here.
    Update,
    /// Carry over what was changed there, also where it was changed here too.
    Replace,
}

/// Who answers for a record being the person who has its name here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assurance {
    /// The record itself: its id or its origin has to be the user's.
    Record,
    /// An administrator, who looked at this name and said so. No word can give a name that came with another origin.
    Administrator,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// There is a new user.
    Created,
    /// The user was there already, just as the record has them.
    Unchanged,
    /// The record is as it was at the last import; the user has logged in or was changed here since, and is kept.
    ChangedHere,
    /// What was changed there has been carried over.
    Updated,
    /// What was changed there has been written over what the user was here.
    Replaced,
}

/// Why a record was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Another user has the name.
    #[error("a user of this name exists with another user_id")]
    OtherId,
    /// Another person has the name, who came from elsewhere or as somebody else.
    #[error("the name is that of another person here, who was imported as {0}")]
    OtherPerson(Origin),
    /// Nothing says that the user and the record are one person.
    #[error("a user of this name exists who was not imported, with another {0}")]
    NotImported(&'static str),
    /// An earlier import rejected another person of the name.
    #[error("the name is reserved: an earlier import rejected {}", .0.as_ref().map_or_else(|| "several people with it".to_owned(), ToString::to_string))]
    Reserved(Option<Origin>),
    /// The record has changed since the last import; nothing in the way.
    #[error("changed there since the last import: {}", .0.join(", "))]
    ChangedThere(Vec<&'static str>),
    /// Record and user differ, and both may have changed.
    #[error("a user of this name exists with another {}, and may have changed it here", .0.join(", "))]
    ChangedBoth(Vec<&'static str>),
    /// The user was deleted or changed while the record was written.
    #[error("the user of this name was changed at the same time")]
    Contended,
    /// The table gave no answer, or the row in the way is malformed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UserTable {
    /// Creates the user of a record, with `new_id` unless the record has one: one write, none of which overwrites.
    ///
    /// Writing the same record again changes nothing. Where the name is taken, `assurance` and the origin decide
    /// whether it is by the same person, and nothing of one person is ever given to another. Carrying changes over
    /// takes a second write, on the condition that the user is as was read.
    pub async fn import(
        &self,
        record: &UserRecord,
        assurance: Assurance,
        if_different: IfDifferent,
        new_id: UserId,
        now: Timestamp,
    ) -> Result<Imported, ImportError> {
        let Outcome::Rejected(row) = self.put_record(record, new_id, now).await? else {
            return Ok(Imported::Created);
        };
        let row = row.ok_or(ImportError::Contended)?;
        let user = read_user(&row, &record.username).map_err(StoreError::from)?;
        let last = LastImport::read(&row).map_err(StoreError::from)?;
        // The client repeats a write whose answer was lost, and then finds its own row.
        if record.id.is_none() && user.id == new_id {
            return Ok(Imported::Created);
        }
        if reserve::is_reserved(&row) {
            return self.take_reserved(record, assurance, &row, &user, now).await;
        }
        // An export of ours says what the user was then, whatever an import of another system said before.
        let before = last.as_ref().filter(|_| record.id.is_none());
        let changes = Changes::between(record, &user, before);
        same_person(record, assurance, &user, last.as_ref(), &changes)?;
        let (there, both) = (changes.there(), changes.both());
        if there.is_empty() && both.is_empty() {
            return Ok(if changes.any_here() { Imported::ChangedHere } else { Imported::Unchanged });
        }
        match if_different {
            IfDifferent::Reject if both.is_empty() => Err(ImportError::ChangedThere(there)),
            IfDifferent::Reject | IfDifferent::Update if !both.is_empty() => {
                Err(ImportError::ChangedBoth(both))
            }
            IfDifferent::Reject | IfDifferent::Update => {
                self.carry_over(record, &changes, &row).await.map(|()| Imported::Updated)
            }
            IfDifferent::Replace => {
                self.carry_over(record, &changes, &row).await.map(|()| Imported::Replaced)
            }
        }
    }

    /// Writes the row of a record unless there is one of its name.
    async fn put_record(
        &self,
        record: &UserRecord,
        new_id: UserId,
        now: Timestamp,
    ) -> Result<Outcome, StoreError> {
        let id = record.id.unwrap_or(new_id);
        let disabled = record.status == Status::Disabled;
        let row: Row = [
            (KEY, user_key(&record.username)),
            (USER_ID, string(&id)),
            (USERNAME, string(&record.username)),
            (ENABLED, AttributeValue::Bool(record.status == Status::Enabled)),
            (PASSWORD_HASH, string(hash_text(record.password_hash.as_ref()))),
            (CLAIMS, string(&record.claims)),
            (CREATED_AT, instant(record.created_at.unwrap_or(now))),
            (SESSIONS, no_sessions()),
            (IMPORTED, LastImport::of(record).attribute()),
        ]
        .into_iter()
        .chain(self.stamp())
        .chain(self.since().filter(|_| disabled))
        .chain(record.email.as_ref().map(|email| (EMAIL, string(email))))
        .chain(record.locale.as_ref().map(|locale| (LOCALE, string(locale))))
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        self.put_row(row).await
    }

    /// Who writes it, if that is known.
    pub(super) fn stamp(&self) -> impl Iterator<Item = (&'static str, AttributeValue)> {
        let stamp = self.administrator.as_ref();
        stamp
            .into_iter()
            .flat_map(|LastChange { at, by }| [(CHANGED_AT, instant(*at)), (CHANGED_BY, string(by))])
    }

    /// Since when a user is disabled whom it writes so.
    pub(super) fn since(&self) -> Option<(&'static str, AttributeValue)> {
        self.administrator.as_ref().map(|administrator| (DISABLED_AT, instant(administrator.at)))
    }

    /// Writes a row unless there is one of its key.
    async fn put_row(&self, row: Row) -> Result<Outcome, StoreError> {
        let write = self
            .client
            .put_item()
            .table_name(&*self.name)
            .set_item(Some(row))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", KEY);
        put(write).await
    }

    /// Writes what was changed there over the row, which still has to be as it was read.
    async fn carry_over(
        &self,
        record: &UserRecord,
        changes: &Changes<'_>,
        row: &Row,
    ) -> Result<(), ImportError> {
        let mut taken = vec![(IMPORTED, LastImport::of(record).attribute())];
        taken.extend(self.stamp());
        taken.extend(changes.hash.taken().map(|hash| (PASSWORD_HASH, string(hash_text(hash)))));
        taken.extend(changes.claims.taken().map(|claims| (CLAIMS, string(claims))));
        let enabled = changes.status.taken().map(|status| AttributeValue::Bool(status == Status::Enabled));
        taken.extend(enabled.map(|enabled| (ENABLED, enabled)));
        taken.extend(changes.created_at.taken().map(|created_at| (CREATED_AT, instant(created_at))));
        if changes.ends_sessions() {
            taken.push((SESSIONS, no_sessions()));
        }
        let disabled = changes.status.taken() == Some(Status::Disabled);
        taken.extend(self.since().filter(|_| disabled));
        taken.extend(changes.email.taken().map(|email| (EMAIL, string(email))));
        taken.extend(changes.locale.taken().map(|locale| (LOCALE, string(locale))));
        let enabled =
            if changes.status.taken() == Some(Status::Enabled) { " REMOVE #disabled_at" } else { "" };
        let sets: Vec<String> = taken.iter().map(|(name, _)| format!("#{name} = :new_{name}")).collect();
        let as_read = [USER_ID, PASSWORD_HASH, CLAIMS, ENABLED];
        let conditions = as_read.map(|name| format!("#{name} = :{name}"));
        let mut write = self
            .update_item(user_key(&record.username))
            .update_expression(format!("SET {}{enabled} ADD #generation :one", sets.join(", ")))
            .condition_expression(conditions.join(" AND "))
            .expression_attribute_names("#generation", GENERATION)
            .expression_attribute_values(":one", number(1));
        if !enabled.is_empty() {
            write = write.expression_attribute_names("#disabled_at", DISABLED_AT);
        }
        for name in as_read {
            let value = row.get(name).cloned().ok_or(ImportError::Contended)?;
            write = write
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        for (name, value) in taken {
            write = write
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":new_{name}"), value);
        }
        match update(write).await? {
            Outcome::Done(_) => Ok(()),
            Outcome::Rejected(_) => Err(ImportError::Contended),
        }
    }

    /// A page of records, as [`UserTable::list`] of users: every write before it is in it. Reserved names are left out.
    ///
    /// A user whose hash is none that we verify is an unreadable row.
    pub async fn export(&self, start: Option<&PageStart>) -> Result<Listing<UserRecord>, StoreError> {
        let attributes = [
            KEY,
            USER_ID,
            USERNAME,
            ENABLED,
            PASSWORD_HASH,
            CLAIMS,
            CREATED_AT,
            IMPORTED,
            RESERVED,
            EMAIL,
            LOCALE,
        ];
        let scan = self
            .scan_users(start, &attributes)
            .filter_expression(format!(
                "begins_with(#{KEY}, :user) AND (attribute_not_exists(#{RESERVED}) OR #{PASSWORD_HASH} <> :none)"
            ))
            .expression_attribute_values(":user", string(USER))
            .expression_attribute_values(":none", string(origin::NO_PASSWORD));
        Listing::read(scan.consistent_read(true), record).await
    }
}

/// Whether the user of the record's name is the person of the record.
fn same_person(
    record: &UserRecord,
    assurance: Assurance,
    user: &User,
    last: Option<&LastImport>,
    changes: &Changes<'_>,
) -> Result<(), ImportError> {
    if let Some(id) = record.id {
        return if id == user.id { Ok(()) } else { Err(ImportError::OtherId) };
    }
    let origin = last.and_then(|last| last.origin.as_ref());
    if let (Some(here), Some(there)) = (origin, &record.origin) {
        // A name that was given to somebody else meanwhile, in a system that numbers nobody.
        let born = last.and_then(|last| last.created_at).zip(record.created_at);
        let is_same = here.is(there) && born.is_none_or(|(one, other)| one == other);
        return if is_same { Ok(()) } else { Err(ImportError::OtherPerson(here.clone())) };
    }
    let differs = changes.there().into_iter().chain(changes.both()).next();
    match differs {
        Some(attribute) if assurance == Assurance::Record => Err(ImportError::NotImported(attribute)),
        _ => Ok(()),
    }
}

fn record(row: &Row) -> Result<UserRecord, MalformedRow> {
    let password_hash = match text(row, PASSWORD_HASH)?.parse::<PasswordHash>() {
        Ok(hash) => Some(hash),
        Err(HashError::Unusable) => None,
        Err(_) => parsed::<PasswordHash>(row, PASSWORD_HASH).map(Some)?,
    };
    Ok(UserRecord {
        username: parsed(row, USERNAME)?,
        id: Some(parsed(row, USER_ID)?),
        origin: Origin::of(row)?,
        password_hash,
        claims: parsed(row, CLAIMS)?,
        status: if read_enabled(row)? { Status::Enabled } else { Status::Disabled },
        created_at: Some(read_instant(row, CREATED_AT)?),
        email: parsed(row, EMAIL).ok(),
        locale: parsed(row, LOCALE).ok(),
    })
}
