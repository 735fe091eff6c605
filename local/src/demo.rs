//! The demo user, and what the server says on the terminal.

use local_data::HTTPS_AUTHORITY_FILE_NAME;
use serde_json::{Value, json};
use token::{AccessAudiences, CustomClaimsError, Timestamp, UserId};
use users::{
    CreateError, HashError, Hasher, MailAddressError, NewUser, Password, PasswordError, UserTable,
    UsernameError,
};

use crate::Options;

/// The demo user's name.
pub const USERNAME: &str = "demo";
/// The demo user's password. Public: the server listens on 127.0.0.1 only.
pub const PASSWORD: &str = "latchkey demo password";

/// Where the demo user is written to; the letters stay on this machine.
pub const EMAIL: &str = "demo@example.com";

/// The audience of somebody's API, with what tokens can allow there.
pub const ACCESS_AUDIENCES: &str = "https://orders.example.com=orders:read orders:write";
/// The claims of the demo user, who may read orders and write none.
const CLAIMS: &str = r#"{"scope":"orders:read"}"#;

/// Why there is no demo user.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it wraps")]
pub enum DemoError {
    #[error("the demo user's name: {0}")]
    Username(#[from] UsernameError),
    #[error("the demo user's password: {0}")]
    Password(#[from] PasswordError),
    #[error("the demo user's password: {0}")]
    Hash(#[from] HashError),
    #[error("the demo user's claims: {0}")]
    Claims(#[from] CustomClaimsError),
    #[error("the demo user's address: {0}")]
    Email(#[from] MailAddressError),
    #[error(transparent)]
    Random(#[from] edge::random::RandomError),
    #[error("cannot create the demo user: {0}")]
    Create(CreateError),
}

/// Creates the demo user, unless there is one.
pub async fn create_user(users: &UserTable, hasher: &Hasher, now: Timestamp) -> Result<(), DemoError> {
    let username = USERNAME.parse()?;
    let password_hash = hasher.hash(&Password::try_from(PASSWORD.to_owned())?, edge::random::entropy()?)?;
    let id = UserId::new(edge::random::entropy()?);
    let user = NewUser { id, username, password_hash, claims: CLAIMS.parse()?, email: Some(EMAIL.parse()?) };
    match users.create(&user, now).await {
        Ok(()) | Err(CreateError::AlreadyExists) => Ok(()),
        Err(problem) => Err(DemoError::Create(problem)),
    }
}

/// What `--ready-file` says: where the server answers, and who can log in.
pub fn ready(url: &str) -> Value {
    json!({ "url": url, "username": USERNAME, "password": PASSWORD })
}

/// What the server is, who can log in, and commands to paste.
pub fn greeting(url: &str, options: &Options) -> String {
    let Options { expiration, refresh_expiration, .. } = options;
    let data = options.data.display();
    let (curl, trust) = if options.https {
        let authority = options.data.join(HTTPS_AUTHORITY_FILE_NAME);
        let trust = format!(
            "Browsers have to trust {} once: docs/browsers.md. It can vouch for this machine alone.\n\n",
            authority.display()
        );
        (format!("curl --cacert '{}'", authority.display()), trust)
    } else {
        ("curl".to_owned(), String::new())
    };
    let access = access_commands(&curl, url, options);
    format!(
        r#"Latchkey on {url}, data in {data}
Tokens live {expiration} and can be refreshed until {refresh_expiration} after the login:
the longest session is {refresh_expiration} + {expiration}.

  demo user  {USERNAME}
  password   {PASSWORD}

{trust}Log in, refresh, verify, list the sessions, call the protected routes, log out, and fetch the public keys:

  TOKEN=$({curl} -s {url}/auth/login -H 'Content-Type: application/json' -d '{{"username":"{USERNAME}","password":"{PASSWORD}"}}' | sed 's/.*"token":"\([^"]*\)".*/\1/') && echo $TOKEN
  {curl} -s {url}/auth/refresh -H 'Content-Type: application/json' -d '{{"token":"'$TOKEN'"}}'
  {curl} -s {url}/auth/verify -H 'Content-Type: application/json' -d '{{"token":"'$TOKEN'","check_session":true}}'
  {curl} -s {url}/auth/sessions -H "Authorization: Bearer $TOKEN"
  {curl} -s {url}/protected -H "Authorization: Bearer $TOKEN"
  {curl} -s {url}/protected/now -H "Authorization: Bearer $TOKEN"
{access}  {curl} -si {url}/auth/logout -H 'Content-Type: application/json' -d '{{"token":"'$TOKEN'"}}'
  {curl} -s {url}/.well-known/jwks.json

After the logout /protected, which API Gateway's native authorizer would guard, goes on taking the token until it expires;
/protected/now asks whether the session has ended, and rejects the token at once.

Stop with Ctrl-C."#
    )
}

/// Commands that get an access token and show it to the route that takes one; nothing where there are none.
fn access_commands(curl: &str, url: &str, options: &Options) -> String {
    let audiences: Option<AccessAudiences> = options.access_audiences.parse().ok();
    let Some(audience) = audiences.as_ref().and_then(|audiences| audiences.iter().next()) else {
        return String::new();
    };
    let audience = audience.name.as_str();
    format!(
        r#"  ACCESS=$({curl} -s {url}/auth/access -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{{"audience":"{audience}"}}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/') && echo $ACCESS
  {curl} -s {url}/protected/orders -H "Authorization: Bearer $ACCESS"
"#
    )
}
