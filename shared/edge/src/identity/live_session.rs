use keyring::SigningKeys;
use token::{Claims, Timestamp, Verifier};
use users::{User, UserTable, Username};

use crate::{AuditSubject, Reason, Rejection, SessionFailure};

/// The user of a verified token, if the session still is: the same person, enabled, the session not ended.
///
/// One strongly consistent read, so every ending that has returned is seen.
pub async fn live_user(users: &UserTable, claims: &Claims) -> Result<User, Reason> {
    // Our own signature covers the name; one that is no name any more belongs to nobody.
    let Ok(username) = claims.username.parse::<Username>() else {
        return Err(Reason::SessionEnded(SessionFailure::UserGone));
    };
    let user = users.find(&username).await?;
    let user = user.ok_or(Reason::SessionEnded(SessionFailure::UserGone))?;
    if user.id != claims.subject {
        return Err(Reason::SessionEnded(SessionFailure::OtherUser));
    }
    if !user.enabled {
        return Err(Reason::UserDisabled);
    }
    if !user.sessions.contains_key(&claims.session_id) {
        return Err(Reason::SessionEnded(SessionFailure::NotInRow));
    }
    Ok(user)
}

/// What it takes to know whose token came with a request, and that its session has not ended.
pub struct SessionCheck<'a> {
    /// Where sessions are.
    pub users: &'a UserTable,
    /// The keys to verify with.
    pub keys: &'a SigningKeys,
    /// What is accepted as a token.
    pub verifier: &'a Verifier,
}

/// Who makes a request, with a live token of a live session.
pub struct Caller {
    /// What the token says.
    pub claims: Claims,
    /// What the row says.
    pub user: User,
}

impl SessionCheck<'_> {
    /// Whose `token` came in the `Authorization` header, or in the cookie in its place.
    pub async fn caller(self, token: &str, now: Timestamp) -> Result<Caller, Rejection> {
        let verified = self.keys.verify(self.verifier, token, now).await;
        let claims = verified.map_err(|error| Rejection::from(error).of_bearer_token())?;
        match live_user(self.users, &claims).await {
            Ok(user) => Ok(Caller { claims, user }),
            Err(reason) => Err(Rejection::from(reason).of_bearer_token().about(AuditSubject::from(&claims))),
        }
    }
}
