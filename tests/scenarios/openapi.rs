//! openapi.yaml against the code, and against what a reader needs: nothing undocumented, nothing without an example.

use std::collections::BTreeSet;

use access_token::AccessToken;
use client_token::ClientToken;
use edge::{Endpoint, Route};
use http::Method;
use jwks::Jwks;
use local::{Function, ROUTES};
use login::Login;
use password::ChangePassword;
use redeem::Redeem;
use refresh::Refresh;
use request_letter::RequestLetter;
use serde_yaml_ng::{Mapping, Value};
use sessions::Sessions;
use verify::Verify;

fn document() -> Value {
    serde_yaml_ng::from_str(include_str!("../../openapi.yaml")).unwrap()
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value
        .as_mapping()
        .into_iter()
        .flat_map(Mapping::iter)
        .map(|(name, value)| (name.as_str().unwrap(), value))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_sequence().into_iter().flatten()
}

fn route(function: Function, path: &str) -> Route {
    match function {
        Function::Login => Login::route(path),
        Function::Refresh => Refresh::route(path),
        Function::Verify => Verify::route(path),
        Function::Sessions => Sessions::route(path),
        Function::Password => ChangePassword::route(path),
        Function::AccessToken => AccessToken::route(path),
        Function::ClientToken => ClientToken::route(path),
        Function::Redeem => Redeem::route(path),
        Function::RequestLetter => RequestLetter::route(path),
        Function::Jwks => Jwks::route(path),
    }
}

/// Every value in the document with the way that leads to it.
fn walk<'v>(value: &'v Value, way: &str, visit: &mut impl FnMut(&str, &'v Value)) {
    visit(way, value);
    for (name, member) in members(value) {
        walk(member, &format!("{way}/{name}"), visit);
    }
    for (index, item) in list(value).enumerate() {
        walk(item, &format!("{way}/{index}"), visit);
    }
}

#[test]
fn its_paths_and_methods_are_the_gateway_s_and_the_handlers() {
    let document = document();
    let documented: BTreeSet<(String, String)> = members(&document["paths"])
        .flat_map(|(path, methods)| {
            members(methods).map(|(method, _)| (path.to_owned(), method.to_uppercase()))
        })
        .collect();
    let answered: BTreeSet<(String, String)> = ROUTES
        .into_iter()
        .flat_map(|(path, function)| {
            // HEAD is GET without the body, and goes without saying.
            let methods = route(function, path).methods.iter().filter(|method| **method != Method::HEAD);
            methods.map(move |method| (path.to_owned(), method.to_string()))
        })
        .collect();
    assert_eq!(documented, answered);
}

#[test]
fn every_call_has_a_name_a_tag_and_words() {
    let document = document();
    let tags: BTreeSet<_> = list(&document["tags"]).map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut names = BTreeSet::new();
    for (path, methods) in members(&document["paths"]) {
        for (_, call) in members(methods) {
            assert!(names.insert(call["operationId"].as_str().unwrap()), "{path}");
            assert!(call["summary"].is_string() && call["description"].is_string(), "{path}");
            assert!(list(&call["tags"]).all(|tag| tags.contains(tag.as_str().unwrap())), "{path}");
            assert!(list(&call["tags"]).count() == 1, "{path}");
        }
    }
}

#[test]
fn every_body_has_an_example_and_every_field_header_and_parameter_a_meaning() {
    let document = document();
    let (mut bodies, mut described) = (0, 0);
    walk(&document, "", &mut |way, value| {
        if way.ends_with("/application/json") {
            bodies += 1;
            let examples = members(&value["examples"]).count();
            assert!(examples > 0 || !value["example"].is_null(), "{way} has no example");
        }
        let parent = way.rsplit('/').nth(1).unwrap_or_default();
        // A rejection narrows the code that `Rejection` describes.
        let narrows = way.contains("/allOf/");
        if ["properties", "headers", "parameters", "responses"].contains(&parent) && !narrows {
            described += 1;
            assert!(
                value["description"].is_string() || value["$ref"].is_string(),
                "{way} has no description"
            );
        }
    });
    assert!(bodies > 20 && described > 50, "{bodies} bodies, {described} fields");
}

#[test]
fn each_code_of_a_rejection_has_an_example_and_each_example_a_code() {
    let document = document();
    let mut codes = BTreeSet::new();
    walk(&document, "", &mut |way, value| {
        let code =
            list(&value["schema"]["allOf"]).map(|part| &part["properties"]["code"]).find(|it| !it.is_null());
        let Some(code) = code else { return };
        let listed: BTreeSet<_> = list(&code["enum"])
            .chain([&code["const"]])
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        let examples = members(&value["examples"]).map(|(_, example)| &example["value"]);
        let shown: BTreeSet<_> = examples
            .chain([&value["example"]])
            .filter_map(|example| example["code"].as_str())
            .map(str::to_owned)
            .collect();
        assert_eq!(listed, shown, "{way}");
        codes.extend(listed);
    });
    let overview = include_str!("../../docs/api.md");
    let table = overview.lines().filter(|line| line.starts_with("| 4") || line.starts_with("| 5"));
    let told: BTreeSet<String> = table
        .flat_map(|line| {
            line.split('|').nth(2).unwrap_or_default().split('`').skip(1).step_by(2).map(str::to_owned)
        })
        .collect();
    assert_eq!(codes, told, "docs/api.md has other codes");
}
