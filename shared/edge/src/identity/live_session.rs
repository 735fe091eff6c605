use keyring::SigningKeys;
use token::{Claims, Timestamp, Verifier};
use users::{User, UserTable, Username};

use crate::{Rejection, Request, SessionFailure};

/// The user of a verified token, if the session still is: the same person, enabled, the session not ended.
///
/// One strongly consistent read, so every ending that has returned is seen.
pub async fn live_user(users: &UserTable, claims: &Claims) -> Result<User, Rejection> {
    // Our own signature covers the name; one that is no name any more belongs to nobody.
    let Ok(username) = claims.username.parse::<Username>() else {
        return Err(Rejection::SessionEnded(SessionFailure::UserGone));
    };
    let user = users.find(&username).await?;
    let user = user.ok_or(Rejection::SessionEnded(SessionFailure::UserGone))?;
    if user.id != claims.subject {
        return Err(Rejection::SessionEnded(SessionFailure::OtherUser));
    }
    if !user.enabled {
        return Err(Rejection::UserDisabled);
    }
    if !user.sessions.contains_key(&claims.session_id) {
        return Err(Rejection::SessionEnded(SessionFailure::NotInRow));
    }
    Ok(user)
}

/// Whose `token` came with `request`: it is live, and so is its session. A rejection is that of a Bearer token.
pub async fn caller(
    request: &Request,
    token: &str,
    (users, keys, verifier): (&UserTable, &SigningKeys, &Verifier),
    now: Timestamp,
) -> Result<(Claims, User), Rejection> {
    let identify = async {
        let claims = keys.verify(verifier, token, now).await?;
        request.is_about(claims.subject, Some(claims.session_id));
        let user = live_user(users, &claims).await?;
        Ok((claims, user))
    };
    identify.await.map_err(Rejection::of_bearer_token)
}
