//! An AWS that misbehaves: how often it is asked, and on how many connections.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::AwsSettings;

/// What the server does with one request.
#[derive(Clone, Copy)]
enum Reply {
    Answer(u16),
    /// Closes the connection once it has answered.
    AnswerAndClose,
    HalfOfTheHead,
    HalfOfTheBody,
    Close,
    Silence,
}

use Reply::{Answer, AnswerAndClose, Close, HalfOfTheBody, HalfOfTheHead, Silence};

/// A server that follows the script, a list of replies for each connection, and then a client of it.
async fn scripted(script: Vec<Vec<Reply>>) -> (Client, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        for replies in script {
            let (stream, _) = listener.accept().await.unwrap();
            follow(stream, replies).await;
        }
    });
    (AwsSettings::embedded(endpoint).dynamodb(), serving)
}

async fn follow(mut stream: TcpStream, replies: Vec<Reply>) {
    let kind = "content-type: application/x-amz-json-1.0";
    for reply in replies {
        let mut request = vec![0; 8192];
        if stream.read(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
        let text = match reply {
            Answer(200) | AnswerAndClose => {
                format!("HTTP/1.1 200 OK\r\n{kind}\r\ncontent-length: 2\r\n\r\n{{}}")
            }
            Answer(status) => format!("HTTP/1.1 {status} Broken\r\n{kind}\r\ncontent-length: 2\r\n\r\n{{}}"),
            HalfOfTheHead => "HTTP/1.1 200 OK\r\n".to_owned(),
            HalfOfTheBody => format!("HTTP/1.1 200 OK\r\n{kind}\r\ncontent-length: 2\r\n\r\n{{"),
            Close => String::new(),
            Silence => std::future::pending().await,
        };
        stream.write_all(text.as_bytes()).await.unwrap();
        if !matches!(reply, Answer(_)) {
            return;
        }
    }
    let mut more = Vec::new();
    stream.read_to_end(&mut more).await.unwrap();
    assert!(more.is_empty(), "another request on a connection that is not to be used again");
}

async fn list(client: &Client) -> bool {
    client.list_tables().send().await.is_ok()
}

#[tokio::test]
async fn calls_share_a_connection() {
    let (client, serving) = scripted(vec![vec![Answer(200), Answer(200), AnswerAndClose]]).await;
    for _ in 0..3 {
        assert!(list(&client).await);
    }
    serving.await.unwrap();
}

#[tokio::test]
async fn after_a_failure_that_may_pass_the_call_is_made_again_on_another_connection() {
    for reply in [Answer(500), Answer(503), HalfOfTheHead, HalfOfTheBody, Close] {
        let (client, serving) = scripted(vec![vec![reply], vec![AnswerAndClose]]).await;
        assert!(list(&client).await);
        serving.await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_between_two_calls_costs_neither_of_them() {
    let (client, serving) = scripted(vec![vec![AnswerAndClose], vec![AnswerAndClose]]).await;
    assert!(list(&client).await);
    assert!(list(&client).await);
    serving.await.unwrap();
}

#[tokio::test]
async fn a_server_that_rejects_or_says_nothing_is_an_error_in_time() {
    let (client, serving) = scripted(vec![vec![Silence]]).await;
    serving.abort();
    for client in [client, AwsSettings::embedded("http://127.0.0.1:9".to_owned()).dynamodb()] {
        let asked = tokio::time::timeout(Duration::from_secs(8), list(&client)).await;
        assert_eq!(asked, Ok(false));
    }
}

#[tokio::test]
async fn a_handshake_that_goes_silent_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = AwsSettings::embedded(format!("https://{}", listener.local_addr().unwrap())).dynamodb();
    let asked = tokio::time::timeout(Duration::from_secs(8), client.list_tables().send());
    let problem = asked.await.unwrap().unwrap_err();
    assert!(
        aws_smithy_types::error::display::DisplayErrorContext(&problem).to_string().contains("timed out")
    );
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    for host in [nobody.to_string(), "no-such-host.invalid".to_owned()] {
        let client = AwsSettings::embedded(format!("http://{host}")).dynamodb();
        let cause = crate::cause_of(client.list_tables().send().await.unwrap_err());
        let said = crate::with_causes(&cause);
        assert!(said.contains(&format!("cannot connect to {host}: ")), "{said}");
    }
}
