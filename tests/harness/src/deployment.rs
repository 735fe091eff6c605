//! A stack that is deployed somewhere, called over HTTP, whose users the command line makes.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use axum::body::Body;
use http::{HeaderMap, Method, Request, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use token::UserId;

use crate::lambda;

/// The password of every user that is made here.
pub const PASSWORD: &str = "quiet harbour lanterns";

/// A stack behind `BASE_URL`, with its users in `USERS_TABLE`.
pub struct Deployment {
    base_url: String,
    table: String,
    client: Client<HttpsConnector<HttpConnector>, Body>,
}

/// A user who is deleted in the end.
pub struct TemporaryUser<'d> {
    /// The name.
    pub name: String,
    table: &'d str,
}

/// An HTTP response.
#[derive(Debug)]
pub struct HttpReply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The JSON body; null when it is empty.
    pub body: Value,
}

impl Deployment {
    /// The stack that the environment names; panics where it names none.
    pub fn of_environment() -> Self {
        let base_url = required("BASE_URL").trim_end_matches('/').to_owned();
        let table = required("USERS_TABLE");
        let connector = HttpsConnectorBuilder::new().with_native_roots();
        let connector = connector.unwrap().https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { base_url, table, client }
    }

    /// The `iss` of its tokens: `ISSUER`, or where it answers.
    pub fn issuer(&self) -> String {
        variable("ISSUER").unwrap_or_else(|| self.base_url.clone())
    }

    /// Makes a user as the README does.
    pub fn user(&self) -> TemporaryUser<'_> {
        let name = format!("deployed-{}", UserId::new(edge::random::entropy().unwrap())).to_lowercase();
        latchkey(&["user", "create", &name, "--password-stdin", "--table", &self.table], PASSWORD);
        TemporaryUser { name, table: &self.table }
    }

    /// Rotates the key in `ROTATE_SECRET` and waits until that is done.
    pub fn rotate_keys(&self) {
        latchkey(&["keys", "rotate", "--secret", &required("ROTATE_SECRET")], "");
    }

    /// The answer to a login.
    pub async fn log_in(&self, name: &str, password: &str) -> HttpReply {
        self.post("/auth/login", &json!({ "username": name, "password": password })).await
    }

    /// The answer to a POST of `body`.
    pub async fn post(&self, path: &str, body: &Value) -> HttpReply {
        self.send(Method::POST, path, None, Some(body)).await
    }

    /// The answer to any request.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> HttpReply {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base_url));
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let response = self.client.request(request.body(body).unwrap()).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(Body::new(body), 1_000_000).await.unwrap();
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        HttpReply { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

impl HttpReply {
    /// The stable code of a rejection.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The token of a success.
    pub fn token(&self) -> &str {
        assert_eq!(self.status, 200, "{self:?}");
        self.body["token"].as_str().expect("a token")
    }
}

impl TemporaryUser<'_> {
    /// What `latchkey user` does with the user.
    pub fn administer(&self, command: &str) {
        latchkey(&["user", command, &self.name, "--table", self.table], "");
    }
}

impl Drop for TemporaryUser<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            latchkey(&["user", "delete", &self.name, "--yes", "--table", self.table], "");
        }
    }
}

/// Runs the command line with region, credentials and endpoint of the environment.
fn latchkey(arguments: &[&str], input: &str) {
    let mut command = Command::new(lambda::binary("latchkey"));
    let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "latchkey {arguments:?}");
}

fn required(name: &str) -> String {
    variable(name).unwrap_or_else(|| panic!("{name} must be set"))
}

#[expect(clippy::disallowed_methods, reason = "the stack is named by whoever starts the tests")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
