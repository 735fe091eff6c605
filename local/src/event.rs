use std::{collections::BTreeMap, net::IpAddr};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, Method, Uri, header};
use serde_json::{Value, json};
use token::Timestamp;

/// An HTTP request on its way into an event.
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// Who sent it.
    pub source_ip: IpAddr,
}

impl HttpRequest {
    /// The event that an HTTP API makes of the request, payload format 2.0.
    ///
    /// Like API Gateway's: header names in lower case, repeated ones joined with commas, and a
    /// body that is base64 unless it is text.
    pub fn to_event(&self, now: Timestamp) -> Value {
        let path = self.uri.path();
        let query = self.uri.query().unwrap_or_default();
        let (body, is_base64_encoded) = match std::str::from_utf8(&self.body) {
            Ok("") => (None, false),
            Ok(text) => (Some(text.to_owned()), false),
            Err(_) => (Some(STANDARD.encode(&self.body)), true),
        };
        let header = |name| self.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        json!({
            "version": "2.0",
            "routeKey": format!("ANY {path}"),
            "rawPath": path,
            "rawQueryString": query,
            "cookies": self.cookies(),
            "headers": self.joined_headers(),
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "local",
                "domainName": header(header::HOST).unwrap_or("127.0.0.1"),
                "domainPrefix": "local",
                "http": {
                    "method": self.method.as_str(),
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": self.source_ip.to_string(),
                    "userAgent": header(header::USER_AGENT).unwrap_or_default(),
                },
                "requestId": "local",
                "routeKey": format!("ANY {path}"),
                "stage": "$default",
                "timeEpoch": now.seconds().saturating_mul(1000),
            },
            "body": body,
            "isBase64Encoded": is_base64_encoded,
        })
    }

    /// The cookies, which an HTTP API takes out of the headers.
    fn cookies(&self) -> Option<Vec<String>> {
        let values = self.headers.get_all(header::COOKIE).iter();
        let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let cookies: Vec<_> = values
            .flat_map(|value| {
                value.split(';').map(|cookie| cookie.trim_matches([' ', '\t']).to_owned()).collect::<Vec<_>>()
            })
            .collect();
        (!cookies.is_empty()).then_some(cookies)
    }

    fn joined_headers(&self) -> BTreeMap<&str, String> {
        let mut joined = BTreeMap::new();
        for (name, value) in &self.headers {
            if name == header::COOKIE {
                continue;
            }
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            joined
                .entry(name.as_str())
                .and_modify(|present: &mut String| {
                    present.push(',');
                    present.push_str(&value);
                })
                .or_insert(value);
        }
        joined
    }
}
