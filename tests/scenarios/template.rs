//! template.yaml against the code: the same routes, and roles that allow what the use cases do and no more.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use edge::Endpoint as _;
use harness::{Event, LOGIN_AT, SecretsManager, World};
use http::Method;
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

fn binary(function: Function) -> &'static str {
    match function {
        Function::Login => "login",
        Function::Refresh => "refresh",
        Function::Verify => "verify",
        Function::Sessions => "sessions",
        Function::Password => "password",
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

/// The actions of a function's own policy, with the resource of each.
fn granted(function: &str) -> BTreeSet<(String, String)> {
    let template = resolved(&[]);
    let name = &functions()[function];
    let role = plain(&template["Resources"][name.as_str()]["Properties"]["Role"]);
    let role = role.as_str().unwrap().trim_end_matches(".Arn").to_owned();
    let properties = &template["Resources"][role.as_str()]["Properties"];
    let mut documents: Vec<Value> = Vec::new();
    documents.extend(
        properties["Policies"]
            .as_sequence()
            .into_iter()
            .flatten()
            .map(|policy| policy["PolicyDocument"].clone()),
    );
    for policy in template["Resources"].as_mapping().unwrap().values() {
        if policy["Type"] == "AWS::IAM::Policy" && plain(&policy["Properties"]["Roles"][0]) == role.as_str() {
            documents.push(policy["Properties"]["PolicyDocument"].clone());
        }
    }
    let of_all = properties["ManagedPolicyArns"].as_sequence().unwrap().iter().map(plain);
    assert_eq!(of_all.collect::<Vec<_>>(), ["FunctionPolicy"], "{function}");
    let mut granted = BTreeSet::new();
    for document in documents {
        for statement in document["Statement"].as_sequence().unwrap() {
            let actions = match &statement["Action"] {
                Value::Sequence(list) => {
                    list.iter().map(|action| action.as_str().unwrap().to_owned()).collect()
                }
                one => vec![one.as_str().unwrap().to_owned()],
            };
            let resource = serde_yaml_ng::to_string(&statement["Resource"]).unwrap().trim().to_owned();
            granted.extend(actions.into_iter().map(|action| (action, resource.clone())));
        }
    }
    granted
}

/// The actions that a use case needs, each with its resource: the calls it made while everything it can do was done.
async fn needed() -> [(&'static str, BTreeSet<(String, String)>); 8] {
    let world = World::new().await;
    world.create("ada", "correct horse battery").await;
    world.operations();
    let token = world.log_in("ada", "correct horse battery", LOGIN_AT).await.token().to_owned();
    for _ in 0..5 {
        world.log_in("ada", "wrong", LOGIN_AT).await;
    }
    world.log_in("ada", "wrong", LOGIN_AT).await;
    assert_eq!(world.log_in("ada", "correct horse battery", LOGIN_AT + 900).await.status, 200);
    world.gateway.login.warm_up(harness::at(LOGIN_AT)).await;
    let login = world.operations();
    world.gateway.refresh.warm_up(harness::at(LOGIN_AT)).await;
    assert_eq!(world.operations(), ["GetItem"]);
    assert_eq!(world.refresh(&token, LOGIN_AT).await.status, 200);
    let refresh = world.operations();
    let body = json!({ "token": token, "check_session": true });
    assert_eq!(world.post("/auth/verify", &body, LOGIN_AT).await.status, 200);
    let verify = world.operations();
    let other = world.log_in("ada", "correct horse battery", LOGIN_AT).await.token().to_owned();
    let other = world.claims(&other, LOGIN_AT).session_id.to_string();
    world.operations();
    assert_eq!(world.list_sessions(&token, LOGIN_AT).await.status, 200);
    assert_eq!(world.end_session(&other, &token, LOGIN_AT).await.status, 204);
    assert_eq!(world.log_out_everywhere(&token, LOGIN_AT).await.status, 204);
    assert_eq!(world.log_out(&token, LOGIN_AT).await.status, 204);
    let sessions = world.operations();
    let token = world.log_in("ada", "correct horse battery", LOGIN_AT + 900).await.token().to_owned();
    world.operations();
    let body = json!({ "current_password": "wrong", "new_password": "another horse battery" });
    for _ in 0..5 {
        let event = Event::http_api(&Method::POST, "/auth/password").json(&body).bearer(&token);
        assert_eq!(world.send("/auth/password", &event, LOGIN_AT + 900).await.code(), "invalid_credentials");
    }
    let body =
        json!({ "current_password": "correct horse battery", "new_password": "another horse battery" });
    let event = Event::http_api(&Method::POST, "/auth/password").json(&body).bearer(&token);
    assert_eq!(world.send("/auth/password", &event, LOGIN_AT + 999).await.status, 200);
    world.gateway.password.warm_up(harness::at(LOGIN_AT)).await;
    let password = world.operations();
    let path = "/.well-known/jwks.json";
    assert_eq!(world.send(path, &Event::http_api(&Method::GET, path), LOGIN_AT).await.status, 200);
    let jwks = world.operations();
    let authorizer = world.authorizer(&[("CHECK_SESSION", "true")]);
    let token = world.log_in("ada", "another horse battery", LOGIN_AT + 999).await.token().to_owned();
    world.operations();
    let event = crate::authorizer::with_token("http_api_2", &token).to_string();
    let answer =
        authorizer.answer(&event, harness::at(LOGIN_AT + 999), Duration::from_secs(8)).await.unwrap();
    assert_eq!(answer["isAuthorized"], true);
    let authorizer = world.operations();
    // A transaction needs the actions of its parts, and ours update.
    let action = |call: String| format!("dynamodb:{}", call.replace("TransactWriteItems", "UpdateItem"));
    let on_users = |call: String| (action(call), "!GetAtt Users.Arn".to_owned());
    // Each holds `SigningKeys`, which make one call: those that sign this one, and the others that one.
    let secret = |action: &str| (format!("secretsmanager:{action}"), "!Ref SigningSecret".to_owned());
    let public = |action: &str| (format!("dynamodb:{action}"), "!GetAtt PublicKeys.Arn".to_owned());
    let signs =
        |calls: Vec<String>| calls.into_iter().map(on_users).chain([secret("GetSecretValue")]).collect();
    let verifies = |calls: Vec<String>| calls.into_iter().map(on_users).chain([public("GetItem")]).collect();
    let secrets = SecretsManager::start(r#"{"keys":[]}"#).await;
    crate::rotation::rotate(&secrets, LOGIN_AT).await;
    let rotation = secrets
        .calls()
        .iter()
        .map(|call| secret(call))
        .chain([public("GetItem"), public("PutItem")])
        .collect();
    [
        ("login", signs(login)),
        ("refresh", signs(refresh)),
        ("verify", verifies(verify)),
        ("sessions", verifies(sessions)),
        ("password", signs(password)),
        ("jwks", verifies(jwks)),
        ("authorizer", verifies(authorizer)),
        ("rotate-keys", rotation),
    ]
}

#[tokio::test]
async fn each_role_allows_what_its_use_case_does_and_no_more() {
    for (function, needed) in Box::pin(needed()).await {
        assert_eq!(granted(function), needed, "{function}");
    }
}

#[test]
fn the_secret_is_read_only_by_functions_that_sign_unless_tokens_cannot_be_verified_otherwise() {
    let template = template();
    let condition = serde_yaml_ng::to_string(&template["Conditions"]["VerifiersReadTable"]).unwrap();
    let condition: Vec<_> = condition.split_whitespace().filter(|word| *word != "-").collect();
    let expected = "!Not !Or !Equals !Ref SigningAlgorithm HS256 !Equals !Ref VerifiersReadSecret 'true'";
    assert_eq!(condition.join(" "), expected);
    assert_eq!(template["Parameters"]["VerifiersReadSecret"]["Default"], "false");
    for role in ["VerifyRole", "SessionsRole", "JwksRole", "AuthorizerRole"] {
        let policies = &template["Resources"][role]["Properties"]["Policies"];
        let statements = policies[0]["PolicyDocument"]["Statement"].as_sequence().unwrap();
        let of_secret = |value: &Value| serde_yaml_ng::to_string(value).unwrap().contains("secretsmanager");
        let [choice] = &statements.iter().filter(|it| of_secret(it)).collect::<Vec<_>>()[..] else {
            panic!("{role}: not one statement about the secret")
        };
        assert_eq!(plain(choice)[0], "VerifiersReadTable", "{role}");
        assert!(!of_secret(&plain(choice)[1]) && of_secret(&plain(choice)[2]), "{role}");
    }
    // The table is there and written whoever reads it: a deployment that switches to it finds the keys.
    for resource in ["PublicKeys", "Publication", "PublicationPermission"] {
        assert!(template["Resources"][resource]["Condition"].is_null(), "{resource}");
    }
    let own = &template["Resources"]["RotateKeys"]["Properties"]["Environment"]["Variables"];
    assert_eq!(plain(&own["PUBLIC_KEYS_TABLE"]), "PublicKeys");
    let variable = &template["Globals"]["Function"]["Environment"]["Variables"]["PUBLIC_KEYS_TABLE"];
    assert_eq!(
        (&plain(variable)[0], plain(&plain(variable)[1])),
        (&"VerifiersReadTable".into(), &"PublicKeys".into())
    );
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

#[test]
fn the_api_may_invoke_every_function_of_its_routes() {
    let mut routed = functions();
    routed.remove("rotate-keys");
    routed.remove("authorizer");
    for (parameters, callee) in [(&[][..], ""), (&[("TrafficShifting", "AllAtOnce")], ".Alias")] {
        let deployed = resolved(parameters);
        let invocable: BTreeSet<_> = resources("AWS::Lambda::Permission")
            .into_iter()
            .map(|(name, _)| &deployed["Resources"][name.as_str()]["Properties"])
            .filter(|properties| properties["Principal"] == "apigateway.amazonaws.com")
            .map(|properties| {
                assert!(serde_yaml_ng::to_string(&properties["SourceArn"]).unwrap().contains("${Api}"));
                plain(&properties["FunctionName"]).as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(invocable, routed.values().map(|function| format!("{function}{callee}")).collect());
    }
}

#[test]
fn secrets_manager_may_invoke_the_rotation_function_for_this_secret_of_this_account_only() {
    let (secret, _) = &resources("AWS::SecretsManager::Secret")[0];
    let deployed = resolved(&[]);
    let of_kind = |kind: &str| {
        let all = deployed["Resources"].as_mapping().unwrap().iter();
        let found = all.filter(|(_, it)| it["Type"] == kind);
        found.map(|(name, it)| (name.as_str().unwrap().to_owned(), it.clone())).collect::<Vec<_>>()
    };
    let permissions = of_kind("AWS::Lambda::Permission");
    let principal = |it: &Value| it["Properties"]["Principal"] == "secretsmanager.amazonaws.com";
    let [permission] = &permissions.iter().filter(|(_, it)| principal(it)).collect::<Vec<_>>()[..] else {
        panic!("not one permission")
    };
    let rotation = &functions()["rotate-keys"];
    let allowed = &permission.1["Properties"];
    assert_eq!(plain(&allowed["FunctionName"]), rotation.as_str());
    assert_eq!(plain(&allowed["SourceAccount"]), "AWS::AccountId");
    assert_eq!(plain(&allowed["SourceArn"]), secret.as_str());

    let (_, rotating) = &of_kind("AWS::SecretsManager::RotationSchedule")[0];
    // Else the first rotation, at once, could come before the permission or the policy and be denied.
    let after: Vec<_> =
        rotating["DependsOn"].as_sequence().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert_eq!(after, [permission.0.as_str(), "RotateKeysPolicy"]);
    let schedule = &rotating["Properties"];
    assert_eq!(plain(&schedule["SecretId"]), secret.as_str());
    assert_eq!(plain(&schedule["RotationLambdaARN"]), format!("{rotation}.Arn").as_str());
    assert_eq!(schedule["RotateImmediatelyOnUpdate"], true);
    assert_eq!(schedule["RotationRules"]["AutomaticallyAfterDays"], "30");
    assert_eq!(template()["Parameters"]["RotationDays"]["Default"], 30);
    assert_eq!(template()["Parameters"]["SigningAlgorithm"]["Default"], "RS256");
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
fn an_authorizer_that_checks_no_session_cannot_read_the_table() {
    let template = template();
    let condition = &template["Conditions"]["AuthorizerReadsUsers"];
    assert_eq!(plain(&plain(condition)[0]), "AuthorizerChecksSession");
    assert_eq!(plain(condition)[1], "true");
    let own = &template["Resources"]["Authorizer"]["Properties"]["Environment"]["Variables"];
    assert_eq!(plain(&own["CHECK_SESSION"]), "AuthorizerChecksSession");
    let policies = &template["Resources"]["AuthorizerRole"]["Properties"]["Policies"];
    let statements = policies[0]["PolicyDocument"]["Statement"].as_sequence().unwrap();
    for statement in statements {
        let text = serde_yaml_ng::to_string(statement).unwrap();
        assert_eq!(text.contains("Users.Arn"), text.contains("AuthorizerReadsUsers"));
    }
    assert_eq!(plain(&statements[0])[0], "AuthorizerReadsUsers");
    assert_eq!(plain(&plain(&statements[0])[2]), "AWS::NoValue");
    assert_eq!(plain(&resolved(&[])["Outputs"]["AuthorizerArn"]["Value"]), "Authorizer.Arn");
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
    for name in ["Users", "PublicKeys", "SigningSecret"] {
        let resource = &template["Resources"][name];
        assert_eq!(resource["DeletionPolicy"], "RetainExceptOnCreate", "{name}");
        assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{name}");
    }
    // What a table is protected against, also its own stack cannot clean up.
    assert_eq!(template["Parameters"]["DeletionProtection"]["Default"], "false");
    for name in ["Users", "PublicKeys"] {
        let table = &template["Resources"][name]["Properties"];
        assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true, "{name}");
        assert_eq!(plain(&table["DeletionProtectionEnabled"]), "DeletionProtection", "{name}");
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST", "{name}");
    }
    let users = &template["Resources"]["Users"]["Properties"];
    assert_eq!(users["TimeToLiveSpecification"]["AttributeName"], "expires_at");
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

fn texts(list: &Value) -> BTreeSet<String> {
    list.as_sequence().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[test]
fn nobody_but_rotate_keys_writes_public_keys_and_no_other_account_reads_the_secret() {
    let template = template();
    let policy = &template["Resources"]["PublicKeys"]["Properties"]["ResourcePolicy"]["PolicyDocument"];
    let statement = &policy["Statement"][0];
    assert_eq!((&statement["Effect"], &statement["Principal"]), (&"Deny".into(), &"*".into()));
    let denied: BTreeSet<_> = texts(&statement["Action"]);
    let by_item = ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"];
    let by_partiql = ["PartiQLInsert", "PartiQLUpdate", "PartiQLDelete"];
    assert_eq!(
        denied,
        by_item.into_iter().chain(by_partiql).map(|action| format!("dynamodb:{action}")).collect()
    );
    let writers = |parameters: &[(&str, &str)]| {
        let deployed = resolved(parameters);
        let policy = &deployed["Resources"]["PublicKeys"]["Properties"]["ResourcePolicy"]["PolicyDocument"];
        let excepted = &policy["Statement"][0]["Condition"]["ArnNotLike"]["aws:PrincipalArn"];
        excepted.as_sequence().unwrap().iter().map(|it| plain(it).clone()).collect::<Vec<_>>()
    };
    assert_eq!(writers(&[]), ["RotateKeysRole.Arn"]);
    let administrator = "arn:aws:iam::123456789012:role/keys";
    assert_eq!(writers(&[("KeyAdministratorArn", administrator)]), ["RotateKeysRole.Arn", administrator]);

    let of_secret = |parameters: &[(&str, &str)]| {
        resolved(parameters)["Resources"]["SigningSecretPolicy"]["Properties"]["ResourcePolicy"]["Statement"]
            .as_sequence()
            .unwrap()
            .clone()
    };
    let own_account = of_secret(&[]);
    assert_eq!(own_account.len(), 1);
    let account = &own_account[0]["Condition"]["StringNotEquals"]["aws:PrincipalAccount"];
    assert_eq!(plain(account), "AWS::AccountId");
    let named = of_secret(&[("KeyAdministratorArn", administrator)]);
    let denied: BTreeSet<_> = texts(&named[1]["Action"]);
    let ways = ["GetSecretValue", "PutSecretValue", "UpdateSecret", "UpdateSecretVersionStage"];
    assert_eq!(denied, ways.into_iter().map(|action| format!("secretsmanager:{action}")).collect());
    let excepted = named[1]["Condition"]["ArnNotLike"]["aws:PrincipalArn"].as_sequence().unwrap();
    let roles: BTreeSet<_> = excepted[1..].iter().map(|it| plain(it).as_str().unwrap().to_owned()).collect();
    assert_eq!(excepted[0], administrator);
    assert_eq!(roles, functions().values().map(|function| format!("{function}Role.Arn")).collect());
}

#[test]
fn every_role_has_the_boundary_and_the_path_that_an_organisation_demands() {
    let boundary = "arn:aws:iam::123456789012:policy/boundary";
    let everything =
        [("PermissionsBoundary", boundary), ("RolePath", "/teams/"), ("TrafficShifting", "AllAtOnce")];
    let deployed = resolved(&everything);
    for (name, _) in resources("AWS::IAM::Role") {
        let role = &deployed["Resources"][name.as_str()]["Properties"];
        assert_eq!(
            (&role["PermissionsBoundary"], &role["Path"]),
            (&boundary.into(), &"/teams/".into()),
            "{name}"
        );
        assert!(resolved(&[])["Resources"][name.as_str()]["Properties"]["PermissionsBoundary"].is_null());
    }
    assert_eq!(deployed["Resources"]["FunctionPolicy"]["Properties"]["Path"], "/teams/");
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
