use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::{Lifetime, TokenError, claims::UnverifiedClaims, strict_json};

/// The longest token accepted, in bytes; tested before anything is decoded.
pub const MAX_TOKEN_BYTES: usize = 4096;

/// A compact JWS taken apart (RFC 7515 §3.1). Nothing in it is to be believed.
#[derive(Debug)]
pub struct UnverifiedToken<'a> {
    header: Map<String, Value>,
    parts: Parts<'a>,
}

/// The parts of a compact JWS, of which the header is not read yet.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    /// As sent, in base64url.
    pub(crate) header: &'a str,
    pub(crate) payload: Vec<u8>,
    pub(crate) signing_input: &'a str,
    pub(crate) signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    pub(crate) fn split(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(TokenError::NotCompact)?;
        let (header, payload) = signing_input.split_once('.').ok_or(TokenError::NotCompact)?;
        if payload.contains('.') {
            return Err(TokenError::NotCompact);
        }
        Ok(Self { header, payload: decode(payload)?, signing_input, signature: decode(signature)? })
    }

    pub(crate) fn read_header(&self) -> Result<Map<String, Value>, TokenError> {
        strict_json::parse_object(&decode(self.header)?).map_err(TokenError::Header)
    }
}

impl<'a> UnverifiedToken<'a> {
    /// Takes a compact JWS apart, strictly.
    pub fn parse(token: &'a str) -> Result<Self, TokenError> {
        let parts = Parts::split(token)?;
        Ok(Self { header: parts.read_header()?, parts })
    }

    /// The header, as sent.
    pub fn header(&self) -> &Map<String, Value> {
        &self.header
    }

    /// The claims, as sent: for showing to people, never for deciding.
    pub fn unverified_claims(&self) -> Result<Map<String, Value>, TokenError> {
        strict_json::parse_object(&self.parts.payload).map_err(TokenError::Payload)
    }

    /// `iat` and `exp`, as sent, if both are there.
    pub fn unverified_lifetime(&self) -> Option<Lifetime> {
        UnverifiedClaims::read(self.payload()).ok()?.times.lifetime()
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.parts.payload
    }

    /// The bytes that are signed, as text.
    pub fn signing_input(&self) -> &str {
        self.parts.signing_input
    }

    /// The signature.
    pub fn signature(&self) -> &[u8] {
        &self.parts.signature
    }
}

/// The header of what may not be a token at all, as far as there is one: for a log, never for deciding.
pub fn unverified_header(token: &str) -> Option<Map<String, Value>> {
    let (header, _) = token.get(..token.len().min(MAX_TOKEN_BYTES))?.split_once('.')?;
    strict_json::parse_object(&decode(header).ok()?).ok()
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    match URL_SAFE_NO_PAD.decode(part) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => Err(TokenError::NotBase64Url),
    }
}
