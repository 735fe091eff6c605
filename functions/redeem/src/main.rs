//! The `redeem` Lambda function.

use redeem::Redeem;
use users::{Codes, Hasher, Outbox, UserTable};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::start(|environment, aws| {
        let users = UserTable::new(aws.dynamodb(), &environment.users_table()?);
        let codes = Codes::new(users.clone(), &environment.codes_table()?);
        let outbox = environment.outbox_table().map(|name| Outbox::new(aws.dynamodb(), &name));
        Ok(Redeem::new(users, codes, Hasher::new(), environment)?.telling(outbox))
    })
    .await
}
