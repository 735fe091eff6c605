//! Who may call `--aws-only`: whoever has this run's credentials, and no web page.
//!
//! A page cannot read the greeting, but it can send requests: to this address with its own `Origin`, or, after its name was made
//! to point here (DNS rebinding), with its own `Host`.

use std::net::{IpAddr, SocketAddr};

use edge::random::{RandomError, entropy};
use http::{HeaderMap, HeaderName, header, uri::Authority};

/// The name by which containers reach the host.
const FROM_CONTAINERS: &str = "host.docker.internal";

/// The access key of one run. Whoever knows it reads the signing key, so `Debug` does not print it.
#[derive(Clone)]
pub struct Credentials {
    access_key_id: String,
}

impl Credentials {
    /// New ones, by chance.
    pub fn generate() -> Result<Self, RandomError> {
        let bits = u128::from_be_bytes(entropy()?.0);
        Ok(Self { access_key_id: format!("LOCAL{bits:032X}") })
    }

    /// What to set as `AWS_ACCESS_KEY_ID`; any `AWS_SECRET_ACCESS_KEY` will do.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// Whether a request is signed with them: its `Authorization` names the access key.
    ///
    /// The key id is the secret here, as 128 bits of chance are enough and need no second half.
    fn sign(&self, headers: &HeaderMap) -> bool {
        let authorization = only(headers, header::AUTHORIZATION).unwrap_or_default();
        let credential = authorization.split([' ', ',']).find_map(|part| part.strip_prefix("Credential="));
        let key = credential.and_then(|credential| credential.split('/').next()).unwrap_or_default();
        is_same(key.as_bytes(), self.access_key_id.as_bytes())
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials")
    }
}

/// Why a caller is rejected, in a sentence that says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallerError {
    /// A page sent it.
    #[error("requests of web pages are rejected: this one has an Origin header")]
    Origin,
    /// It was sent to another name.
    #[error("the Host header is not an address of this server; use the AWS_ENDPOINT_URL of its greeting")]
    Host,
    /// It has no credentials of this run.
    #[error(
        "the credentials are not those of this run; set AWS_ACCESS_KEY_ID as the greeting of the server says"
    )]
    Credentials,
}

/// Checks that a request to `address` comes from a program that has read the greeting.
pub(crate) fn check(
    headers: &HeaderMap,
    address: SocketAddr,
    credentials: &Credentials,
) -> Result<(), CallerError> {
    if headers.contains_key(header::ORIGIN) {
        return Err(CallerError::Origin);
    }
    if !only(headers, header::HOST).is_some_and(|host| is_address(host, address)) {
        return Err(CallerError::Host);
    }
    if credentials.sign(headers) { Ok(()) } else { Err(CallerError::Credentials) }
}

/// The value of a header that was sent once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

/// Whether `host` is a name of `address` that no foreign name server decides about.
fn is_address(host: &str, address: SocketAddr) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    if authority.as_str().contains('@') || authority.port_u16().unwrap_or(80) != address.port() {
        return false;
    }
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    let anywhere = address.ip().is_unspecified();
    match name.parse::<IpAddr>() {
        Ok(ip) => anywhere || ip == address.ip(),
        Err(_) => {
            name.eq_ignore_ascii_case(FROM_CONTAINERS)
                || (name.eq_ignore_ascii_case("localhost") && (anywhere || address.ip().is_loopback()))
        }
    }
}

/// Compares without telling by its duration where the first difference is.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &str, key: &str, more: &[(HeaderName, &str)]) -> HeaderMap {
        let signed = format!(
            "AWS4-HMAC-SHA256 Credential={key}/20261127/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
        );
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        headers.insert(header::AUTHORIZATION, signed.parse().unwrap());
        for (name, value) in more {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_the_access_key_of_this_run_is_taken() {
        let address = "127.0.0.1:4566".parse().unwrap();
        let credentials = Credentials::generate().unwrap();
        let checked = |key: &str| check(&headers("127.0.0.1:4566", key, &[]), address, &credentials);
        assert_eq!(checked(credentials.access_key_id()), Ok(()));
        let another = Credentials::generate().unwrap();
        for key in ["", "local", "test", another.access_key_id(), &credentials.access_key_id()[1..]] {
            assert_eq!(checked(key), Err(CallerError::Credentials), "{key}");
        }
        assert_eq!(format!("{credentials:?}"), "Credentials");
    }

    #[test]
    fn a_request_with_an_origin_is_rejected_be_it_our_own() {
        let address = "127.0.0.1:4566".parse().unwrap();
        let credentials = Credentials::generate().unwrap();
        for origin in ["http://evil.example", "http://127.0.0.1:4566", "null", ""] {
            let headers = headers("127.0.0.1:4566", credentials.access_key_id(), &[(header::ORIGIN, origin)]);
            assert_eq!(check(&headers, address, &credentials), Err(CallerError::Origin), "{origin}");
        }
    }

    #[test]
    fn a_host_is_an_address_of_the_server_or_rejected() {
        let credentials = Credentials::generate().unwrap();
        let checked = |listens: &str, host: &str| {
            let headers = headers(host, credentials.access_key_id(), &[]);
            check(&headers, listens.parse().unwrap(), &credentials)
        };
        for (listens, host) in [
            ("127.0.0.1:4566", "127.0.0.1:4566"),
            ("127.0.0.1:4566", "localhost:4566"),
            ("127.0.0.1:4566", "LOCALHOST:4566"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("[::1]:4566", "[::1]:4566"),
            ("172.17.0.1:4566", "172.17.0.1:4566"),
            ("172.17.0.1:4566", "host.docker.internal:4566"),
            ("0.0.0.0:4566", "192.168.1.7:4566"),
        ] {
            assert_eq!(checked(listens, host), Ok(()), "{host} at {listens}");
        }
        for (listens, host) in [
            ("127.0.0.1:4566", "evil.example:4566"),
            ("127.0.0.1:4566", "127.0.0.1"),
            ("127.0.0.1:4566", "127.0.0.1:80"),
            ("127.0.0.1:4566", "127.0.0.1.evil.example:4566"),
            ("127.0.0.1:4566", "evil.example@127.0.0.1:4566"),
            ("127.0.0.1:4566", "8.8.8.8:4566"),
            ("172.17.0.1:4566", "localhost:4566"),
            ("0.0.0.0:4566", "evil.example:4566"),
            ("127.0.0.1:4566", ""),
        ] {
            assert_eq!(checked(listens, host), Err(CallerError::Host), "{host} at {listens}");
        }
    }

    #[test]
    fn a_header_that_is_sent_twice_is_none() {
        let address = "127.0.0.1:4566".parse().unwrap();
        let credentials = Credentials::generate().unwrap();
        let twice = [(header::HOST, "127.0.0.1:4566")];
        let headers = headers("127.0.0.1:4566", credentials.access_key_id(), &twice);
        assert_eq!(check(&headers, address, &credentials), Err(CallerError::Host));
    }
}
