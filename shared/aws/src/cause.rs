use std::error::Error;

use aws_smithy_runtime_api::client::result::SdkError;

/// What an SDK call failed with, without the raw response: that one prints its body, and with it a secret or a row.
///
/// This is the only way from an [`SdkError`] into our own errors; clippy forbids the others.
pub fn cause_of<E, R>(error: SdkError<E, R>) -> Box<dyn Error + Send + Sync>
where
    E: Error + Send + Sync + 'static,
{
    #[expect(clippy::disallowed_methods, reason = "the one place that takes an SDK error apart")]
    let source = error.into_source();
    source.unwrap_or_else(|_| NoAnswer.into())
}

/// The SDK keeps no source where it could not read what came.
#[derive(Debug, thiserror::Error)]
#[error("the request or the response could not be understood")]
struct NoAnswer;

/// An error and its causes on one line, for a log.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::{client::orchestrator::HttpResponse, http::StatusCode};
    use aws_smithy_types::body::SdkBody;

    use super::*;

    #[test]
    fn the_body_of_a_response_is_in_no_cause() {
        let body = SdkBody::from(r#"{"SecretString":"canary"}"#);
        let response = HttpResponse::new(StatusCode::try_from(200).unwrap(), body);
        let unreadable = SdkError::<std::io::Error, _>::response_error("no JSON", response);
        assert!(format!("{unreadable:?}").contains("canary"), "the SDK prints what it got");
        let cause = cause_of(unreadable);
        assert_eq!(format!("{cause}"), "no JSON");
        assert!(!format!("{cause:?}").contains("canary"));
    }
}
