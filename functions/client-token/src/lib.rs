//! `POST /oauth2/token`: an access token for a machine client (RFC 6749 §4.4, `client_credentials`).
//!
//! Reads the client's row and that of the wrong secrets from the address in one call. A right secret writes nothing and
//! never waits: of 256 random bits none is ever guessed, and ids are public, so that nobody may be able to stop a client.

use edge::{
    About, AuditDetails, ClientCredentials, ClientFailure, Endpoint, Environment, Form, GrantFailure, Reason,
    Rejection, Request, Response, SettingError, Throttled, log::Field,
};
use http::{Method, StatusCode};
use keyring::SigningKeys;
use serde_json::json;
use token::{
    AccessAudience, AccessGrant, AccessPolicy, Bearer, ClientId, CustomClaims, Issuer, Scopes, Timestamp,
    TokenId,
};
use users::{AddressFailures, BeforeToken, MachineClient, SecretHash, SourceAddress, TryId, UserTable};

/// The use case and all that it may touch.
pub struct ClientToken {
    users: UserTable,
    keys: SigningKeys,
    policy: AccessPolicy,
    issuer: Issuer,
    /// 0 for no bound.
    failures_per_address: u32,
}

/// What a client may have of what it asks for.
struct Target<'a> {
    audience: &'a AccessAudience,
    scopes: Scopes,
}

impl ClientToken {
    /// Access tokens for the audiences and in the name of the issuer that `environment` sets.
    pub fn new(
        users: UserTable,
        keys: SigningKeys,
        environment: &Environment<'_>,
    ) -> Result<Self, SettingError> {
        let (policy, issuer) = (environment.required_access_policy()?, environment.issuer()?);
        Ok(Self { users, keys, policy, issuer, failures_per_address: environment.failures_per_address()? })
    }

    async fn token(&self, request: &Request, now: Timestamp) -> Result<Response, Rejection> {
        let form = request.form()?;
        if form.get("grant_type")?.is_none() {
            return Err(Reason::InvalidRequest("The parameter grant_type is required.".to_owned()).into());
        }
        if form.get("grant_type")? != Some("client_credentials") {
            return Err(Reason::NotGranted(GrantFailure::GrantType).into());
        }
        let credentials = request.client_credentials(&form)?;
        let id = credentials.id.parse().ok();
        let details = id.map(AuditDetails::client).unwrap_or_default();
        self.token_for(request, &form, id, &credentials, now).await.about(details)
    }

    async fn token_for(
        &self,
        request: &Request,
        form: &Form,
        id: Option<ClientId>,
        credentials: &ClientCredentials,
        now: Timestamp,
    ) -> Result<Response, Rejection> {
        let address = request.source_ip().filter(|_| self.failures_per_address > 0);
        let address: Option<SourceAddress> = address.and_then(|address| address.parse().ok());
        let BeforeToken { client, from_address } = self.users.for_token(id, address.as_ref(), now).await?;
        let (client, secret) = match authenticated(client, credentials) {
            Ok(authenticated) => authenticated,
            Err(failure) => {
                return Err(self.count(failure, address.as_ref(), from_address, now).await.into());
            }
        };
        let response = self.issue(&client, form, now).await;
        response.about(AuditDetails::default().with(Field::ClientSecret, secret))
    }

    /// What a wrong secret is answered with. Counting it slows a guesser down, who has no chance anyway, and tells a
    /// worker with an old secret to stop.
    async fn count(
        &self,
        failure: ClientFailure,
        address: Option<&SourceAddress>,
        before: AddressFailures,
        now: Timestamp,
    ) -> Reason {
        if let Some(wait) = before.retry_after(self.failures_per_address, now) {
            return Reason::TooManyAttempts { wait, throttled: Throttled::AddressOfClients };
        }
        let Some(address) = address else { return Reason::NotGranted(GrantFailure::Client(failure)) };
        let counted = match edge::random::entropy() {
            Ok(entropy) => {
                let id = TryId::new(entropy);
                self.users.record_wrong_secret_from(address, &id, now).await.map_err(Reason::from)
            }
            Err(error) => Err(error.into()),
        };
        counted.err().unwrap_or(Reason::NotGranted(GrantFailure::Client(failure)))
    }

    async fn issue(
        &self,
        client: &MachineClient,
        form: &Form,
        now: Timestamp,
    ) -> Result<Response, Rejection> {
        let Target { audience, scopes } = self.target(client, form)?;
        let keys = self.keys.current(now).await?;
        if keys.has_symmetric_key(now) {
            return Err(Reason::SymmetricKey.into());
        }
        let (token_id, lifetime) = (TokenId::new(edge::random::entropy()?), self.policy.alone(now));
        let grant = AccessGrant {
            audience: &audience.name,
            bearer: &Bearer::Client(client.id),
            scopes: &scopes,
            lifetime,
            token_id,
            custom: &CustomClaims::default(),
        };
        let mut body = json!({
            "access_token": self.issuer.issue_access(grant, &keys, now)?,
            "token_type": "Bearer",
            "expires_in": lifetime.expires_at.time_left(now).get(),
        });
        if let (false, Some(members)) = (scopes.is_empty(), body.as_object_mut()) {
            members.insert("scope".to_owned(), scopes.to_string().into());
        }
        let details = AuditDetails::default()
            .with(Field::IssuedToken, token_id.to_string())
            .with(Field::Audience, audience.name.as_str());
        Ok(Response::json(StatusCode::OK, &body)).about(details)
    }

    /// The audience that is asked for, or the client's only one, and the scopes that both it and the client have there:
    /// those asked for, or all.
    fn target(&self, client: &MachineClient, form: &Form) -> Result<Target<'_>, Reason> {
        if form.is_repeated("resource") {
            return Err(GrantFailure::Target.into());
        }
        let wanted = match form.get("resource")? {
            Some(name) => client.audiences.find(name),
            None => client.audiences.only(),
        };
        let of_client = wanted.ok_or(GrantFailure::Target)?;
        let audience = self.policy.audiences.find(of_client.name.as_str()).ok_or(GrantFailure::Target)?;
        let all = of_client.scopes.also_in(&audience.scopes);
        let scopes = match form.get("scope")? {
            None => all,
            Some(text) => {
                let wanted: Scopes = text.parse().map_err(|_| GrantFailure::Scope)?;
                if !wanted.are_all_in(&all) {
                    return Err(GrantFailure::Scope.into());
                }
                wanted
            }
        };
        Ok(Target { audience, scopes })
    }
}

/// The client, and which of its secrets this is. An unknown client takes as long as a wrong secret.
fn authenticated(
    client: Option<MachineClient>,
    credentials: &ClientCredentials,
) -> Result<(MachineClient, String), ClientFailure> {
    let presented = SecretHash::of(&credentials.secret);
    let client = client.ok_or(ClientFailure::Unknown)?;
    let secret = client.secret_of(&presented).ok_or(ClientFailure::WrongSecret)?.id.to_string();
    if client.enabled { Ok((client, secret)) } else { Err(ClientFailure::Disabled) }
}

impl Endpoint for ClientToken {
    const NAME: &'static str = "client_token";
    const METHODS: &'static [Method] = &[Method::POST];

    async fn warm_up(&self, now: Timestamp) {
        edge::warm_up(&self.keys, self.users.connect_for_clients(), now).await;
    }

    fn rejected(rejection: &Rejection) -> Response {
        rejection.oauth_response()
    }

    async fn handle(&self, request: &Request, now: Timestamp) -> Result<Response, Rejection> {
        let answer = self.token(request, now).await;
        // The others are told 400, for a client that knows no challenge would not read why (RFC 6749 §5.2).
        if request.has_authorization() { answer.map_err(Rejection::of_authorization_header) } else { answer }
    }
}
