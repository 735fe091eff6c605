//! The oauth2 crate gets access tokens for a machine: `oauth-client URL TOKENS < CLIENTS`
//!
//! It knows the base URL and what `latchkey client` printed. Its tokens go to the file TOKENS, for the verifiers.

use std::{env, error::Error, fs, io, time::Duration};

use oauth2::{
    AuthType, ClientId, ClientSecret, RequestTokenError, ResourceOwnerPassword, ResourceOwnerUsername, Scope,
    TokenResponse, TokenUrl,
    basic::{BasicClient, BasicErrorResponseType as Code, BasicRequestTokenError, BasicTokenResponse},
    reqwest::{Certificate, blocking::Client as Http},
};
use serde::Deserialize;

const ORDERS: &str = "https://orders.example.com";
const BILLING: &str = "https://billing.example.com";
const METHODS: [AuthType; 2] = [AuthType::BasicAuth, AuthType::RequestBody];

#[derive(Clone, Deserialize)]
struct Client {
    client_id: ClientId,
    client_secret: ClientSecret,
}

#[derive(Deserialize)]
struct Clients {
    one: Client,
    two: Client,
    old: Client,
    new: Client,
    off: Client,
}

#[derive(Clone, Copy, Default)]
struct Wanted<'a> {
    scope: Option<&'a str>,
    resource: Option<&'a str>,
    /// Instead of a client's own grant.
    password: bool,
}

struct Server {
    http: Http,
    token_endpoint: TokenUrl,
}

impl Server {
    fn discover(base: &str) -> Result<Self, Box<dyn Error>> {
        #[derive(Deserialize)]
        struct Document {
            token_endpoint: TokenUrl,
        }
        let authority = Certificate::from_pem(&fs::read(env::var("SSL_CERT_FILE")?)?)?;
        let http = Http::builder().add_root_certificate(authority).build()?;
        let document = http.get(format!("{base}/.well-known/openid-configuration")).send()?.bytes()?;
        let Document { token_endpoint } = serde_json::from_slice(&document)?;
        Ok(Self { http, token_endpoint })
    }

    /// The token, or the code that it is rejected with.
    fn token(&self, client: &Client, method: &AuthType, wanted: Wanted) -> Result<BasicTokenResponse, Code> {
        let client = BasicClient::new(client.client_id.clone())
            .set_client_secret(client.client_secret.clone())
            .set_auth_type(method.clone())
            .set_token_uri(self.token_endpoint.clone());
        if wanted.password {
            let (user, password) =
                (ResourceOwnerUsername::new("a".into()), ResourceOwnerPassword::new("b".into()));
            return client.exchange_password(&user, &password).request(&self.http).map_err(code);
        }
        let mut request = client.exchange_client_credentials();
        request = request.add_scopes(wanted.scope.map(|scope| Scope::new(scope.to_owned())));
        if let Some(audience) = wanted.resource {
            request = request.add_extra_param("resource", audience);
        }
        request.request(&self.http).map_err(code)
    }

    fn gives(&self, client: &Client, method: &AuthType, wanted: Wanted) -> BasicTokenResponse {
        self.token(client, method, wanted).expect("a token")
    }

    fn rejects(&self, client: &Client, wanted: Wanted, code: Code) {
        for method in METHODS {
            assert_eq!(self.token(client, &method, wanted).map(|_| ()), Err(code.clone()));
        }
    }
}

fn code<E: Error + 'static>(error: BasicRequestTokenError<E>) -> Code {
    match error {
        RequestTokenError::ServerResponse(answer) => answer.error().clone(),
        other => panic!("no answer of RFC 6749: {other:?}"),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [base, file] = &arguments[..] else { return Err("oauth-client URL TOKENS < CLIENTS".into()) };
    let Clients { one, two, old, new, off } = serde_json::from_reader(io::stdin())?;
    let server = Server::discover(base)?;
    let proved = |claim| println!("oauth2 5: {claim}");
    let nothing = Wanted::default();

    let mut tokens = Vec::new();
    for method in METHODS {
        let wanted = Wanted { scope: Some("orders:read"), resource: Some(ORDERS), ..nothing };
        let token = server.gives(&one, &method, wanted);
        assert_eq!(token.expires_in(), Some(Duration::from_secs(900)));
        assert_eq!(token.scopes(), Some(&vec![Scope::new("orders:read".to_owned())]));
        tokens.push(token);
    }
    proved("a client gets a token, with its secret in the header and in the body");
    let of_two = Wanted { resource: Some(ORDERS), ..nothing };
    tokens.extend(
        [(&one, nothing), (&two, of_two)]
            .map(|(client, wanted)| server.gives(client, &AuthType::BasicAuth, wanted)),
    );
    proved("scope may be left out, and so may resource where the client has one audience");
    for client in [&old, &new] {
        tokens.push(server.gives(client, &AuthType::BasicAuth, nothing));
    }
    proved("during a rotation both secrets get a token");
    server.rejects(
        &Client { client_secret: two.client_secret.clone(), ..one.clone() },
        nothing,
        Code::InvalidClient,
    );
    server.rejects(
        &Client { client_id: ClientId::new("nobody".to_owned()), ..one.clone() },
        nothing,
        Code::InvalidClient,
    );
    server.rejects(&off, nothing, Code::InvalidClient);
    proved("a wrong secret, an unknown client and a disabled one are invalid_client");
    let invalid_target = Code::Extension("invalid_target".to_owned());
    server.rejects(&one, Wanted { scope: Some("orders:write"), ..nothing }, Code::InvalidScope);
    server.rejects(&one, Wanted { resource: Some(BILLING), ..nothing }, invalid_target.clone());
    server.rejects(&two, nothing, invalid_target);
    server.rejects(&one, Wanted { password: true, ..nothing }, Code::UnsupportedGrantType);
    proved("what it may not have is invalid_scope, invalid_target or unsupported_grant_type");
    let lines: Vec<&str> = tokens.iter().map(|token| token.access_token().secret().as_str()).collect();
    Ok(fs::write(file, lines.join("\n"))?)
}
