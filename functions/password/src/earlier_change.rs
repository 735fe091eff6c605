use edge::{AuditDetails, PasswordCheck, Reason, Rejection, Request};
use std::sync::Arc;
use token::{Claims, SessionId, Timestamp};
use users::{Password, User};

/// A change that was made before, as the row tells: its response was lost, and the same call comes again.
pub(crate) struct EarlierChange {
    /// The session that the change opened.
    pub(crate) session: SessionId,
    /// When.
    pub(crate) issued_at: Timestamp,
}

impl EarlierChange {
    /// The change of `user` that the session of `claims` asked for, if there was one and what it opened goes on.
    pub(crate) fn find(user: &User, claims: &Claims) -> Option<Self> {
        let is_same_user = user.id == claims.subject && user.enabled;
        let opened = user.sessions.iter().find(|(_, session)| session.replaced() == Some(claims.session_id));
        let (id, session) = opened.filter(|_| is_same_user)?;
        Some(Self { session: *id, issued_at: session.issued_at() })
    }
}

/// Whether `new` is the password of `user` by now. A wrong one counts as a failed login, as everywhere.
pub(crate) async fn confirm(
    passwords: &PasswordCheck,
    request: &Request,
    user: &User,
    new: Password,
    now: Timestamp,
) -> Result<bool, Rejection> {
    let (account, attempt) =
        passwords.begin(request, user.username.clone(), &AuditDetails::default(), now).await?;
    let checked = passwords.check(account, &Arc::new(new)).await;
    passwords.count(&attempt, &checked, now).await?;
    match checked {
        Ok(_) => Ok(true),
        Err(Reason::InvalidCredentials(_)) => Ok(false),
        Err(reason) => Err(reason.into()),
    }
}
