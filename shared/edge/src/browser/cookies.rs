//! Cookie mode: the token in a cookie that no script can read.

use std::borrow::Cow;

use cookie::{Cookie, SameSite, time::Duration};
use http::{HeaderValue, Method, header};
use token::{Claims, Seconds, SessionPolicy, Timestamp};

use super::Origins;
use crate::{Body, PageOrigin, Reason, Rejection, Request, Response, http::response::token_response};

/// The longest name and value of a cookie that browsers keep (RFC 6265bis §5.6).
const MAX_COOKIE_BYTES: usize = 4096;
/// The most characters of the cookie's name: the token needs the rest of what browsers keep.
const LONGEST_NAME: usize = 64;

/// Whether tokens are handed out and taken as a cookie too; off by default.
#[derive(Clone, Debug, Default)]
pub struct CookieMode(Option<AuthCookie>);

#[derive(Clone, Debug)]
struct AuthCookie {
    name: String,
    same_site: SameSite,
    /// Where pages may be from that send the cookie: the issuer's origin and the named ones.
    origins: Origins,
}

/// Where the token of a call came from, which is where the next one goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// The body or the `Authorization` header, in which a program put it.
    Program,
    /// The cookie, in which the browser put it.
    Cookie,
}

/// A token that was just issued, and what it says.
#[derive(Clone, Copy)]
pub struct IssuedToken<'a> {
    /// The signed token.
    pub token: &'a str,
    /// Its claims.
    pub claims: &'a Claims,
}

/// Why cookie mode cannot be switched on like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CookieModeError {
    /// The name would let a neighbouring host set the cookie.
    #[error(
        "must begin with __Host-, so that no other host can set it, and go on with letters, digits, - or _: \
         __Host-latchkey; at most 64 characters"
    )]
    Name,
    /// Not a value of `SameSite`.
    #[error("must be Strict, Lax or None")]
    SameSite,
    /// `SameSite=None`, and no page of another site that could use it.
    #[error(
        "may be None only where CORS_ALLOWED_ORIGINS names the pages of other sites that may send the cookie"
    )]
    NoOtherSite,
    /// A plain-HTTP origin beside an HTTPS issuer.
    #[error(
        "must not name http:// origins beside JWT_AUTH_COOKIE: whatever listens there on a user's machine could use \
         the cookie"
    )]
    PlainOrigin,
}

/// A token and the body that it came with.
pub struct Presented<'r> {
    /// The token, not verified yet.
    pub token: Cow<'r, str>,
    /// Where it was.
    pub carrier: Carrier,
    /// The body's other members.
    pub body: Body,
    /// The values of further cookies of the same name: only a logout accepts them.
    pub duplicates: Vec<&'r str>,
}

/// Which page a browser says that it sent a request for.
#[derive(PartialEq, Eq)]
enum Page {
    Ours,
    Foreign,
    /// It does not say, or is no browser.
    Unsaid,
}

impl CookieMode {
    /// The token in a cookie called `name` too, for pages of the issuer's origin and the `named` ones; `same_site` is
    /// Strict unless it is given.
    ///
    /// Rejects what would only look safe: a name that a neighbouring host can set too, and a cookie for pages of other
    /// sites where none may use it.
    pub(crate) fn new(
        name: &str,
        same_site: Option<&str>,
        named: &Origins,
        issuer: &str,
    ) -> Result<Self, CookieModeError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let rest = name.strip_prefix("__Host-").unwrap_or_default();
        if rest.is_empty() || !rest.bytes().all(plain) || name.len() > LONGEST_NAME {
            return Err(CookieModeError::Name);
        }
        let same_site = match same_site {
            None | Some("Strict") => SameSite::Strict,
            Some("Lax") => SameSite::Lax,
            Some("None") if named.is_empty() => return Err(CookieModeError::NoOtherSite),
            Some("None") => SameSite::None,
            Some(_) => return Err(CookieModeError::SameSite),
        };
        if named.has_plain() && issuer.starts_with("https://") {
            return Err(CookieModeError::PlainOrigin);
        }
        Ok(Self(Some(AuthCookie { name: name.to_owned(), same_site, origins: named.and_that_of(issuer) })))
    }

    /// The token in the body; in cookie mode, where the body has none or there is no body, the one in the cookie.
    pub fn token_in_body<'r>(&self, request: &'r Request) -> Result<Presented<'r>, Reason> {
        let presented = self.presented_to_log_out(request)?;
        if presented.duplicates.is_empty() { Ok(presented) } else { Err(self.duplicate()) }
    }

    /// Like [`CookieMode::token_in_body`], but also accepts several cookies of our name: none of them may keep a user
    /// from logging out. Browsers send two where one is partitioned (CHIPS) and the other is not.
    pub fn presented_to_log_out<'r>(&self, request: &'r Request) -> Result<Presented<'r>, Reason> {
        let in_body = |mut body: Body| {
            let token = body.string("token")?.into();
            Ok(Presented { token, carrier: Carrier::Program, body, duplicates: Vec::new() })
        };
        let Some(AuthCookie { name, .. }) = &self.0 else { return in_body(request.json()?) };
        let body = if request.has_no_body() { Body::default() } else { request.json()? };
        if body.has("token") {
            self.reject_foreign_pages(request)?;
            return in_body(body);
        }
        let mut sent = request.cookies(name).filter(|token| !token.is_empty());
        let Some(token) = sent.next() else {
            let needed = format!("The field \"token\" is required, or the cookie {name}.");
            return Err(Reason::InvalidRequest(needed));
        };
        self.take_from_our_pages(request)?;
        Ok(Presented { token: token.into(), carrier: Carrier::Cookie, body, duplicates: sent.collect() })
    }

    /// The token in the `Authorization` header, or else in the body or the cookie, whose rules are those of
    /// [`CookieMode::token_in_body`]; and whether it was in the header.
    pub fn token_anywhere<'r>(&self, request: &'r Request) -> Result<(Presented<'r>, bool), Reason> {
        let token = match request.bearer_token() {
            Ok(token) => token,
            Err(Reason::NoBearerToken) if self.has_token(request)? => {
                return Ok((self.token_in_body(request)?, false));
            }
            Err(reason) => return Err(reason),
        };
        let body = request.json()?;
        if body.has("token") {
            let twice = "There must be one token: in the Authorization header or in the body.";
            return Err(Reason::InvalidRequest(twice.to_owned()));
        }
        self.reject_foreign_pages(request)?;
        let (token, duplicates) = (token.into(), Vec::new());
        Ok((Presented { token, carrier: Carrier::Program, body, duplicates }, true))
    }

    /// Whether there is a token in the body or, in cookie mode, in the cookie.
    fn has_token(&self, request: &Request) -> Result<bool, Reason> {
        let name = self.0.as_ref().map(|cookie| cookie.name.as_str());
        let in_cookie = name.is_some_and(|name| request.cookies(name).any(|token| !token.is_empty()));
        Ok(in_cookie || request.json()?.has("token"))
    }

    /// The token in the `Authorization` header; in cookie mode, where that has no Bearer token, the one in the cookie.
    pub fn bearer_token<'r>(&self, request: &'r Request) -> Result<(&'r str, Carrier), Reason> {
        match request.bearer_token() {
            Err(Reason::NoBearerToken) => {
                let token = self.sent(request)?.ok_or(Reason::NoBearerToken)?;
                if request.method() == Method::GET {
                    // Browsers that know no Fetch metadata say nothing of a page's own GET, which changes nothing.
                    self.reject_foreign_pages(request)?;
                } else {
                    self.take_from_our_pages(request)?;
                }
                Ok((token, Carrier::Cookie))
            }
            token => Ok((token?, Carrier::Program)),
        }
    }

    /// In cookie mode rejects what a page of a foreign origin sends: it would log its visitor in as somebody else.
    pub fn reject_foreign_pages(&self, request: &Request) -> Result<(), Reason> {
        match &self.0 {
            Some(cookie) if cookie.page(request) == Page::Foreign => {
                Err(Reason::ForeignPage(PageOrigin::Foreign))
            }
            _ => Ok(()),
        }
    }

    /// Rejects a call that relies on the cookie unless the browser says that a page of ours made it.
    fn take_from_our_pages(&self, request: &Request) -> Result<(), Reason> {
        match self.0.as_ref().map(|cookie| cookie.page(request)) {
            None | Some(Page::Ours) => Ok(()),
            Some(Page::Foreign) => Err(Reason::ForeignPage(PageOrigin::Foreign)),
            Some(Page::Unsaid) => Err(Reason::ForeignPage(PageOrigin::Absent)),
        }
    }

    /// The success of login, refresh and a new password, with the cookie in cookie mode.
    ///
    /// A token that came in the cookie has no successor in the body: scripts were not to read it.
    pub fn token_response(
        &self,
        issued: IssuedToken<'_>,
        carrier: Carrier,
        policy: &SessionPolicy,
        now: Timestamp,
    ) -> Result<Response, Reason> {
        let IssuedToken { token, claims } = issued;
        let told = (carrier == Carrier::Program).then_some(token);
        let response = token_response(told, claims, policy, now);
        match &self.0 {
            Some(cookie) => cookie.set(response, token, claims.lifetime.expires_at.time_left(now)),
            None => Ok(response),
        }
    }

    /// `response`, with which the browser forgets the cookie.
    pub fn forget(&self, response: Response) -> Result<Response, Reason> {
        match &self.0 {
            Some(cookie) => cookie.set(response, "", Seconds::new(0)),
            None => Ok(response),
        }
    }

    /// `rejection` of a logout, with which the browser forgets the cookie if the token in it is worth nothing.
    pub fn forget_rejected(&self, rejection: Rejection) -> Rejection {
        let useless = matches!(
            rejection.reason(),
            Reason::InvalidToken(_) | Reason::TokenExpired | Reason::SessionEnded(_)
        );
        match self.0.as_ref().map(|cookie| cookie.value("", Seconds::new(0))) {
            Some(Ok(forgotten)) if useless => rejection.with_cookie(forgotten),
            _ => rejection,
        }
    }

    /// The token in the request's cookie.
    fn sent<'r>(&self, request: &'r Request) -> Result<Option<&'r str>, Reason> {
        let Some(AuthCookie { name, .. }) = &self.0 else { return Ok(None) };
        let mut sent = request.cookies(name);
        let token = sent.next().filter(|token| !token.is_empty());
        if sent.next().is_some() { Err(self.duplicate()) } else { Ok(token) }
    }

    fn duplicate(&self) -> Reason {
        let name = self.0.as_ref().map_or("", |cookie| &cookie.name);
        Reason::InvalidRequest(format!("The cookie {name} is there twice."))
    }
}

impl AuthCookie {
    fn page(&self, request: &Request) -> Page {
        let site = request.header(&header::HeaderName::from_static("sec-fetch-site"));
        if site.is_some_and(|site| site == "same-origin") {
            return Page::Ours;
        }
        match (request.header(&header::ORIGIN).map(HeaderValue::to_str), site) {
            (Some(Ok(origin)), _) if self.origins.contain(origin) => Page::Ours,
            (None, None) => Page::Unsaid,
            // What its user typed into the address bar.
            (None, Some(site)) if site == "none" => Page::Unsaid,
            _ => Page::Foreign,
        }
    }

    fn set(&self, response: Response, token: &str, max_age: Seconds) -> Result<Response, Reason> {
        Ok(response.with_header(header::SET_COOKIE, self.value(token, max_age)?))
    }

    /// The value of `Set-Cookie`.
    fn value(&self, token: &str, max_age: Seconds) -> Result<HeaderValue, Reason> {
        if self.name.len() + token.len() > MAX_COOKIE_BYTES {
            return Err(Reason::Internal("the token is too long for a cookie; give its user fewer claims"));
        }
        let cookie = Cookie::build((&self.name, token))
            .path("/")
            .secure(true)
            .http_only(true)
            .same_site(self.same_site)
            // Chromium keeps a third-party cookie only by the site of the page that it is in (CHIPS).
            .partitioned(self.same_site == SameSite::None)
            .max_age(Duration::seconds(max_age.get().try_into().unwrap_or(i64::MAX)));
        let mut value = HeaderValue::from_str(&cookie.to_string())
            .map_err(|_| Reason::Internal("the token cannot be in a cookie"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_that_browsers_would_throw_away_is_not_set() {
        let name = "__Host-latchkey".to_owned();
        let cookie = AuthCookie { name, same_site: SameSite::Strict, origins: Origins::default() };
        let set = |length: usize| cookie.set(Response::no_content(), &"x".repeat(length), Seconds::new(1));
        assert!(set(4096 - 15).is_ok());
        assert!(matches!(set(4096 - 14), Err(Reason::Internal(_))));
    }
}
