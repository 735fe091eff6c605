use edge::Rejection;
use serde_json::{Map, Value, json};

use crate::{admitted::Admitted, event::Stage};

/// Whom a policy that denies is about: API Gateway takes none without a name.
const NOBODY: &str = "nobody";

/// What an answer looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `isAuthorized`, for payload format 2.0.
    Simple,
    /// An IAM policy, for payload format 2.0.
    Policy,
    /// An IAM policy whose context has no lists and objects: REST APIs reject those.
    FlatPolicy,
}

impl Form {
    /// Yes: the claims are the context that the API hands on.
    pub(crate) fn allow(self, admitted: &Admitted, stage: &Stage) -> Value {
        let (context, principal) = (admitted.claims(), admitted.subject());
        match self {
            Self::Simple => json!({ "isAuthorized": true, "context": context }),
            Self::Policy => policy("Allow", &principal, Some(stage), &context),
            Self::FlatPolicy => policy("Allow", &principal, Some(stage), &flat(context)),
        }
    }

    /// No: the context says why, in the words of every other rejection.
    pub(crate) fn deny(self, rejection: &Rejection, stage: Option<&Stage>) -> Value {
        let (_, code, message) = rejection.parts();
        let mut context = Map::new();
        context.insert("code".into(), code.into());
        context.insert("message".into(), message.into());
        match self {
            Self::Simple => json!({ "isAuthorized": false, "context": context }),
            Self::Policy | Self::FlatPolicy => policy("Deny", NOBODY, stage, &context),
        }
    }
}

/// A policy for the whole stage: API Gateway caches it by the token, and would deny the next route by a policy that
/// names one method only. Without a stage it is about all there is, and must deny.
fn policy(effect: &str, principal: &str, stage: Option<&Stage>, context: &Map<String, Value>) -> Value {
    json!({
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{
                "Action": "execute-api:Invoke",
                "Effect": effect,
                "Resource": stage.map_or_else(|| "*".to_owned(), |stage| format!("{stage}/*")),
            }],
        },
        "context": context,
    })
}

/// `context` with lists, objects and null as JSON text.
fn flat(context: Map<String, Value>) -> Map<String, Value> {
    let flat = |value: Value| match value {
        Value::Array(_) | Value::Object(_) | Value::Null => Value::String(value.to_string()),
        plain => plain,
    };
    context.into_iter().map(|(name, value)| (name, flat(value))).collect()
}
