//! openapi.yaml, held against every reply of every scenario.

use std::sync::LazyLock;

use serde_yaml_ng::{Mapping, Value};

use crate::Reply;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_yaml_ng::from_str(include_str!("../../../openapi.yaml")).unwrap());

/// Panics unless openapi.yaml says that `path` may answer `reply`.
pub(crate) fn check(path: &str, reply: &Reply) {
    let Some(methods) = documented(path) else {
        assert_eq!(reply.status, 404, "{path} is not in openapi.yaml");
        return;
    };
    // A path has one method, and 405 stands with it.
    let responses = &methods.values().next().unwrap()["responses"];
    let response = resolve(&responses[reply.status.to_string().as_str()]);
    assert!(!response.is_null(), "openapi.yaml has no {} for {path}: {reply:?}", reply.status);
    for (header, described) in response["headers"].as_mapping().into_iter().flatten() {
        let header = header.as_str().unwrap().to_lowercase();
        let may_lack = resolve(described)["required"] == false;
        assert!(may_lack || reply.headers[&header].is_string(), "{path}: no header {header} in {reply:?}");
    }
    let content = &response["content"]["application/json"];
    if content.is_null() {
        assert!(reply.body.is_null() && reply.headers["content-type"].is_null(), "{path}: {reply:?}");
        return;
    }
    if reply.status < 300 {
        assert!(reply.body.is_object(), "{path}: {reply:?}");
        check_members(path, &reply.body, &content["schema"]);
    } else {
        check_rejection(path, reply, content);
    }
}

/// The methods of the path that `path` is one of; a part in braces is any one part.
fn documented(path: &str) -> Option<&'static Mapping> {
    let is_it = |template: &str| {
        let same = |(part, sent): (&str, &str)| part == sent || part.starts_with('{');
        template.split('/').count() == path.split('/').count()
            && template.split('/').zip(path.split('/')).all(same)
    };
    let paths = DOCUMENT["paths"].as_mapping().unwrap();
    paths.iter().find(|(template, _)| is_it(template.as_str().unwrap()))?.1.as_mapping()
}

/// What a schema requires is there, and what is there the schema knows; all the way down.
fn check_members(path: &str, body: &serde_json::Value, schema: &Value) {
    let schema = resolve(schema);
    for item in body.as_array().into_iter().flatten() {
        check_members(path, item, &schema["items"]);
    }
    let Some(members) = body.as_object() else { return };
    for required in schema["required"].as_sequence().into_iter().flatten() {
        assert!(members.contains_key(required.as_str().unwrap()), "{path}: no {required:?} in {body}");
    }
    for (name, member) in members {
        let property = &schema["properties"][name.as_str()];
        let known = !property.is_null() || schema["additionalProperties"] == true;
        assert!(known, "{path}: {name} is not in openapi.yaml");
        check_members(path, member, property);
    }
}

fn check_rejection(path: &str, reply: &Reply, content: &Value) {
    let examples = content["examples"].as_mapping().into_iter().flat_map(|examples| examples.values());
    let values: Vec<_> = examples
        .map(|example| &resolve(example)["value"])
        .chain(std::iter::once(&content["example"]))
        .collect();
    // Clients of OAuth know other names (RFC 6749 §5.2).
    let [code, message] =
        if path == "/oauth2/token" { ["error", "error_description"] } else { ["code", "message"] };
    let told = |value: &&Value| {
        // The message of an invalid request says what to mend, so it is one of many.
        value[code] == reply.code()
            && (reply.code() == "invalid_request" || value[message] == reply.body[message].as_str().unwrap())
    };
    assert!(values.iter().any(told), "{path}: openapi.yaml has no example like {:?}", reply.body);
    let members: Vec<_> = reply.body.as_object().unwrap().keys().collect();
    assert_eq!(members, [code, message]);
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
