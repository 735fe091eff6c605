//! Clients of AWS: every call has a limit, one trusted TLS stack, and no error that prints a response.
//!
//! Nothing here knows what Latchkey is.
//!
//! - [`AwsSettings`]: the variables that Lambda sets, and the clients made of them
//! - `https`, `roots`: the HTTP client below them, and whose certificates it trusts
//! - [`cause_of`], [`AwsCause`], [`surely_not_sent`], [`with_causes`]: what went wrong, without what was sent or received

mod cause;
mod https;
mod roots;
mod settings;

pub use cause::{AwsCause, cause_of, surely_not_sent, with_causes};
pub use settings::{AwsSettings, SettingError};
