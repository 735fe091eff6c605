//! AWS's JSON protocol of Secrets Manager, for one secret.

use http::{Response, StatusCode, header};
use serde_json::{Value, json};

use crate::{AwsError, Secret};

/// What `X-Amz-Target` begins with in calls of Secrets Manager.
pub const TARGET: &str = "secretsmanager.";

/// The answer to one call; `target` is the `X-Amz-Target` header.
pub fn answer(secret: &mut Secret, target: &str, body: &[u8]) -> Response<String> {
    let Ok(request) = serde_json::from_slice::<Value>(body) else {
        return failure(400, ("SerializationException", "the body is not JSON"));
    };
    response(secret.apply(target.trim_start_matches(TARGET), &request))
}

/// The response that says `result`.
pub fn response(result: Result<Value, AwsError>) -> Response<String> {
    match result {
        Ok(answer) => json(StatusCode::OK, &answer),
        Err(error) => failure(400, error),
    }
}

/// The response of a call that did not succeed.
pub fn failure(status: u16, (name, message): (&str, &str)) -> Response<String> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(status, &json!({ "__type": name, "Message": message }))
}

fn json(status: StatusCode, body: &Value) -> Response<String> {
    let mut response = Response::new(body.to_string());
    *response.status_mut() = status;
    let kind = http::HeaderValue::from_static("application/x-amz-json-1.1");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
