use token::{Bearer, Claims, SessionId, Timestamp, UserId};
use users::{Session, User, UserTable, Username};

use crate::{
    AuditDetails, ClientFailure, Reason, Rejection, Request, SessionFailure, TokenCheck, log::Field,
};

/// The user of a verified token, if the session still is: the same person, enabled, the session not ended.
///
/// One strongly consistent read, so every ending that has returned is seen.
pub async fn live_user(users: &UserTable, claims: &Claims) -> Result<User, Reason> {
    live_user_of(users, &claims.username, claims.subject, claims.session_id).await
}

/// Whether the bearer of a verified access token may still act: the session goes on, or the client is enabled.
///
/// One strongly consistent read.
pub async fn live_bearer(users: &UserTable, bearer: &Bearer) -> Result<(), Reason> {
    match bearer {
        Bearer::User { id, username, session_id, .. } => {
            live_user_of(users, username, *id, *session_id).await.map(drop)
        }
        Bearer::Client(id) => match users.find_client(*id).await? {
            None => Err(Reason::ClientGone(ClientFailure::Unknown)),
            Some(client) if !client.enabled => Err(Reason::ClientGone(ClientFailure::Disabled)),
            Some(_) => Ok(()),
        },
    }
}

async fn live_user_of(
    users: &UserTable,
    username: &str,
    id: UserId,
    session: SessionId,
) -> Result<User, Reason> {
    // Our own signature covers the name; one that is no name any more belongs to nobody.
    let Ok(username) = username.parse::<Username>() else {
        return Err(Reason::SessionEnded(SessionFailure::UserGone));
    };
    let user = users.find(&username).await?;
    let user = user.ok_or(Reason::SessionEnded(SessionFailure::UserGone))?;
    if user.id != id {
        return Err(Reason::SessionEnded(SessionFailure::OtherUser));
    }
    if !user.enabled {
        return Err(Reason::UserDisabled);
    }
    if !user.sessions.contains_key(&session) {
        return Err(Reason::SessionEnded(SessionFailure::NotInRow));
    }
    Ok(user)
}

/// What it takes to know whose token came with a request, and that its session has not ended.
pub struct SessionCheck<'a> {
    /// Where sessions are.
    pub users: &'a UserTable,
    /// What is accepted as a token.
    pub tokens: TokenCheck<'a>,
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
        let claims = self.tokens.verify(token, now).await.map_err(Rejection::of_authorization_header)?;
        match live_user(self.users, &claims).await {
            Ok(user) => Ok(Caller { claims, user }),
            Err(reason) => Err(Rejection::from(reason).of_authorization_header().about((&claims).into())),
        }
    }
}

/// Whether a call of a session comes from elsewhere than its login did: another address, which a phone has several times a
/// day, or another user agent, which nobody has but after an update; none, or one that is no text, is another one too.
pub fn moved(session: Option<&Session>, request: &Request) -> AuditDetails {
    let Some(session) = session else { return AuditDetails::default() };
    let client = session.user_agent() != request.logged_user_agent().as_deref();
    // Only some kinds of event tell an address.
    let address = session.source_ip().zip(request.source_ip()).is_some_and(|(login, now)| login != now);
    let moved = match (address, client) {
        (false, false) => return AuditDetails::default(),
        (true, false) => "address",
        (false, true) => "client",
        (true, true) => "address_client",
    };
    let details = AuditDetails::default().with(Field::Moved, moved);
    if client { details.and(request.client_details()) } else { details }
}
