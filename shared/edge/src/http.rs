//! HTTP: what came, what goes back, and the one match from reasons to statuses.

mod audit_details;
mod bearer;
mod endpoint;
mod form;
mod grant_failure;
mod origin_check;
mod reason;
mod rejection;
mod request;
pub(crate) mod response;

pub use audit_details::{About, AuditDetails};
pub use bearer::bearer_token;
pub use endpoint::{Endpoint, Route, respond};
pub use form::{ClientCredentials, Form};
pub use grant_failure::{ClientFailure, GrantFailure};
pub(crate) use origin_check::OriginCheck;
pub use reason::{CredentialFailure, PageOrigin, Reason, SessionFailure, Throttled};
pub use rejection::Rejection;
pub use request::{Body, MAX_BODY_BYTES, Request, is_request_id};
pub use response::{Response, user};
