use http::Method;
use serde_json::{Value, json};

/// An event as AWS sends it.
#[derive(Clone, Debug)]
pub struct Event(pub Value);

/// What a function answered, as its caller sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The status.
    pub status: u64,
    /// The headers, with names in lower case.
    pub headers: Value,
    /// The JSON body; null when it is empty.
    pub body: Value,
}

impl Event {
    /// An HTTP API's event, payload format 2.0.
    pub fn http_api(method: &Method, path: &str) -> Self {
        let mut event: Value = serde_json::from_str(include_str!("../../events/http_api.json")).unwrap();
        event["rawPath"] = path.into();
        event["requestContext"]["http"]["method"] = method.as_str().into();
        event["requestContext"]["http"]["path"] = path.into();
        Self(event)
    }

    /// A REST API's event, payload format 1.0.
    pub fn rest_api(method: &Method, path: &str) -> Self {
        let mut event: Value = serde_json::from_str(include_str!("../../events/rest_api.json")).unwrap();
        event["path"] = path.into();
        event["httpMethod"] = method.as_str().into();
        event["requestContext"]["httpMethod"] = method.as_str().into();
        Self(event)
    }

    /// A load balancer's event.
    pub fn load_balancer(method: &Method, path: &str) -> Self {
        let mut event: Value = serde_json::from_str(include_str!("../../events/load_balancer.json")).unwrap();
        event["path"] = path.into();
        event["httpMethod"] = method.as_str().into();
        Self(event)
    }

    /// This event with a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.0["body"] = Value::String(body.into());
        self
    }

    /// This event with a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body(body.to_string())
    }

    /// This event with a form as its body, as an HTTP API sends it.
    #[must_use]
    pub fn form(self, parameters: &str) -> Self {
        self.body(parameters).header("content-type", Some("application/x-www-form-urlencoded"))
    }

    /// This event with a header, or without it.
    #[must_use]
    pub fn header(mut self, name: &str, value: Option<&str>) -> Self {
        self.0["headers"][name] = json!(value);
        if value.is_none() {
            self.0["headers"].as_object_mut().unwrap().remove(name);
        }
        self
    }

    /// This event with a token in the `Authorization` header.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", Some(&format!("Bearer {token}")))
    }
}

impl Reply {
    /// The reply in an answer of any of the three kinds.
    pub fn new(answer: &Value) -> Self {
        let mut headers = json!({});
        for (name, value) in answer["headers"].as_object().into_iter().flatten() {
            headers[name.to_lowercase()] = value.clone();
        }
        for (name, values) in answer["multiValueHeaders"].as_object().into_iter().flatten() {
            headers[name.to_lowercase()] = values[0].clone();
        }
        if let Some(cookie) = answer["cookies"].get(0) {
            headers["set-cookie"] = cookie.clone();
        }
        let body = answer["body"].as_str().unwrap_or_default();
        let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap() };
        Self { status: answer["statusCode"].as_u64().unwrap(), headers, body }
    }

    /// The stable code of a rejection, or what OAuth calls its error.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().or_else(|| self.body["error"].as_str()).unwrap_or_default()
    }

    /// The token of a success.
    pub fn token(&self) -> &str {
        self.body["token"].as_str().expect("a token")
    }
}
