use std::thread;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::{Store, TABLE_NAME};

fn key(name: &str) -> Value {
    json!({ "pk": { "S": name } })
}

async fn reply(dynamodb: &DynamoDb, operation: &str, body: &str) -> (u16, Value) {
    let reply = dynamodb.reply(&format!("DynamoDB_20120810.{operation}"), body.as_bytes().to_vec()).await;
    (reply.status, serde_json::from_str(&reply.body).unwrap())
}

#[tokio::test]
async fn what_one_thread_writes_every_other_reads_at_once() {
    let folder = TempDir::new().unwrap();
    let store = Store::open_for_many(folder.path()).await.unwrap();
    for name in ["ada", "bob", "cyd"] {
        let put = json!({ "TableName": TABLE_NAME, "Item": key(name) }).to_string();
        assert_eq!(reply(&store.dynamodb, "PutItem", &put).await, (200, json!({})));
        // More threads than connections, each of which reads on its own.
        let read = json!({ "TableName": TABLE_NAME, "Key": key(name) }).to_string();
        for _ in 0..8 {
            let (dynamodb, read) = (store.dynamodb.clone(), read.clone());
            let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
            let found = thread::spawn(move || runtime().block_on(reply(&dynamodb, "GetItem", &read)));
            assert_eq!(found.join().unwrap(), (200, json!({ "Item": key(name) })));
        }
    }
}

#[tokio::test]
async fn the_sdk_reaches_it_and_gets_dynamodb_s_own_errors() {
    let store = Store::in_memory().await.unwrap();
    let client = store.client();
    let put = || client.put_item().table_name(TABLE_NAME).item("pk", AttributeValue::S("ada".to_owned()));
    let put = || put().condition_expression("attribute_not_exists(pk)").send();
    put().await.unwrap();
    let error = put().await.unwrap_err().into_service_error();
    assert!(error.is_conditional_check_failed_exception(), "{error:?}");
    let error = client.describe_table().table_name("another").send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
}

#[tokio::test]
async fn what_it_cannot_read_is_an_error_of_dynamodb_too() {
    let store = Store::in_memory().await.unwrap();
    for (operation, body, named) in [
        ("GetItem", "no JSON", "com.amazon.coral.service#SerializationException"),
        ("GetItem", "", "com.amazon.coral.service#SerializationException"),
        ("GetItem", r#"{"TableName":1}"#, "com.amazon.coral.service#SerializationException"),
        ("GetItem", "{}", "com.amazon.coral.validate#ValidationException"),
        ("Nothing", "{}", "com.amazon.coral.service#UnknownOperationException"),
        ("", "{}", "com.amazon.coral.service#UnknownOperationException"),
    ] {
        let (status, body) = reply(&store.dynamodb, operation, body).await;
        assert_eq!((status, &body["__type"]), (400, &json!(named)), "{operation}: {body}");
        assert!(!body.to_string().contains("VALIDATION:"), "{body}");
    }
}
