//! HTTP: what came, what goes back, and the one match from reasons to statuses.

mod bearer;
mod endpoint;
mod rejection;
mod request;
pub(crate) mod response;

pub use bearer::bearer_token;
pub use endpoint::{Endpoint, Route, respond};
pub use rejection::{CredentialFailure, Rejection, SessionFailure};
pub use request::{Body, Request};
pub use response::Response;
