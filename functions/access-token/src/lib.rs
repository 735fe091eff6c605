//! `POST /auth/access`: an access token for one audience, for the live token of a live session.
//!
//! Reads one row, strongly consistent, and writes nothing, as a refresh does. Whoever sees the access token can neither
//! refresh it nor look at the session.

use edge::{
    About, AuditDetails, Body, CookieMode, Endpoint, Environment, GrantFailure, Presented, Reason, Rejection,
    Request, Response, SettingError, TokenCheck, live_user, log::Field, moved,
};
use http::{Method, StatusCode};
use keyring::SigningKeys;
use serde_json::json;
use token::{
    AccessAudience, AccessGrant, AccessPolicy, Bearer, Claims, Issuer, Scopes, Timestamp, TokenId, Verifier,
};
use users::{User, UserTable};

/// The use case and all that it may touch.
pub struct AccessToken {
    users: UserTable,
    keys: SigningKeys,
    policy: AccessPolicy,
    issuer: Issuer,
    verifier: Verifier,
    cookies: CookieMode,
}

/// What the body asks for.
struct Wanted {
    audience: String,
    /// None for all that there are.
    scopes: Option<Scopes>,
}

impl AccessToken {
    /// Access tokens for the audiences and in the name of the issuer that `environment` sets.
    pub fn new(
        users: UserTable,
        keys: SigningKeys,
        environment: &Environment<'_>,
    ) -> Result<Self, SettingError> {
        let issuer = environment.issuer()?;
        let verifier = Verifier::new(issuer.clone());
        let (policy, cookies) = (environment.required_access_policy()?, environment.cookie_mode()?);
        Ok(Self { users, keys, policy, issuer, verifier, cookies })
    }

    /// The answer to the bearer of a session's token.
    async fn exchange(
        &self,
        request: &Request,
        mut presented: Presented<'_>,
        now: Timestamp,
    ) -> Result<Response, Rejection> {
        let wanted = Wanted::read(&mut presented.body)?;
        let check = TokenCheck { keys: &self.keys, verifier: &self.verifier };
        let claims = check.verify(&presented.token, now).await?;
        self.issue(request, &claims, &wanted, now).await.about(AuditDetails::from(&claims))
    }

    async fn issue(
        &self,
        request: &Request,
        claims: &Claims,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Result<Response, Rejection> {
        let audience = self.policy.audiences.find(&wanted.audience).ok_or(GrantFailure::AudienceUnknown)?;
        let keys = self.keys.current(now).await?;
        if keys.has_symmetric_key(now) {
            return Err(Reason::SymmetricKey.into());
        }
        let user = live_user(&self.users, claims).await?;
        let moved = moved(user.sessions.get(&claims.session_id), request);
        let scopes = granted(audience, &user, wanted)?;
        let token_id = TokenId::new(edge::random::entropy()?);
        let lifetime = self.policy.within(claims.lifetime, now);
        let bearer = Bearer::User {
            id: claims.subject,
            username: claims.username.clone(),
            session_id: claims.session_id,
            logged_in_at: claims.lifetime.issued_at,
        };
        let grant = AccessGrant {
            audience: &audience.name,
            bearer: &bearer,
            scopes: &scopes,
            lifetime,
            token_id,
            custom: &user.claims,
        };
        let token = self.issuer.issue_access(grant, &keys, now)?;
        let body = json!({
            "user": edge::user(claims),
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": lifetime.expires_at.time_left(now).get(),
            "scope": scopes.to_string(),
        });
        let details = AuditDetails::default()
            .with(Field::IssuedToken, token_id.to_string())
            .with(Field::Audience, audience.name.as_str());
        Ok(Response::json(StatusCode::OK, &body)).about(details.and(moved))
    }
}

/// The scopes that the audience and the user have, of those that are asked for.
fn granted(audience: &AccessAudience, user: &User, wanted: &Wanted) -> Result<Scopes, GrantFailure> {
    let of_user = Scopes::of_claim(user.claims.as_map().get("scope"));
    match &wanted.scopes {
        Some(scopes) if !scopes.are_all_in(&audience.scopes) => Err(GrantFailure::ScopeUnknown),
        Some(scopes) => Ok(scopes.also_in(&of_user)),
        None => Ok(audience.scopes.also_in(&of_user)),
    }
}

impl Wanted {
    fn read(body: &mut Body) -> Result<Self, Reason> {
        let audience = body.string("audience")?;
        let scopes = body.optional_string("scope")?.map(|scope| {
            scope.parse().map_err(|problem: token::ScopesError| Reason::of_field("scope", &problem))
        });
        Ok(Self { audience, scopes: scopes.transpose()? })
    }
}

impl Endpoint for AccessToken {
    const NAME: &'static str = "access_token";
    const METHODS: &'static [Method] = &[Method::POST];

    async fn warm_up(&self, now: Timestamp) {
        edge::warm_up(&self.keys, self.users.connect(), now).await;
    }

    async fn handle(&self, request: &Request, now: Timestamp) -> Result<Response, Rejection> {
        let (presented, in_header) = self.cookies.token_anywhere(request)?;
        let answer = self.exchange(request, presented, now).await;
        if in_header { answer.map_err(Rejection::of_authorization_header) } else { answer }
    }
}
