//! The signing keys: where they are kept, how they are read, and how long they are used.
//!
//! - [`SigningKeys`]: the key set of this process, cached
//! - [`KeySource`]: where a key set is read from
//! - [`SigningSecret`]: every call to Secrets Manager
//! - [`PublicKeys`]: the public halves in a table of their own, for functions that only verify or publish

mod key_cache;
mod key_source;
mod public_keys;
mod signing_keys;
mod signing_secret;

pub use key_source::KeySource;
pub use public_keys::{PublicKeys, PublicKeysError, Publication};
pub use signing_keys::{KeysUnavailable, Purpose, SigningKeys, VerificationError};
pub use signing_secret::{Call, SecretError, SecretInForce, SigningSecret, Stage, Versions};
