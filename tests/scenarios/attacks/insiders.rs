//! People inside, who need no function: what `CloudTrail` writes of them, as AWS documents its records, and the queries of
//! docs/attacks.md on it.

use serde_json::json;

use crate::insights::Log;

/// The queries of docs/attacks.md that are for `CloudTrail`'s log group.
fn documented() -> Vec<String> {
    let page = include_str!("../../../docs/attacks.md").replace("STACK", "latchkey");
    page.split("```")
        .filter(|block| block.trim_start().starts_with("filter event"))
        .map(str::to_owned)
        .collect()
}

fn record(source: &str, name: &str, arn: &str, agent: &str) -> String {
    json!({
        "timestamp": "2026-11-27T16:00:00.000Z", "eventVersion": "1.11", "eventSource": source, "eventName": name,
        "userIdentity": { "type": "AssumedRole", "arn": arn }, "sourceIPAddress": "203.0.113.9", "userAgent": agent,
    })
    .to_string()
}

const FUNCTION: &str = "arn:aws:sts::123456789012:assumed-role/latchkey-LoginRole-1ABC/latchkey-Login-2DEF";
const INSIDER: &str = "arn:aws:sts::123456789012:assumed-role/Developer/latchkey-mallory";
const ADMINISTRATOR: &str = "arn:aws:sts::123456789012:assumed-role/UserAdministrator/ada";
const SDK: &str = "aws-sdk-rust/1.3.9 os/linux lang/rust/1.95";

fn trail(records: &[String]) -> Log {
    let mut log = Log::default();
    log.add(&records.join("\n"), 0);
    log
}

#[test]
fn who_read_the_secret_is_told_apart_from_the_functions() {
    let queries = documented();
    let secrets = "secretsmanager.amazonaws.com";
    let log = trail(&[
        record(secrets, "GetSecretValue", FUNCTION, SDK),
        record(secrets, "GetSecretValue", INSIDER, "aws-cli/2.33"),
    ]);
    let found = log.query(&queries[0]);
    // Also one who calls the session as the stack is called.
    assert_eq!((found.len(), &found[0]["userIdentity.arn"]), (1, &json!(INSIDER)));
}

#[test]
fn who_reads_or_changes_the_users_by_other_means_is_told_apart_from_latchkey() {
    let queries = documented();
    let dynamodb = "dynamodb.amazonaws.com";
    let latchkey = format!("{SDK} app/latchkey-user-set-claims");
    let honest = trail(&[record(dynamodb, "UpdateItem", ADMINISTRATOR, &latchkey)]);
    assert!(honest.query(&queries[1]).is_empty());
    for name in ["Scan", "UpdateItem", "TransactWriteItems", "ExecuteStatement", "BatchGetItem"] {
        let log = trail(&[
            record(dynamodb, "UpdateItem", ADMINISTRATOR, &latchkey),
            record(dynamodb, name, ADMINISTRATOR, "aws-cli/2.33"),
            record(dynamodb, name, INSIDER, "Boto3/1.43"),
        ]);
        let found = log.query(&queries[1]);
        assert_eq!(found.len(), 2, "{name}: {found:?}");
        assert!(found.iter().all(|row| row["eventName"] == name), "{found:?}");
    }
}
