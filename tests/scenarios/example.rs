//! examples/protected-api against the stack that it stands on.

use serde_yaml_ng::Value;

fn of(text: &str) -> Value {
    serde_yaml_ng::from_str(text).unwrap()
}

fn example() -> Value {
    of(include_str!("../../examples/protected-api/template.yaml"))
}

fn rest_example() -> Value {
    of(include_str!("../../examples/protected-api/rest.yaml"))
}

/// What stands behind a tag such as `!Ref`.
fn plain(value: &Value) -> &str {
    match value {
        Value::Tagged(tagged) => tagged.value.as_str().unwrap(),
        other => other.as_str().unwrap(),
    }
}

#[test]
fn its_parameters_are_outputs_and_parameters_of_the_stack() {
    let stack = of(include_str!("../../template.yaml"));
    let audience = |template: &Value| template["Parameters"]["Audience"]["Default"].clone();
    for example in [example(), rest_example()] {
        for (name, parameter) in example["Parameters"].as_mapping().unwrap() {
            let told = parameter["Description"].as_str().unwrap();
            let kind = if told.starts_with("Output ") { "Outputs" } else { "Parameters" };
            assert!(!stack[kind][name].is_null() && told.contains(name.as_str().unwrap()), "{told}");
        }
        assert_eq!(audience(&example), audience(&stack));
    }
}

#[test]
fn its_authorizers_are_what_ours_answers_to_and_what_the_native_ones_read() {
    let (example, rest, stack) = (example(), rest_example(), of(include_str!("../../template.yaml")));
    let resource = |name: &str| {
        let template = if example["Resources"][name].is_null() { &rest } else { &example };
        template["Resources"][name]["Properties"].clone()
    };
    let checking = resource("CheckingAuthorizer");
    assert!(plain(&checking["AuthorizerUri"]).contains("${AuthorizerArn}"));
    assert_eq!(
        (&checking["AuthorizerPayloadFormatVersion"], &checking["EnableSimpleResponses"]),
        (&"2.0".into(), &true.into())
    );
    assert_eq!(stack["Parameters"]["AuthorizerResponse"]["Default"], "simple");
    assert_eq!(stack["Parameters"]["AuthorizerChecksSession"]["Default"], "true");
    assert_eq!(checking["AuthorizerResultTtlInSeconds"], 0, "a session that has ended is rejected at once");

    let permission = resource("CheckingPermission");
    assert_eq!(plain(&permission["FunctionName"]), "AuthorizerArn");
    assert!(plain(&permission["SourceArn"]).ends_with("${HttpApi}/authorizers/${CheckingAuthorizer}"));

    let native = &resource("NativeAuthorizer")["JwtConfiguration"];
    assert_eq!((plain(&native["Issuer"]), plain(&native["Audience"][0])), ("Issuer", "Audience"));
    let rest = &resource("RestAuthorizer")["JwtConfiguration"]["Issuers"][0];
    assert_eq!((plain(&rest["Issuer"]), plain(&rest["Audiences"][0])), ("Issuer", "Audience"));
    for (route, kind, authorizer) in [
        ("NativeRoute", "JWT", "NativeAuthorizer"),
        ("CheckedRoute", "CUSTOM", "CheckingAuthorizer"),
        ("RestMethod", "JWT", "RestAuthorizer"),
    ] {
        let route = resource(route);
        assert_eq!((plain(&route["AuthorizationType"]), plain(&route["AuthorizerId"])), (kind, authorizer));
    }
}
