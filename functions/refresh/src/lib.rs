//! `POST /auth/refresh`: a live token for one that lives longer.
//!
//! Reads one row, strongly consistent, and writes nothing: any number of refreshes of one token
//! succeed side by side, and a lost response logs nobody out.

use edge::{
    About, AuditDetails, Carrier, CookieMode, Endpoint, Environment, IssuedToken, Presented, Reason,
    Rejection, Request, Response, SettingError, TokenCheck, live_user, moved,
};
use http::Method;
use keyring::SigningKeys;
use token::{Claims, Issuer, RefreshSwitch, SessionPolicy, Subject, Timestamp, TokenId, Verifier};
use users::UserTable;

/// The use case and all that it may touch.
pub struct Refresh {
    users: UserTable,
    keys: SigningKeys,
    policy: SessionPolicy,
    issuer: Issuer,
    verifier: Verifier,
    cookies: CookieMode,
}

impl Refresh {
    /// Refreshing by the policy and in the name of the issuer that `environment` sets.
    pub fn new(
        users: UserTable,
        keys: SigningKeys,
        environment: &Environment<'_>,
    ) -> Result<Self, SettingError> {
        let issuer = environment.issuer()?;
        let verifier = Verifier::new(issuer.clone());
        let (policy, cookies) = (environment.session_policy()?, environment.cookie_mode()?);
        Ok(Self { users, keys, policy, issuer, verifier, cookies })
    }

    /// The answer that carries the successor of the token.
    async fn refresh(
        &self,
        request: &Request,
        presented: &Presented<'_>,
        now: Timestamp,
    ) -> Result<Response, Rejection> {
        if self.policy.refresh_switch() == RefreshSwitch::Off {
            return Err(Reason::RefreshDisabled.into());
        }
        let check = TokenCheck { keys: &self.keys, verifier: &self.verifier };
        let old = check.verify(&presented.token, now).await?;
        self.successor(request, &old, presented.carrier, now).await.about(AuditDetails::from(&old))
    }

    async fn successor(
        &self,
        request: &Request,
        old: &Claims,
        carrier: Carrier,
        now: Timestamp,
    ) -> Result<Response, Rejection> {
        let lifetime = self.policy.refresh(old.lifetime, now)?;
        let user = live_user(&self.users, old).await?;
        let moved = moved(user.sessions.get(&old.session_id), request);
        let claims = self.issuer.claims(
            Subject { id: old.subject, username: &old.username },
            old.session_id,
            TokenId::new(edge::random::entropy()?),
            lifetime,
            user.claims,
        );
        let keys = self.keys.current(now).await?;
        let token = self.issuer.issue(&claims, &keys, now)?;
        let issued = IssuedToken { token: &token, claims: &claims };
        let response = self.cookies.token_response(issued, carrier, &self.policy, now)?;
        Ok(response).about(AuditDetails::issued(&claims).and(moved))
    }
}

impl Endpoint for Refresh {
    const NAME: &'static str = "refresh";
    const METHODS: &'static [Method] = &[Method::POST];

    async fn warm_up(&self, now: Timestamp) {
        edge::warm_up(&self.keys, self.users.connect(), now).await;
    }

    async fn handle(&self, request: &Request, now: Timestamp) -> Result<Response, Rejection> {
        let presented = self.cookies.token_in_body(request)?;
        self.refresh(request, &presented, now).await
    }
}
