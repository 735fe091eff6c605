//! Answers that no emulator gives on demand, from a server that knows nothing else.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    thread,
};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use serde_json::json;
use token::{ClientId, Entropy};
use users::{BeforeLogin, ClientChangeError, MachineClient, Operation, StoreError, UserTable};

use crate::{
    clients,
    world::{NOW, at, client, name, new_user, try_id},
};

const ADA: &str = r#"{"pk":{"S":"user#ada"},"user_id":{"S":"AQEBAQEBAQEBAQEBAQEBAQ"},"username":{"S":"ada"},
    "enabled":{"BOOL":true},"password_hash":{"S":"s3cret"},"claims":{"S":"{}"},"created_at":{"N":"1"},
    "sessions":{"M":{}}}"#;
const NOTHING_LEFT: &str = r#"{"Responses":{"users":[]},"UnprocessedKeys":{}}"#;
const ATTEMPTS_LEFT: &str =
    r#"{"users":{"ConsistentRead":true,"Keys":[{"pk":{"S":"attempts#pOc_MZ7CvetqdWZgcklApg"}}]}}"#;

/// A table behind which these answers are given in turn, and the bodies of the requests.
fn table(answers: Vec<(u16, String)>) -> (UserTable, Receiver<serde_json::Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = channel();
    thread::spawn(move || {
        for (status, body) in answers {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut request = vec![0; length];
            reader.read_exact(&mut request).unwrap();
            sender.send(serde_json::from_slice(&request).unwrap()).unwrap();
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status} Said\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            reader.into_inner().write_all((head + &body).as_bytes()).unwrap();
        }
    });
    (UserTable::new(client(&endpoint, RetryConfig::disabled()), "users"), requests)
}

fn partial(left: &str) -> (u16, String) {
    (200, format!(r#"{{"Responses":{{"users":[{ADA}]}},"UnprocessedKeys":{left}}}"#))
}

#[tokio::test]
async fn keys_left_unprocessed_are_asked_for_once_more() {
    let (table, requests) = table(vec![partial(ATTEMPTS_LEFT), (200, NOTHING_LEFT.to_owned())]);
    let BeforeLogin { user, attempts, .. } = table.for_login(&name("ada"), None, at(NOW)).await.unwrap();
    assert_eq!(user.unwrap().username, name("ada"));
    assert_eq!(attempts.failures, 0);

    let first = &requests.recv().unwrap()["RequestItems"]["users"];
    let read = first["ExpressionAttributeNames"].as_object().unwrap();
    assert_eq!(read.len(), first["ProjectionExpression"].as_str().unwrap().split(", ").count());
    assert!(read.values().all(|name| name != "sessions"), "their number would show in the time: {read:?}");
    assert_eq!(first["ConsistentRead"], true);
    assert_eq!(first["Keys"].as_array().unwrap().len(), 2);
    let second = &requests.recv().unwrap()["RequestItems"]["users"];
    assert_eq!(second["ConsistentRead"], true);
    assert_eq!(second["Keys"].to_string(), r#"[{"pk":{"S":"attempts#pOc_MZ7CvetqdWZgcklApg"}}]"#);
}

#[tokio::test]
async fn keys_left_unprocessed_twice_are_an_error_and_not_a_user_without_failures() {
    let (table, _requests) = table(vec![partial(ATTEMPTS_LEFT), partial(ATTEMPTS_LEFT)]);
    let answer = table.for_login(&name("ada"), None, at(NOW)).await;
    assert!(matches!(answer, Err(StoreError::Unprocessed)), "{answer:?}");
}

/// The answer to a `GetItem` of this client: the row that its creation writes.
async fn found(client: &MachineClient) -> (u16, String) {
    let (table, requests) = table(vec![(200, "{}".to_owned())]);
    table.create_client(client).await.unwrap();
    (200, json!({ "Item": requests.recv().unwrap().get("Item") }).to_string())
}

/// Nobody could ask for a secret again that is in force and was not printed.
#[tokio::test]
async fn a_secret_whose_writing_was_answered_by_an_error_is_in_force_if_the_row_has_it() {
    let before = clients::client(1);
    let mut after = before.clone();
    after.secrets = vec![clients::stored(2)];
    let set =
        async |answers| table(answers).0.set_client_secrets(before.id, &before.secrets, &after.secrets).await;
    let failed = || (500, r#"{"__type":"InternalServerError"}"#.to_owned());
    set(vec![failed(), found(&after).await]).await.unwrap();
    for then in [found(&before).await, (200, "{}".to_owned()), failed()] {
        let error = set(vec![failed(), then]).await.unwrap_err();
        assert!(matches!(error, ClientChangeError::Store(_)), "{error:?}");
    }
    table(vec![failed(), found(&before).await]).0.create_client(&before).await.unwrap();
    for then in [(200, "{}".to_owned()), failed()] {
        let error = table(vec![failed(), then]).0.create_client(&before).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { operation: Operation::PutItem, .. }), "{error:?}");
    }
}

/// What `ClientTokenRole` lets its function read, and write.
const OF_CLIENTS: [&str; 2] = ["client#", "client-address#"];

#[tokio::test]
async fn a_client_is_read_as_of_every_write_and_beside_nothing_but_its_address() {
    let address = "203.0.113.7".parse().unwrap();
    for client in [Some(ClientId::new(Entropy([1; 16]))), None] {
        let (table, requests) = table(vec![(200, NOTHING_LEFT.to_owned()); 2]);
        assert!(table.for_token(client, Some(&address), at(NOW)).await.unwrap().client.is_none());
        table.connect_for_clients().await.unwrap();
        let read = &requests.recv().unwrap()["RequestItems"]["users"];
        assert_eq!(read["ConsistentRead"], true);
        let warm_up = &requests.recv().unwrap()["RequestItems"]["users"];
        for key in read["Keys"].as_array().unwrap().iter().chain(warm_up["Keys"].as_array().unwrap()) {
            let key = key["pk"]["S"].as_str().unwrap();
            assert!(OF_CLIENTS.iter().any(|prefix| key.starts_with(prefix)), "its role may not read {key}");
        }
    }
    let (table, requests) = table(vec![(200, "{}".to_owned()); 2]);
    table.record_wrong_secret_from(&address, &try_id(), at(NOW)).await.unwrap();
    let key = requests.recv().unwrap()["Key"]["pk"]["S"].as_str().unwrap().to_owned();
    assert!(key.starts_with(OF_CLIENTS[1]), "its role may not write {key}");
    assert_eq!(table.find_client(ClientId::new(Entropy([1; 16]))).await.unwrap(), None);
    assert_eq!(requests.recv().unwrap()["ConsistentRead"], true);
}

#[tokio::test]
async fn a_client_left_unprocessed_twice_is_an_error_and_not_an_unknown_client() {
    let left =
        r#"{"users":{"ConsistentRead":true,"Keys":[{"pk":{"S":"client#lkc_AQEBAQEBAQEBAQEBAQEBAQ"}}]}}"#;
    let answer = format!(r#"{{"Responses":{{"users":[]}},"UnprocessedKeys":{left}}}"#);
    let (table, _requests) = table(vec![(200, answer); 2]);
    let read = table.for_token(Some(ClientId::new(Entropy([1; 16]))), None, at(NOW)).await;
    assert!(matches!(read, Err(StoreError::Unprocessed)), "{read:?}");
}

#[tokio::test]
async fn a_failing_table_is_unavailable_and_not_a_missing_user() {
    let internal = r#"{"__type":"InternalServerError","message":"try later"}"#;
    let (table, requests) = table(vec![(500, internal.to_owned())]);
    let error = table.find(&name("ada")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { operation: Operation::GetItem, .. }), "{error:?}");
    assert_eq!(error.to_string(), "GetItem of DynamoDB failed");
    assert_eq!(requests.recv().unwrap()["ConsistentRead"], true);
}

#[tokio::test]
async fn a_row_in_an_answer_that_cannot_be_read_is_not_printed() {
    let (table, _requests) = table(vec![(200, format!(r#"{{"Item":{ADA},,"#)), (400, ADA.to_owned())]);
    for _ in 0..2 {
        let error = table.find(&name("ada")).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn a_table_that_is_not_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let table = UserTable::new(client(&endpoint, RetryConfig::disabled()), "users");
    let error = table.create(&new_user("ada", 1), at(NOW)).await.unwrap_err();
    assert_eq!(error.to_string(), "PutItem of DynamoDB failed");
}
