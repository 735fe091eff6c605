//! Metrics in CloudWatch's Embedded Metric Format: members of a log line out of which CloudWatch makes metrics.
//!
//! Each metric costs $0.30 a month, so there are only those that an alarm or the dashboard of template.yaml shows, and
//! where all is well there is none. Dimensions are the stack's name, an operation and a rejection's code: never a user,
//! a session, an address or anything else that a caller chose.

use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};
use token::Timestamp;

use crate::Environment;

/// Where CloudWatch shows them.
const NAMESPACE: &str = "Latchkey";
const SECONDS_OF_A_DAY: f64 = 86_400.0;

/// The age of the signing key in days, until the next line takes it along.
static KEY_AGE: Mutex<Option<f64>> = Mutex::new(None);

/// How much is told about which stack.
pub(crate) struct Metrics {
    stack: String,
    level: Level,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// That callers get 503.
    Basic,
    /// Also every rejection by its code, and the age of the signing key.
    Full,
}

impl Metrics {
    /// Metrics of the stack `METRICS_STACK`, at `METRICS_LEVEL`; none where no stack is named.
    pub(crate) fn from_environment(environment: &Environment<'_>) -> Option<Self> {
        let full = environment.optional("METRICS_LEVEL").is_some_and(|level| level == "full");
        let level = if full { Level::Full } else { Level::Basic };
        Some(Self { stack: environment.optional("METRICS_STACK")?, level })
    }

    /// The members of a log line that tell of a rejection of `operation`.
    pub(crate) fn rejected(
        &self,
        operation: &str,
        status: u16,
        code: &str,
        now: Timestamp,
    ) -> Map<String, Value> {
        let full = self.level == Level::Full;
        let mut of_stack = Vec::new();
        if status == 503 {
            of_stack.push("Unavailable");
        }
        if full {
            of_stack.extend(sign_of_attack(operation, code));
        }
        let mut directives = Vec::new();
        if !of_stack.is_empty() {
            directives.push(directive(&["Stack"], &of_stack));
        }
        if full {
            directives.push(directive(&["Stack", "Operation", "Code"], &["Rejections"]));
        }
        let mut members = self.members(&directives, now);
        if full {
            members.insert("Operation".to_owned(), operation.into());
            members.insert("Code".to_owned(), code.into());
            members.insert("Rejections".to_owned(), 1.into());
        }
        members.extend(of_stack.into_iter().map(|name| (name.to_owned(), 1.into())));
        members
    }

    /// The members of a log line that tell of a letter that should have been sent.
    pub(crate) fn lost_letter(&self, now: Timestamp) -> Map<String, Value> {
        let mut members = self.members(&[directive(&["Stack"], &["LostLetters"])], now);
        members.insert("LostLetters".to_owned(), 1.into());
        members
    }

    /// The members of a log line that tell how old the signing key is, if somebody said so since the last time.
    pub(crate) fn of_keys(&self, now: Timestamp) -> Map<String, Value> {
        let age = KEY_AGE.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(age) = age.filter(|_| self.level == Level::Full) else { return Map::new() };
        let mut members = self.members(&[directive(&["Stack"], &["SigningKeyAge"])], now);
        members.insert("SigningKeyAge".to_owned(), age.into());
        members
    }

    /// What all lines with `directives` need; nothing without one.
    fn members(&self, directives: &[Value], now: Timestamp) -> Map<String, Value> {
        let mut members = Map::new();
        if !directives.is_empty() {
            let milliseconds = now.seconds().saturating_mul(1000);
            let told = json!({ "Timestamp": milliseconds, "CloudWatchMetrics": directives });
            members.insert("_aws".to_owned(), told);
            members.insert("Stack".to_owned(), self.stack.clone().into());
        }
        members
    }
}

/// The metric of a rejection that attacks cause: one for each kind, for each has an alarm of its own.
fn sign_of_attack(operation: &str, code: &str) -> Option<&'static str> {
    match code {
        "invalid_credentials" | "too_many_attempts" if operation == "change_password" => {
            Some("PasswordFailures")
        }
        "invalid_credentials" | "too_many_attempts" if operation == "login" => Some("LoginFailures"),
        "invalid_token" => Some("InvalidTokens"),
        "session_ended" => Some("EndedSessions"),
        "csrf_refused" => Some("ForeignPages"),
        _ => None,
    }
}

fn directive(dimensions: &[&str], names: &[&str]) -> Value {
    let metrics: Vec<_> = names.iter().map(|name| json!({ "Name": name, "Unit": unit(name) })).collect();
    json!({ "Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics })
}

fn unit(name: &str) -> &'static str {
    // CloudWatch has no unit of days.
    if name == "SigningKeyAge" { "None" } else { "Count" }
}

/// How long the signing key has been signing.
pub fn signing_key_age(age: token::Seconds) {
    #[expect(clippy::cast_precision_loss, reason = "days for people")]
    let days = age.get() as f64 / SECONDS_OF_A_DAY;
    *KEY_AGE.lock().unwrap_or_else(PoisonError::into_inner) = Some(days);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(level: &str) -> Metrics {
        let lookup = |variable: &str| match variable {
            "METRICS_STACK" => Some("stack".to_owned()),
            "METRICS_LEVEL" => Some(level.to_owned()),
            _ => None,
        };
        Metrics::from_environment(&Environment::new(&lookup)).unwrap()
    }

    fn names(members: &Map<String, Value>) -> Vec<&str> {
        members.keys().map(String::as_str).collect()
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds).unwrap()
    }

    #[test]
    fn basic_metrics_tell_of_503_alone() {
        let basic = metrics("basic");
        assert_eq!(names(&basic.rejected("login", 400, "invalid_credentials", at(7))), [""; 0]);
        let told = basic.rejected("login", 503, "temporarily_unavailable", at(7));
        let expected = json!({
            "_aws": {
                "Timestamp": 7000,
                "CloudWatchMetrics": [{
                    "Namespace": "Latchkey",
                    "Dimensions": [["Stack"]],
                    "Metrics": [{ "Name": "Unavailable", "Unit": "Count" }],
                }],
            },
            "Stack": "stack",
            "Unavailable": 1,
        });
        assert_eq!(Value::Object(told), expected);
    }

    #[test]
    fn full_metrics_tell_each_rejection_by_operation_and_code_and_sum_rejected_passwords() {
        let told = metrics("full").rejected("login", 400, "invalid_credentials", at(7));
        assert_eq!(told["LoginFailures"], 1);
        assert_eq!(
            (&told["Operation"], &told["Code"], &told["Rejections"]),
            (&json!("login"), &json!("invalid_credentials"), &json!(1))
        );
        let directives = told["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        assert_eq!(directives[1]["Dimensions"], json!([["Stack", "Operation", "Code"]]));
    }

    #[test]
    fn every_sign_of_an_attack_is_a_metric_of_its_own() {
        for (operation, code, expected) in [
            ("login", "too_many_attempts", Some("LoginFailures")),
            ("change_password", "invalid_credentials", Some("PasswordFailures")),
            // A worker with an old secret guesses no password.
            ("client_token", "too_many_attempts", None),
            ("client_token", "invalid_client", None),
            ("authorizer", "invalid_token", Some("InvalidTokens")),
            ("refresh", "session_ended", Some("EndedSessions")),
            ("refresh", "csrf_refused", Some("ForeignPages")),
            ("refresh", "token_expired", None),
        ] {
            let told = metrics("full").rejected(operation, 400, code, at(7));
            let of_stack = told["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"].as_str().unwrap();
            assert_eq!(of_stack, expected.unwrap_or("Rejections"), "{operation} {code}");
            assert!(expected.is_none_or(|name| told[name] == 1), "{operation} {code}");
            assert!(metrics("basic").rejected(operation, 400, code, at(7)).is_empty());
        }
    }

    #[test]
    fn the_age_of_the_key_is_told_once_and_only_in_full() {
        signing_key_age(token::Seconds::new(129_600));
        assert_eq!(metrics("full").of_keys(at(7))["SigningKeyAge"], 1.5);
        assert_eq!(names(&metrics("full").of_keys(at(8))), [""; 0]);
        signing_key_age(token::Seconds::new(129_600));
        assert_eq!(names(&metrics("basic").of_keys(at(9))), [""; 0]);
    }
}
