//! The `request-letter` Lambda function.

use request_letter::RequestLetter;
use users::Outbox;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::start(|environment, aws| {
        let outbox = Outbox::new(aws.dynamodb(), &environment.required_outbox_table()?);
        RequestLetter::new(outbox, environment)
    })
    .await
}
