use std::{fmt, str::FromStr};

/// The longest issuer URL, in bytes; a token has room for no more beside the longest of everything else.
const MAX_BYTES: usize = 256;

/// `iss`: an absolute https URL without a slash at its end, below which the two public documents are.
///
/// Only on this machine (`localhost`, `127.0.0.1`) may it be http.
///
/// ```
/// use token::IssuerUrl;
///
/// let issuer: IssuerUrl = "https://login.example.com".parse()?;
/// assert_eq!(issuer.join("/.well-known/jwks.json"), "https://login.example.com/.well-known/jwks.json");
/// assert!("http://login.example.com".parse::<IssuerUrl>().is_err());
/// # Ok::<(), token::IssuerUrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerUrl(String);

/// Why a text cannot be `iss`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerUrlError {
    /// Neither https nor http on this machine.
    #[error("must be an https:// URL")]
    NotHttps,
    /// Without a host, or with a slash at its end.
    #[error("must name a host and not end in a slash")]
    NoHost,
    /// Too long, not ASCII, or with what an issuer must not have (RFC 8414 §2).
    #[error("must be an ASCII URL of at most {MAX_BYTES} characters without user, query and fragment")]
    NotPlain,
}

impl IssuerUrl {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL of `path` below the issuer.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl FromStr for IssuerUrl {
    type Err = IssuerUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix("https://").or_else(|| on_this_machine(text));
        let rest = rest.ok_or(IssuerUrlError::NotHttps)?;
        if rest.is_empty() || rest.starts_with('/') || text.ends_with('/') {
            return Err(IssuerUrlError::NoHost);
        }
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'@' | b'"' | b'\\');
        if text.len() > MAX_BYTES || !text.bytes().all(plain) {
            return Err(IssuerUrlError::NotPlain);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for IssuerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What follows `http://`, if the host is this machine.
fn on_this_machine(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("http://")?;
    let host = rest.split([':', '/']).next();
    matches!(host, Some("127.0.0.1" | "localhost")).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_an_https_url_or_http_on_this_machine() {
        for url in [
            "https://a",
            "https://login.example.com/stage",
            "http://localhost:3000",
            "http://127.0.0.1",
            &format!("https://{}", "x".repeat(248)),
        ] {
            assert_eq!(url.parse::<IssuerUrl>().map(|url| url.to_string()), Ok(url.to_owned()));
        }
    }

    #[test]
    fn anything_else_is_rejected() {
        for (url, error) in [
            ("", IssuerUrlError::NotHttps),
            ("login.example.com", IssuerUrlError::NotHttps),
            ("http://login.example.com", IssuerUrlError::NotHttps),
            ("http://localhost.example.com", IssuerUrlError::NotHttps),
            ("https://", IssuerUrlError::NoHost),
            ("https:///path", IssuerUrlError::NoHost),
            ("https://a/", IssuerUrlError::NoHost),
            ("https://a?b", IssuerUrlError::NotPlain),
            ("https://a#b", IssuerUrlError::NotPlain),
            ("https://user@a", IssuerUrlError::NotPlain),
            ("https://a b", IssuerUrlError::NotPlain),
            ("https://a\"", IssuerUrlError::NotPlain),
            ("https://\u{e4}", IssuerUrlError::NotPlain),
            (&format!("https://{}", "x".repeat(249)), IssuerUrlError::NotPlain),
        ] {
            assert_eq!(url.parse::<IssuerUrl>(), Err(error), "{url}");
        }
    }
}
