use std::{error::Error, fmt};

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// What an SDK call failed with, without the raw response: that one prints its body, and with it a secret or a row.
///
/// Its text is AWS's own. It may quote what was sent, so people at a terminal see it and no log does
/// ([`AwsCause::for_log`]).
#[derive(Debug)]
pub struct AwsCause {
    code: String,
    said: Box<dyn Error + Send + Sync>,
}

impl fmt::Display for AwsCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.said.fmt(f)
    }
}

impl Error for AwsCause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.said.source()
    }
}

/// How much of a code a log has; those of AWS are words.
const MAX_CODE_CHARACTERS: usize = 64;

/// The cause of a failed call.
///
/// This is the only way from an [`SdkError`] into our own errors; clippy forbids the others.
pub fn cause_of<E, R>(error: SdkError<E, R>) -> AwsCause
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let code = match &error {
        SdkError::ServiceError(failed) => {
            failed.err().code().filter(|code| is_code(code)).unwrap_or("unknown")
        }
        SdkError::TimeoutError(_) => "timeout",
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "timeout",
        SdkError::DispatchFailure(_) => "not_connected",
        SdkError::ResponseError(_) => "unreadable",
        _ => "not_sent",
    };
    let code = code.to_owned();
    #[expect(clippy::disallowed_methods, reason = "the one place that takes an SDK error apart")]
    let said = error.into_source();
    AwsCause { code, said: said.unwrap_or_else(|_| NoAnswer.into()) }
}

fn is_code(code: &str) -> bool {
    !code.is_empty()
        && code.len() <= MAX_CODE_CHARACTERS
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether a failed call can have had no effect, because its request never left: it was not built, or there was no connection.
pub fn surely_not_sent<E, R>(error: &SdkError<E, R>) -> bool {
    match error {
        SdkError::ConstructionFailure(_) => true,
        SdkError::DispatchFailure(failure) => {
            let connector = failure.as_connector_error();
            connector.is_some_and(|error| error.is_user() || crate::https::is_unreachable(error))
        }
        _ => false,
    }
}

impl AwsCause {
    /// AWS's code, or a word of ours where there is none.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// AWS's code for what `error` comes from, such as `AccessDeniedException`; none if it does not come from AWS.
    pub fn code_of<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e str> {
        chain(error).find_map(|cause| cause.downcast_ref::<Self>()).map(|cause| cause.code.as_str())
    }

    /// `error` and its causes on one line, as far as the words are ours.
    pub fn own_words(error: &(dyn Error + 'static)) -> String {
        let ours = chain(error).take_while(|cause| !cause.is::<Self>());
        ours.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }

    /// `error` and its causes on one line, with AWS's code in the place of its text.
    pub fn for_log(error: &(dyn Error + 'static)) -> String {
        let ours = Self::own_words(error);
        Self::code_of(error).map_or_else(|| ours.clone(), |code| format!("{ours}: {code}"))
    }
}

fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// The SDK keeps no source where it could not read what came.
#[derive(Debug, thiserror::Error)]
#[error("the request or the response could not be understood")]
struct NoAnswer;

/// An error and its causes on one line, for people at a terminal.
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
    use aws_smithy_types::{body::SdkBody, error::ErrorMetadata};

    use super::*;

    #[test]
    fn the_body_of_a_response_is_in_no_cause() {
        let body = SdkBody::from(r#"{"SecretString":"canary"}"#);
        let response = HttpResponse::new(StatusCode::try_from(200).unwrap(), body);
        let unreadable = SdkError::<ErrorMetadata, _>::response_error("no JSON", response);
        assert!(format!("{unreadable:?}").contains("canary"), "the SDK prints what it got");
        let cause = cause_of(unreadable);
        assert_eq!(format!("{cause}"), "no JSON");
        assert!(!format!("{cause:?}").contains("canary"));
    }

    #[derive(Debug, thiserror::Error)]
    #[error("DynamoDB failed")]
    struct Ours(#[source] AwsCause);

    fn failed(code: &str) -> Ours {
        let error = ErrorMetadata::builder().code(code).message("user#canary is too large").build();
        let response = HttpResponse::new(StatusCode::try_from(400).unwrap(), SdkBody::empty());
        Ours(cause_of(SdkError::service_error(error, response)))
    }

    #[test]
    fn a_log_has_aws_s_code_and_a_terminal_its_text() {
        let denied = failed("AccessDeniedException");
        assert_eq!(AwsCause::for_log(&denied), "DynamoDB failed: AccessDeniedException");
        assert_eq!(AwsCause::own_words(&denied), "DynamoDB failed");
        assert!(with_causes(&denied).contains("user#canary is too large"));
        for odd in ["", "user#canary", "a b", &"x".repeat(65)] {
            assert_eq!(AwsCause::code_of(&failed(odd)), Some("unknown"), "{odd}");
        }
        assert_eq!(AwsCause::code_of(&std::io::Error::other("x")), None);
    }
}
