//! `POST /auth/recovery`: asks for a letter with which the user of a name sets a new password.
//!
//! One write, and nothing else: this function may read no table, so nothing that it answers, and no time that it takes, can
//! tell whether there is such a user. The mailer decides.

use edge::{CookieMode, Endpoint, Environment, Reason, Rejection, Request, Response, SettingError};
use http::Method;
use token::Timestamp;
use users::{Letter, LetterId, LetterKind, Outbox, Username};

/// The use case and all that it may touch.
pub struct RequestLetter {
    outbox: Outbox,
    cookies: CookieMode,
    /// Whether callers can be told apart by their addresses.
    knows_addresses: bool,
}

impl RequestLetter {
    /// Asks in `outbox`, by the policies that `environment` sets.
    pub fn new(outbox: Outbox, environment: &Environment<'_>) -> Result<Self, SettingError> {
        let knows_addresses = environment.failures_per_address()? > 0;
        Ok(Self { outbox, cookies: environment.cookie_mode()?, knows_addresses })
    }
}

impl Endpoint for RequestLetter {
    const NAME: &'static str = "request_recovery";
    const METHODS: &'static [Method] = &[Method::POST];

    async fn handle(&self, request: &Request, now: Timestamp) -> Result<Response, Rejection> {
        self.cookies.reject_foreign_pages(request)?;
        let mut body = request.json()?;
        let username = body.string("username")?;
        body.ends()?;
        let username = username.parse::<Username>().map_err(|error| Reason::of_field("username", &error))?;
        let source = request.source_ip().filter(|_| self.knows_addresses);
        let source = source.and_then(|address| address.parse().ok());
        let letter = Letter { source, ..Letter::about(LetterKind::Recovery, username, now) };
        // A key of our own, never one of the caller's: it meets no other row.
        self.outbox.put(&LetterId::new(edge::random::entropy()?), &letter).await?;
        Ok(Response::accepted())
    }
}
