use token::Claims;
use users::{User, UserTable, Username};

use crate::{Refusal, SessionFailure};

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
