use std::{sync::Arc, time::Duration};

use aws::AwsCause;
use lambda_http::tracing::warn;
use token::{Entropy, Timestamp};
use users::{
    Account, BeforeLogin, EarlierFailures, HashError, Hasher, Password, PasswordHash, SourceAddress,
    TryClaim, TryId, UserTable, Username, Verdict,
};

use crate::{
    AuditDetails, CredentialFailure, Environment, Reason, Rejection, Request, SettingError, Throttled,
    clock::Began,
};

/// Passwords, checked within the bounds on failures under a name and from an address.
pub struct PasswordCheck {
    users: UserTable,
    hasher: Hasher,
    /// 0 for no bound.
    failures_per_address: u32,
}

/// A wrong password is answered after a whole number of these. The hash takes the same time for every name; what DynamoDB
/// takes to read a row with fifty sessions, some tenth of a millisecond more, does not show in it.
const STEP: Duration = Duration::from_millis(10);

/// A check that may be made now.
pub struct Try {
    /// What came before it under the name.
    pub earlier_failures: EarlierFailures,
    began: Began,
    username: Username,
    address: Option<SourceAddress>,
    id: TryId,
    /// Whether the failure that it would be is counted already, under the name.
    claimed: bool,
    /// Whether it is counted already for the address.
    claimed_from: bool,
}

impl PasswordCheck {
    /// Checks for the users of `users`, within the bounds that `environment` sets.
    pub fn new(
        users: UserTable,
        hasher: Hasher,
        environment: &Environment<'_>,
    ) -> Result<Self, SettingError> {
        Ok(Self { users, hasher, failures_per_address: environment.failures_per_address()? })
    }

    /// Makes the memory of a hash ready before the first password comes.
    pub async fn warm_up(&self) {
        let hasher = self.hasher.clone();
        // Were it to fail, the first password would too, and say so.
        let _ = tokio::task::spawn_blocking(move || hasher.prepare()).await;
    }

    /// The user of this name, unless failures before make the next try wait. Of a name that nobody has, the log says
    /// `if_unknown`.
    pub async fn begin(
        &self,
        request: &Request,
        username: Username,
        if_unknown: &AuditDetails,
        now: Timestamp,
    ) -> Result<(Option<Account>, Try), Rejection> {
        let (began, address) = (Began::now(), self.counted_address(request));
        let BeforeLogin { user, attempts, from_address } =
            self.users.for_login(&username, address.as_ref(), now).await?;
        let of_user = user.as_ref().map(|user| AuditDetails::user(user.id));
        let details = of_user.unwrap_or_else(|| if_unknown.clone());
        let has_to_wait = |wait, throttled| {
            Err(Rejection::from(Reason::TooManyAttempts { wait, throttled }).about(details.clone()))
        };
        let for_name = attempts.retry_after(now);
        let for_address = from_address.retry_after(self.failures_per_address, now);
        if let Some(wait) = for_name.max(for_address) {
            let throttled = if for_name == Some(wait) { Throttled::Name } else { Throttled::Address };
            return has_to_wait(wait, throttled);
        }
        // Many tries at once must not all be checked before the first failure is counted.
        let id = TryId::new(crate::random::entropy()?);
        let claimed = attempts.must_claim();
        if claimed && self.users.claim_try(&username, &attempts, &id, now).await? == TryClaim::TakenByAnother
        {
            let wait = attempts.and_one(now).retry_after(now).unwrap_or_default();
            return has_to_wait(wait, Throttled::Name);
        }
        let limit = self.failures_per_address;
        let claiming = address.as_ref().filter(|_| from_address.must_claim(limit));
        if let Some(address) = claiming
            && self.users.claim_try_from(address, limit, &id, now).await? == TryClaim::TakenByAnother
        {
            let wait = from_address.until.map(|until| until.time_left(now)).unwrap_or_default();
            return has_to_wait(wait, Throttled::Address);
        }
        let claimed_from = claiming.is_some();
        let earlier_failures =
            if attempts.failures > 0 { EarlierFailures::Forget } else { EarlierFailures::None };
        Ok((user, Try { earlier_failures, began, username, address, id, claimed, claimed_from }))
    }

    /// Counts `outcome` if the credentials were bad, and takes back what was counted for the address if they were good.
    pub async fn count<T>(
        &self,
        of: &Try,
        outcome: &Result<T, Reason>,
        now: Timestamp,
    ) -> Result<(), Reason> {
        match outcome {
            Err(Reason::InvalidCredentials(_)) => {
                let counted = self.count_failure(of, now).await;
                of.began.whole_steps(STEP).await;
                counted
            }
            Ok(_) => {
                self.release_address(of).await;
                Ok(())
            }
            Err(_) => Ok(()),
        }
    }

    async fn count_failure(&self, of: &Try, now: Timestamp) -> Result<(), Reason> {
        if !of.claimed {
            self.users.record_failure(&of.username, &of.id, now).await?;
        }
        if let (Some(address), false) = (&of.address, of.claimed_from) {
            self.users.record_failure_from(address, &of.id, now).await?;
        }
        Ok(())
    }

    async fn release_address(&self, of: &Try) {
        let (Some(address), true) = (&of.address, of.claimed_from) else { return };
        if let Err(error) = self.users.release_try_from(address, &of.id).await {
            let problem = AwsCause::for_log(&error);
            warn!(event = "failed_logins", problem, "a success stays counted as a failure of its address");
        }
    }

    /// Forgets the failures under the name before `of`, which was a success that stands whatever comes of this.
    pub async fn forget_failures(&self, of: &Try) {
        if of.earlier_failures == EarlierFailures::None {
            return;
        }
        if let Err(problem) = self.users.clear_attempts(&of.username).await {
            let problem = AwsCause::for_log(&problem);
            warn!(event = "failed_logins", problem, "the failures before a success could not be forgotten");
        }
    }

    /// Where the request comes from, if failures from there are counted and API Gateway says where.
    fn counted_address(&self, request: &Request) -> Option<SourceAddress> {
        let address = request.source_ip().filter(|_| self.failures_per_address > 0);
        address.and_then(|address| address.parse().ok())
    }

    /// The user, if the password is theirs and they may log in; and a stronger hash if theirs is weak.
    ///
    /// Every way through here computes a hash first: the time must not tell the names that exist.
    pub async fn check(
        &self,
        user: Option<Account>,
        password: &Arc<Password>,
    ) -> Result<(Account, Option<Box<PasswordHash>>), Reason> {
        // A disabled user costs what an unknown one does, whatever the password.
        let enabled = user.as_ref().filter(|user| user.enabled);
        let stored = enabled.and_then(|user| user.password_hash.clone().ok());
        let (password, salt) = (Arc::clone(password), crate::random::entropy()?);
        let verdict = self.hashing(move |hasher| compare(hasher, &password, stored.as_ref(), salt)).await?;
        let failure = match (user, verdict) {
            (Some(user), Comparison::Match(upgraded)) if user.enabled => return Ok((user, upgraded)),
            (None, _) => CredentialFailure::UnknownUser,
            (Some(user), _) if !user.enabled => CredentialFailure::UserDisabled,
            (Some(user), _) if user.password_hash.is_err() => CredentialFailure::UnusableHash,
            (Some(_), _) => CredentialFailure::WrongPassword,
        };
        Err(Reason::InvalidCredentials(failure))
    }

    /// The hash of a new password.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, Reason> {
        let salt = crate::random::entropy()?;
        self.hashing(move |hasher| hasher.hash(&password, salt)).await
    }

    /// A hash keeps a core busy for milliseconds: not on the thread that answers others.
    async fn hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Hasher) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, Reason> {
        let hasher = self.hasher.clone();
        let done = tokio::task::spawn_blocking(move || work(&hasher)).await;
        let done = done.map_err(|_| Reason::Internal("hashing panicked"))?;
        done.map_err(|_| Reason::Internal("hashing failed"))
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
