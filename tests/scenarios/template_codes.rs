//! What template.yaml makes of `AccountLink`: a table whose writers could let anybody in, and who has a right to it.

use std::collections::BTreeSet;

use serde_yaml_ng::Value;

use crate::{
    resolved::{EVERYTHING, resolved},
    template::{plain, template},
};

const ON: &[(&str, &str)] =
    &[("AccountLink", "https://app.example.com/account"), ("CorsAllowedOrigins", "https://app.example.com")];

/// What `redeem` needs: the actions of the calls that it made, and of the parts of its transactions.
pub(crate) async fn needed() -> BTreeSet<(String, String)> {
    let calls: BTreeSet<_> = crate::accounts::operations().await.into_iter().collect();
    let expected = ["BatchGetItem", "GetItem", "TransactWriteItems"].map(str::to_owned);
    assert_eq!(calls, expected.into());
    let on = |table: &str, actions: &[&str]| {
        let resource = format!("!GetAtt {table}.Arn");
        actions.iter().map(|action| (format!("dynamodb:{action}"), resource.clone())).collect::<Vec<_>>()
    };
    // The row of the user is read once more where the answer to a transaction was lost.
    let users = on("Users", &["BatchGetItem", "GetItem", "PutItem", "UpdateItem"]);
    let codes = on("Codes", &["BatchGetItem", "DeleteItem", "GetItem"]);
    users.into_iter().chain(codes).chain([crate::template_permissions::puts_letters()]).collect()
}

fn statements(role: &Value) -> Vec<Value> {
    let policies = role["Properties"]["Policies"].as_sequence().into_iter().flatten();
    policies.flat_map(|policy| policy["PolicyDocument"]["Statement"].as_sequence().unwrap().clone()).collect()
}

/// of all roles one may read codes and delete them, and where letters are sent another may write them; none else knows the
/// table.
#[test]
fn no_function_but_the_mailer_may_write_a_code() {
    let deployed = resolved(EVERYTHING);
    for (name, resource) in deployed["Resources"].as_mapping().unwrap() {
        let text = serde_yaml_ng::to_string(resource).unwrap();
        let knows = text.contains("Codes.Arn") || text.contains("-codes") || text.contains("!Ref Codes");
        let may_know =
            ["Codes", "Redeem", "RedeemRole", "Mailer", "MailerRole"].contains(&name.as_str().unwrap());
        assert_eq!(knows, may_know, "{name:?}");
        if resource["Type"] == "AWS::IAM::Role" && name != "RedeemRole" {
            for statement in statements(resource) {
                let resources = serde_yaml_ng::to_string(&statement["Resource"]).unwrap();
                let on_everything = resources.trim() == "'*'";
                let actions = serde_yaml_ng::to_string(&statement["Action"]).unwrap();
                assert!(!(on_everything && actions.contains("dynamodb")), "{name:?}: {actions}");
            }
        }
    }
    let of_redeem = statements(&deployed["Resources"]["RedeemRole"]);
    let on_codes: Vec<_> = of_redeem
        .iter()
        .filter(|statement| serde_yaml_ng::to_string(&statement["Resource"]).unwrap().contains("Codes"))
        .map(|statement| serde_yaml_ng::to_string(&statement["Action"]).unwrap())
        .collect();
    assert_eq!(on_codes, ["- dynamodb:BatchGetItem\n- dynamodb:DeleteItem\n- dynamodb:GetItem\n"]);
}

/// It makes and changes users, and neither clients nor anything else that is in their table; and it has no key.
#[test]
fn redeem_writes_users_and_failed_logins_alone_and_reads_no_secret() {
    let role = &resolved(EVERYTHING)["Resources"]["RedeemRole"];
    let statements = statements(role);
    let on_users = statements.iter().find(|it| !it["Condition"].is_null()).unwrap();
    let keys = &on_users["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
    assert_eq!(
        serde_yaml_ng::to_string(keys).unwrap(),
        "- user#*\n- attempts#*\n- code#*\n- invitation#*\n- recovery#*\n- letter#*\n"
    );
    assert!(!serde_yaml_ng::to_string(role).unwrap().contains("secretsmanager"));
}

/// W1
#[test]
fn without_account_link_there_is_no_table_function_route_role_or_variable() {
    let trace = |parameters| {
        let deployed = resolved(parameters);
        let traces = ["Redeem", "Codes", "-codes", "CODES_TABLE", "ACCOUNT_LINK", "/auth/code", "/complete"];
        let text = ["Resources", "Outputs"].map(|part| serde_yaml_ng::to_string(&deployed[part]).unwrap());
        traces.map(|trace| text.iter().any(|text| text.contains(trace)))
    };
    assert_eq!(trace(&[]), [false; 7]);
    assert_eq!(trace(ON), [true; 7]);
    let names = |parameters| {
        let deployed = resolved(parameters);
        let resources = deployed["Resources"].as_mapping().unwrap();
        resources.keys().map(|name| name.as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let without = names(&ON[1..]);
    let added = names(ON);
    assert!(without.is_subset(&added));
    assert_eq!(added.difference(&without).count(), 10);
}

/// Open question 4 of the review: they hold nothing that cannot be asked for again.
#[test]
fn the_table_of_codes_goes_with_the_setting_and_is_named_for_latchkey() {
    let deployed = resolved(ON);
    let table = &deployed["Resources"]["Codes"];
    assert_eq!(
        (&table["DeletionPolicy"], &table["UpdateReplacePolicy"]),
        (&"Delete".into(), &"Delete".into())
    );
    let properties = &table["Properties"];
    assert_eq!(plain(&properties["TableName"])[0], "${Table}-codes");
    assert!(
        properties["PointInTimeRecoverySpecification"].is_null(),
        "a restored code was used or withdrawn"
    );
    assert_eq!(properties["TimeToLiveSpecification"]["AttributeName"], "expires_at");
    assert_eq!(deployed["Outputs"]["AccountLink"]["Value"], ON[0].1);
}

/// with the address of API Gateway no page of yours has the issuer's origin.
#[test]
fn the_rule_asks_for_one_of_the_three_parameters_by_which_a_page_can_call() {
    let rule = &template()["Rules"]["LinkToPageThatCanCall"];
    assert_eq!(plain(&plain(&plain(&rule["RuleCondition"])[0])[0]), "AccountLink");
    let one_of = plain(&rule["Assertions"][0]["Assert"]).as_sequence().unwrap().clone();
    let named: Vec<_> = one_of.iter().map(|it| plain(&plain(&plain(it)[0])[0]).clone()).collect();
    assert_eq!(named, ["CorsAllowedOrigins", "Issuer", "DomainName"].map(Value::from));
}
