//! template.yaml as what somebody operates: alarms, dashboard, logs, keys, host name.

use serde_yaml_ng::Value;

use crate::{
    resolved::{EVERYTHING, resolved},
    template::{functions, plain, template},
};

fn resource(name: &str) -> Value {
    let found = template()["Resources"][name].clone();
    assert!(!found.is_null(), "no {name}");
    found
}

#[test]
fn every_alarm_says_what_is_wrong_and_a_topic_hears_when_it_begins_and_when_it_is_over() {
    let basic = ["ServerErrors", "Unavailable", "RotationFailed", "GatewayThrottles"];
    let silent = resolved(&[]);
    for (name, alarm) in template()["Resources"].as_mapping().unwrap() {
        if alarm["Type"] != "AWS::CloudWatch::Alarm" {
            continue;
        }
        let name = name.as_str().unwrap();
        let level = match name {
            "LettersFail" | "MailReputation" => Some("MailIsOn"),
            _ if basic.contains(&name) => None,
            _ => Some("ObservabilityIsFull"),
        };
        assert_eq!(alarm["Condition"].as_str(), level, "{name}");
        let properties = &alarm["Properties"];
        assert!(properties["AlarmDescription"].as_str().is_some_and(|text| text.len() > 40), "{name}");
        for actions in ["AlarmActions", "OKActions"] {
            assert_eq!(plain(&plain(&properties[actions])[1][0]), "AlarmTopic", "{name}");
            assert!(silent["Resources"][name]["Properties"][actions].is_null(), "{name}");
        }
        assert!(include_str!("../../docs/runbook.md").contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn logs_are_kept_and_no_level_of_the_log_silences_a_metric() {
    for (keep, policy) in [("true", "RetainExceptOnCreate"), ("false", "Delete")] {
        let deployed = resolved(&[("LogsOutliveStack", keep)]);
        let logging = &deployed["Globals"]["Function"]["LoggingConfig"];
        assert_eq!(
            (&logging["LogFormat"], &logging["ApplicationLogLevel"]),
            (&"JSON".into(), &"INFO".into())
        );
        assert_eq!(logging["SystemLogLevel"], "WARN");
        let group = plain(&logging["LogGroup"]).as_str().unwrap();
        assert_eq!(deployed["Resources"][group]["DeletionPolicy"], policy);
        assert_eq!(deployed["Resources"][group]["Properties"]["RetentionInDays"], "30");
        let named = &deployed["Resources"][group]["Properties"]["LogGroupName"];
        assert!(named.is_null(), "a log that was left behind must not stop the next stack");
    }
}

#[test]
fn nothing_is_deployed_that_nobody_asked_for() {
    let by_default = resolved(&[]);
    for (absent, parameter, value) in [
        ("Dashboard", "Observability", "full"),
        ("AccessLogGroup", "AccessLog", "true"),
        ("ThrottledRequests", "AccessLog", "true"),
        ("Domain", "DomainName", "auth.example.com"),
        ("AccessToken", "AccessTokenAudiences", "https://orders.example.com"),
        ("AccessTokenRoute", "AccessTokenAudiences", "https://orders.example.com"),
    ] {
        assert!(by_default["Resources"][absent].is_null(), "{absent}");
        assert!(!resolved(&[(parameter, value)])["Resources"][absent].is_null(), "{absent}");
    }
    let stage = &by_default["Resources"]["ApiStage"]["Properties"];
    assert!(stage["AccessLogSettings"].is_null() && stage["RouteSettings"].is_null());
}

#[test]
fn the_dashboard_shows_functions_and_tables_that_are_there_and_is_called_after_its_region() {
    let template = template();
    let properties = &template["Resources"]["Dashboard"]["Properties"];
    assert_eq!(plain(&properties["DashboardName"]), "${AWS::StackName}-${AWS::Region}");
    let body = plain(&properties["DashboardBody"]);
    let everything = resolved(&[EVERYTHING, &[("Observability", "full")]].concat());
    let of_functions = plain(&everything["Resources"]["Dashboard"]["Properties"]["DashboardBody"]);
    let joined = plain(&plain(of_functions)[1]["Functions"]);
    let parts = joined[1].as_sequence().unwrap().iter().map(|part| plain(part).as_str().unwrap());
    let of_functions = parts.collect::<Vec<_>>().join(joined[0].as_str().unwrap());
    let text = body[0].as_str().unwrap();
    let known = |name: &str| {
        !template["Resources"][name].is_null() || name.starts_with("AWS::") || name == "UsersTable"
    };
    let mut filled = String::new();
    for part in text.replace("${Functions}", &of_functions).split("${") {
        match part.split_once('}') {
            Some((name, rest)) if !filled.is_empty() => {
                assert!(known(name), "{name}");
                filled.push_str(name);
                filled.push_str(rest);
            }
            _ => filled.push_str(part),
        }
    }
    let body: serde_json::Value = serde_json::from_str(&filled).unwrap();
    let shown = body["widgets"].to_string();
    // What runs once a week is no curve.
    for name in functions().into_values().filter(|name| name != "PruneSessions") {
        // Quoted within a search, which is quoted within JSON.
        assert!(shown.matches(&format!(r#"\"{name}\""#)).count() >= 3, "{name}");
    }
}

#[test]
fn every_metric_of_ours_that_is_shown_or_watched_is_one_that_functions_tell() {
    let told = include_str!("../../shared/edge/src/lambda/metrics.rs");
    let text = include_str!("../../template.yaml");
    for metric in ["Unavailable", "LoginFailures", "SigningKeyAge", "Rejections"] {
        assert!(told.contains(&format!("\"{metric}\"")), "{metric} is not told");
        let shown =
            text.contains(&format!("MetricName: {metric}")) || text.contains(&format!("\"{metric}\""));
        assert!(
            shown || metric == "Rejections" && text.contains("{Latchkey,Stack,Operation,Code}"),
            "{metric}"
        );
    }
}

#[test]
fn a_host_name_is_there_on_demand_only_needs_a_certificate_and_closes_the_other_way_in() {
    for (name, condition) in
        [("Domain", "DomainIsGiven"), ("DomainMapping", "DomainIsGiven"), ("DomainRecords", "ZoneIsGiven")]
    {
        assert_eq!(resource(name)["Condition"], condition);
    }
    let template = template();
    assert_eq!(template["Parameters"]["DomainName"]["Default"], "");
    let assertion =
        serde_yaml_ng::to_string(&template["Rules"]["DomainWithCertificate"]["Assertions"]).unwrap();
    assert!(assertion.contains("!Ref CertificateArn"), "{assertion}");
    let closed = |parameters: &[(&str, &str)]| {
        resolved(parameters)["Resources"]["Api"]["Properties"]["DisableExecuteApiEndpoint"].clone()
    };
    let own = ("DomainName", "auth.example.com");
    assert_eq!(closed(&[]), false);
    assert_eq!(closed(&[own]), true);
    assert_eq!(closed(&[own, ("KeepExecuteApiEndpoint", "true")]), false);
}

#[test]
fn the_issuer_in_the_outputs_is_the_one_in_the_tokens_and_the_domain_s_if_there_is_one() {
    let template = template();
    let issuer = &template["Globals"]["Function"]["Environment"]["Variables"]["JWT_ISSUER"];
    assert_eq!(&template["Outputs"]["Issuer"]["Value"], issuer);
    assert_eq!((&plain(issuer)[0], plain(&plain(issuer)[1])), (&"IssuerIsGiven".into(), &"Issuer".into()));
    assert_eq!(plain(issuer)[2], template["Outputs"]["BaseUrl"]["Value"]);
    let own = plain(&plain(issuer)[2]);
    assert_eq!((&own[0], plain(&own[1])), (&"DomainIsGiven".into(), &"https://${DomainName}".into()));
}

#[test]
fn the_console_shows_every_parameter_in_one_group() {
    let template = template();
    let groups = &template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"];
    let grouped = groups.as_sequence().unwrap().iter().flat_map(|group| {
        assert!(group["Label"]["default"].is_string());
        group["Parameters"].as_sequence().unwrap().clone()
    });
    let declared: Vec<_> = template["Parameters"].as_mapping().unwrap().keys().cloned().collect();
    assert_eq!(grouped.collect::<Vec<_>>(), declared);
}

#[test]
fn functions_may_trace_or_use_a_key_only_where_that_is_asked_for() {
    let allowed = |parameters: &[(&str, &str)]| {
        let policy = &resolved(parameters)["Resources"]["FunctionPolicy"]["Properties"]["PolicyDocument"];
        let mut actions = Vec::new();
        for statement in policy["Statement"].as_sequence().unwrap() {
            actions.extend(
                statement["Action"].as_sequence().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()),
            );
        }
        actions
    };
    let log = ["logs:CreateLogStream", "logs:PutLogEvents"];
    assert_eq!(allowed(&[]), log);
    assert_eq!(allowed(&[("Tracing", "Active")])[2..], ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]);
    let key = "arn:aws:kms:eu-west-1:123456789012:key/1";
    assert_eq!(allowed(&[("KmsKeyArn", key)])[2..], ["kms:Decrypt", "kms:GenerateDataKey"]);
}

#[test]
fn one_key_of_your_own_covers_tables_secret_logs_and_variables() {
    let key = "arn:aws:kms:eu-west-1:123456789012:key/1";
    for (parameter, expected) in [("", None), (key, Some(key))] {
        let deployed = resolved(&[("KmsKeyArn", parameter), ("AccessLog", "true")]);
        let of = |name: &str, path: &[&str]| {
            let mut value = &deployed["Resources"][name]["Properties"];
            for part in path {
                value = &value[*part];
            }
            assert_eq!(value.as_str(), expected, "{name}");
        };
        of("Users", &["SSESpecification", "KMSMasterKeyId"]);
        of("PublicKeys", &["SSESpecification", "KMSMasterKeyId"]);
        of("SigningSecret", &["KmsKeyId"]);
        of("KeptLog", &["KmsKeyId"]);
        of("AccessLogGroup", &["KmsKeyId"]);
        assert_eq!(deployed["Globals"]["Function"]["KmsKeyArn"].as_str(), expected);
    }
}

#[test]
fn endpoints_of_aws_are_chosen_by_the_variables_that_every_sdk_reads() {
    for (value, fips, dual_stack) in [
        ("standard", None, None),
        ("fips", Some("true"), None),
        ("dualstack", None, Some("true")),
        ("fips-dualstack", Some("true"), Some("true")),
    ] {
        let deployed = resolved(&[("AwsEndpoints", value)]);
        let variables = &deployed["Globals"]["Function"]["Environment"]["Variables"];
        assert_eq!(variables["AWS_USE_FIPS_ENDPOINT"].as_str(), fips, "{value}");
        assert_eq!(variables["AWS_USE_DUALSTACK_ENDPOINT"].as_str(), dual_stack, "{value}");
    }
}

#[test]
fn no_arn_or_address_of_the_template_names_a_partition() {
    let text = include_str!("../../template.yaml");
    // An ARN that somebody gives is of whatever partition.
    assert!(
        !text.contains("arn:aws:") && !text.contains("amazonaws.com/") && !text.contains("aws.amazon.com")
    );
    let hosts = text.lines().filter(|line| line.contains("amazonaws.com"));
    for line in hosts {
        // Names of services are the same in every partition.
        assert!(line.contains("Principal: ") || line.contains("Service: "), "{line}");
    }
}
