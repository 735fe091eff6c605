//! Who a request is from: a password that is checked, a session that has not ended.

mod live_session;
mod password_check;
mod warm_up;

pub use live_session::{Caller, SessionCheck, live_user};
pub use password_check::{PasswordCheck, Try};
pub use warm_up::warm_up;
