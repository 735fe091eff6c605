//! What a Latchkey token is.
//!
//! A login opens a session whose tokens slide: `iat` is the login and never changes, every refresh
//! moves `exp`, and refreshing stops after the refresh limit. Everything here is a pure function of
//! its arguments: no I/O, no clock, no AWS. In reading order:
//!
//! - [`Timestamp`] and [`Seconds`]: instants and durations, whole seconds
//! - [`SessionPolicy`]: the refresh rule, which is the heart of the product
//! - [`Claims`]: what a token says; [`CustomClaims`]: what an administrator adds
//! - [`TokenId`], [`SessionId`], [`UserId`], [`ClientId`]: 128 random bits each
//! - [`Key`], [`KeySet`]: what signs and what verifies, and when
//! - [`RotationPolicy`]: which key set comes after which
//! - [`IssuerUrl`], [`Audience`]: who issues, and for whom
//! - [`Issuer`]: claims in, token out
//! - [`UnverifiedToken`]: a token taken apart, believed in nothing
//! - [`TokenError`]: the rules that a token can break, each written once
//! - [`Verifier`]: token in, claims or the first broken rule out
//! - [`Scopes`], [`AccessPolicy`]: what access tokens can be for, what they allow, and how long they live
//! - [`AccessGrant`], [`AccessVerifier`]: an access token out, and in
//! - [`Explanation`]: the same arithmetic in words, for people
//! - [`strict_json`]: JSON objects in which no member occurs twice

mod access_policy;
mod access_token;
mod access_verifier;
mod claims;
mod compact;
mod duration;
mod explain;
mod identifier;
mod issuer;
mod issuer_url;
mod jwk_set;
mod key;
mod key_pair;
mod key_set;
mod newer;
mod policy;
mod problems;
mod retirement;
mod rotation;
mod scopes;
mod stored;
pub mod strict_json;
mod timestamp;
mod verifier;
mod weak_modulus;
mod weak_secret;

pub use access_policy::{
    AccessAudience, AccessAudiences, AccessAudiencesError, AccessExpirationError, AccessPolicy,
};
pub use access_token::{AccessGrant, Bearer};
pub use access_verifier::{AccessToken, AccessVerifier};
pub use claims::{Claims, CustomClaims, CustomClaimsError};
pub use compact::{MAX_TOKEN_BYTES, UnverifiedToken, unverified_header};
pub use duration::{DurationError, Seconds};
pub use explain::{Explanation, Verdict};
pub use identifier::{ClientId, ClientIdError, Entropy, IdentifierError, SessionId, TokenId, UserId};
pub use issuer::{Audience, AudienceError, IssueError, Issuer, Subject};
pub use issuer_url::{IssuerUrl, IssuerUrlError};
pub use jwk_set::public_jwk_set;
pub use key::{Key, KeyError, Schedule};
pub use key_pair::Algorithm;
pub use key_set::{KeySet, KeySetError};
pub use policy::{ISSUED_AT_LEEWAY, Lifetime, PolicyError, RefreshError, RefreshSwitch, SessionPolicy};
pub use problems::TokenError;
pub use rotation::{
    DEFAULT_MAX_STALE, JWK_SET_CACHE_TIME, KEY_SET_CACHE_TIME, NextKeySetError, RotationPolicy,
};
pub use scopes::{Scopes, ScopesError};
pub use timestamp::Timestamp;
pub use verifier::{MaybeExpiredClaims, Verifier};
