//! What browsers may do: cookie mode with its CSRF defence, and CORS.

mod cookies;
mod cors;
mod origins;

pub use cookies::{Carrier, CookieMode, Presented};
pub use cors::Cors;
pub(crate) use origins::Origins;
