use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::strict_json::{self, JsonError};

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

/// Why a text is not accepted as a token. For logs and people at a terminal; callers get less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Beyond [`MAX_TOKEN_BYTES`].
    #[error("longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    /// Not three parts; a JWE has five.
    #[error("not three parts separated by dots")]
    NotCompact,
    /// Padding, another alphabet, white space, stray bits or an empty part.
    #[error("a part is not strict base64url")]
    NotBase64Url,
    /// The header is no JSON object with unique members.
    #[error("the header is {0}")]
    Header(JsonError),
    /// `crit` or `b64`: extensions that a verifier must understand or refuse (RFC 7515 §4.1.11, RFC 7797).
    #[error("the header asks for an extension")]
    Extension,
    /// `enc` or `zip`: members of encrypted tokens.
    #[error("the header is one of an encrypted token")]
    Encrypted,
    /// `typ` is absent or another than `JWT`.
    #[error("typ is not JWT")]
    Type,
    /// `kid` is absent, no string, or names no published, unretired key.
    #[error("kid names no key of ours")]
    UnknownKey,
    /// `alg` is not the one algorithm of the key.
    #[error("alg is not the algorithm of the key")]
    Algorithm,
    /// The signature is not this key's over these bytes.
    #[error("the signature is wrong")]
    Signature,
    /// The payload is no JSON object with unique members.
    #[error("the payload is {0}")]
    Payload(JsonError),
    /// A claim is absent.
    #[error("the claim {0} is missing")]
    ClaimMissing(&'static str),
    /// A claim is of another type or out of range.
    #[error("the claim {0} has the wrong type or range")]
    ClaimMistyped(&'static str),
    /// `iss` is somebody else.
    #[error("iss is another issuer")]
    Issuer,
    /// `aud` is somebody else.
    #[error("aud is another audience")]
    Audience,
    /// `iat` is in the future.
    #[error("iat is in the future")]
    IssuedInFuture,
    /// `nbf` is in the future.
    #[error("nbf is in the future")]
    NotYetValid,
    /// `now >= exp`.
    #[error("the token has expired")]
    Expired,
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

    /// The bytes that are signed, as text.
    pub fn signing_input(&self) -> &str {
        self.parts.signing_input
    }

    /// The signature.
    pub fn signature(&self) -> &[u8] {
        &self.parts.signature
    }
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    match URL_SAFE_NO_PAD.decode(part) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => Err(TokenError::NotBase64Url),
    }
}
