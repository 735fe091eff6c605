//! What fails inside or behind the service: an answer in time, and the process lives.

use std::time::Duration;

use aws::AwsSettings;
use edge::{Cors, Endpoint, Rejection, Request, Response, respond};
use harness::{Event, LOGIN_AT, Reply, at};
use http::Method;
use serde_json::json;
use token::Timestamp;
use tokio::net::TcpListener;

/// Far more than our limits and far less than the SDK's own, which are none.
const PATIENCE: Duration = Duration::from_secs(30);

struct Faulty {
    fault: fn() -> bool,
}

impl Endpoint for Faulty {
    const NAME: &'static str = "faulty";
    const METHODS: &'static [Method] = &[Method::POST];

    async fn handle(&self, _: &Request, _: Timestamp) -> Result<Response, Rejection> {
        if (self.fault)() {
            std::future::pending::<()>().await;
        }
        Ok(Response::json(http::StatusCode::OK, &json!({})))
    }
}

async fn answer_of(fault: fn() -> bool) -> Reply {
    let event = Event::http_api(&Method::POST, "/auth/login").0.to_string();
    Reply::new(
        &respond(&Faulty { fault }, &Cors::default(), &event, at(LOGIN_AT), Duration::from_millis(20)).await,
    )
}

#[tokio::test]
async fn a_handler_that_panics_or_hangs_is_503_with_retry_after() {
    assert_eq!(answer_of(|| false).await.status, 200);
    for fault in [|| panic!("a bug"), || true] as [fn() -> bool; 2] {
        let reply = answer_of(fault).await;
        assert_eq!((reply.status, reply.code()), (503, "temporarily_unavailable"));
        assert_eq!(reply.headers["retry-after"], "1");
    }
}

#[tokio::test]
async fn an_aws_that_accepts_and_never_answers_is_given_up_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.push(stream);
        }
    });
    let lookup = |variable: &str| match variable {
        "AWS_ENDPOINT_URL" => Some(silent.clone()),
        "AWS_REGION" | "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
        _ => None,
    };
    let aws = AwsSettings::new(&lookup).unwrap();
    let (dynamodb, secrets) = (aws.dynamodb(), aws.secrets_manager());
    let calls = async {
        assert!(dynamodb.list_tables().send().await.is_err());
        assert!(secrets.get_secret_value().secret_id("x").send().await.is_err());
    };
    tokio::time::timeout(PATIENCE, calls).await.expect("both to give up");
}
