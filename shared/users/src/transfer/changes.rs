use token::{CustomClaims, Timestamp};

use super::{UserRecord, origin::LastImport};
use crate::{
    HashError, Locale, MailAddress, PasswordHash, Status, User,
    schema::{CLAIMS, CREATED_AT, EMAIL, ENABLED, LOCALE, PASSWORD_HASH},
};

/// What a record and a user differ in, and who has changed since the last import.
pub(super) struct Changes<'a> {
    pub(super) hash: Change<Option<&'a PasswordHash>>,
    pub(super) claims: Change<&'a CustomClaims>,
    pub(super) status: Change<Status>,
    pub(super) created_at: Change<Timestamp>,
    pub(super) email: Change<&'a MailAddress>,
    pub(super) locale: Change<&'a Locale>,
}

/// Of one attribute, as the record has it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Change<T> {
    None,
    /// The user was changed since, and the record is as it was.
    Here,
    /// The record was changed since, and the user is as they were.
    There(T),
    /// Both, or it cannot be told.
    Both(T),
}

impl<'a> Changes<'a> {
    pub(super) fn between(record: &'a UserRecord, user: &User, last: Option<&LastImport>) -> Self {
        let status = if user.enabled { Status::Enabled } else { Status::Disabled };
        let hash = record.password_hash.as_ref();
        let same_hash = match (&user.password_hash, hash) {
            (Ok(one), Some(other)) => one == other,
            (Err(HashError::Unusable), None) => true,
            _ => false,
        };
        let user_hash = user.password_hash.as_ref().ok();
        let readable = user_hash.is_some() || user.password_hash == Err(HashError::Unusable);
        Self {
            hash: change(hash, same_hash, || {
                last.map(|last| (last.had_hash(hash), readable && last.had_hash(user_hash)))
            }),
            claims: change(&record.claims, user.claims == record.claims, || {
                last.map(|last| (last.had_claims(&record.claims), last.had_claims(&user.claims)))
            }),
            status: change(record.status, status == record.status, || {
                last.map(|last| (last.status == record.status, last.status == status))
            }),
            created_at: match record.created_at {
                None => Change::None,
                Some(instant) => change(instant, instant == user.created_at, || {
                    let before = last.and_then(|last| last.created_at);
                    before.map(|before| (before == instant, before == user.created_at))
                }),
            },
            // The last import is not remembered this far.
            email: match &record.email {
                Some(email) => change(email, user.email.as_ref() == Some(email), || None),
                None => Change::None,
            },
            locale: match &record.locale {
                Some(locale) => change(locale, user.locale.as_ref() == Some(locale), || None),
                None => Change::None,
            },
        }
    }

    /// The attributes that only the record has changed.
    pub(super) fn there(&self) -> Vec<&'static str> {
        self.named(|side| side == Side::There)
    }

    /// The attributes that both have changed.
    pub(super) fn both(&self) -> Vec<&'static str> {
        self.named(|side| side == Side::Both)
    }

    pub(super) fn any_here(&self) -> bool {
        !self.named(|side| side == Side::Here).is_empty()
    }

    /// Whether the tokens of before must not be refreshed with what the record says.
    pub(super) fn ends_sessions(&self) -> bool {
        self.hash.taken().is_some() || self.status.taken() == Some(Status::Disabled)
    }

    fn named(&self, wanted: impl Fn(Side) -> bool) -> Vec<&'static str> {
        let sides = [
            (PASSWORD_HASH, self.hash.side()),
            (CLAIMS, self.claims.side()),
            (ENABLED, self.status.side()),
            (CREATED_AT, self.created_at.side()),
            (EMAIL, self.email.side()),
            (LOCALE, self.locale.side()),
        ];
        sides.into_iter().filter(|(_, side)| wanted(*side)).map(|(name, _)| name).collect()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    None,
    Here,
    There,
    Both,
}

impl<T: Copy> Change<T> {
    /// The record's value, where it was changed there.
    pub(super) fn taken(&self) -> Option<T> {
        match self {
            Self::None | Self::Here => None,
            Self::There(value) | Self::Both(value) => Some(*value),
        }
    }

    fn side(&self) -> Side {
        match self {
            Self::None => Side::None,
            Self::Here => Side::Here,
            Self::There(_) => Side::There,
            Self::Both(_) => Side::Both,
        }
    }
}

/// `unchanged` says whether the record and the user are as the last import had them, if that is known.
fn change<T>(value: T, same: bool, unchanged: impl Fn() -> Option<(bool, bool)>) -> Change<T> {
    if same {
        return Change::None;
    }
    match unchanged() {
        Some((true, _)) => Change::Here,
        Some((false, true)) => Change::There(value),
        Some((false, false)) | None => Change::Both(value),
    }
}
