//! The `password` Lambda function.

use password::ChangePassword;
use users::{Hasher, UserTable};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::start(|environment, aws| {
        let users = UserTable::new(aws.dynamodb(), &environment.users_table()?);
        let keys = environment.signing_keys(aws)?;
        ChangePassword::new(users, keys, Hasher::new(), environment)
    })
    .await
}
