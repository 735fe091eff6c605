//! What clients of OAuth send: a form, and their credentials in it or in the `Authorization` header (RFC 6749 §2.3.1).

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::header;
use zeroize::Zeroizing;

use crate::{ClientFailure, GrantFailure, MAX_BODY_BYTES, Reason, Request};

const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// The parameters of a form, each once; one without a value is as one that was not sent (RFC 6749 §3.2).
#[derive(Default)]
pub struct Form {
    parameters: HashMap<String, Zeroizing<String>>,
    /// Those that were sent more than once.
    repeated: Vec<String>,
}

/// What a client says that it is, and how it proves it.
pub struct ClientCredentials {
    /// `client_id`, as sent.
    pub id: String,
    /// `client_secret`, as sent.
    pub secret: Zeroizing<String>,
}

impl Request {
    /// The parameters of the form in the body. None in the URL is ever looked at.
    pub fn form(&self) -> Result<Form, Reason> {
        if self.body().len() > MAX_BODY_BYTES {
            return Err(Reason::BodyTooLarge);
        }
        if !self.says(MEDIA_TYPE) {
            return Err(Reason::NotGranted(GrantFailure::NotForm));
        }
        Ok(Form::parse(self.body()))
    }

    /// The client's credentials, by HTTP Basic or in the form, and never by both.
    ///
    /// Some clients name themselves in the form beside Basic; the two must agree (CVE-2026-118669).
    pub fn client_credentials(&self, form: &Form) -> Result<ClientCredentials, Reason> {
        let (id, secret) = (form.get("client_id")?, form.get("client_secret")?);
        let Some(value) = self.header(&header::AUTHORIZATION) else {
            let (Some(id), Some(secret)) = (id, secret) else {
                return Err(Reason::NotGranted(GrantFailure::Client(ClientFailure::Absent)));
            };
            return Ok(ClientCredentials { id: id.to_owned(), secret: Zeroizing::new(secret.to_owned()) });
        };
        if secret.is_some() {
            return Err(Reason::InvalidRequest(
                "The client must prove who it is in one way: in the Authorization header or in the body."
                    .to_owned(),
            ));
        }
        let credentials = value
            .to_str()
            .ok()
            .and_then(ClientCredentials::from_basic)
            .ok_or(Reason::NotGranted(GrantFailure::Client(ClientFailure::Absent)))?;
        match id {
            Some(id) if id != credentials.id => {
                Err(Reason::NotGranted(GrantFailure::Client(ClientFailure::TwoIds)))
            }
            _ => Ok(credentials),
        }
    }
}

impl Form {
    /// The parameters of a body, whatever it is.
    pub fn parse(body: &[u8]) -> Self {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            let value = Zeroizing::new(value.into_owned());
            if !value.is_empty() && form.parameters.insert(name.clone().into_owned(), value).is_some() {
                form.repeated.push(name.into_owned());
            }
        }
        form
    }

    /// The parameter called `name`; a rejection that names it when it was sent twice.
    pub fn get(&self, name: &str) -> Result<Option<&str>, Reason> {
        if self.is_repeated(name) {
            return Err(Reason::InvalidRequest(format!("The parameter {name} is there twice.")));
        }
        Ok(self.parameters.get(name).map(|value| value.as_str()))
    }

    /// Whether the parameter called `name` was sent more than once, which RFC 8707 allows of `resource`.
    pub fn is_repeated(&self, name: &str) -> bool {
        self.repeated.iter().any(|repeated| repeated == name)
    }
}

impl ClientCredentials {
    /// Id and secret in the value of an `Authorization` header, each form-encoded before base64 (RFC 6749 §2.3.1).
    pub fn from_basic(value: &str) -> Option<Self> {
        let (scheme, encoded) = value.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("Basic") {
            return None;
        }
        let decoded = Zeroizing::new(BASE64_STANDARD.decode(encoded.trim()).ok()?);
        let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
        Some(Self { id: decode(id), secret: Zeroizing::new(decode(secret)) })
    }
}

/// One value of a form: whatever `&` and `=` are in it are its own.
fn decode(text: &str) -> String {
    let once = Zeroizing::new(text.replace('&', "%26"));
    let escaped = Zeroizing::new(once.replace('=', "%3D"));
    form_urlencoded::parse(escaped.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(body: &str, headers: &[(&str, &str)]) -> Request {
        let mut builder =
            http::Request::builder().method("POST").uri("https://api.example/oauth2/token?client_secret=x");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        Request::new(builder.body(lambda_http::Body::from(body)).unwrap())
    }

    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=UTF-8");

    /// Id and secret, or the word of the rejection.
    fn credentials(body: &str, authorization: Option<&str>) -> Result<(String, String), &'static str> {
        let mut headers = vec![FORM];
        headers.extend(authorization.map(|value| ("authorization", value)));
        let request = request(body, &headers);
        let form = request.form().unwrap();
        let credentials = request.client_credentials(&form).map_err(|reason| reason.word())?;
        Ok((credentials.id, credentials.secret.to_string()))
    }

    fn basic_of(text: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(text))
    }

    fn found(id: &str, secret: &str) -> (String, String) {
        (id.to_owned(), secret.to_owned())
    }

    #[test]
    fn a_client_proves_itself_by_basic_or_in_the_form() {
        assert_eq!(credentials("client_id=a&client_secret=b", None), Ok(found("a", "b")));
        for value in [basic_of("a:b"), basic_of("a:b").replace("Basic", "bASIC  "), basic_of("%61:%62")] {
            assert_eq!(credentials("grant_type=x", Some(&value)), Ok(found("a", "b")), "{value}");
        }
        assert_eq!(credentials("", Some(&basic_of("a+b:c:d&e=f%2B"))), Ok(found("a b", "c:d&e=f+")));
        assert_eq!(credentials("client_id=a", Some(&basic_of("a:b"))), Ok(found("a", "b")));
    }

    /// X2
    #[test]
    fn two_ways_at_once_are_rejected_and_a_different_client_in_the_form_is_none() {
        let basic = basic_of("a:b");
        assert_eq!(credentials("client_secret=b", Some(&basic)), Err("invalid_request"));
        assert_eq!(credentials("client_id=a&client_secret=b", Some(&basic)), Err("invalid_request"));
        assert_eq!(credentials("client_id=c", Some(&basic)), Err("two_clients"));
        assert_eq!(credentials("client_id=a&client_id=a", Some(&basic)), Err("invalid_request"));
    }

    #[test]
    fn without_credentials_there_is_no_client() {
        for body in ["", "client_id=a", "client_secret=b", "client_id=&client_secret="] {
            assert_eq!(credentials(body, None), Err("no_credentials"), "{body}");
        }
        let odd = ["", "Basic", "Basic !", "Basic YQ==", "Bearer YTpi", "Basic /zo="];
        for value in odd {
            assert_eq!(credentials("", Some(value)), Err("no_credentials"), "{value}");
        }
    }

    #[test]
    fn a_form_has_each_parameter_once_and_what_is_empty_is_not_there() {
        let form = request("a=1&b=&c=x%20y+z&b=2&d=1&d=1&%ff=1&e", &[FORM]).form().unwrap();
        assert_eq!(form.get("a").unwrap(), Some("1"));
        assert_eq!(form.get("b").unwrap(), Some("2"), "the empty one was not there");
        assert_eq!(form.get("c").unwrap(), Some("x y z"));
        assert_eq!((form.get("e").unwrap(), form.get("client_secret").unwrap()), (None, None));
        assert_eq!(form.get("d").unwrap_err().word(), "invalid_request");
        assert!(form.is_repeated("d") && !form.is_repeated("b"));
    }

    #[test]
    fn what_is_no_form_is_rejected() {
        let word = |request: Request| request.form().err().unwrap().word();
        assert_eq!(word(request("a=1", &[])), "unsupported_media_type");
        assert_eq!(word(request("a=1", &[("content-type", "application/json")])), "unsupported_media_type");
        assert_eq!(word(request(&"a".repeat(MAX_BODY_BYTES + 1), &[FORM])), "body_too_large");
    }
}
