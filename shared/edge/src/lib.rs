//! How the world reaches Latchkey: everything between an event of AWS Lambda and a use case.
//!
//! - [`Environment`]: every setting, its default and its rule
//! - [`clock`], [`random`]: the one reading of the time and of the random source
//! - `http`: [`Request`], [`Response`], [`Rejection`], and [`respond`], which turns one event into one response
//! - `browser`: [`CookieMode`], [`Cors`], and [`AccountLink`], the page that codes lead to
//! - `identity`: [`PasswordCheck`], [`TokenCheck`], [`AccessTokenCheck`], [`live_user`] and [`SessionCheck`]
//! - `lambda`: [`start`], [`start_answering`], [`start_task`], the logs ([`audit`], [`mod@log`]) and the [`metrics`]

mod browser;
pub mod clock;
mod http;
mod identity;
mod lambda;
mod mail_settings;
pub mod random;
mod settings;

pub use crate::http::{
    About, AuditDetails, Body, ClientCredentials, ClientFailure, CredentialFailure, Endpoint, Form,
    GrantFailure, MAX_BODY_BYTES, PageOrigin, Reason, Rejection, Request, Response, Route, SessionFailure,
    Throttled, bearer_token, is_request_id, respond, user,
};
pub use browser::{
    AccountLink, AccountLinkError, Carrier, CookieMode, Cors, IssuedToken, Presented, cookie_values,
};
pub use identity::{
    AccessTokenCheck, Caller, PasswordCheck, SessionCheck, TokenCheck, Try, live_bearer, live_user, moved,
    warm_up,
};
pub use lambda::{LetterOutcome, TaskOutcome, audit, guarded, metrics, start, start_answering, start_task};
pub use mail_settings::{MailFrom, MailFromError};
/// What the log may say.
pub mod log {
    pub use crate::lambda::schema::{EVENTS, Field, REASONS, VERSION};
}
pub use settings::{AuthorizerResponse, Environment, OnFailure, SettingError};
