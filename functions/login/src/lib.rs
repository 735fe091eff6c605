//! `POST /auth/login`: a name and a password for the first token of a session.
//!
//! One read of the user's row and of those that count failures, one hash, one conditional write. An unknown name,
//! a disabled user and a wrong password get the same answer at the same cost.

use std::sync::Arc;

use edge::{
    About, AuditSubject, Carrier, CookieMode, CredentialFailure, Endpoint, Environment, IssuedToken,
    PasswordCheck, Reason, Rejection, Request, Response, SettingError,
};
use http::Method;
use keyring::SigningKeys;
use token::{Issuer, SessionId, SessionPolicy, Subject, Timestamp, TokenId};
use users::{
    EarlierFailures, Hasher, NewSession, OpenSessionError, Password, User, UserTable, Username, VerifiedLogin,
};

/// How often a login starts over because the stored hash changed while the password was checked.
const MAX_CHECKS: usize = 3;

/// The use case and all that it may touch.
pub struct Login {
    users: UserTable,
    keys: SigningKeys,
    passwords: PasswordCheck,
    policy: SessionPolicy,
    issuer: Issuer,
    cookies: CookieMode,
}

impl Login {
    /// Logging in by the policy and in the name of the issuer that `environment` sets.
    pub fn new(
        users: UserTable,
        keys: SigningKeys,
        hasher: Hasher,
        environment: &Environment<'_>,
    ) -> Result<Self, SettingError> {
        let passwords = PasswordCheck::new(users.clone(), hasher, environment)?;
        let (policy, issuer) = (environment.session_policy()?, environment.issuer()?);
        Ok(Self { users, keys, passwords, policy, issuer, cookies: environment.cookie_mode()? })
    }

    async fn log_in(
        &self,
        request: &Request,
        username: Username,
        password: Arc<Password>,
        now: Timestamp,
    ) -> Result<Response, Rejection> {
        let keys = self.keys.current(now).await?;
        let (user, attempt) = self.passwords.begin(request, username, now).await?;
        let subject = user.as_ref().map(|user| AuditSubject::user(user.id));
        let session = NewSession {
            id: SessionId::new(edge::random::entropy()?),
            issued_at: now,
            user_agent: request.user_agent(),
            source_ip: request.source_ip(),
        };
        let token_id = TokenId::new(edge::random::entropy()?);
        let opened = self.open_session(user, &password, &session, attempt.earlier_failures).await;
        let counted = self.passwords.count(&attempt, &opened, now).await;
        let opened = counted.and(opened).map_err(|reason| Rejection::from(reason).about(subject));
        let user = opened?;
        let subject = AuditSubject::session(user.id, session.id);
        let lifetime = self.policy.log_in(now);
        let claims = self.issuer.claims(
            Subject { id: user.id, username: user.username.as_str() },
            session.id,
            token_id,
            lifetime,
            user.claims,
        );
        let token = self.issuer.issue(&claims, &keys, now)?;
        let issued = IssuedToken { token: &token, claims: &claims };
        Ok(self.cookies.token_response(issued, Carrier::Program, &self.policy, now)?).about(subject)
    }

    /// The user, now with this session in the row; the hash in the row is the one that was checked.
    async fn open_session(
        &self,
        mut user: Option<User>,
        password: &Arc<Password>,
        session: &NewSession<'_>,
        earlier_failures: EarlierFailures,
    ) -> Result<User, Reason> {
        for _ in 0..MAX_CHECKS {
            let (checked, upgraded) = self.passwords.check(user, password).await?;
            let login = VerifiedLogin {
                user: &checked,
                session,
                upgraded_hash: upgraded.as_deref(),
                earlier_failures,
            };
            match self.users.open_session(&login, &self.policy).await {
                Ok(()) => return Ok(checked),
                // A parallel login upgraded the hash, or the password was changed: check against the new one.
                Err(OpenSessionError::HashChanged(fresh)) => user = Some(*fresh),
                Err(OpenSessionError::UserGone) => {
                    return Err(Reason::InvalidCredentials(CredentialFailure::UnknownUser));
                }
                Err(OpenSessionError::UserDisabled) => {
                    return Err(Reason::InvalidCredentials(CredentialFailure::UserDisabled));
                }
                Err(OpenSessionError::UnreadableHash) => {
                    return Err(Reason::Internal("an unreadable hash matched"));
                }
                Err(OpenSessionError::Store(error)) => return Err(error.into()),
            }
        }
        Err(Reason::Internal("the password hash keeps changing"))
    }
}

impl Endpoint for Login {
    const NAME: &'static str = "login";
    const METHODS: &'static [Method] = &[Method::POST];

    async fn warm_up(&self, now: Timestamp) {
        let reading = edge::warm_up(&self.keys, self.users.connect_for_login(), now);
        futures_util::future::join(self.passwords.warm_up(), reading).await;
    }

    async fn handle(&self, request: &Request, now: Timestamp) -> Result<Response, Rejection> {
        self.cookies.reject_foreign_pages(request)?;
        let mut body = request.json()?;
        let username = body.string("username")?;
        let password = body.string("password")?;
        let username = username.parse::<Username>().map_err(|error| Reason::of_field("username", &error))?;
        let password = Password::try_from(password).map_err(|error| Reason::of_field("password", &error))?;
        self.log_in(request, username, Arc::new(password), now).await
    }
}
