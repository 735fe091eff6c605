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

/// The properties of a resource of either template.
fn properties(resource: &str) -> Value {
    let (example, rest) = (example(), rest_example());
    let template = if example["Resources"][resource].is_null() { rest } else { example };
    template["Resources"][resource]["Properties"].clone()
}

/// The output or parameter of the stack that a parameter of the example takes its value from.
fn name_in_the_stack(parameter: &str) -> &str {
    if parameter == "OrdersAudience" { "AccessTokenAudiences" } else { parameter }
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
            let name = name_in_the_stack(name.as_str().unwrap());
            assert!(!stack[kind][name].is_null() && told.contains(name), "{told}");
        }
        assert_eq!(audience(&example), audience(&stack));
    }
}

#[test]
fn its_authorizers_are_what_ours_answers_to_and_what_the_native_ones_read() {
    let stack = of(include_str!("../../template.yaml"));
    let checking = properties("CheckingAuthorizer");
    assert!(plain(&checking["AuthorizerUri"]).contains("${AuthorizerArn}"));
    assert_eq!(
        (&checking["AuthorizerPayloadFormatVersion"], &checking["EnableSimpleResponses"]),
        (&"2.0".into(), &true.into())
    );
    assert_eq!(stack["Parameters"]["AuthorizerResponse"]["Default"], "simple");
    assert_eq!(stack["Parameters"]["AuthorizerChecksSession"]["Default"], "true");
    assert_eq!(stack["Parameters"]["AuthorizerAudience"]["Default"], "", "it takes session tokens");
    assert_eq!(checking["AuthorizerResultTtlInSeconds"], 0, "a session that has ended is rejected at once");

    let permission = properties("CheckingPermission");
    assert_eq!(plain(&permission["FunctionName"]), "AuthorizerArn");
    assert!(plain(&permission["SourceArn"]).ends_with("${HttpApi}/authorizers/${CheckingAuthorizer}"));

    let native = &properties("NativeAuthorizer")["JwtConfiguration"];
    assert_eq!((plain(&native["Issuer"]), plain(&native["Audience"][0])), ("Issuer", "Audience"));
    let rest = &properties("RestAuthorizer")["JwtConfiguration"]["Issuers"][0];
    assert_eq!((plain(&rest["Issuer"]), plain(&rest["Audiences"][0])), ("Issuer", "Audience"));
    for (route, kind, authorizer) in [
        ("NativeRoute", "JWT", "NativeAuthorizer"),
        ("CheckedRoute", "CUSTOM", "CheckingAuthorizer"),
        ("RestMethod", "JWT", "RestAuthorizer"),
    ] {
        let route = properties(route);
        assert_eq!((plain(&route["AuthorizationType"]), plain(&route["AuthorizerId"])), (kind, authorizer));
    }
}

#[test]
fn its_orders_take_access_tokens_of_their_audience_with_the_scope_of_the_method() {
    for template in [example(), rest_example()] {
        let audience = &template["Parameters"]["OrdersAudience"]["Default"];
        assert_eq!(audience, "https://orders.example.com");
        assert_ne!(audience, &template["Parameters"]["Audience"]["Default"], "no session token has it");
    }
    let native = &properties("OrdersAuthorizer")["JwtConfiguration"];
    assert_eq!((plain(&native["Issuer"]), plain(&native["Audience"][0])), ("Issuer", "OrdersAudience"));
    assert!(native["Audience"][1].is_null());
    let rest = &properties("RestOrdersAuthorizer")["JwtConfiguration"]["Issuers"][0];
    assert_eq!((plain(&rest["Issuer"]), plain(&rest["Audiences"][0])), ("Issuer", "OrdersAudience"));
    assert!(rest["Audiences"][1].is_null());
    let kind = &rest["AdditionalClaims"][0];
    assert_eq!((plain(&kind["ClaimName"]), plain(&kind["ExpectedValues"][0])), ("token_use", "access"));
    assert_eq!(kind["Required"], true, "without it a token that lacks the claim gets through");

    for (route, method, authorizer, scope) in [
        ("ReadOrdersRoute", "GET", "OrdersAuthorizer", "orders:read"),
        ("WriteOrdersRoute", "POST", "OrdersAuthorizer", "orders:write"),
        ("RestReadOrders", "GET", "RestOrdersAuthorizer", "orders:read"),
        ("RestWriteOrders", "POST", "RestOrdersAuthorizer", "orders:write"),
    ] {
        let route = properties(route);
        assert_eq!((plain(&route["AuthorizationType"]), plain(&route["AuthorizerId"])), ("JWT", authorizer));
        assert_eq!(route["AuthorizationScopes"], Value::Sequence(vec![scope.into()]));
        let asked = route["RouteKey"].as_str().or_else(|| route["HttpMethod"].as_str()).unwrap();
        assert!(asked.starts_with(method), "{asked}");
    }
    let source = properties("OrdersPermission")["SourceArn"].clone();
    assert!(plain(&source).ends_with("${HttpApi}/*/*/orders"));
}

#[test]
fn its_deployment_of_the_rest_api_waits_for_every_method() {
    let template = rest_example();
    let resources = &template["Resources"];
    let deployment = plain(&resources["RestStage"]["Properties"]["DeploymentId"]).to_owned();
    let awaited = resources[deployment]["DependsOn"].as_sequence().unwrap();
    let mut methods = 0;
    for (name, resource) in resources.as_mapping().unwrap() {
        if resource["Type"] == "AWS::ApiGateway::Method" {
            methods += 1;
            assert!(awaited.contains(name), "{name:?} would not be deployed");
        }
    }
    assert_eq!(methods, awaited.len());
}
