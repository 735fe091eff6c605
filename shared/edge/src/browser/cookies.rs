//! Cookie mode: the token in a cookie that no script can read.

use std::borrow::Cow;

use cookie::{Cookie, SameSite, time::Duration};
use http::{HeaderValue, Method, header};
use token::{Claims, Seconds, SessionPolicy, Timestamp};

use super::Origins;
use crate::{Body, Rejection, Request, Response, http::response::token_response};

/// The longest name and value of a cookie that browsers keep (RFC 6265bis §5.6).
const MAX_COOKIE_BYTES: usize = 4096;

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

/// A token and the body that it came with.
pub struct Presented<'r> {
    /// The token, not verified yet.
    pub token: Cow<'r, str>,
    /// Where it was.
    pub carrier: Carrier,
    /// The body's other members.
    pub body: Body,
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
    pub(crate) fn on(name: &str, same_site: SameSite, origins: Origins) -> Self {
        Self(Some(AuthCookie { name: name.to_owned(), same_site, origins }))
    }

    /// The token in the body; in cookie mode, where the body has none or there is no body, the one in the cookie.
    pub fn token_in_body<'r>(&self, request: &'r Request) -> Result<Presented<'r>, Rejection> {
        let Some(AuthCookie { name, .. }) = &self.0 else {
            let mut body = request.json()?;
            return Ok(Presented { token: body.string("token")?.into(), carrier: Carrier::Program, body });
        };
        let mut body = if request.has_no_body() { Body::default() } else { request.json()? };
        if body.has("token") {
            self.reject_foreign_pages(request)?;
            return Ok(Presented { token: body.string("token")?.into(), carrier: Carrier::Program, body });
        }
        let Some(token) = self.sent(request)? else {
            let needed = format!("The field \"token\" is required, or the cookie {name}.");
            return Err(Rejection::InvalidRequest(needed));
        };
        self.take_from_our_pages(request)?;
        Ok(Presented { token: token.into(), carrier: Carrier::Cookie, body })
    }

    /// The token in the `Authorization` header; in cookie mode, where that has no Bearer token, the one in the cookie.
    pub fn bearer_token<'r>(&self, request: &'r Request) -> Result<(&'r str, Carrier), Rejection> {
        match request.bearer_token() {
            Err(Rejection::NoBearerToken) => {
                let token = self.sent(request)?.ok_or(Rejection::NoBearerToken)?;
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

    /// In cookie mode refuses what a page of a foreign origin sends: it would log its visitor in as somebody else.
    pub fn reject_foreign_pages(&self, request: &Request) -> Result<(), Rejection> {
        match &self.0 {
            Some(cookie) if cookie.page(request) == Page::Foreign => Err(Rejection::ForeignPage),
            _ => Ok(()),
        }
    }

    /// Refuses a call that relies on the cookie unless the browser says that a page of ours made it.
    fn take_from_our_pages(&self, request: &Request) -> Result<(), Rejection> {
        match &self.0 {
            Some(cookie) if cookie.page(request) != Page::Ours => Err(Rejection::ForeignPage),
            _ => Ok(()),
        }
    }

    /// The success of login, refresh and a new password, with the cookie in cookie mode.
    ///
    /// A token that came in the cookie has no successor in the body: scripts were not to read it.
    pub fn token_response(
        &self,
        (token, claims): (&str, &Claims),
        carrier: Carrier,
        policy: &SessionPolicy,
        now: Timestamp,
    ) -> Result<Response, Rejection> {
        let told = (carrier == Carrier::Program).then_some(token);
        let answer = token_response(told, claims, policy, now);
        match &self.0 {
            Some(cookie) => cookie.set(answer, token, claims.lifetime.expires_at.time_left(now)),
            None => Ok(answer),
        }
    }

    /// `answer`, with which the browser forgets the cookie.
    pub fn forget(&self, answer: Response) -> Result<Response, Rejection> {
        match &self.0 {
            Some(cookie) => cookie.set(answer, "", Seconds::new(0)),
            None => Ok(answer),
        }
    }

    /// `rejection` to log out, with which the browser forgets the cookie if the token in it is good for nothing.
    pub fn forget_rejected(&self, rejection: Rejection) -> Rejection {
        let useless = matches!(
            rejection,
            Rejection::InvalidToken(_) | Rejection::TokenExpired | Rejection::SessionEnded(_)
        );
        match self.0.as_ref().map(|cookie| cookie.value("", Seconds::new(0))) {
            Some(Ok(forgotten)) if useless => Rejection::WithCookie(Box::new(rejection), forgotten),
            _ => rejection,
        }
    }

    /// The token in the request's cookie.
    fn sent<'r>(&self, request: &'r Request) -> Result<Option<&'r str>, Rejection> {
        let Some(AuthCookie { name, .. }) = &self.0 else { return Ok(None) };
        let cookies = request.cookies().filter_map(|cookie| Cookie::parse(cookie).ok());
        let mut sent = cookies.filter(|cookie| cookie.name() == name).filter_map(|cookie| cookie.value_raw());
        let token = sent.next().filter(|token| !token.is_empty());
        match sent.next() {
            Some(_) => Err(Rejection::InvalidRequest(format!("The cookie {name} is there twice."))),
            None => Ok(token),
        }
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

    fn set(&self, answer: Response, token: &str, max_age: Seconds) -> Result<Response, Rejection> {
        Ok(answer.with_header(header::SET_COOKIE, self.value(token, max_age)?))
    }

    /// The value of `Set-Cookie`.
    fn value(&self, token: &str, max_age: Seconds) -> Result<HeaderValue, Rejection> {
        if self.name.len() + token.len() > MAX_COOKIE_BYTES {
            return Err(Rejection::Internal(
                "the token is too long for a cookie; give its user fewer claims",
            ));
        }
        let cookie = Cookie::build((&self.name, token))
            .path("/")
            .secure(true)
            .http_only(true)
            .same_site(self.same_site)
            .max_age(Duration::seconds(max_age.get().try_into().unwrap_or(i64::MAX)));
        let mut value = HeaderValue::from_str(&cookie.to_string())
            .map_err(|_| Rejection::Internal("the token cannot be in a cookie"))?;
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
        assert!(matches!(set(4096 - 14), Err(Rejection::Internal(_))));
    }
}
