//! Who a request is from: a password that is checked, a session that has not ended.

mod live_session;
mod password_check;
mod token_check;
mod warm_up;

pub use live_session::{Caller, SessionCheck, live_bearer, live_user, moved};
pub use password_check::{PasswordCheck, Try};
pub use token_check::{AccessTokenCheck, TokenCheck};
pub use warm_up::warm_up;
