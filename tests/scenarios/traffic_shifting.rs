//! How callers move from one release to the next: at once, or under the eyes of `CodeDeploy`. What SAM makes of the template is
//! looked at by tests/e2e/shifting.py.

use serde_yaml_ng::Value;

use crate::{
    resolved::{EVERYTHING, resolved},
    template::{functions, plain, resources, template},
};

const ON: &[(&str, &str)] = &[("TrafficShifting", "Canary10Percent5Minutes"), ("Release", "1764245000")];

/// Whom the API calls through each integration.
fn callees(parameters: &[(&str, &str)]) -> Vec<String> {
    let deployed = resolved(parameters);
    let uri =
        |name: &str| plain(&deployed["Resources"][name]["Properties"]["IntegrationUri"])[1]["Callee"].clone();
    let callee = |name: &str| plain(&uri(name)).as_str().unwrap().to_owned();
    resources("AWS::ApiGatewayV2::Integration").iter().map(|(name, _)| callee(name)).collect()
}

#[test]
fn callers_get_what_was_deployed_last_unless_their_traffic_is_shifted() {
    let routed = [
        "Login",
        "Refresh",
        "Verify",
        "Sessions",
        "Password",
        "AccessToken",
        "ClientToken",
        "Redeem",
        "RequestLetter",
        "Jwks",
    ];
    assert_eq!(callees(EVERYTHING), routed.map(|function| format!("{function}.Arn")));
    assert_eq!(callees(&[EVERYTHING, ON].concat()), routed.map(|function| format!("{function}.Alias")));
    let authorizer = |parameters| plain(&resolved(parameters)["Outputs"]["AuthorizerArn"]["Value"]).clone();
    assert_eq!((authorizer(&[]), authorizer(ON)), ("Authorizer.Arn".into(), "Authorizer.Alias".into()));
    assert!(resolved(&[])["Resources"]["ShiftingRole"].is_null());
}

#[test]
fn the_api_may_call_an_alias_before_it_does() {
    let template = template();
    for (name, permission) in resources("AWS::Lambda::Permission") {
        if permission["Principal"] != "apigateway.amazonaws.com" {
            continue;
        }
        let function = plain(&plain(&permission["FunctionName"])[2]).as_str().unwrap();
        let integration = &template["Resources"][format!("{function}Integration").as_str()];
        let after = serde_yaml_ng::to_string(&integration["DependsOn"]).unwrap();
        assert!(after.contains(&name), "{function}Integration does not wait for {name}");
    }
}

#[test]
fn a_release_is_one_version_of_every_function_with_its_settings() {
    for function in functions().values() {
        let properties = &template()["Resources"][function.as_str()]["Properties"];
        if ["PruneSessions", "Mailer"].contains(&&**function) {
            // Nobody calls them but the schedule and the stream, and that what was deployed last.
            assert_eq!(properties["DeploymentPreference"]["Enabled"], false);
            continue;
        }
        assert_eq!(properties["AutoPublishAlias"], "live", "{function}");
        assert_eq!(plain(&properties["AutoPublishCodeSha256"]), "Release", "{function}");
    }
}

#[test]
fn shifted_traffic_goes_back_when_callers_get_errors() {
    let deployed = resolved(ON);
    let preference = &deployed["Globals"]["Function"]["DeploymentPreference"];
    let alarms: Vec<_> = preference["Alarms"].as_sequence().unwrap().iter().map(plain).collect();
    assert_eq!(alarms, ["ServerErrors", "Unavailable"]);
    for alarm in alarms {
        assert!(deployed["Resources"][alarm]["Condition"].is_null(), "{alarm:?} is there at every level");
    }
    assert_eq!(preference["Type"], "Canary10Percent5Minutes");
    let role = &deployed["Resources"]["ShiftingRole"]["Properties"];
    let statements = &role["Policies"][0]["PolicyDocument"]["Statement"];
    assert!(plain(&statements[0]["Resource"]).as_str().unwrap().ends_with(":function:${AWS::StackName}-*"));
    assert_eq!(statements[1]["Action"], "cloudwatch:DescribeAlarms");
    let trusted = &role["AssumeRolePolicyDocument"]["Statement"][0];
    assert_eq!(plain(&trusted["Condition"]["StringEquals"]["aws:SourceAccount"]), "AWS::AccountId");
}

#[test]
fn every_way_to_shift_traffic_is_known_to_the_mapping_and_wants_a_release() {
    let template = template();
    let ways = template["Parameters"]["TrafficShifting"]["AllowedValues"].as_sequence().unwrap().clone();
    let mapped = template["Mappings"]["Shifting"].as_mapping().unwrap();
    assert_eq!(ways, mapped.keys().cloned().collect::<Vec<Value>>());
    for (way, choice) in mapped {
        assert_eq!(choice["IsOn"], if way == "none" { "false" } else { "true" }, "{way:?}");
    }
    let rule = serde_yaml_ng::to_string(&template["Rules"]["ReleaseToShiftTo"]).unwrap();
    let default = template["Parameters"]["Release"]["Default"].as_str().unwrap();
    assert!(rule.contains("TrafficShifting") && rule.contains(&format!("'{default}'")), "{rule}");
}
