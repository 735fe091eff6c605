use token::{Claims, Timestamp, Verifier};
use users::{User, UserTable, Username};

use crate::{Refusal, Request, SessionFailure, SigningKeys};

/// The user of a verified token, if the session still is: the same person, enabled, the session not ended.
///
/// One strongly consistent read, so every ending that has returned is seen.
pub async fn live_user(users: &UserTable, claims: &Claims) -> Result<User, Refusal> {
    // Our own signature covers the name; one that is no name any more belongs to nobody.
    let Ok(username) = claims.username.parse::<Username>() else {
        return Err(Refusal::SessionEnded(SessionFailure::UserGone));
    };
    let user = users.find(&username).await?;
    let user = user.ok_or(Refusal::SessionEnded(SessionFailure::UserGone))?;
    if user.id != claims.subject {
        return Err(Refusal::SessionEnded(SessionFailure::OtherUser));
    }
    if !user.enabled {
        return Err(Refusal::UserDisabled);
    }
    if !user.sessions.contains_key(&claims.session_id) {
        return Err(Refusal::SessionEnded(SessionFailure::NotInRow));
    }
    Ok(user)
}

/// Whose `token` came with `request`: it is live, and so is its session. A refusal is that of a Bearer token.
pub async fn caller(
    request: &Request,
    token: &str,
    (users, keys, verifier): (&UserTable, &SigningKeys, &Verifier),
    now: Timestamp,
) -> Result<(Claims, User), Refusal> {
    let identify = async {
        let claims = keys.verify(verifier, token, now).await?;
        request.is_about(claims.subject, Some(claims.session_id));
        let user = live_user(users, &claims).await?;
        Ok((claims, user))
    };
    identify.await.map_err(Refusal::of_bearer_token)
}
