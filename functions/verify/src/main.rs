//! The `verify` Lambda function.

use users::UserTable;
use verify::Verify;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::start(|environment, aws| {
        let users = UserTable::new(aws.dynamodb(), &environment.users_table()?);
        Verify::new(users, environment.verification_keys(aws)?, environment)
    })
    .await
}
