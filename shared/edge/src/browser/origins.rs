use std::sync::Arc;

use http::Uri;

/// The schemes of pages that are in no web server but in an app: Capacitor, Ionic, Tauri, and extensions of browsers.
const APP_SCHEMES: [&str; 5] = ["capacitor", "ionic", "tauri", "chrome-extension", "moz-extension"];
/// Plain http that never leaves the machine; the last is Tauri's on Windows and Android.
const LOOPBACK: [&str; 4] =
    ["http://localhost", "http://127.0.0.1", "http://[::1]", "http://tauri.localhost"];

/// Origins of web pages (RFC 6454), written as browsers send them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origins(Arc<[String]>);

/// Some text that is no list of origins.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be origins as browsers send them, separated by commas: https://app.example.com, http://localhost:5173 on this \
     machine, or an app's: capacitor://localhost, tauri://localhost, chrome-extension://ID; no *, no path, no slash at \
     the end, no default port"
)]
pub(crate) struct NoOrigins;

impl Origins {
    /// The origins in a list with commas.
    pub(crate) fn parse(list: &str) -> Result<Self, NoOrigins> {
        list.split(',').map(|origin| checked(origin.trim())).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `origin`, the value of an `Origin` header, is one of them.
    pub(crate) fn contain(&self, origin: &str) -> bool {
        self.0.iter().any(|named| named == origin)
    }

    /// Whether one of them is of this machine's plain http, where any program may listen.
    pub(crate) fn has_plain(&self) -> bool {
        self.0.iter().any(|origin| origin.starts_with("http://"))
    }

    /// These origins and the one of `url`.
    pub(crate) fn and_that_of(&self, url: &str) -> Self {
        Self(self.0.iter().cloned().chain(origin_of(url)).collect())
    }
}

fn checked(origin: &str) -> Result<String, NoOrigins> {
    if let Some((scheme, host)) = origin.split_once("://").filter(|(scheme, _)| APP_SCHEMES.contains(scheme))
    {
        // Browsers send these as they are; there is no port, and nothing to normalise.
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
        let sound = !host.is_empty() && host.bytes().all(plain);
        return if sound { Ok(format!("{scheme}://{host}")) } else { Err(NoOrigins) };
    }
    let secure = origin.starts_with("https://")
        || LOOPBACK.iter().any(|local| {
            origin.strip_prefix(local).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        });
    let normal = origin_of(origin).filter(|normal| normal == origin && !normal.contains('*'));
    normal.filter(|_| secure).ok_or(NoOrigins)
}

/// Scheme, host and port of `url`, the port unless it is the scheme's own.
pub(super) fn origin_of(url: &str) -> Option<String> {
    let url: Uri = url.parse().ok()?;
    let (scheme, host) = (url.scheme_str()?, url.host()?.to_ascii_lowercase());
    match (scheme, url.port_u16()) {
        (_, None) | ("https", Some(443)) | ("http", Some(80)) => Some(format!("{scheme}://{host}")),
        (_, Some(port)) => Some(format!("{scheme}://{host}:{port}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_taken_as_browsers_send_them() {
        let origins =
            Origins::parse("https://app.example.com, http://localhost:5173,http://[::1]:8080").unwrap();
        for origin in ["https://app.example.com", "http://localhost:5173", "http://[::1]:8080"] {
            assert!(origins.contain(origin), "{origin}");
        }
        for origin in
            ["https://app.example.com:8443", "http://app.example.com", "https://example.com", "null", ""]
        {
            assert!(!origins.contain(origin), "{origin}");
        }
    }

    #[test]
    fn pages_of_apps_are_named_exactly() {
        let apps = [
            "capacitor://localhost",
            "ionic://localhost",
            "tauri://localhost",
            "http://tauri.localhost",
            "https://tauri.localhost",
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
            "moz-extension://0d9f1c9e-7f0a-4b51-9a3b-0a1b2c3d4e5f",
        ];
        for app in apps {
            let origins = Origins::parse(app).unwrap();
            for other in apps.iter().chain(&["https://localhost", "http://localhost", "null"]) {
                assert_eq!(origins.contain(other), *other == app, "{app} {other}");
            }
        }
    }

    #[test]
    fn what_no_browser_sends_or_nobody_should_trust_is_rejected() {
        for list in [
            "*",
            "null",
            "",
            "https://a.example,",
            "https://*.example.com",
            "https://a.example/",
            "https://a.example/app",
            "https://a.example?x",
            "https://a.example:443",
            "https://u@a.example",
            "https://A.example",
            "http://a.example",
            "http://localhost.evil.example",
            "http://localhost:80",
            "https://a.example https://b.example",
            "a.example",
            "ftp://a.example",
            "capacitor://",
            "capacitor://*",
            "capacitor://localhost/",
            "capacitor://localhost:80",
            "capacitor://LOCALHOST",
            "chrome-extension://a b",
            "file://",
            "app://obsidian.md",
            "http://a.localhost",
            "http://tauri.localhost.evil.example",
        ] {
            assert_eq!(Origins::parse(list), Err(NoOrigins), "{list}");
        }
    }

    #[test]
    fn the_origin_of_the_issuer_has_neither_its_path_nor_its_default_port() {
        let of = |url| Origins::default().and_that_of(url);
        assert!(of("https://Auth.example.com:443/v1").contain("https://auth.example.com"));
        assert!(of("http://127.0.0.1:3000").contain("http://127.0.0.1:3000"));
    }
}
