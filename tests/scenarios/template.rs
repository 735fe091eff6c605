//! template.yaml against the code: the same routes, variables, durations and limits.

use std::collections::{BTreeMap, BTreeSet};

use harness::{LOGIN_AT, SecretsManager};
use local::{Function, ROUTES};
use serde_json::json;
use serde_yaml_ng::Value;

use crate::resolved::resolved;

pub(crate) fn template() -> Value {
    serde_yaml_ng::from_str(include_str!("../../template.yaml")).unwrap()
}

/// What stands behind a tag such as `!Sub`, and the plain value of everything else.
pub(crate) fn plain(value: &Value) -> &Value {
    match value {
        Value::Tagged(tagged) => &tagged.value,
        other => other,
    }
}

pub(crate) fn resources(kind: &str) -> Vec<(String, Value)> {
    let template = template();
    let resources = template["Resources"].as_mapping().unwrap();
    let of_kind = resources.iter().filter(|(_, resource)| resource["Type"] == kind);
    of_kind
        .map(|(name, resource)| (name.as_str().unwrap().to_owned(), resource["Properties"].clone()))
        .collect()
}

/// The binary of the function behind a route.
pub(crate) fn binary(function: Function) -> &'static str {
    match function {
        Function::Login => "login",
        Function::Refresh => "refresh",
        Function::Verify => "verify",
        Function::Sessions => "sessions",
        Function::Password => "password",
        Function::AccessToken => "access-token",
        Function::ClientToken => "client-token",
        Function::Redeem => "redeem",
        Function::RequestLetter => "request-letter",
        Function::Jwks => "jwks",
    }
}

/// The logical names of the functions by the binary that they run.
pub(crate) fn functions() -> BTreeMap<String, String> {
    let template = template();
    let resources = template["Resources"].as_mapping().unwrap();
    resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == "AWS::Serverless::Function")
        .map(|(name, resource)| {
            let binary = &resource["Metadata"]["BuildProperties"]["Binary"];
            (binary.as_str().unwrap().to_owned(), name.as_str().unwrap().to_owned())
        })
        .collect()
}

#[test]
fn the_routes_are_the_gateway_s_and_lead_to_the_same_functions() {
    let integrations: BTreeMap<String, String> = resources("AWS::ApiGatewayV2::Integration")
        .into_iter()
        .map(|(name, properties)| (name, serde_yaml_ng::to_string(&properties["IntegrationUri"]).unwrap()))
        .collect();
    let deployed: BTreeSet<(String, String)> = resources("AWS::ApiGatewayV2::Route")
        .into_iter()
        .map(|(_, properties)| {
            let target = plain(&properties["Target"]).as_str().unwrap().to_owned();
            let integration =
                target.trim_start_matches("integrations/").trim_start_matches("${").trim_end_matches('}');
            (properties["RouteKey"].as_str().unwrap().to_owned(), integrations[integration].clone())
        })
        .collect();
    let functions = functions();
    assert_eq!(deployed.len(), ROUTES.len());
    for (path, function) in ROUTES {
        let name = &functions[binary(function)];
        let route = deployed.iter().find(|(key, _)| *key == format!("ANY {path}"));
        let (_, uri) = route.unwrap_or_else(|| panic!("no route to {path}"));
        assert!(uri.contains(&format!("{name}.Arn")), "{path} leads to {uri}");
    }
}

#[test]
fn the_public_keys_are_published_every_five_minutes() {
    let (rule_name, rule) = &resources("AWS::Events::Rule")[0];
    assert_eq!(rule["ScheduleExpression"], "rate(5 minutes)");
    let rotation = &functions()["rotate-keys"];
    assert_eq!(plain(&rule["Targets"][0]["Arn"]), format!("{rotation}.Arn").as_str());
    let input: serde_json::Value =
        serde_json::from_str(rule["Targets"][0]["Input"].as_str().unwrap()).unwrap();
    assert_eq!(input, json!({ "Step": "publish" }));
    let permissions = resources("AWS::Lambda::Permission");
    let of_schedule = permissions.iter().find(|(_, it)| it["Principal"] == "events.amazonaws.com").unwrap();
    assert_eq!(plain(&of_schedule.1["SourceArn"]), format!("{rule_name}.Arn").as_str());
    assert_eq!(plain(&of_schedule.1["FunctionName"]), rotation.as_str());
}

#[tokio::test]
async fn the_secret_begins_without_a_key_and_the_first_rotation_makes_one() {
    let (_, secret) = &resources("AWS::SecretsManager::Secret")[0];
    let secrets = SecretsManager::start(secret["SecretString"].as_str().unwrap()).await;
    crate::rotation::rotate(&secrets, LOGIN_AT).await;
    let set = crate::rotation::keys(&secrets, "AWSCURRENT");
    assert!(set.signing_key(harness::at(LOGIN_AT)).is_some());
}

#[test]
fn every_variable_that_the_code_requires_is_set() {
    let template = template();
    let global = &template["Globals"]["Function"]["Environment"]["Variables"];
    let of_tokens = [
        "USERS_TABLE",
        "SIGNING_SECRET",
        "JWT_ISSUER",
        "JWT_AUDIENCE",
        "JWT_EXPIRATION_DELTA",
        "JWT_REFRESH_EXPIRATION_DELTA",
        "JWT_ALLOW_REFRESH",
    ];
    for (function, variables) in [
        ("login", &of_tokens[..]),
        ("refresh", &of_tokens),
        ("verify", &of_tokens),
        ("sessions", &of_tokens),
        ("password", &of_tokens),
        ("password", &["PASSWORD_MIN_LENGTH", "LOGIN_FAILURES_PER_ADDRESS"]),
        ("jwks", &["SIGNING_SECRET", "JWT_ISSUER"]),
        (
            "authorizer",
            &[
                "SIGNING_SECRET",
                "JWT_ISSUER",
                "JWT_AUDIENCE",
                "CHECK_SESSION",
                "AUTHORIZER_RESPONSE",
                "USERS_TABLE",
            ],
        ),
        (
            "rotate-keys",
            &[
                "SIGNING_SECRET",
                "SIGNING_ALGORITHM",
                "SIGNING_KEYS_MAX_STALE",
                "JWT_ISSUER",
                "JWT_AUDIENCE",
                "JWT_EXPIRATION_DELTA",
            ],
        ),
    ] {
        let name = &functions()[function];
        let own = &template["Resources"][name.as_str()]["Properties"]["Environment"]["Variables"];
        for variable in variables {
            assert!(!own[*variable].is_null() || !global[*variable].is_null(), "{function} lacks {variable}");
        }
    }
}

#[test]
fn a_change_of_the_password_is_sized_and_bounded_like_a_login() {
    let template = template();
    let [login, password] = ["Login", "Password"].map(|name| &template["Resources"][name]["Properties"]);
    for same in ["MemorySize", "ReservedConcurrentExecutions"] {
        assert_eq!(login[same], password[same], "{same}");
    }
    let [login, password] = [login, password].map(|it| &it["Environment"]["Variables"]);
    assert_eq!(login["LOGIN_FAILURES_PER_ADDRESS"], password["LOGIN_FAILURES_PER_ADDRESS"]);
}

#[test]
fn the_template_s_durations_are_the_worked_example_s_and_refreshing_is_on() {
    let parameters = &template()["Parameters"];
    assert_eq!(parameters["ExpirationDelta"]["Default"], "1h");
    assert_eq!(parameters["RefreshExpirationDelta"]["Default"], "2d");
    assert_eq!(parameters["AllowRefresh"]["Default"], "true");
    assert_eq!(parameters["Architecture"]["Default"], "arm64");
}

#[test]
fn users_and_keys_survive_the_deletion_of_the_stack_and_no_failed_deployment_leaves_them() {
    let template = template();
    for name in ["Users", "Changes", "PublicKeys", "SigningSecret"] {
        let resource = &template["Resources"][name];
        assert_eq!(resource["DeletionPolicy"], "RetainExceptOnCreate", "{name}");
        assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{name}");
    }
    // What a table is protected against, also its own stack cannot clean up.
    assert_eq!(template["Parameters"]["DeletionProtection"]["Default"], "false");
    for name in ["Users", "Changes", "PublicKeys"] {
        let table = &template["Resources"][name]["Properties"];
        assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true, "{name}");
        assert_eq!(plain(&table["DeletionProtectionEnabled"]), "DeletionProtection", "{name}");
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST", "{name}");
    }
    for name in ["Users", "Changes"] {
        let table = &template["Resources"][name]["Properties"];
        assert_eq!(table["TimeToLiveSpecification"]["AttributeName"], "expires_at", "{name}");
    }
}

#[test]
fn a_stack_can_go_on_with_the_table_and_the_secret_of_an_earlier_one() {
    let secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:old";
    let deployed = resolved(&[("UsersTableName", "old-users"), ("SigningSecretArn", secret)]);
    for made in ["Users", "SigningSecret"] {
        assert!(deployed["Resources"][made].is_null(), "{made} is made anew");
    }
    let variables = &deployed["Globals"]["Function"]["Environment"]["Variables"];
    assert_eq!(
        (&variables["USERS_TABLE"], &variables["SIGNING_SECRET"]),
        (&"old-users".into(), &secret.into())
    );
    let outputs = &deployed["Outputs"];
    assert_eq!(outputs["UsersTable"]["Value"], "old-users");
    assert_eq!(outputs["SigningSecret"]["Value"], secret);
    let everything = serde_yaml_ng::to_string(&deployed["Resources"]).unwrap();
    for gone in ["!Ref Users\n", "!GetAtt Users.Arn", "!Ref SigningSecret\n"] {
        assert!(!everything.contains(gone), "{gone}");
    }
    assert_eq!(deployed["Resources"]["Rotation"]["Properties"]["SecretId"], secret);
}

#[test]
fn a_rate_of_logins_needs_no_reserved_concurrency() {
    let deployed = resolved(&[("LoginThrottleRate", "5")]);
    let routes = &deployed["Resources"]["ApiStage"]["Properties"]["RouteSettings"];
    for route in ["ANY /auth/login", "ANY /auth/password"] {
        assert_eq!(routes[route]["ThrottlingRateLimit"], "5", "{route}");
    }
    let login = |deployed: &Value| {
        deployed["Resources"]["Login"]["Properties"]["ReservedConcurrentExecutions"].clone()
    };
    assert!(login(&deployed).is_null());
    assert_eq!(login(&resolved(&[("LoginReservedConcurrency", "10")])), "10");
}

#[test]
fn a_panic_unwinds_also_where_cargo_lambda_builds() {
    let manifest = include_str!("../../Cargo.toml");
    let profile = manifest.split("[profile.release]").nth(1).unwrap().split("\n[").next().unwrap();
    assert!(profile.contains("\npanic = \"unwind\"\n"), "{profile}");
}

#[test]
fn the_word_that_answers_sam_s_hidden_question_checks_no_origin() {
    let given = "a-secret-of-more-than-thirty-two-letters";
    for (parameter, variable) in [("", ""), ("none", ""), (given, given)] {
        let deployed = resolved(&[("OriginSecrets", parameter)]);
        assert_eq!(deployed["Globals"]["Function"]["Environment"]["Variables"]["ORIGIN_SECRETS"], variable);
    }
}

#[test]
fn the_authorizer_reads_a_cookie_only_where_one_is_named() {
    let template = template();
    let rule = &template["Rules"]["AuthorizerWithCookie"];
    assert_eq!(plain(&plain(&rule["RuleCondition"])[0]), "AuthorizerReadsCookie");
    let asserted = serde_yaml_ng::to_string(&rule["Assertions"][0]["Assert"]).unwrap();
    assert!(asserted.contains("AuthCookie"), "{asserted}");
    let variables = |parameters| {
        let deployed = resolved(parameters);
        deployed["Resources"]["Authorizer"]["Properties"]["Environment"]["Variables"]["AUTHORIZER_READS_COOKIE"].clone()
    };
    assert_eq!(variables(&[]), "false");
    assert_eq!(variables(&[("AuthorizerReadsCookie", "true")]), "true");
}
