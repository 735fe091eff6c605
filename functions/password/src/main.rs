//! The `password` Lambda function.

use password::ChangePassword;
use users::{Hasher, Outbox, UserTable};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::start(|environment, aws| {
        let users = UserTable::new(aws.dynamodb(), &environment.users_table()?);
        let keys = environment.signing_keys(aws)?;
        let outbox = environment.outbox_table().map(|name| Outbox::new(aws.dynamodb(), &name));
        Ok(ChangePassword::new(users, keys, Hasher::new(), environment)?.telling(outbox))
    })
    .await
}
