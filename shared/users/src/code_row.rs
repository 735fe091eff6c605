//! Rows of the table of codes: `code#<hash>` says for whom a code is, and `invitation#<name>` or `recovery#<name>` what it
//! does there. One name has one of each, which knows its newest code: making another ends the one before.
//!
//! A code that a letter brings does not end the ones before: letters are lost, sent twice and arrive in another order. For a new
//! password its `code#` row says all by itself; for an invitation it names the row of the name by what that has as its newest code.

use aws_sdk_dynamodb::types::AttributeValue;
use token::{Seconds, Timestamp};

use crate::{
    LastChange, MalformedRow, MalformedRowOf, SecretHash, Username,
    row::{Row, instant, malformed, parsed, read_instant, string, text},
    schema::{EXPIRES_AT, KEY, USERNAME},
};

const CODE_KEY: &str = "code#";
pub(crate) const INVITATION: &str = "invitation#";
const RECOVERY: &str = "recovery#";

const PURPOSE: &str = "purpose";
/// The hash of the newest code of a name.
pub(crate) const CODE: &str = "code";
/// The last second in which the code is good.
const VALID_UNTIL: &str = "valid_until";
const MADE_AT: &str = "made_at";
const MADE_BY: &str = "made_by";
/// In the row of a letter's code: what the row of the invitation has as its newest code.
pub(crate) const INVITATION_ROW: &str = "invitation";
pub(crate) const FINGERPRINT: &str = "fingerprint";

/// How long a row stays after its code expires; DynamoDB's TTL then deletes it. No check relies on that.
const KEPT: Seconds = Seconds::new(86_400);

/// What a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodePurpose {
    /// Becoming a user of a name that nobody has.
    Invitation,
    /// Setting the password of a user anew.
    Recovery,
}

/// When and by whom a code was made, and until when it is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeOrigin {
    /// When, and by which administrator.
    pub made: LastChange,
    /// The last second in which it is good.
    pub valid_until: Timestamp,
}

impl CodePurpose {
    /// The word for it, in rows, links and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Recovery => "recovery",
        }
    }

    pub(crate) fn key(self, username: &Username) -> AttributeValue {
        let prefix = match self {
            Self::Invitation => INVITATION,
            Self::Recovery => RECOVERY,
        };
        AttributeValue::S(format!("{prefix}{username}"))
    }
}

pub(crate) fn code_key(code: &SecretHash) -> AttributeValue {
    AttributeValue::S(format!("{CODE_KEY}{}", code.as_str()))
}

/// A key that no code has: hashes are longer.
pub(crate) fn no_code() -> AttributeValue {
    AttributeValue::S(format!("{CODE_KEY}nothing"))
}

/// The row by which a code is found.
pub(crate) fn of_code(
    code: &SecretHash,
    purpose: CodePurpose,
    username: &Username,
    origin: &CodeOrigin,
) -> Row {
    Row::from([
        (KEY.to_owned(), code_key(code)),
        (PURPOSE.to_owned(), string(purpose.as_str())),
        (USERNAME.to_owned(), string(username)),
        (EXPIRES_AT.to_owned(), instant(origin.valid_until.plus(KEPT))),
    ])
}

/// The row of a name, without what the purpose adds to it.
pub(crate) fn of_name(
    code: &SecretHash,
    purpose: CodePurpose,
    username: &Username,
    origin: &CodeOrigin,
) -> Row {
    let mut row = of_letter(code, purpose, username, origin);
    row.extend([(KEY.to_owned(), purpose.key(username)), (CODE.to_owned(), string(code.as_str()))]);
    row
}

/// The row of a code that says by itself who made it, and for how long.
pub(crate) fn of_letter(
    code: &SecretHash,
    purpose: CodePurpose,
    username: &Username,
    origin: &CodeOrigin,
) -> Row {
    let mut row = of_code(code, purpose, username, origin);
    row.extend([
        (VALID_UNTIL.to_owned(), instant(origin.valid_until)),
        (MADE_AT.to_owned(), instant(origin.made.at)),
        (MADE_BY.to_owned(), string(&origin.made.by)),
    ]);
    row
}

/// For what and for whom a code is.
pub(crate) fn read_code(row: &Row) -> Result<(CodePurpose, Username), MalformedRow> {
    let purpose = match text(row, PURPOSE)? {
        "invitation" => CodePurpose::Invitation,
        "recovery" => CodePurpose::Recovery,
        _ => return Err(malformed(PURPOSE)),
    };
    Ok((purpose, parsed(row, USERNAME)?))
}

/// Whether the row of a name has this code as its newest.
pub(crate) fn has_code(row: &Row, code: &SecretHash) -> bool {
    text(row, CODE).is_ok_and(|stored| stored == code.as_str())
}

pub(crate) fn read_origin(row: &Row) -> Result<CodeOrigin, MalformedRow> {
    let made = LastChange { at: read_instant(row, MADE_AT)?, by: text(row, MADE_BY)?.into() };
    Ok(CodeOrigin { made, valid_until: read_instant(row, VALID_UNTIL)? })
}

pub(crate) fn of_codes(error: MalformedRow) -> MalformedRow {
    MalformedRow { row: MalformedRowOf::Code, ..error }
}
