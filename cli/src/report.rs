use std::fmt;

use serde_json::Value;

/// What a command has to say, to people and to programs.
#[derive(Clone, PartialEq)]
pub struct Report {
    /// Lines for people, each with its line end.
    pub text: String,
    /// The outcome as JSON, for programs; once released, members are added and never renamed.
    pub json: Value,
    /// What the exit status says.
    pub outcome: Outcome,
}

/// How a command ended that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Status 0.
    Success,
    /// Status 1: the token that was asked about is rejected, or a row that was to be imported or exported.
    Rejected,
    /// Status 130, as for a program that Ctrl-C ends: a part of the work is done, and the report says which.
    Interrupted,
}

impl Report {
    /// A success.
    pub(crate) fn new(text: String, json: Value) -> Self {
        Self { text, json, outcome: Outcome::Success }
    }
}

impl fmt::Debug for Report {
    /// Neither form of what it says: the secret of a new client is in both.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}
