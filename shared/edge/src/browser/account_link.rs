use std::{fmt, str::FromStr};

use http::Uri;
use users::{AccountCode, CodePurpose};
use zeroize::Zeroizing;

use super::{Origins, origins::origin_of};

/// The longest link without its code, in bytes: a letter has lines.
const MAX_BYTES: usize = 256;

/// The page of yours that codes lead to, where their bearers set a password: an https URL, or http on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountLink(String);

/// Some text that codes cannot lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be the https URL of a page, such as https://app.example.com/account (http only on this machine), of 256 ASCII \
     characters at most, without user, query and fragment"
)]
pub struct AccountLinkError;

impl AccountLink {
    /// The page.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the host, with its port where it has one.
    pub fn host(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        rest.split('/').next().unwrap_or_default()
    }

    /// The link that carries a code: behind `#`, where no server and no log finds it.
    pub fn with_code(&self, purpose: CodePurpose, code: &AccountCode) -> Zeroizing<String> {
        let code = code.expose();
        let mut link = Zeroizing::new(String::with_capacity(self.0.len() + code.len() + 16));
        for part in [&self.0, "#", purpose.as_str(), "=", &code] {
            link.push_str(part);
        }
        link
    }

    /// Whether the page is of one of these origins, and so can call.
    pub(crate) fn is_of(&self, origins: &Origins) -> bool {
        origin_of(&self.0).is_some_and(|origin| origins.contain(&origin))
    }
}

impl FromStr for AccountLink {
    type Err = AccountLinkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix("https://").or_else(|| {
            let rest = text.strip_prefix("http://")?;
            let host = rest.split([':', '/']).next();
            matches!(host, Some("127.0.0.1" | "localhost")).then_some(rest)
        });
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'@' | b'"' | b'\\');
        let sound = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', ':']))
            && text.len() <= MAX_BYTES
            && text.bytes().all(plain)
            && origin_of(text).is_some()
            && has_sound_port(text);
        if sound { Ok(Self(text.to_owned())) } else { Err(AccountLinkError) }
    }
}

/// Whether the host is followed by nothing or by a valid port. `Uri` accepts an invalid port and returns none.
fn has_sound_port(text: &str) -> bool {
    let Ok(url) = text.parse::<Uri>() else { return false };
    url.authority().is_some_and(|authority| {
        let rest = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        rest.is_empty() || authority.port_u16().is_some_and(|port| rest == format!(":{port}"))
    })
}

impl fmt::Display for AccountLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use token::Entropy;

    use super::*;

    #[test]
    fn a_code_is_behind_the_fragment_as_one_parameter() {
        let code = AccountCode::new(Entropy([0; 16]));
        for page in ["https://app.example.com/account", "https://app.example.com/#".trim_end_matches('#')] {
            let link: AccountLink = page.parse().unwrap();
            assert_eq!(
                *link.with_code(CodePurpose::Invitation, &code),
                format!("{page}#invitation=0000-0000-0000-0000-0000-0000")
            );
            assert!(link.with_code(CodePurpose::Recovery, &code).contains("#recovery=0000-"));
        }
    }

    #[test]
    fn codes_lead_to_pages_of_https_alone_or_of_this_machine() {
        for page in
            ["https://a", "https://a.example/x/y.html", "http://localhost:5173/", "http://127.0.0.1:3000"]
        {
            assert_eq!(page.parse::<AccountLink>().unwrap().as_str(), page);
        }
        for other in [
            "",
            "https://",
            "https:///x",
            "https://:443/",
            "http://app.example.com/account",
            "http://localhost.evil.example/",
            "https://user@app.example.com/",
            "https://app.example.com/?next=https://evil.example",
            "https://app.example.com/#account",
            "https://app.example.com/a b",
            "https://app.example.com/\u{e4}",
            "https://app.example.com/\r\nBcc:",
            "https://a:99999/",
            "https://a:0443/",
            "https://a:/",
            "javascript:alert(1)",
            "capacitor://localhost",
            &format!("https://a/{}", "x".repeat(250)),
        ] {
            assert_eq!(other.parse::<AccountLink>(), Err(AccountLinkError), "{other}");
        }
    }

    #[test]
    fn a_page_can_call_if_its_origin_may() {
        let link: AccountLink = "https://app.example.com:443/account".parse().unwrap();
        assert!(link.is_of(&Origins::parse("https://app.example.com").unwrap()));
        assert!(!link.is_of(&Origins::parse("https://example.com,https://app.example.com:8443").unwrap()));
    }
}
