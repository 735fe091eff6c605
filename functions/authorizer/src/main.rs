//! The `authorizer` Lambda function.

use authorizer::Authorizer;
use edge::SigningKeys;
use users::UserTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::start_answering(
        |environment, aws| {
            let table = environment.checked_table()?;
            let users = table.map(|table| UserTable::new(aws.dynamodb(), &table));
            Authorizer::new(users, SigningKeys::to_verify(environment, aws)?, environment)
        },
        Authorizer::warm_up,
        Authorizer::answer,
    )
    .await
}
