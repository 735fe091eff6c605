//! The `mailer` Lambda function.

use std::convert::Infallible;

use aws_sdk_sesv2::Client;
use mailer::Mailer;
use token::Timestamp;
use users::{Codes, Deliveries, Outbox, UserTable};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::start_answering(
        |environment, aws| {
            let users = UserTable::new(aws.dynamodb(), &environment.users_table()?);
            let outbox = Outbox::new(aws.dynamodb(), &environment.required_outbox_table()?);
            let codes = Codes::new(users, &environment.codes_table()?);
            Mailer::new(Deliveries::new(outbox, codes), Client::new(&aws.for_ses()), environment)
        },
        async |mailer: &Mailer, _now: Timestamp| mailer.warm_up().await,
        async |mailer: &Mailer, event: &str, now, limit| {
            Ok::<_, Infallible>(mailer.answer(event, now, limit).await)
        },
    )
    .await
}
