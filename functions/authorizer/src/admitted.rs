use edge::{
    AccessTokenCheck, AuditDetails, Environment, Rejection, SettingError, TokenCheck, live_bearer, live_user,
};
use keyring::SigningKeys;
use serde_json::{Map, Value};
use token::{AccessToken, AccessVerifier, Claims, Timestamp, Verifier};
use users::UserTable;

/// Which tokens get through: those of sessions or access tokens, and never both. An API that took either would take
/// from its callers what can be refreshed.
pub(crate) enum Accepted {
    /// The token of a session.
    Session(Verifier),
    /// Access tokens for the one audience of the APIs behind.
    Access(AccessVerifier),
}

/// A token that gets through.
pub(crate) enum Admitted {
    Session(Box<Claims>),
    Access(Box<AccessToken>),
}

impl Accepted {
    /// What `environment` sets.
    pub(crate) fn new(environment: &Environment<'_>) -> Result<Self, SettingError> {
        Ok(match environment.authorizer_audience()? {
            Some(audience) => Self::Access(AccessVerifier::new(environment.issuer_url()?, audience)),
            None => Self::Session(Verifier::new(environment.issuer()?)),
        })
    }

    /// What `token` says, if it gets through; of a session or client that `users` says has ended it does not.
    pub(crate) async fn admit(
        &self,
        token: &str,
        keys: &SigningKeys,
        users: Option<&UserTable>,
        now: Timestamp,
    ) -> Result<Admitted, Rejection> {
        let admitted = match self {
            Self::Session(verifier) => {
                let claims = TokenCheck { keys, verifier }.verify(token, now).await?;
                Admitted::Session(Box::new(claims))
            }
            Self::Access(verifier) => {
                let token = AccessTokenCheck { keys, verifier }.verify(token, now).await?;
                Admitted::Access(Box::new(token))
            }
        };
        let Some(users) = users else { return Ok(admitted) };
        let live = match &admitted {
            Admitted::Session(claims) => live_user(users, claims).await.map(drop),
            Admitted::Access(token) => live_bearer(users, &token.bearer).await,
        };
        match live {
            Ok(()) => Ok(admitted),
            Err(reason) => Err(Rejection::from(reason).about(admitted.details())),
        }
    }
}

impl Admitted {
    /// What the API is handed.
    pub(crate) fn claims(&self) -> Map<String, Value> {
        match self {
            Self::Session(claims) => claims.to_json(),
            Self::Access(token) => token.claims().clone(),
        }
    }

    /// `sub`.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::Session(claims) => claims.subject.to_string(),
            Self::Access(token) => token.subject(),
        }
    }

    /// What the log says.
    pub(crate) fn details(&self) -> AuditDetails {
        match self {
            Self::Session(claims) => AuditDetails::from(&**claims),
            Self::Access(token) => AuditDetails::from(&**token),
        }
    }
}
