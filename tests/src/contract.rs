//! openapi.yaml, held against every reply of every scenario.

use std::sync::LazyLock;

use serde_yaml_ng::Value;

use crate::Reply;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_yaml_ng::from_str(include_str!("../../openapi.yaml")).unwrap());

/// Panics unless openapi.yaml says that `path` may answer `reply`.
pub(crate) fn check(path: &str, reply: &Reply) {
    let Some(methods) = DOCUMENT["paths"][path].as_mapping() else {
        assert_eq!(reply.status, 404, "{path} is not in openapi.yaml");
        return;
    };
    // A path has one method, and 405 stands with it.
    let responses = &methods.values().next().unwrap()["responses"];
    let response = resolve(&responses[reply.status.to_string().as_str()]);
    assert!(!response.is_null(), "openapi.yaml has no {} for {path}: {reply:?}", reply.status);
    let content = &response["content"]["application/json"];
    if reply.status == 200 {
        check_success(path, reply, content);
    } else {
        check_refusal(path, reply, content);
    }
}

fn check_success(path: &str, reply: &Reply, content: &Value) {
    let schema = resolve(&content["schema"]);
    let body = reply.body.as_object().expect("an object");
    for required in schema["required"].as_sequence().into_iter().flatten() {
        assert!(body.contains_key(required.as_str().unwrap()), "{path}: no {required:?} in {body:?}");
    }
    for member in body.keys() {
        assert!(!schema["properties"][member.as_str()].is_null(), "{path}: {member} is not in openapi.yaml");
    }
}

fn check_refusal(path: &str, reply: &Reply, content: &Value) {
    let examples = content["examples"].as_mapping().into_iter().flat_map(|examples| examples.values());
    let values: Vec<_> = examples
        .map(|example| &resolve(example)["value"])
        .chain(std::iter::once(&content["example"]))
        .collect();
    let told = |value: &&Value| {
        // The message of an invalid request says what to mend, so it is one of many.
        value["code"] == reply.code()
            && (reply.code() == "invalid_request"
                || value["message"] == reply.body["message"].as_str().unwrap())
    };
    assert!(values.iter().any(told), "{path}: openapi.yaml has no example like {:?}", reply.body);
    let members: Vec<_> = reply.body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["code", "message"]);
}

fn resolve(value: &Value) -> &Value {
    match value["$ref"].as_str() {
        Some(reference) => {
            let parts = reference.trim_start_matches("#/").split('/');
            resolve(parts.fold(&*DOCUMENT, |found, part| &found[part]))
        }
        None => value,
    }
}
