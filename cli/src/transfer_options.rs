use std::{path::PathBuf, str::FromStr};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};
use token::{CustomClaims, CustomClaimsError};

use crate::StoreOptions;

/// `latchkey user import`
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
#[derive(Clone, Debug, Args)]
pub struct ImportUsers {
    /// JSON lines as `user export` writes them, or what `manage.py dumpdata auth.user` wrote; - for standard input
    pub file: PathBuf,
    /// Check every row and write nothing; the table is not even read
    #[arg(long)]
    pub dry_run: bool,
    /// Carry over what was changed there since the last import, where it was not changed here too
    ///
    /// Sessions end where the password was changed there or the user may not log in any more. They keep their ids.
    #[arg(long)]
    pub update: bool,
    /// Carry over what was changed there, also over what was changed here
    #[arg(long, conflicts_with = "update")]
    pub replace: bool,
    /// Decide for names: a JSON object of names there and names here, in which null leaves a row out
    #[arg(long, value_name = "FILE")]
    pub names: Option<PathBuf>,
    /// What becomes of users without a password, who log in another way or not at all
    #[arg(long, value_enum, value_name = "HOW", default_value_t = WithoutPassword::Reject)]
    pub without_password: WithoutPassword,
    /// Write to the users of a Django dump at their `email`: only if that site has made sure that each is its user's own
    #[arg(long)]
    pub trust_emails: bool,
    /// The system that the users come from, where they come from several: their keys are told apart by it
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Import users even if they were deleted here
    #[arg(long)]
    pub restore_deleted: bool,
    /// Skip the rows before this one, as a run that was interrupted says
    #[arg(long, value_name = "ROW", default_value_t = 1)]
    pub start_at: u64,
    /// Write every rejected row's number, name and reason to this new file, as JSON lines
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Make a claim of a field of a Django dump, or of pk, the primary key; may be given several times
    #[arg(long = "claim", value_name = "CLAIM=FIELD")]
    pub claims: Vec<ClaimOfField>,
    /// The field of a Django dump that holds the name
    #[arg(long, value_name = "FIELD", default_value = "username")]
    pub username_field: String,
    /// Where the users go.
    #[command(flatten)]
    pub store: StoreOptions,
}

/// `latchkey user export`
#[derive(Clone, Debug, Args)]
pub struct ExportUsers {
    /// A new file that only you can read; - for standard output
    pub file: PathBuf,
    /// Write over the file if there is one
    #[arg(long)]
    pub force: bool,
    /// Where the users are.
    #[command(flatten)]
    pub store: StoreOptions,
}

/// What becomes of users who have no password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WithoutPassword {
    /// They are rejected, and their names kept for them
    Reject,
    /// They are imported as disabled
    Disabled,
    /// They are imported as they are, and log in once a password has been set for them
    Enabled,
}

/// A claim, and the field of a dump that it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimOfField {
    /// The claim's name, which is not reserved.
    pub claim: String,
    /// The field's.
    pub field: String,
}

/// Why a text is no [`ClaimOfField`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimOfFieldError {
    /// Something is missing.
    #[error("write CLAIM=FIELD, such as email=email")]
    Form,
    /// No token can carry such a claim.
    #[error(transparent)]
    Claim(#[from] CustomClaimsError),
}

impl FromStr for ClaimOfField {
    type Err = ClaimOfFieldError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('=').filter(|(claim, field)| !claim.is_empty() && !field.is_empty());
        let (claim, field) = parts.ok_or(ClaimOfFieldError::Form)?;
        CustomClaims::new(Map::from_iter([(claim.to_owned(), Value::Null)]))?;
        Ok(Self { claim: claim.to_owned(), field: field.to_owned() })
    }
}
