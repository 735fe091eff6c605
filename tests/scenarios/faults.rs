//! What fails inside or behind the service: an answer in time, and the process lives.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::StatusCode, routing::post};

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

/// An AWS that fails `failures` times and then answers `{}`; its settings and the count of its calls.
async fn failing_aws(failures: usize) -> (AwsSettings, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let answer = move || async move {
        if counter.fetch_add(1, Ordering::SeqCst) < failures {
            (StatusCode::INTERNAL_SERVER_ERROR, r#"{"__type":"InternalServerError"}"#)
        } else {
            (StatusCode::OK, "{}")
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(answer))).await });
    let lookup = |variable: &str| match variable {
        "AWS_ENDPOINT_URL" => Some(url.clone()),
        "AWS_REGION" | "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
        _ => None,
    };
    (AwsSettings::new(&lookup).unwrap(), calls)
}

#[tokio::test]
async fn a_call_survives_three_failures_in_a_row() {
    let (aws, calls) = failing_aws(3).await;
    assert!(aws.dynamodb().list_tables().send().await.is_ok());
    assert_eq!(calls.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn an_outage_is_asked_ten_times_more_and_then_once_a_call() {
    let (aws, calls) = failing_aws(usize::MAX).await;
    let dynamodb = aws.dynamodb();
    for _ in 0..30 {
        assert!(dynamodb.list_tables().send().await.is_err());
    }
    assert_eq!(calls.load(Ordering::SeqCst), 40);
    assert!(aws.secrets_manager().get_secret_value().secret_id("x").send().await.is_err());
    assert_eq!(calls.load(Ordering::SeqCst), 44, "another service has a budget of its own");
}
