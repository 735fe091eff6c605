//! The `rotate-keys` Lambda function.

use rotate_keys::RotateKeys;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::start_task(
        "rotate_keys",
        "rotation_failed",
        |environment, aws| {
            RotateKeys::new(environment.secret(aws)?, environment.public_keys(aws), environment)
        },
        async |task: &RotateKeys, event, now, _limit| task.run(event, now).await,
    )
    .await
}
