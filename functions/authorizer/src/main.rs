//! The `authorizer` Lambda function.

use authorizer::Authorizer;
use users::UserTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::start_answering(
        |environment, aws| {
            let table = environment.checked_table()?;
            let users = table.map(|table| UserTable::new(aws.dynamodb(), &table));
            Authorizer::new(users, environment.verification_keys(aws)?, environment)
        },
        Authorizer::warm_up,
        Authorizer::answer,
    )
    .await
}
