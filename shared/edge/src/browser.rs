//! What browsers may do: cookie mode with its CSRF defence, and CORS.

mod account_link;
mod cookie_header;
mod cookies;
mod cors;
mod origins;

pub use account_link::{AccountLink, AccountLinkError};
pub use cookie_header::cookie_values;
pub(crate) use cookies::CookieModeError;
pub use cookies::{Carrier, CookieMode, IssuedToken, Presented};
pub use cors::Cors;
pub(crate) use origins::Origins;
