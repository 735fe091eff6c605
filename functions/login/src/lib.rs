//! `POST /auth/login`: a name and a password for the first token of a session.
//!
//! One read of the user's row and of those that count failures, one hash, one conditional write. An unknown name,
//! a disabled user and a wrong password get the same answer at the same cost.

use std::sync::Arc;

use edge::{
    Answer, CredentialFailure, Endpoint, Environment, Refusal, Request, SettingError, SigningKeys,
    token_answer,
};
use http::Method;
use token::{Entropy, Issuer, SessionId, SessionPolicy, Timestamp, TokenId};
use users::{
    BeforeLogin, Claim, HashError, Hasher, OpenSessionError, Password, PasswordHash, Session, SourceAddress,
    User, UserTable, Username, Verdict,
};

/// How often a login starts over because the stored hash changed while the password was checked.
const MAX_CHECKS: usize = 3;

/// The use case and all that it may touch.
pub struct Login {
    users: UserTable,
    keys: SigningKeys,
    hasher: Hasher,
    policy: SessionPolicy,
    issuer: Issuer,
    /// 0 for no bound.
    failures_per_address: u32,
}

impl Login {
    /// Logging in by the policy and in the name of the issuer that `environment` sets.
    pub fn new(
        users: UserTable,
        keys: SigningKeys,
        hasher: Hasher,
        environment: &Environment<'_>,
    ) -> Result<Self, SettingError> {
        Ok(Self {
            users,
            keys,
            hasher,
            policy: environment.session_policy()?,
            issuer: environment.issuer()?,
            failures_per_address: environment.failures_per_address()?,
        })
    }

    async fn log_in(
        &self,
        request: &Request,
        username: Username,
        password: Arc<Password>,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let keys = self.keys.current(now).await?;
        let address = self.counted_address(request);
        let BeforeLogin { user, attempts, from_address } =
            self.users.for_login(&username, address.as_ref(), now).await?;
        let (session_id, token_id) =
            (SessionId::new(edge::random::entropy()?), TokenId::new(edge::random::entropy()?));
        if let Some(user) = &user {
            request.is_about(user.id, None);
        }
        let for_address = from_address.retry_after(self.failures_per_address, now);
        if let Some(wait) = attempts.retry_after(now).max(for_address) {
            return Err(Refusal::TooManyAttempts(wait));
        }
        // Many tries at once must not all be checked before the first failure is counted.
        let claimed = attempts.must_claim();
        if claimed && self.users.claim_try(&username, &attempts, now).await? == Claim::TakenByAnother {
            return Err(Refusal::TooManyAttempts(attempts.and_one(now).retry_after(now).unwrap_or_default()));
        }
        let had_failures = attempts.failures > 0;
        let session = Session::new(now, request.user_agent(), request.source_ip());
        let opened = self.open_session(user, &password, (session_id, &session), had_failures, now).await;
        if let Err(Refusal::InvalidCredentials(_)) = opened {
            if !claimed {
                self.users.record_failure(&username, now).await?;
            }
            if let Some(address) = &address {
                self.users.record_failure_from(address, now).await?;
            }
        }
        let user = opened?;
        request.is_about(user.id, Some(session_id));
        let lifetime = self.policy.log_in(now);
        let subject = (user.id, user.username.as_str());
        let claims = self.issuer.claims(subject, session_id, token_id, lifetime, user.claims);
        let token = self.issuer.issue(&claims, &keys, now)?;
        Ok(token_answer(&token, &claims, &self.policy, now))
    }

    /// Where the request comes from, if failures from there are counted and API Gateway says where.
    fn counted_address(&self, request: &Request) -> Option<SourceAddress> {
        let address = request.source_ip().filter(|_| self.failures_per_address > 0);
        address.and_then(|address| address.parse().ok())
    }

    /// The user, now with this session in the row; the hash in the row is the one that was checked.
    async fn open_session(
        &self,
        mut user: Option<User>,
        password: &Arc<Password>,
        (session_id, session): (SessionId, &Session),
        had_failures: bool,
        now: Timestamp,
    ) -> Result<User, Refusal> {
        for _ in 0..MAX_CHECKS {
            let (checked, upgraded) = self.check(user, password).await?;
            let (users, hash, policy) = (&self.users, upgraded.as_deref(), &self.policy);
            let opened = if had_failures {
                users.open_session_after_failures(&checked, session_id, session, hash, policy, now).await
            } else {
                users.open_session(&checked, session_id, session, hash, policy, now).await
            };
            match opened {
                Ok(()) => return Ok(checked),
                // A parallel login upgraded the hash, or the password was changed: check against the new one.
                Err(OpenSessionError::HashChanged(fresh)) => user = Some(*fresh),
                Err(OpenSessionError::UserGone) => {
                    return Err(Refusal::InvalidCredentials(CredentialFailure::UnknownUser));
                }
                Err(OpenSessionError::UserDisabled) => {
                    return Err(Refusal::InvalidCredentials(CredentialFailure::UserDisabled));
                }
                Err(OpenSessionError::UnreadableHash) => {
                    return Err(Refusal::Internal("an unreadable hash matched"));
                }
                Err(OpenSessionError::Store(problem)) => return Err(problem.into()),
            }
        }
        Err(Refusal::Internal("the password hash keeps changing"))
    }

    /// The user, if the password is theirs and they may log in; and a stronger hash if theirs is weak.
    ///
    /// Every way through here computes a hash first: the time must not tell the names that exist.
    async fn check(
        &self,
        user: Option<User>,
        password: &Arc<Password>,
    ) -> Result<(User, Option<Box<PasswordHash>>), Refusal> {
        // A disabled user costs what an unknown one does, whatever the password.
        let enabled = user.as_ref().filter(|user| user.enabled);
        let stored = enabled.and_then(|user| user.password_hash.clone().ok());
        let (hasher, password, salt) = (self.hasher.clone(), Arc::clone(password), edge::random::entropy()?);
        // A hash keeps a core busy for milliseconds: not on the thread that answers others.
        let hashing = tokio::task::spawn_blocking(move || compare(&hasher, &password, stored.as_ref(), salt));
        let verdict = hashing.await.map_err(|_| Refusal::Internal("hashing panicked"))?;
        let verdict = verdict.map_err(|_| Refusal::Internal("hashing failed"))?;
        let failure = match (user, verdict) {
            (Some(user), Comparison::Match(upgraded)) if user.enabled => return Ok((user, upgraded)),
            (None, _) => CredentialFailure::UnknownUser,
            (Some(user), _) if !user.enabled => CredentialFailure::UserDisabled,
            (Some(user), _) if user.password_hash.is_err() => CredentialFailure::UnusableHash,
            (Some(_), _) => CredentialFailure::WrongPassword,
        };
        Err(Refusal::InvalidCredentials(failure))
    }
}

/// What came of comparing a password with a stored hash.
enum Comparison {
    /// It is the one; with a stronger hash of it where the stored one is weak.
    Match(Option<Box<PasswordHash>>),
    /// It is another one, or there is nothing to compare with.
    Mismatch,
}

fn compare(
    hasher: &Hasher,
    password: &Password,
    stored: Option<&PasswordHash>,
    salt: Entropy,
) -> Result<Comparison, HashError> {
    let Some(stored) = stored else {
        hasher.verify_dummy(password)?;
        return Ok(Comparison::Mismatch);
    };
    match hasher.verify(password, stored)? {
        Verdict::Mismatch => {
            // A weak hash is checked in less time than an unknown name; this makes it more, not less.
            if hasher.needs_upgrade(stored) {
                hasher.verify_dummy(password)?;
            }
            Ok(Comparison::Mismatch)
        }
        Verdict::Match if hasher.needs_upgrade(stored) => {
            Ok(Comparison::Match(Some(Box::new(hasher.hash(password, salt)?))))
        }
        Verdict::Match => Ok(Comparison::Match(None)),
    }
}

impl Endpoint for Login {
    const NAME: &'static str = "login";
    const METHODS: &'static [Method] = &[Method::POST];

    async fn handle(&self, request: &Request, now: Timestamp) -> Result<Answer, Refusal> {
        let mut body = request.json()?;
        let username = body.string("username")?;
        let password = body.string("password")?;
        let username = username.parse::<Username>().map_err(|problem| unusable("username", &problem))?;
        let password = Password::try_from(password).map_err(|problem| unusable("password", &problem))?;
        self.log_in(request, username, Arc::new(password), now).await
    }
}

/// No user has such a name or password, so saying so tells nobody who exists.
fn unusable(field: &str, problem: &dyn std::error::Error) -> Refusal {
    Refusal::InvalidRequest(format!("The field \"{field}\" cannot be used: {problem}."))
}
