use std::{fmt, str::FromStr};

use edge::{AuditDetails, AuthorizerResponse, Request, is_request_id, log::Field};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Value;

use crate::answer::Form;

/// What API Gateway asks an authorizer, or whatever else came in.
pub(crate) struct Event {
    /// What came in; null where it is no JSON.
    told: Value,
    is_version_2: bool,
    authorization: Vec<String>,
    stage: Option<Stage>,
    details: AuditDetails,
}

/// A stage of an API: `arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/prod`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stage(String);

impl Event {
    /// What can be found in `text`: perhaps nothing.
    pub(crate) fn read(text: &str) -> Self {
        let event: Value = serde_json::from_str(text).unwrap_or_default();
        let is_version_2 = event.get("version").is_some_and(|version| version == "2.0");
        let arn = event.get(if is_version_2 { "routeArn" } else { "methodArn" });
        let stage: Option<Stage> = arn.and_then(Value::as_str).and_then(|arn| arn.parse().ok());
        Self {
            is_version_2,
            authorization: authorization(&event),
            details: details(&event, is_version_2, stage.as_ref()),
            stage,
            told: event,
        }
    }

    /// The request that is to be authorized, for what a browser says of it. A `TOKEN` event tells no header.
    pub(crate) fn request(&self) -> Request {
        let method = self.told.get("httpMethod").or_else(|| self.told.pointer("/requestContext/http/method"));
        let method = method.and_then(Value::as_str).and_then(|method| method.parse().ok());
        let mut headers = HeaderMap::new();
        for name in ["origin", "sec-fetch-site", "cookie"] {
            for value in named(&self.told, name) {
                append(&mut headers, name, &value);
            }
        }
        // Payload format 2.0 has them apart, one by one.
        let cookies = self.told.get("cookies").and_then(Value::as_array).filter(|_| self.is_version_2);
        if let Some(cookies) = cookies {
            headers.remove(header::COOKIE);
            for cookie in cookies.iter().filter_map(Value::as_str) {
                append(&mut headers, "cookie", cookie);
            }
        }
        // Of one that is not told nothing is assumed: it may change something.
        Request::without_body(method.unwrap_or(Method::POST), headers)
    }

    /// The values of the `Authorization` header.
    pub(crate) fn authorization(&self) -> impl Iterator<Item = &str> {
        self.authorization.iter().map(String::as_str)
    }

    /// The stage that is called; every event of an authorizer names it.
    pub(crate) fn stage(&self) -> Option<&Stage> {
        self.stage.as_ref()
    }

    /// What the log says of the call: where it comes from, which `TOKEN` events do not tell, and where it goes.
    pub(crate) fn details(&self) -> AuditDetails {
        self.details.clone()
    }

    /// What the answer must look like.
    ///
    /// All but payload format 2.0 take a policy and nothing else. An event of no known kind gets one too: an
    /// API that does not understand the answer lets nobody through.
    pub(crate) fn form(&self, of_version_2: AuthorizerResponse) -> Form {
        match (self.is_version_2, of_version_2) {
            (true, AuthorizerResponse::Simple) => Form::Simple,
            (true, AuthorizerResponse::Policy) => Form::Policy,
            (false, _) => Form::FlatPolicy,
        }
    }
}

fn details(event: &Value, is_version_2: bool, stage: Option<&Stage>) -> AuditDetails {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let address = if is_version_2 { "http/sourceIp" } else { "identity/sourceIp" };
    let method_and_path = || Some(format!("{} {}", text("/httpMethod")?, text("/resource")?));
    AuditDetails::default()
        .with_any(Field::SourceIp, text(&format!("/requestContext/{address}")))
        .with_any(Field::ApiRequestId, text("/requestContext/requestId").filter(|id| is_request_id(id)))
        .with_any(Field::Api, stage.and_then(Stage::api))
        .with_any(Field::Route, text("/routeKey").map(str::to_owned).or_else(method_and_path))
}

/// `TOKEN` events carry the header's value, all others the headers.
fn authorization(event: &Value) -> Vec<String> {
    if event.get("type").is_some_and(|kind| kind == "TOKEN") {
        return event
            .get("authorizationToken")
            .iter()
            .map(|value| value.as_str().unwrap_or_default().to_owned())
            .collect();
    }
    named(event, "authorization")
}

/// The values of the headers of this name, in any case.
fn named(event: &Value, name: &str) -> Vec<String> {
    let of = |member: &str| -> Vec<Value> {
        let headers = event.get(member).and_then(Value::as_object).into_iter().flatten();
        let named = headers.filter(|(other, _)| other.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.clone()).collect()
    };
    // The lists have every value, the others only the last one.
    let lists = of("multiValueHeaders");
    let values = if lists.is_empty() { &of("headers") } else { &lists };
    let each = values.iter().flat_map(|value| match value {
        Value::Array(values) => values.iter().collect(),
        one => vec![one],
    });
    each.map(|value| value.as_str().unwrap_or_default().to_owned()).collect()
}

/// Adds a header; a value that no header can have is as an empty one.
fn append(headers: &mut HeaderMap, name: &'static str, value: &str) {
    let value = HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static(""));
    headers.append(HeaderName::from_static(name), value);
}

impl Stage {
    /// The id of the API.
    fn api(&self) -> Option<&str> {
        self.0.split('/').next()?.rsplit(':').next()
    }
}

impl FromStr for Stage {
    type Err = ();

    /// The stage within the ARN of one of its methods or routes.
    fn from_str(arn: &str) -> Result<Self, ()> {
        let mut slashes = arn.match_indices('/').map(|(at, _)| at);
        let (Some(after_api), Some(after_stage)) = (slashes.next(), slashes.next()) else { return Err(()) };
        let (Some(api), Some(stage)) = (arn.get(..after_api), arn.get(..after_stage)) else { return Err(()) };
        let parts: Vec<_> = api.split(':').collect();
        let is_api = matches!(parts[..], ["arn", _, "execute-api", _, _, _]) && !parts.contains(&"");
        let wild = stage.contains(['*', '?']) || after_stage == after_api + 1;
        if is_api && !wild { Ok(Self(stage.to_owned())) } else { Err(()) }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_what_stands_before_the_method_in_its_arn() {
        for (arn, stage) in [
            (
                "arn:aws:execute-api:eu-west-1:1:abc/prod/GET/orders/a:b/c",
                "arn:aws:execute-api:eu-west-1:1:abc/prod",
            ),
            (
                "arn:aws:execute-api:eu-west-1:1:abc/$default/GET/",
                "arn:aws:execute-api:eu-west-1:1:abc/$default",
            ),
            ("arn:aws-cn:execute-api:cn-north-1:1:abc/prod/", "arn:aws-cn:execute-api:cn-north-1:1:abc/prod"),
        ] {
            assert_eq!(arn.parse(), Ok(Stage(stage.to_owned())));
        }
    }

    #[test]
    fn an_arn_of_something_else_or_of_everything_is_none_of_a_stage() {
        for arn in [
            "",
            "*",
            "/",
            "arn:aws:execute-api:eu-west-1:1:abc",
            "arn:aws:execute-api:eu-west-1:1:abc/prod",
            "arn:aws:execute-api:eu-west-1:1:abc//GET/",
            "arn:aws:execute-api:eu-west-1:1:/prod/GET/",
            "arn:aws:execute-api:eu-west-1:1:*/prod/GET/",
            "arn:aws:execute-api:eu-west-1:1:abc/*/GET/",
            "arn:aws:execute-api::1:abc/prod/GET/",
            "arn:aws:lambda:eu-west-1:1:abc/prod/GET/",
            "arn:aws:execute-api:eu-west-1:1:2:abc/prod/GET/",
            "é/é/é",
        ] {
            assert_eq!(arn.parse::<Stage>(), Err(()), "{arn}");
        }
    }
}
