use std::{future::Future, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;

use crate::Rejection;

/// What comes of `handling`, in which a panic and more time than `limit` are refusals too.
pub async fn guarded<T>(
    handling: impl Future<Output = Result<T, Rejection>>,
    limit: Duration,
) -> Result<T, Rejection> {
    match tokio::time::timeout(limit, AssertUnwindSafe(handling).catch_unwind()).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Rejection::Internal("panic")),
        Err(_) => Err(Rejection::TimedOut),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn outcome(handling: impl Future<Output = Result<u8, Rejection>>) -> Result<u8, String> {
        guarded(handling, Duration::from_millis(20)).await.map_err(|rejection| rejection.reason())
    }

    #[tokio::test]
    async fn a_panic_and_a_hang_are_refusals() {
        assert_eq!(outcome(async { Ok(1) }).await, Ok(1));
        assert_eq!(outcome(async { panic!("a bug") }).await, Err("internal: panic".to_owned()));
        assert_eq!(outcome(std::future::pending()).await, Err("TimedOut".to_owned()));
    }
}
