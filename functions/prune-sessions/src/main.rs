//! The `prune-sessions` Lambda function.

use edge::TaskOutcome;
use prune_sessions::PruneSessions;
use users::UserTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::start_task(
        "prune_sessions",
        "prune_failed",
        |environment, aws| {
            let users = UserTable::new(aws.patient_dynamodb(), &environment.users_table()?);
            PruneSessions::new(users, environment)
        },
        async |task: &PruneSessions, _event, now, limit| -> TaskOutcome<_> { task.run(now, limit).await },
    )
    .await
}
