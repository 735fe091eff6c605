//! The loop of a Lambda function.

use std::{convert::Infallible, time::Duration};

use aws::{AwsCause, AwsSettings};
use lambda_http::{
    Error, LambdaEvent,
    lambda_runtime::{self, LambdaInvocation, Runtime, layers::TracingLayer},
    service_fn,
    tower::util::MapRequestLayer,
    tracing::{error, warn},
};
use serde_json::{Value, value::RawValue};
use token::Timestamp;

use super::{audit, line, logging};
use crate::{AuditDetails, Cors, Endpoint, Environment, SettingError, clock, log::Field, respond};

/// What is left of the function's time for sending our own 503 before Lambda ends the function.
const RESERVE: Duration = Duration::from_millis(500);
/// The longest a request may take, whatever the function's time is: API Gateway's callers wait.
const LONGEST: Duration = Duration::from_secs(8);
/// The longest that a function prepares itself before it takes its first event; Lambda gives it 10 s for all it does until then.
const WARM_UP: Duration = Duration::from_secs(2);

/// Starts a Lambda function that answers HTTP requests: logs, settings, then events until Lambda ends it.
///
/// A wrong setting ends the function with one line that names it. Before the first event the connections to AWS are
/// opened, the keys read and memory for hashing made ready, while Lambda gives a starting function a whole core; a failing AWS is a 503 to the
/// first caller, and not a function that does not start.
pub async fn start<E, F>(build: F) -> Result<(), Error>
where
    E: Endpoint + Send,
    F: FnOnce(&Environment<'_>, &AwsSettings) -> Result<E, SettingError>,
{
    let build = |environment: &Environment<'_>, aws: &AwsSettings| {
        Ok((build(environment, aws)?, environment.cors()?))
    };
    let answer = async |(endpoint, cors): &(E, Cors), event: &str, now, limit| {
        Ok::<_, Infallible>(respond(endpoint, cors, event, now, limit).await)
    };
    start_answering(build, async |(endpoint, _): &(E, Cors), now| endpoint.warm_up(now).await, answer).await
}

/// Starts a Lambda function that answers events of whatever kind within a limit.
///
/// `warm_up` comes before the first event, and takes 2 seconds at most. An error of `answer`, which has logged why, is
/// one of the function; its text is all that Lambda is told.
pub async fn start_answering<T, F, W, H, P>(build: F, warm_up: W, answer: H) -> Result<(), Error>
where
    F: FnOnce(&Environment<'_>, &AwsSettings) -> Result<T, SettingError>,
    W: AsyncFn(&T, Timestamp),
    H: AsyncFn(&T, &str, Timestamp, Duration) -> Result<Value, P>,
    P: std::error::Error + Send + Sync + 'static,
{
    let (task, answer) = (&prepare(build)?, &answer);
    if tokio::time::timeout(WARM_UP, warm_up(task, clock::now())).await.is_err() {
        warn!(
            event = "warm_up",
            "AWS is slow, so the function is not quite ready; the first request asks again"
        );
    }
    let handler = service_fn(|event: LambdaEvent<Box<RawValue>>| async move {
        let limit = limit(clock::time_until(event.context.deadline()));
        let answering = Box::pin(answer(task, event.payload.get(), clock::now(), limit));
        let answer = line::within(event.context.request_id.clone(), answering).await;
        logging::report_loss();
        answer.map_err(Error::from)
    });
    Runtime::new(handler).layer(TracingLayer::new()).layer(MapRequestLayer::new(readable)).run().await
}

/// An event that is no JSON, or no UTF-8, becomes `null`, which is answered as any other unreadable event.
///
/// The runtime would make a function error of it, and a caller's 500.
fn readable(mut invocation: LambdaInvocation) -> LambdaInvocation {
    if serde_json::from_slice::<&RawValue>(&invocation.body).is_err() {
        invocation.body = "null".into();
    }
    invocation
}

/// How long an answer may take when `left` is left of the function's time.
///
/// Lambda tells no deadline that has passed; `cargo lambda watch` tells one of 1970.
fn limit(left: Duration) -> Duration {
    if left.is_zero() { LONGEST } else { left.saturating_sub(RESERVE).min(LONGEST) }
}

/// What came of a call that no client waits for.
pub struct TaskOutcome<P> {
    /// Why it failed, if it did.
    pub result: Result<(), P>,
    /// What the log is to have of it.
    pub details: AuditDetails,
    /// Whether a success is worth a line.
    pub is_news: bool,
}

/// Starts a Lambda function that AWS calls with events of its own, and that fails by saying why.
///
/// `handle` is told how much of the function's time is left. One line of the log for each call: `event`, the outcome, and what was done, or `failure` and why.
pub async fn start_task<T, F, H, P>(
    event: &'static str,
    failure: &'static str,
    build: F,
    handle: H,
) -> Result<(), Error>
where
    F: FnOnce(&Environment<'_>, &AwsSettings) -> Result<T, SettingError>,
    H: AsyncFn(&T, &Value, Timestamp, Duration) -> TaskOutcome<P>,
    P: std::error::Error + 'static,
{
    let (task, handle) = (&prepare(build)?, &handle);
    lambda_runtime::run(service_fn(|invocation: LambdaEvent<Value>| async move {
        let handling = Box::pin(async {
            let left = clock::time_until(invocation.context.deadline()).saturating_sub(RESERVE);
            let TaskOutcome { result, details, is_news } =
                handle(task, &invocation.payload, clock::now(), left).await;
            match result {
                Ok(()) => {
                    audit::done(event, Ok(is_news.then_some(details)));
                    Ok(())
                }
                Err(error) => {
                    audit::done(event, Err(details.and(of_failure(failure, &error))));
                    Err(AwsCause::for_log(&error))
                }
            }
        });
        let outcome = line::within(invocation.context.request_id.clone(), handling).await;
        logging::report_loss();
        outcome.map(|()| Value::Null).map_err(Error::from)
    }))
    .await
}

/// What the log says of a failed task: our words, and of AWS's its code.
fn of_failure(reason: &'static str, error: &(dyn std::error::Error + 'static)) -> AuditDetails {
    AuditDetails::default()
        .with(Field::Reason, reason)
        .with(Field::Detail, AwsCause::own_words(error))
        .with_any(Field::AwsError, AwsCause::code_of(error))
}

fn prepare<T, F>(build: F) -> Result<T, SettingError>
where
    F: FnOnce(&Environment<'_>, &AwsSettings) -> Result<T, SettingError>,
{
    let environment = Environment::of_process();
    line::start(&environment);
    logging::start(&environment);
    let task = environment.aws().and_then(|aws| build(&environment, &aws));
    if let Err(problem) = &task {
        error!(event = "start", %problem, "the function cannot start");
    }
    task
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_takes_8_seconds_at_most_and_leaves_half_a_second_of_the_function_s_time() {
        let of = |milliseconds| limit(Duration::from_millis(milliseconds)).as_millis();
        assert_eq!((of(10_000), of(8_500), of(3_000), of(400)), (8_000, 8_000, 2_500, 0));
    }

    #[test]
    fn a_deadline_that_has_passed_is_none() {
        assert_eq!(limit(Duration::ZERO), LONGEST);
    }

    #[test]
    fn an_event_that_is_no_json_or_no_utf_8_becomes_null() {
        let body = |event: &'static [u8]| {
            let (parts, body) = http::Response::new(event.into()).into_parts();
            readable(LambdaInvocation { parts, body, context: lambda_http::Context::default() }).body
        };
        let unreadable: [&[u8]; 6] =
            [b"", b"hello", b"{\"a\":", b"{}{}", b"\xef\xbb\xbf{}", b"{\"a\":\"caf\xe9\"}"];
        for event in unreadable {
            assert_eq!(body(event), "null", "{}", event.escape_ascii());
        }
        for event in ["null", " {\"a\":1} ", "\"\\ud800\""] {
            assert_eq!(body(event.as_bytes()), event);
        }
    }
}
