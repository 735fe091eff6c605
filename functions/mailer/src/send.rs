//! A letter to SES, and what became of it: its text is in no error and no log, and neither is the address.

use aws_sdk_sesv2::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{Body, Content, Destination, EmailContent, Message, MessageHeader},
};

use crate::letter::{Writer, Written};

/// What is known after an attempt.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// SES has it, and sends it.
    Taken,
    /// SES will never send it, by this error of its own.
    Refused(String),
    /// It was surely not sent, and another attempt may do.
    Failed(String),
    /// It may have been sent.
    Unknown(String),
}

impl Sent {
    /// What SES called its error, or a word of ours.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Taken => None,
            Self::Refused(code) | Self::Failed(code) | Self::Unknown(code) => Some(code),
        }
    }
}

/// Sends one letter to one address.
pub(crate) async fn send(ses: &Client, writer: &Writer, to: &str, letter: &Written) -> Sent {
    let Ok(content) = content(letter) else { return Sent::Refused("unbuilt".to_owned()) };
    let sent = ses
        .send_email()
        .from_email_address(writer.from())
        .destination(Destination::builder().to_addresses(to).build())
        .content(content)
        .set_configuration_set_name(writer.configuration_set())
        .send()
        .await;
    let Err(error) = sent else { return Sent::Taken };
    let was_sent = !aws::surely_not_sent(&error);
    let status = match &error {
        SdkError::ServiceError(failed) => Some(failed.raw().status().as_u16()),
        _ => None,
    };
    let passes = error.code().is_some_and(|code| PASSING.contains(&code));
    let cause = aws::cause_of(error);
    let code = cause.code().to_owned();
    match status {
        Some(429 | 500..) => Sent::Failed(code),
        Some(_) if passes => Sent::Failed(code),
        Some(_) => Sent::Refused(code),
        None if was_sent => Sent::Unknown(code),
        None => Sent::Failed(code),
    }
}

/// The errors of 400 that pass: too many letters a second, or a day.
const PASSING: [&str; 4] =
    ["TooManyRequestsException", "LimitExceededException", "ThrottlingException", "Throttling"];

fn content(letter: &Written) -> Result<EmailContent, aws_sdk_sesv2::error::BuildError> {
    let utf8 = |text: &str| Content::builder().data(text).charset("UTF-8").build();
    let header = |name: &str, value: &str| MessageHeader::builder().name(name).value(value).build();
    let message = Message::builder()
        .subject(utf8(&letter.subject)?)
        .body(Body::builder().text(utf8(&letter.text)?).build())
        // RFC 3834: an autoresponder that heeds it sends no code back.
        .headers(header("Auto-Submitted", "auto-generated")?)
        .headers(header("X-Auto-Response-Suppress", "All")?);
    Ok(EmailContent::builder().simple(message.build()).build())
}
