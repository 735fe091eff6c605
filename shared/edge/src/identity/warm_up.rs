use aws::AwsCause;
use keyring::SigningKeys;
use lambda_http::tracing::warn;
use token::Timestamp;
use users::StoreError;

/// Reads the keys and opens the connection to the users side by side. A failure is logged and tried again by the first
/// request.
///
/// Boxed, because the SDK's futures nest deeper than the compiler follows.
pub async fn warm_up(
    keys: &SigningKeys,
    users: impl Future<Output = Result<(), StoreError>>,
    now: Timestamp,
) {
    let (opened, ()) = Box::pin(futures_util::future::join(users, keys.warm_up(now))).await;
    if let Err(error) = opened {
        warn!(event = "warm_up", problem = AwsCause::for_log(&error), "the users cannot be read yet");
    }
}
