//! How the world reaches Latchkey: everything between an event of AWS Lambda and a use case.
//!
//! - [`Environment`]: every setting, its default and its rule
//! - [`clock`], [`random`]: the one reading of the time and of the random source
//! - [`aws`]: SDK clients with limits
//! - [`SigningKeys`]: the key set, cached; [`KeySource`]: where it is
//! - [`PublicKeys`]: its public halves, for functions that only verify or publish
//! - [`Request`], [`Answer`], [`Refusal`]: what a use case gets and what it may say
//! - [`bearer_token`]: the token in an `Authorization` header
//! - [`live_user`], [`caller`]: the check that the session of a token has not ended
//! - [`CookieMode`], [`Cors`]: what browsers may do
//! - [`Endpoint`], [`respond`]: one event in, one answer out, whatever the event
//! - [`guarded`]: a panic and lost time as refusals
//! - [`PasswordCheck`]: a password checked, within the bounds on failures
//! - [`audit`]: one line a decision; [`metrics`]: the same as numbers
//! - [`start`], [`start_answering`], [`start_task`]: a Lambda function, from its settings to its last event

mod answer;
pub mod audit;
pub mod aws;
mod bearer;
pub mod clock;
mod cookies;
mod cors;
mod endpoint;
mod guarded;
mod https;
mod key_source;
mod live_session;
mod logging;
pub mod metrics;
mod origins;
mod password_check;
mod public_keys;
pub mod random;
mod refusal;
mod request;
mod roots;
mod runtime;
mod settings;
mod signing_keys;

pub use answer::Answer;
pub use bearer::bearer_token;
pub use cookies::{Carrier, CookieMode, Presented};
pub use cors::Cors;
pub use endpoint::{Endpoint, Route, respond};
pub use guarded::guarded;
pub use key_source::KeySource;
pub use live_session::{caller, live_user};
pub use password_check::{PasswordCheck, Try};
pub use public_keys::{PublicKeys, PublicKeysError};
pub use refusal::{CredentialFailure, Refusal, SessionFailure};
pub use request::{Body, Request};
pub use runtime::{start, start_answering, start_task};
pub use settings::{AuthorizerResponse, Environment, IssuerUrl, SettingError};
pub use signing_keys::SigningKeys;
