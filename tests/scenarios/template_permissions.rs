//! Who may do what by template.yaml: what each role allows is what its use case does, and no more.

use std::{collections::BTreeSet, time::Duration};

use edge::Endpoint as _;
use harness::{Event, LOGIN_AT, SecretsManager, World};
use http::Method;
use serde_json::json;
use serde_yaml_ng::Value;

use crate::{
    resolved::{EVERYTHING, resolved},
    template::{functions, plain, resources, template},
};

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
fn the_api_may_invoke_every_function_of_its_routes() {
    let mut routed = functions();
    routed.remove("rotate-keys");
    routed.remove("prune-sessions");
    routed.remove("mailer");
    routed.remove("authorizer");
    for (parameters, callee) in [(&[][..], ""), (&[("TrafficShifting", "AllAtOnce")], ".Alias")] {
        let deployed = resolved(&[EVERYTHING, parameters].concat());
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
        let deployed = resolved(&[EVERYTHING, parameters].concat());
        deployed["Resources"]["SigningSecretPolicy"]["Properties"]["ResourcePolicy"]["Statement"]
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
    // Neither clearing away sessions, nor redeeming a code, nor a letter takes a key.
    let keyless =
        |function: &String| ["PruneSessions", "Redeem", "RequestLetter", "Mailer"].contains(&&**function);
    let with_keys = functions().into_values().filter(|function| !keyless(function));
    assert_eq!(roles, with_keys.map(|function| format!("{function}Role.Arn")).collect());
}

#[test]
fn no_function_may_touch_the_record_of_changes_and_nobody_may_alter_it() {
    let template = template();
    let changes = &template["Resources"]["Changes"]["Properties"];
    assert_eq!(plain(&changes["TableName"])[0], "${Table}-changes", "latchkey finds it by its name");
    for role in resources("AWS::IAM::Role").into_iter().chain(resources("AWS::IAM::ManagedPolicy")) {
        let text = serde_yaml_ng::to_string(&role.1).unwrap();
        assert!(!text.contains("Changes") && !text.contains("-changes"), "{}", role.0);
    }
    let policy = &changes["ResourcePolicy"]["PolicyDocument"]["Statement"][0];
    assert_eq!((&policy["Effect"], &policy["Principal"]), (&"Deny".into(), &"*".into()));
    assert!(policy["Condition"].is_null(), "without an exception");
    let denied = texts(&policy["Action"]);
    for action in ["UpdateItem", "DeleteItem", "BatchWriteItem", "PartiQLUpdate", "PartiQLDelete"] {
        assert!(denied.contains(&format!("dynamodb:{action}")), "{action}");
    }
}

#[test]
fn sessions_are_cleared_away_once_a_week_by_a_function_that_reads_no_hash_and_that_can_be_left_out() {
    let by_default = crate::resolved::resolved(&[]);
    let statement = &by_default["Resources"]["PruneSessionsRole"]["Properties"]["Policies"][0]["PolicyDocument"]
        ["Statement"][0];
    let read = texts(&statement["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"]);
    assert_eq!(read, ["pk", "sessions", "user_id", "username"].map(str::to_owned).into());
    assert_eq!(statement["Condition"]["StringEquals"]["dynamodb:Select"], "SPECIFIC_ATTRIBUTES");
    let written = &by_default["Resources"]["PruneSessionsRole"]["Properties"]["Policies"][0]["PolicyDocument"]
        ["Statement"][1]["Condition"];
    assert_eq!(
        texts(&written["ForAllValues:StringEquals"]["dynamodb:Attributes"]),
        ["pk", "sessions", "user_id"].map(str::to_owned).into()
    );
    assert_eq!(written["StringEqualsIfExists"]["dynamodb:ReturnValues"], "NONE");
    assert_eq!(by_default["Resources"]["Pruning"]["Properties"]["ScheduleExpression"], "rate(7 days)");
    let without = crate::resolved::resolved(&[("PruneOldSessions", "false")]);
    for name in ["PruneSessions", "PruneSessionsRole", "Pruning", "PruningPermission"] {
        assert!(without["Resources"][name].is_null() && !by_default["Resources"][name].is_null(), "{name}");
    }
}

#[test]
fn a_stack_that_goes_on_with_a_table_can_make_the_record_of_changes_anew() {
    let adopted = [("UsersTableName", "users-before")];
    assert!(crate::resolved::resolved(&adopted)["Resources"]["Changes"].is_null(), "it may be there");
    let anew = crate::resolved::resolved(&[adopted[0], ("MakeChangesTable", "true")]);
    let name = plain(&anew["Resources"]["Changes"]["Properties"]["TableName"]);
    assert_eq!((&name[0], &name[1]["Table"]), (&"${Table}-changes".into(), &"users-before".into()));
}

#[test]
fn every_role_has_the_boundary_and_the_path_that_an_organisation_demands() {
    let boundary = "arn:aws:iam::123456789012:policy/boundary";
    let everything =
        [("PermissionsBoundary", boundary), ("RolePath", "/teams/"), ("TrafficShifting", "AllAtOnce")];
    let deployed = resolved(&[EVERYTHING, &everything].concat());
    for (name, _) in resources("AWS::IAM::Role") {
        let role = &deployed["Resources"][name.as_str()]["Properties"];
        assert_eq!(
            (&role["PermissionsBoundary"], &role["Path"]),
            (&boundary.into(), &"/teams/".into()),
            "{name}"
        );
        let without = &resolved(EVERYTHING)["Resources"][name.as_str()]["Properties"];
        assert!(without["PermissionsBoundary"].is_null());
    }
    assert_eq!(deployed["Resources"]["FunctionPolicy"]["Properties"]["Path"], "/teams/");
}

/// The actions of a function's own policy, with the resource of each.
fn granted(function: &str) -> BTreeSet<(String, String)> {
    let template = resolved(EVERYTHING);
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
async fn needed() -> [(&'static str, BTreeSet<(String, String)>); 14] {
    let world = World::with(&crate::access_tokens::SETTINGS).await;
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
    let (access_token, client_token) =
        crate::access_tokens::operations(&world, "another horse battery").await;
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
    let settings = edge::Environment::new(&|_: &str| None);
    let pruning = prune_sessions::PruneSessions::new(world.users.clone(), &settings).unwrap();
    let pruning = pruning.run(harness::at(LOGIN_AT + 30 * 86_400), Duration::from_mins(1)).await;
    assert!(pruning.result.is_ok());
    let pruning = world.operations();
    assert_eq!(pruning, ["Scan", "UpdateItem"], "there was something to clear away");
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
    let [request_letter, mailer] = Box::pin(of_letters()).await;
    [
        ("login", signs(login)),
        ("refresh", signs(refresh)),
        ("verify", verifies(verify)),
        ("sessions", verifies(sessions)),
        ("password", signs(password).into_iter().chain([puts_letters()]).collect()),
        ("access-token", signs(access_token)),
        ("client-token", signs(client_token)),
        ("redeem", crate::template_codes::needed().await),
        ("request-letter", request_letter),
        ("mailer", mailer),
        ("jwks", verifies(jwks)),
        ("authorizer", verifies(authorizer)),
        ("rotate-keys", rotation),
        ("prune-sessions", pruning.into_iter().map(on_users).collect()),
    ]
}

/// Asking for a letter.
pub(crate) fn puts_letters() -> (String, String) {
    ("dynamodb:PutItem".to_owned(), "!GetAtt Outbox.Arn".to_owned())
}

/// What asking for a letter and sending it need.
async fn of_letters() -> [BTreeSet<(String, String)>; 2] {
    let [request, mailer] = Box::pin(crate::mail::operations()).await;
    assert_eq!(request, ["PutItem"]);
    let calls: BTreeSet<_> = mailer.into_iter().collect();
    let expected = ["GetItem", "PutItem", "TransactWriteItems", "UpdateItem"].map(str::to_owned);
    assert_eq!(calls, expected.into());
    let on = |table: &str, actions: &[&str]| {
        let resource = format!("!GetAtt {table}");
        actions.iter().map(|action| (format!("dynamodb:{action}"), resource.clone())).collect::<Vec<_>>()
    };
    // A transaction updates its rows. The stream is Lambda's to read.
    let stream = ["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"];
    let tables = [
        on("Outbox.Arn", &["GetItem", "UpdateItem"]),
        on("Codes.Arn", &["GetItem", "PutItem", "UpdateItem"]),
        on("Users.Arn", &["GetItem"]),
        on("Outbox.StreamArn", &stream),
    ];
    let identities = "- !Sub arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/*\n- !Sub \
         arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/${MailConfigurationSet}";
    let sends = ("ses:SendEmail".to_owned(), identities.to_owned());
    [[puts_letters()].into(), tables.into_iter().flatten().chain([sends]).collect()]
}

fn texts(list: &Value) -> BTreeSet<String> {
    list.as_sequence().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Who may give machine clients their tokens reads no user, and cannot make a client.
#[test]
fn the_function_of_machine_clients_reads_clients_alone_and_writes_only_how_often_a_secret_was_wrong() {
    let role = &resolved(EVERYTHING)["Resources"]["ClientTokenRole"]["Properties"];
    let statements = role["Policies"][0]["PolicyDocument"]["Statement"].as_sequence().unwrap();
    let on_rows: Vec<_> = statements.iter().filter(|it| !it["Condition"].is_null()).collect();
    let rows = |statement: &Value| {
        let condition = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
        (statement["Action"].as_str().unwrap().to_owned(), texts(condition))
    };
    let expected = [
        ("dynamodb:BatchGetItem", &["client#*", "client-address#*"][..]),
        ("dynamodb:UpdateItem", &["client-address#*"]),
    ];
    let expected = expected.map(|(action, rows)| {
        (action.to_owned(), rows.iter().map(|row| (*row).to_owned()).collect::<BTreeSet<_>>())
    });
    assert_eq!(on_rows.into_iter().map(rows).collect::<Vec<_>>(), expected);
    let unbounded = statements.iter().filter(|it| it["Condition"].is_null());
    assert_eq!(
        unbounded.map(|it| it["Action"].as_str().unwrap()).collect::<Vec<_>>(),
        ["secretsmanager:GetSecretValue"]
    );
}

/// W1
#[test]
fn without_access_tokens_no_role_variable_or_route_of_theirs_is_there() {
    let by_default = serde_yaml_ng::to_string(&resolved(&[])).unwrap();
    let (_, by_default) = by_default.split_once("\nConditions:").unwrap();
    let (_, resources) = by_default.split_once("\nGlobals:").unwrap_or(("", by_default));
    for trace in [
        "ACCESS_TOKEN",
        "MACHINE_CLIENTS",
        "AUTHORIZER_AUDIENCE",
        "AccessToken",
        "ClientToken",
        "/oauth2",
        "client#",
    ] {
        assert!(!resources.contains(trace), "{trace}");
    }
    let with = resolved(&[("AccessTokenAudiences", "https://orders.example.com")]);
    for name in ["ClientToken", "ClientTokenRole", "ClientTokenRoute"] {
        assert!(with["Resources"][name].is_null(), "{name}");
    }
}

/// A-7: whatever the three parameters are.
#[test]
fn the_template_takes_access_tokens_only_beside_keys_that_have_a_public_half() {
    let rule = &template()["Rules"]["AccessTokensWithPublicKeys"];
    assert_eq!(plain(&plain(&plain(&rule["RuleCondition"])[0])[0]), "AccessTokenAudiences");
    let assertions = rule["Assertions"].as_sequence().unwrap();
    let holds = |algorithm: &str, reads_secret: &str| {
        let [not_hs256, no_secret] = &assertions[..] else { panic!("not two assertions") };
        let (not_hs256, no_secret) = (plain(&not_hs256["Assert"]), plain(&no_secret["Assert"]));
        let of_algorithm = plain(&not_hs256[0]);
        assert_eq!(
            (plain(&of_algorithm[0]), plain(&no_secret[0])),
            (&"SigningAlgorithm".into(), &"VerifiersReadSecret".into())
        );
        of_algorithm[1] != algorithm && no_secret[1] == reads_secret
    };
    for algorithm in ["RS256", "ES256", "EdDSA", "HS256"] {
        for reads_secret in ["true", "false"] {
            assert_eq!(holds(algorithm, reads_secret), algorithm != "HS256" && reads_secret == "false");
        }
    }
}
