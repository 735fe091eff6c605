//! The `refresh` Lambda function.

use refresh::Refresh;
use users::UserTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::start(|environment, aws| {
        let users = UserTable::new(aws.dynamodb(), &environment.users_table()?);
        Refresh::new(users, environment.signing_keys(aws)?, environment)
    })
    .await
}
