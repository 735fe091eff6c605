//! The `login` Lambda function.

use login::Login;
use users::{Hasher, UserTable};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::start(|environment, aws| {
        let users = UserTable::new(aws.dynamodb(), &environment.users_table()?);
        Login::new(users, environment.signing_keys(aws)?, Hasher::new(), environment)
    })
    .await
}
