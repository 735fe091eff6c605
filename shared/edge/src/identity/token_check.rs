use keyring::{SigningKeys, VerificationError};
use serde_json::{Map, Value};
use token::{
    AccessToken, AccessVerifier, Bearer, Claims, MaybeExpiredClaims, Timestamp, Verifier, unverified_header,
};

use crate::{AuditDetails, Rejection, log::Field};

/// How much of a `kid` or an `alg` the log has.
const MAX_KEY_ID_CHARACTERS: usize = 64;
const MAX_ALGORITHM_CHARACTERS: usize = 16;
/// Header members by which a token brings its own key. No verifier of ours looks at them (RFC 8725 §3.10).
const FOREIGN_KEYS: [&str; 4] = ["jwk", "jku", "x5c", "x5u"];

/// What it takes to say whether a token is one of ours, and to log what one that is not says of itself.
#[derive(Clone, Copy)]
pub struct TokenCheck<'a> {
    /// The keys to verify with.
    pub keys: &'a SigningKeys,
    /// What is accepted as a token.
    pub verifier: &'a Verifier,
}

impl TokenCheck<'_> {
    /// The claims of `token`, if it is one of ours and live at `now`.
    pub async fn verify(self, token: &str, now: Timestamp) -> Result<Claims, Rejection> {
        match self.keys.verify(self.verifier, token, now).await {
            Ok(claims) => Ok(claims),
            Err(error) => Err(self.rejected(error, token, now).await),
        }
    }

    /// Like [`TokenCheck::verify`], but also accepts a token that has expired: for ending its own session.
    pub async fn verify_even_expired(
        self,
        token: &str,
        now: Timestamp,
    ) -> Result<MaybeExpiredClaims, Rejection> {
        match self.keys.verify_even_expired(self.verifier, token, now).await {
            Ok(claims) => Ok(claims),
            Err(error) => Err(self.rejected(error, token, now).await),
        }
    }

    async fn rejected(self, error: VerificationError, token: &str, now: Timestamp) -> Rejection {
        let rejection = Rejection::from(error);
        match error {
            VerificationError::KeysUnavailable(_) => rejection,
            VerificationError::Token(token::TokenError::Expired) => {
                let expired = self.keys.verify_even_expired(self.verifier, token, now).await;
                let details = expired.as_ref().map(AuditDetails::from).unwrap_or_default();
                rejection.about(details.and(of_header(token)))
            }
            VerificationError::Token(_) => rejection.about(of_header(token)),
        }
    }
}

/// What it takes to say whether a token is an access token of ours.
#[derive(Clone, Copy)]
pub struct AccessTokenCheck<'a> {
    /// The keys to verify with.
    pub keys: &'a SigningKeys,
    /// What is accepted as an access token.
    pub verifier: &'a AccessVerifier,
}

impl AccessTokenCheck<'_> {
    /// What `token` says, if it is an access token of ours and live at `now`.
    pub async fn verify(self, token: &str, now: Timestamp) -> Result<AccessToken, Rejection> {
        let verified = self.keys.verify_access(self.verifier, token, now).await;
        verified.map_err(|error| match error {
            VerificationError::KeysUnavailable(_) => error.into(),
            VerificationError::Token(_) => Rejection::from(error).about(of_header(token)),
        })
    }
}

/// The access token of a request, and whose it is.
impl From<&AccessToken> for AuditDetails {
    fn from(token: &AccessToken) -> Self {
        let bearer = match &token.bearer {
            Bearer::User { id, session_id, .. } => Self::session(*id, *session_id),
            Bearer::Client(id) => Self::client(*id),
        };
        bearer.with(Field::PresentedToken, token.token_id.to_string())
    }
}

/// A token of ours that has expired: it may be one that turned up in a log.
impl From<&MaybeExpiredClaims> for AuditDetails {
    fn from(claims: &MaybeExpiredClaims) -> Self {
        Self::session(claims.subject(), claims.session_id())
            .with(Field::PresentedToken, claims.token_id().to_string())
    }
}

/// What the header of a rejected token asks for, as far as a log may say it. The token need not be one at all.
fn of_header(token: &str) -> AuditDetails {
    let header: Map<String, Value> = unverified_header(token).unwrap_or_default();
    let text = |name, most, is_plain: fn(char) -> bool| {
        let text = header.get(name).and_then(Value::as_str)?;
        let is_short = !text.is_empty() && text.len() <= most;
        (is_short && text.chars().all(is_plain)).then_some(text)
    };
    let of_base64url = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    let algorithm = text("alg", MAX_ALGORITHM_CHARACTERS, |character| character.is_ascii_alphanumeric());
    AuditDetails::default()
        .with_any(Field::KeyId, text("kid", MAX_KEY_ID_CHARACTERS, of_base64url))
        .with_any(Field::Algorithm, algorithm.filter(|name| token::Algorithm::named(name).is_none()))
        .with_any(Field::ForeignKey, FOREIGN_KEYS.into_iter().find(|name| header.contains_key(*name)))
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;

    fn logged(header: &Value) -> Value {
        of_header(&format!("{}.x.", BASE64_URL_SAFE_NO_PAD.encode(header.to_string()))).into_members().into()
    }

    #[test]
    fn the_log_has_of_a_header_what_is_short_and_plain() {
        assert_eq!(
            logged(&json!({ "kid": "a-B_9", "alg": "none" })),
            json!({ "kid": "a-B_9", "alg": "none" })
        );
        assert_eq!(
            logged(&json!({ "alg": "RS256", "jku": "https://evil.example" })),
            json!({ "foreign_key": "jku" })
        );
        let odd = [json!("../x"), json!("\n"), json!(""), json!("x".repeat(65)), json!(["k"]), json!("clé")];
        for kid in odd {
            assert_eq!(logged(&json!({ "kid": kid, "alg": kid })), json!({}), "{kid}");
        }
        for token in ["", ".", "e30", "%%%.x.y", "bnVsbA.x.y"] {
            assert_eq!(of_header(token), AuditDetails::default(), "{token}");
        }
    }
}
