//! The `refresh` Lambda function.

use edge::SigningKeys;
use refresh::Refresh;
use users::UserTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::start(|environment, aws| {
        let users = UserTable::new(aws.dynamodb(), &environment.users_table()?);
        Refresh::new(users, SigningKeys::from_environment(environment, aws)?, environment)
    })
    .await
}
