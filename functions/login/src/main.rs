//! The `login` Lambda function.

use edge::SigningKeys;
use login::Login;
use users::{Hasher, UserTable};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::start(|environment, aws| {
        let users = UserTable::new(aws.dynamodb(), &environment.users_table()?);
        Login::new(users, SigningKeys::from_environment(environment, aws)?, Hasher::new(), environment)
    })
    .await
}
