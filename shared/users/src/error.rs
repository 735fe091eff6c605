use std::error::Error;

use token::UserId;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// Why the table gave no answer.
///
/// No display and no source carries a row: hashes and sessions stay out of logs.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// `DynamoDB` failed, rejected the call or was too slow, after the client's own attempts.
    #[error("{operation} of DynamoDB failed")]
    Unavailable {
        /// The call that failed.
        operation: Operation,
        /// What the SDK said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// `DynamoDB` answered a part of the batch only, twice.
    #[error("DynamoDB left keys of a batch unprocessed")]
    Unprocessed,
    /// Other writers changed the row before each of our attempts.
    #[error("the row was changed by others at each of {attempts} attempts")]
    Contended {
        /// How many attempts were made.
        attempts: u32,
    },
    /// The row was not written by this program.
    #[error("a row of the table is malformed")]
    Malformed(#[from] MalformedRow),
}

/// The calls made to `DynamoDB`, as IAM names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `dynamodb:BatchGetItem`
    BatchGetItem,
    /// `dynamodb:CreateTable`
    CreateTable,
    /// `dynamodb:DeleteItem`
    DeleteItem,
    /// `dynamodb:GetItem`
    GetItem,
    /// `dynamodb:PutItem`
    PutItem,
    /// `dynamodb:Scan`
    Scan,
    /// `dynamodb:UpdateItem` on each of its rows
    TransactWriteItems,
    /// `dynamodb:UpdateItem`
    UpdateItem,
    /// `dynamodb:UpdateTimeToLive`
    UpdateTimeToLive,
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// Which row is malformed, as far as a log may say it: never by name or address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MalformedRowOf {
    /// Somebody's; whoever asked knows whose.
    #[default]
    Unknown,
    /// The row of the user of this `sub`.
    User(UserId),
    /// A user's row whose `user_id` is unreadable too.
    UnidentifiedUser,
    /// The failed logins under a name.
    Attempts,
    /// The failed logins, or wrong secrets of clients, from an address.
    Address,
    /// A machine client.
    Client,
    /// A code, or what it is for.
    Code,
    /// A letter to be written, or what may be sent.
    Letter,
}

impl std::fmt::Display for MalformedRowOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown => Ok(()),
            Self::User(id) => write!(f, " in the row of the user {id}"),
            Self::UnidentifiedUser => f.write_str(" in a user's row whose user_id is unreadable"),
            Self::Attempts => f.write_str(" in the row of the failed logins under a name"),
            Self::Address => f.write_str(" in the row of the failed logins from an address"),
            Self::Client => f.write_str(" in the row of a machine client"),
            Self::Code => f.write_str(" in a row of the table of codes"),
            Self::Letter => f.write_str(" in a row of letters"),
        }
    }
}

/// An attribute is missing, of another type or unreadable.
#[derive(Debug, thiserror::Error)]
#[error("the attribute {attribute} is missing, of another type or unreadable{row}")]
pub struct MalformedRow {
    /// The attribute's name.
    pub attribute: &'static str,
    /// Which row it is.
    pub row: MalformedRowOf,
    /// What its parser said, if it has the right type.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// Keeps the SDK's cause and drops its raw response: that one prints the body, and with it a row.
    pub(crate) fn unavailable<E, R>(operation: Operation, error: SdkError<E, R>) -> Self
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        Self::Unavailable { operation, source: aws::cause_of(error).into() }
    }

    /// For a request that could not even be built: an attribute that the builder requires is missing.
    pub(crate) fn unbuilt(operation: Operation, error: aws_sdk_dynamodb::error::BuildError) -> Self {
        Self::Unavailable { operation, source: error.into() }
    }
}
