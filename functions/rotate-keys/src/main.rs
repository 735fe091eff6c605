//! The `rotate-keys` Lambda function.

use edge::PublicKeys;
use rotate_keys::RotateKeys;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::start_task(
        "rotate-keys",
        |environment, aws| {
            let table = environment.public_keys_table();
            let published = table.map(|table| PublicKeys::new(aws.dynamodb(), &table));
            RotateKeys::new(aws.secrets_manager(), published, environment)
        },
        RotateKeys::handle,
    )
    .await
}
