//! Metrics in CloudWatch's Embedded Metric Format: lines of the log out of which CloudWatch makes metrics.
//!
//! Dimensions are the function's name, an operation and a rejection's code, each one of a few words of ours: never a user, a
//! session, an address or anything else that a caller chose.

use std::{sync::OnceLock, time::Duration};

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_cloudwatch_embedded::{Builder, Collector};

use super::log_output;
use crate::Environment;

/// Where CloudWatch shows them.
const NAMESPACE: &str = "Latchkey";
const SECONDS_OF_A_DAY: f64 = 86_400.0;

static COLLECTOR: OnceLock<&'static Collector> = OnceLock::new();

/// Starts counting for the Lambda function that this process is. Elsewhere nothing is counted.
pub(crate) fn start(environment: &Environment<'_>) {
    let Some(function) = environment.optional("AWS_LAMBDA_FUNCTION_NAME") else { return };
    let builder = Builder::new().cloudwatch_namespace(NAMESPACE).with_dimension("FunctionName", function);
    let Ok(collector) = builder.init() else { return };
    if COLLECTOR.set(collector).is_ok() {
        describe_counter!("Successes", Unit::Count, "Answers that were no rejection");
        describe_counter!("Refusals", Unit::Count, "Refusals, by their stable code");
        describe_counter!("ColdStarts", Unit::Count, "Environments that Lambda started");
        describe_histogram!("HashTime", Unit::Milliseconds, "Work on one password");
        describe_gauge!("SigningKeyAge", Unit::Count, "Days for which the signing key has signed");
        counter!("ColdStarts").increment(1);
    }
}

/// Writes what was counted since the last time; nothing if nothing was.
pub(crate) fn flush() {
    let Some(collector) = COLLECTOR.get() else { return };
    // One write, so that no other line comes in between.
    let mut lines = Vec::new();
    if collector.flush(&mut lines).is_ok() {
        log_output::stdout().write(&lines);
    }
}

/// An answer that was no rejection.
pub(crate) fn succeeded(operation: &'static str) {
    counter!("Successes", "Operation" => operation).increment(1);
}

/// A rejection, by its stable code.
pub(crate) fn refused(code: &str) {
    counter!("Refusals", "Code" => code.to_owned()).increment(1);
}

/// A password that was hashed or compared.
pub(crate) fn hashed(took: Duration) {
    histogram!("HashTime").record(took.as_secs_f64() * 1000.0);
}

/// How long the signing key has been signing.
pub fn signing_key_age(age: token::Seconds) {
    #[expect(clippy::cast_precision_loss, reason = "days for people")]
    gauge!("SigningKeyAge").set(age.get() as f64 / SECONDS_OF_A_DAY);
}
