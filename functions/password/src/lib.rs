//! `POST /auth/password`: the current password and a new one for a fresh token, and the end of every other session.
//!
//! The token in the `Authorization` header or the cookie must be live and its session not ended. One conditional write replaces the
//! hash and all sessions. The answer's token is of a new session, as after a login: whoever else holds a token of the
//! old one, perhaps the reason for the change, is out like all the others.

mod earlier_change;

use std::sync::Arc;

use edge::{
    About, AuditDetails, Caller, Carrier, CookieMode, Endpoint, Environment, IssuedToken, PasswordCheck,
    Reason, Rejection, Request, Response, SessionCheck, SessionFailure, SettingError, TokenCheck, log::Field,
    moved,
};
use http::Method;
use keyring::SigningKeys;
use token::{Claims, Issuer, SessionId, SessionPolicy, Subject, Timestamp, TokenId, Verifier};
use users::{
    Account, ChangePasswordError, Ended, Hasher, Letter, LetterId, LetterKind, NewPasswordError, NewSession,
    Notice, Outbox, Password, PasswordHash, PasswordNotice, PasswordPolicy, UserTable,
};

use crate::earlier_change::{EarlierChange, confirm};

/// How often a change starts over because the stored hash changed while the password was checked.
const MAX_CHECKS: usize = 3;

/// The token of a request, and where it was.
struct Presented<'a> {
    token: &'a str,
    carrier: Carrier,
}

/// The use case and all that it may touch.
pub struct ChangePassword {
    users: UserTable,
    keys: SigningKeys,
    passwords: PasswordCheck,
    rules: PasswordPolicy,
    policy: SessionPolicy,
    issuer: Issuer,
    verifier: Verifier,
    cookies: CookieMode,
    /// Where letters are asked for, where they are sent.
    outbox: Option<Outbox>,
}

impl ChangePassword {
    /// Changes by the policies and in the name of the issuer that `environment` sets.
    pub fn new(
        users: UserTable,
        keys: SigningKeys,
        hasher: Hasher,
        environment: &Environment<'_>,
    ) -> Result<Self, SettingError> {
        let passwords = PasswordCheck::new(users.clone(), hasher, environment)?;
        let (rules, policy) = (environment.password_policy()?, environment.session_policy()?);
        let issuer = environment.issuer()?;
        let verifier = Verifier::new(issuer.clone());
        let cookies = environment.cookie_mode()?;
        Ok(Self { users, keys, passwords, rules, policy, issuer, verifier, cookies, outbox: None })
    }

    /// The same, and users who have an address are told of it by a letter.
    #[must_use]
    pub fn telling(self, outbox: Option<Outbox>) -> Self {
        Self { outbox, ..self }
    }

    /// Gives the user, whose password is `current`, the new hash and no session but the new one; says how many ended.
    async fn replace(
        &self,
        mut user: Account,
        current: &Arc<Password>,
        by: SessionId,
        hash: &PasswordHash,
        session: &NewSession<'_>,
        told: Option<&PasswordNotice<'_>>,
    ) -> Result<Ended, Rejection> {
        for _ in 0..MAX_CHECKS {
            match self.users.change_password(&user, by, hash, session, told).await {
                Ok(ended) => return Ok(ended),
                // A login upgraded the hash: check against the new one.
                Err(ChangePasswordError::HashChanged(fresh)) => {
                    (user, _) = self.passwords.check(Some(*fresh), current).await?;
                }
                Err(ChangePasswordError::SessionEnded) => {
                    return Err(Rejection::from(Reason::SessionEnded(SessionFailure::NotInRow))
                        .of_authorization_header());
                }
                Err(ChangePasswordError::UserDisabled) => {
                    return Err(Rejection::from(Reason::UserDisabled).of_authorization_header());
                }
                Err(ChangePasswordError::UnreadableHash) => {
                    return Err(Reason::Internal("an unreadable hash matched").into());
                }
                Err(ChangePasswordError::Store(error)) => {
                    // How many sessions ended then, nobody knows; at least the one that asked.
                    let written = self.is_written(&user, hash).await;
                    return if written {
                        Ok(Ended { count: 1, ..Ended::default() })
                    } else {
                        Err(error.into())
                    };
                }
            }
        }
        Err(Reason::Internal("the password hash keeps changing").into())
    }

    /// Whether the row has this hash, whose write got no response.
    async fn is_written(&self, user: &Account, hash: &PasswordHash) -> bool {
        let found = self.users.find(&user.username).await.ok().flatten();
        found.is_some_and(|found| found.id == user.id && found.password_hash.as_ref() == Ok(hash))
    }

    /// The response to a call that comes again because the first response was lost: its session has ended by the change
    /// that it asked for. `rejection` stands if that is not so.
    async fn respond_again(
        &self,
        request: &Request,
        presented: Presented<'_>,
        rejection: Rejection,
        now: Timestamp,
    ) -> Result<Response, Rejection> {
        let claims = self.tokens().verify(presented.token, now).await?;
        let Ok(username) = claims.username.parse() else { return Err(rejection) };
        let Some(user) = self.users.find(&username).await? else { return Err(rejection) };
        let Some(change) = EarlierChange::find(&user, &claims) else { return Err(rejection) };
        let lifetime = self.policy.log_in(change.issued_at);
        if !lifetime.is_live(now) {
            return Err(rejection);
        }
        let new = Password::try_from(request.json()?.string("new_password")?)
            .map_err(|error| Reason::of_field("new_password", &error))?;
        let keys = self.keys.current(now).await?;
        if !confirm(&self.passwords, request, &user, new, now).await? {
            return Err(rejection);
        }
        let subject = Subject { id: user.id, username: user.username.as_str() };
        let token_id = TokenId::new(edge::random::entropy()?);
        let fresh = self.issuer.claims(subject, change.session, token_id, lifetime, user.claims.clone());
        let token = self.issuer.issue(&fresh, &keys, now)?;
        let issued = IssuedToken { token: &token, claims: &fresh };
        let response = self.cookies.token_response(issued, presented.carrier, &self.policy, now)?;
        Ok(response).about(changed(&fresh, &claims).and(request.client_details()))
    }

    /// Checks the body and the current password of `caller`, and changes it.
    async fn change(
        &self,
        request: &Request,
        caller: Caller,
        carrier: Carrier,
        now: Timestamp,
    ) -> Result<Response, Rejection> {
        let Caller { claims, user } = caller;
        let mut body = request.json()?;
        let mut password = |field| {
            let password = Password::try_from(body.string(field)?);
            password.map_err(|error| Reason::of_field(field, &error))
        };
        let letter = user.email.clone().map(|address| {
            Letter::about(LetterKind::PasswordChanged, user.username.clone(), now).to(
                user.id,
                address,
                user.locale.clone(),
            )
        });
        let sessions = user.sessions.len();
        let (current, new) = (password("current_password")?, password("new_password")?);
        let rejected = |error: NewPasswordError| Reason::PasswordRefused(error.to_string());
        self.rules.check(&new, &user.username).map_err(rejected)?;
        if new.is_same_as(&current) {
            return Err(rejected(NewPasswordError::Unchanged).into());
        }
        let keys = self.keys.current(now).await?;
        let (user, attempt) =
            self.passwords.begin(request, user.username, &AuditDetails::default(), now).await?;
        let current = Arc::new(current);
        let checked = self.passwords.check(user, &current).await;
        self.passwords.count(&attempt, &checked, now).await?;
        let (user, _) = checked?;
        let hash = self.passwords.hash(new).await?;
        let session = NewSession {
            id: SessionId::new(edge::random::entropy()?),
            issued_at: now,
            user_agent: request.user_agent(),
            source_ip: request.source_ip(),
        };
        let token_id = TokenId::new(edge::random::entropy()?);
        // The response is ready before the write: after it, nothing may fail any more.
        let subject = Subject { id: user.id, username: user.username.as_str() };
        let fresh =
            self.issuer.claims(subject, session.id, token_id, self.policy.log_in(now), user.claims.clone());
        let token = self.issuer.issue(&fresh, &keys, now)?;
        let issued = IssuedToken { token: &token, claims: &fresh };
        let response = self.cookies.token_response(issued, carrier, &self.policy, now)?;
        let id = LetterId::new(edge::random::entropy()?);
        let told = self.outbox.as_ref().zip(letter.as_ref()).map(|(outbox, letter)| PasswordNotice {
            notice: Notice { outbox, id: &id },
            letter,
            sessions,
        });
        let ended = self.replace(user, &current, claims.session_id, &hash, &session, told.as_ref()).await?;
        self.passwords.forget_failures(&attempt).await;
        let details = changed(&fresh, &claims).with(Field::Ended, ended.count);
        Ok(response).about(details)
    }

    fn tokens(&self) -> TokenCheck<'_> {
        TokenCheck { keys: &self.keys, verifier: &self.verifier }
    }
}

/// What the log is to have of a change: the session that it opened, and the one that asked.
fn changed(fresh: &Claims, by: &Claims) -> AuditDetails {
    AuditDetails::issued(fresh)
        .with(Field::BySession, by.session_id.to_string())
        .with(Field::PresentedToken, by.token_id.to_string())
        .with(Field::Scope, "all")
}

impl Endpoint for ChangePassword {
    const NAME: &'static str = "change_password";
    const METHODS: &'static [Method] = &[Method::POST];

    async fn warm_up(&self, now: Timestamp) {
        let reading = edge::warm_up(&self.keys, self.users.connect(), now);
        futures_util::future::join(self.passwords.warm_up(), reading).await;
    }

    async fn handle(&self, request: &Request, now: Timestamp) -> Result<Response, Rejection> {
        self.cookies.reject_foreign_pages(request)?;
        let (token, carrier) = self.cookies.bearer_token(request)?;
        let check = SessionCheck { users: &self.users, tokens: self.tokens() };
        let caller = match check.caller(token, now).await {
            Ok(caller) => caller,
            Err(rejection)
                if matches!(rejection.reason(), Reason::SessionEnded(SessionFailure::NotInRow)) =>
            {
                let presented = Presented { token, carrier };
                return self.respond_again(request, presented, rejection, now).await;
            }
            Err(rejection) => return Err(rejection),
        };
        let session = caller.user.sessions.get(&caller.claims.session_id);
        let details =
            AuditDetails::from(&caller.claims).and(moved(session, request)).and(request.client_details());
        self.change(request, caller, carrier, now).await.about(details)
    }
}
