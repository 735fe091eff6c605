//! The loop of a Lambda function.

use std::time::Duration;

use lambda_http::{Error, LambdaEvent, lambda_runtime, service_fn, tracing::error};
use serde_json::value::RawValue;

use crate::{Endpoint, Environment, SettingError, aws::AwsSettings, clock, logging, respond};

/// What is left of the function's time for sending our own 503 before Lambda ends the function.
const RESERVE: Duration = Duration::from_millis(500);
/// The longest a request may take, whatever the function's time is: API Gateway's callers wait.
const LONGEST: Duration = Duration::from_secs(8);

/// Starts a Lambda function: logs, settings, then events until Lambda ends it.
///
/// A wrong setting ends the function with one line that names it; nothing is read from AWS before
/// the first event, so that a failing AWS is a 503 and not a function that does not start.
pub async fn start<E, F>(build: F) -> Result<(), Error>
where
    E: Endpoint + Send,
    F: FnOnce(&Environment<'_>, &AwsSettings) -> Result<E, SettingError>,
{
    let environment = Environment::of_process();
    logging::start(&environment);
    match AwsSettings::new(&environment).and_then(|aws| build(&environment, &aws)) {
        Ok(endpoint) => run(endpoint).await,
        Err(problem) => {
            error!(event = "start", %problem, "the function cannot start");
            Err(problem.into())
        }
    }
}

/// Answers events until Lambda stops the function.
async fn run<E: Endpoint + Send>(endpoint: E) -> Result<(), Error> {
    let endpoint = &endpoint;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Box<RawValue>>| async move {
        let limit = clock::time_until(event.context.deadline()).saturating_sub(RESERVE).min(LONGEST);
        Ok::<_, Error>(respond(endpoint, event.payload.get(), clock::now(), limit).await)
    }))
    .await
}
