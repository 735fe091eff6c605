//! Whether a request came through the proxy in front of the API, such as `CloudFront` with AWS WAF, and not round it.

use std::{fmt, net::IpAddr};

use http::HeaderName;
use zeroize::Zeroizing;

use crate::{Reason, Rejection, Request};

/// What the proxy adds, and nobody else knows.
const SECRET: HeaderName = HeaderName::from_static("x-latchkey-origin");
/// The caller's address, as the proxy saw it; it must overwrite what callers send under this name.
const VIEWER: HeaderName = HeaderName::from_static("x-latchkey-viewer");
/// The fewest and most characters of a secret.
const LENGTHS: std::ops::RangeInclusive<usize> = 32..=128;

/// The secrets, one of which every request must have; without any, every request is taken.
#[derive(Clone, Default)]
pub(crate) struct OriginCheck {
    secrets: Vec<Zeroizing<String>>,
}

impl OriginCheck {
    /// Reads one secret, or two with a comma between them: one that takes the other's place.
    pub(crate) fn parse(list: &str) -> Result<Self, &'static str> {
        let secrets: Vec<_> = list.split(',').map(|secret| Zeroizing::new(secret.to_owned())).collect();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let sound = |secret: &Zeroizing<String>| LENGTHS.contains(&secret.len()) && secret.bytes().all(plain);
        if secrets.len() > 2 || !secrets.iter().all(sound) {
            return Err(
                "must be one or two secrets of 32 to 128 letters, digits, - or _, with a comma between them",
            );
        }
        Ok(Self { secrets })
    }

    /// Rejects a request that came round the proxy; of the others the proxy knows the address, and API Gateway does not.
    pub(crate) fn admit(&self, request: &mut Request) -> Result<(), Rejection> {
        if self.secrets.is_empty() {
            return Ok(());
        }
        let sent = request.header(&SECRET).map_or(&[][..], |value| value.as_bytes());
        let known = |secret: &Zeroizing<String>| {
            aws_lc_rs::constant_time::verify_slices_are_equal(secret.as_bytes(), sent).is_ok()
        };
        if !self.secrets.iter().any(known) {
            return Err(Reason::NotThroughProxy.into());
        }
        let viewer = request.header(&VIEWER).and_then(|value| value.to_str().ok()?.parse::<IpAddr>().ok());
        request.comes_from(viewer);
        Ok(())
    }
}

/// Never the secrets.
impl fmt::Debug for OriginCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OriginCheck({} secrets)", self.secrets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "0123456789abcdef0123456789abcdef";
    const NEW: &str = "fedcba9876543210fedcba9876543210";

    fn request(headers: &[(&str, &str)]) -> Request {
        let mut builder = http::Request::builder().uri("https://api.example/auth/login");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        Request::new(builder.body(lambda_http::Body::Empty).unwrap())
    }

    fn admitted(list: &str, headers: &[(&str, &str)]) -> Result<Option<String>, ()> {
        let mut request = request(headers);
        let check = OriginCheck::parse(list).unwrap();
        check.admit(&mut request).map(|()| request.source_ip().map(ToOwned::to_owned)).map_err(drop)
    }

    #[test]
    fn either_secret_opens_and_no_other_value_does() {
        let both = format!("{OLD},{NEW}");
        for secret in [OLD, NEW] {
            assert_eq!(admitted(&both, &[("x-latchkey-origin", secret)]), Ok(None));
        }
        let longer = format!("{OLD}0");
        for sent in ["", &OLD[1..], &longer, &both] {
            assert_eq!(admitted(&both, &[("x-latchkey-origin", sent)]), Err(()), "{sent}");
        }
        assert_eq!(admitted(&both, &[]), Err(()));
        let twice = [("x-latchkey-origin", OLD), ("x-latchkey-origin", OLD)];
        assert_eq!(admitted(OLD, &twice), Err(()));
    }

    #[test]
    fn the_proxy_s_word_for_the_address_counts_and_only_its() {
        let through = |viewer| admitted(OLD, &[("x-latchkey-origin", OLD), ("x-latchkey-viewer", viewer)]);
        assert_eq!(through("203.0.113.9"), Ok(Some("203.0.113.9".to_owned())));
        assert_eq!(through("2001:db8::7"), Ok(Some("2001:db8::7".to_owned())));
        assert_eq!(through("203.0.113.9, 10.0.0.1"), Ok(None));
        let mut round = request(&[("x-latchkey-viewer", "203.0.113.9")]);
        OriginCheck::default().admit(&mut round).unwrap();
        assert_eq!(round.source_ip(), None, "without a secret nobody is believed");
    }

    #[test]
    fn secrets_are_long_and_at_most_two_and_never_shown() {
        for list in ["", "short", &format!("{OLD},"), &format!("{OLD},{NEW},{OLD}"), &format!("{OLD} ")] {
            assert!(OriginCheck::parse(list).is_err(), "{list}");
        }
        let shown = format!("{:?}", OriginCheck::parse(OLD).unwrap());
        assert_eq!(shown, "OriginCheck(1 secrets)");
    }
}
