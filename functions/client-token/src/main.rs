//! The `client-token` Lambda function.

use client_token::ClientToken;
use users::UserTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::start(|environment, aws| {
        let users = UserTable::new(aws.dynamodb(), &environment.users_table()?);
        ClientToken::new(users, environment.signing_keys(aws)?, environment)
    })
    .await
}
