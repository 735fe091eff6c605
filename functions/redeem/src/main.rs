//! The `redeem` Lambda function.

use redeem::Redeem;
use users::{Codes, Hasher, UserTable};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::start(|environment, aws| {
        let users = UserTable::new(aws.dynamodb(), &environment.users_table()?);
        let codes = Codes::new(users.clone(), &environment.codes_table()?);
        Redeem::new(users, codes, Hasher::new(), environment)
    })
    .await
}
