//! Whether a token is signed by a key that the user of the command line trusts.

use std::{fs, path::Path};

use local_data::{signing_key, signing_key::KeyFileError};
use serde_json::{Value, json};
use token::{Algorithm, Key, KeySet, Schedule, Timestamp, TokenError, UnverifiedToken, strict_json};
use zeroize::Zeroizing;

use crate::{CliError, ExplainToken};

/// What is known of a token's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Signature {
    /// No key was given to check it with.
    NotVerified,
    /// It is the signature of the key with this `kid`.
    Verified(String),
    /// It is not a signature of those keys, and why.
    Wrong(TokenError),
}

impl Signature {
    /// Checks the signature of `token` with the keys that `options` name, if they name some.
    pub(crate) fn check(
        token: &UnverifiedToken<'_>,
        options: &ExplainToken,
        now: Timestamp,
    ) -> Result<Self, CliError> {
        let checked = if let Some(file) = &options.jwks {
            with_jwk_set(token, &jwk_set(file)?, now)
        } else if let Some(folder) = &options.local {
            with_key_set(token, &local_keys(folder)?, now)
        } else {
            return Ok(Self::NotVerified);
        };
        Ok(checked.map_or_else(Self::Wrong, Self::Verified))
    }

    /// What a person must know before reading on.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::NotVerified => {
                "NOT VERIFIED: anybody can write such a token. Check its signature with --jwks FILE \
                                  or --local."
                    .to_owned()
            }
            Self::Verified(key_id) => format!("Signature verified with the key {key_id}."),
            Self::Wrong(problem) => format!("NOT VERIFIED: {problem}."),
        }
    }

    /// Everything that is wrong with the token: the signature first, if it is wrong, and then these `problems`.
    pub(crate) fn before(&self, mut problems: Vec<TokenError>) -> Vec<TokenError> {
        if let Self::Wrong(problem) = self {
            problems.retain(|other| other != problem);
            problems.insert(0, *problem);
        }
        problems
    }

    /// What is known, for programs.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::NotVerified => json!({ "status": "not_verified" }),
            Self::Verified(key_id) => json!({ "status": "verified", "kid": key_id }),
            Self::Wrong(problem) => json!({ "status": "wrong", "reason": problem.to_string() }),
        }
    }
}

fn jwk_set(file: &Path) -> Result<Vec<Value>, CliError> {
    let problem = |reason: String| CliError::KeyFile { path: file.to_owned(), reason };
    let text = fs::read(file).map_err(|error| problem(error.to_string()))?;
    let mut set = strict_json::parse_object(&text).map_err(|error| problem(error.to_string()))?;
    match set.remove("keys") {
        Some(Value::Array(keys)) => Ok(keys),
        _ => Err(problem("not a JWK set: it has no array \"keys\"".to_owned())),
    }
}

fn local_keys(folder: &Path) -> Result<KeySet, CliError> {
    let problem = |reason: String| CliError::KeyFile { path: folder.join(signing_key::FILE_NAME), reason };
    KeySet::from_secret(&local_secret(folder)?).map_err(|error| problem(error.to_string()))
}

/// What the local server's key file holds.
pub(crate) fn local_secret(folder: &Path) -> Result<Zeroizing<String>, CliError> {
    signing_key::read(folder).map_err(|error| {
        let path = folder.join(signing_key::FILE_NAME);
        let reason = match error {
            KeyFileError::Read { source, .. } => source.to_string(),
            error => error.to_string(),
        };
        CliError::KeyFile { path, reason }
    })
}

/// The `kid` of the key of the service's own set that signed `token`.
///
/// When the key was published is not asked: `--at` may look at an instant before.
fn with_key_set(token: &UnverifiedToken<'_>, keys: &KeySet, now: Timestamp) -> Result<String, TokenError> {
    let id = key_id(token)?;
    let unretired = |retires: Option<Timestamp>| retires.is_none_or(|retires| now < retires);
    let mut keys = keys.keys().iter();
    let key =
        keys.find(|key| key.id() == id && unretired(key.schedule().retires)).ok_or(TokenError::UnknownKey)?;
    check_algorithm(token, key.algorithm())?;
    let sound = key.verifies(token.signing_input().as_bytes(), token.signature());
    if sound { Ok(id.to_owned()) } else { Err(TokenError::Signature) }
}

/// The `kid` of the public key that signed the token.
///
/// A set may hold keys of other kinds, for others; only the one that the token names is read. The service's own rules
/// on public keys hold for it.
fn with_jwk_set(token: &UnverifiedToken<'_>, keys: &[Value], now: Timestamp) -> Result<String, TokenError> {
    let id = key_id(token)?;
    let named = |key: &&Value| key.get("kid").and_then(Value::as_str) == Some(id);
    let key = keys.iter().find(named).and_then(Value::as_object).ok_or(TokenError::UnknownKey)?;
    let algorithm = key.get("alg").and_then(Value::as_str).and_then(Algorithm::named);
    let algorithm = algorithm.ok_or(TokenError::Algorithm)?;
    check_algorithm(token, algorithm)?;
    let schedule = Schedule { published: now, signs_from: now, retires: None };
    let key = Key::from_public_jwk(id, algorithm, key, schedule).map_err(|_| TokenError::UnknownKey)?;
    let sound = key.verifies(token.signing_input().as_bytes(), token.signature());
    if sound { Ok(id.to_owned()) } else { Err(TokenError::Signature) }
}

fn key_id<'a>(token: &'a UnverifiedToken<'_>) -> Result<&'a str, TokenError> {
    token.header().get("kid").and_then(Value::as_str).ok_or(TokenError::UnknownKey)
}

fn check_algorithm(token: &UnverifiedToken<'_>, algorithm: Algorithm) -> Result<(), TokenError> {
    let named = token.header().get("alg").and_then(Value::as_str);
    if named == Some(algorithm.name()) { Ok(()) } else { Err(TokenError::Algorithm) }
}
