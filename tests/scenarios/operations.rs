//! template.yaml as what somebody operates: alarms, dashboard, budget, logs, host name.

use std::collections::BTreeSet;

use serde_yaml_ng::Value;

use crate::template::{functions, plain, resources, template};

const OPENAPI: &str = include_str!("../../openapi.yaml");

fn resource(name: &str) -> Value {
    let found = template()["Resources"][name].clone();
    assert!(!found.is_null(), "no {name}");
    found
}

/// The metrics of an alarm, each as namespace, name, the first dimension's value and the statistic.
fn metrics(alarm: &str) -> Vec<[String; 4]> {
    let text = |value: &Value| plain(value).as_str().unwrap().to_owned();
    let properties = &resource(alarm)["Properties"];
    let of = |metric: &Value, statistic: &Value| {
        [&metric["Namespace"], &metric["MetricName"], &metric["Dimensions"][0]["Value"], statistic].map(text)
    };
    let Some(listed) = properties["Metrics"].as_sequence() else {
        let statistic = ["Statistic", "ExtendedStatistic"].map(|name| &properties[name]);
        return vec![of(properties, statistic.into_iter().find(|it| !it.is_null()).unwrap())];
    };
    let measured = listed.iter().filter(|metric| !metric["MetricStat"].is_null());
    measured.map(|metric| of(&metric["MetricStat"]["Metric"], &metric["MetricStat"]["Stat"])).collect()
}

fn of_functions(metric: &str, but: &[&str]) -> BTreeSet<[String; 4]> {
    let names = functions().into_iter().filter(|(binary, _)| !but.contains(&binary.as_str()));
    names.map(|(_, name)| ["AWS/Lambda", metric, &name, "Sum"].map(str::to_owned)).collect()
}

#[test]
fn there_is_an_alarm_for_each_way_of_failing_and_a_topic_hears_of_all() {
    let errors: BTreeSet<_> = metrics("FunctionErrors").into_iter().collect();
    assert_eq!(errors, of_functions("Errors", &["rotate-keys"]), "that one has RotationFailed");
    assert_eq!(metrics("RotationFailed"), [["AWS/Lambda", "Errors", "RotateKeys", "Sum"]]);
    let throttles: BTreeSet<_> = metrics("FunctionThrottles").into_iter().collect();
    assert_eq!(throttles, of_functions("Throttles", &[]));
    assert_eq!(metrics("LoginDuration"), [["AWS/Lambda", "Duration", "Login", "p99"]]);
    assert_eq!(metrics("RefreshDuration"), [["AWS/Lambda", "Duration", "Refresh", "p99"]]);
    assert_eq!(
        metrics("TableThrottles"),
        [
            ["AWS/DynamoDB", "ReadThrottleEvents", "Users", "Sum"],
            ["AWS/DynamoDB", "WriteThrottleEvents", "Users", "Sum"],
            ["AWS/DynamoDB", "ReadThrottleEvents", "PublicKeys", "Sum"],
            ["AWS/DynamoDB", "WriteThrottleEvents", "PublicKeys", "Sum"],
        ]
    );
    assert_eq!(metrics("KeyAge"), [["Latchkey", "SigningKeyAge", "RotateKeys", "Maximum"]]);
    assert_eq!(metrics("LoginFailures"), [["Latchkey", "Refusals", "Login", "Sum"]; 2]);

    let alarms = resources("AWS::CloudWatch::Alarm");
    assert_eq!(alarms.len(), 8);
    for (name, alarm) in alarms {
        assert_eq!(alarm["ComparisonOperator"], "GreaterThanOrEqualToThreshold", "{name}");
        assert_eq!(plain(&plain(&alarm["AlarmActions"])[1][0]), "AlarmTopic", "{name}");
        assert!(alarm["AlarmDescription"].as_str().is_some_and(|text| text.len() > 40), "{name}");
        // Silence is good news of everything but the schedule that tells the age of the key.
        let silence = if name == "KeyAge" { "breaching" } else { "notBreaching" };
        assert_eq!(alarm["TreatMissingData"], silence, "{name}");
    }
}

#[test]
fn every_sum_is_over_all_of_its_metrics() {
    for (name, alarm) in resources("AWS::CloudWatch::Alarm") {
        let Some(listed) = alarm["Metrics"].as_sequence() else { continue };
        let expression = plain(&listed[0]["Expression"]).as_str().unwrap();
        let words: BTreeSet<_> = expression.split(['+', '-', ' ']).filter(|word| !word.is_empty()).collect();
        for metric in &listed[1..] {
            let id = metric["Id"].as_str().unwrap();
            assert!(words.contains(id) && metric["ReturnData"] == false, "{name}: {id}");
        }
    }
}

#[test]
fn the_key_s_age_is_told_by_the_days_of_a_rotation_and_one_more() {
    let properties = &resource("KeyAge")["Properties"];
    assert_eq!(plain(&properties["Metrics"][0]["Expression"]), "age - ${RotationDays}");
    assert_eq!(properties["Threshold"], 1);
}

#[test]
fn the_failures_that_are_counted_are_codes_of_the_contract() {
    let properties = &resource("LoginFailures")["Properties"];
    assert_eq!(plain(&properties["Threshold"]), "LoginFailuresAlarm");
    for (metric, code) in properties["Metrics"].as_sequence().unwrap()[1..]
        .iter()
        .zip(["invalid_credentials", "too_many_attempts"])
    {
        assert_eq!(metric["MetricStat"]["Metric"]["Dimensions"][1]["Value"], code);
        assert!(OPENAPI.contains(&format!("code: {code}")), "{code}");
    }
}

#[test]
fn the_dashboard_shows_functions_and_tables_that_are_there() {
    let template = template();
    let body = plain(&template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]);
    let (text, of_functions) = (body[0].as_str().unwrap(), plain(&body[1]["Functions"]).as_str().unwrap());
    let known = |name: &str| !template["Resources"][name].is_null() || name.starts_with("AWS::");
    let mut filled = String::new();
    for part in text.replace("${Functions}", of_functions).split("${") {
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
    for metric in [
        "Successes",
        "Refusals",
        "HashTime",
        "ColdStarts",
        "SigningKeyAge",
        "Duration",
        "Errors",
        "Throttles",
    ] {
        assert!(shown.contains(metric) || shown.contains("{Latchkey,FunctionName,Code}"), "{metric}");
    }
    for name in functions().into_values() {
        // Quoted within a search, which is quoted within JSON.
        assert!(shown.matches(&format!(r#"\"{name}\""#)).count() >= 3, "{name}");
    }
}

#[test]
fn a_budget_and_a_host_name_are_there_on_demand_only_and_tell_or_need_what_they_must() {
    for (name, condition) in [
        ("Budget", "BudgetIsGiven"),
        ("Domain", "DomainIsGiven"),
        ("DomainMapping", "DomainIsGiven"),
        ("DomainRecords", "ZoneIsGiven"),
    ] {
        assert_eq!(resource(name)["Condition"], condition);
    }
    let template = template();
    assert_eq!(template["Parameters"]["MonthlyBudget"]["Default"], 0);
    assert_eq!(template["Parameters"]["DomainName"]["Default"], "");
    for (rule, needed) in [("BudgetThatTells", "AlarmTopic"), ("DomainWithCertificate", "CertificateArn")] {
        let assertion = serde_yaml_ng::to_string(&template["Rules"][rule]["Assertions"]).unwrap();
        assert!(assertion.contains(&format!("!Ref {needed}")), "{assertion}");
    }
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
fn every_function_s_log_is_kept_for_the_days_that_are_set() {
    let groups = resources("AWS::Logs::LogGroup");
    for name in functions().into_values() {
        let function = &resource(&name)["Properties"];
        let group = plain(&function["LoggingConfig"]["LogGroup"]).as_str().unwrap().to_owned();
        let (_, group) = groups.iter().find(|(other, _)| *other == group).unwrap();
        assert_eq!(plain(&group["RetentionInDays"]), "LogRetentionDays", "{name}");
    }
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
fn functions_may_trace_only_while_tracing_is_on() {
    let policy = resource("TracePolicy");
    assert_eq!(policy["Condition"], "TracingIsOn");
    let condition = &template()["Conditions"]["TracingIsOn"];
    assert_eq!((plain(&plain(condition)[0]), &plain(condition)[1]), (&"Tracing".into(), &"Active".into()));
    let traced = policy["Properties"]["Roles"].as_sequence().unwrap().iter();
    let traced: BTreeSet<_> = traced.map(|role| plain(role).as_str().unwrap().to_owned()).collect();
    assert_eq!(traced, resources("AWS::IAM::Role").into_iter().map(|(name, _)| name).collect());
}
