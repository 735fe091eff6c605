//! The `sessions` Lambda function.

use sessions::Sessions;
use users::UserTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::start(|environment, aws| {
        let users = UserTable::new(aws.dynamodb(), &environment.users_table()?);
        Sessions::new(users, environment.verification_keys(aws)?, environment)
    })
    .await
}
