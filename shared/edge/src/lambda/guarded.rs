use std::{future::Future, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;

use crate::{Reason, Rejection};

/// What comes of `handling`, in which a panic and more time than `limit` are rejections too.
pub async fn guarded<T>(
    handling: impl Future<Output = Result<T, Rejection>>,
    limit: Duration,
) -> Result<T, Rejection> {
    match tokio::time::timeout(limit, AssertUnwindSafe(handling).catch_unwind()).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Reason::Internal("panic").into()),
        Err(_) => Err(Reason::TimedOut.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn outcome(handling: impl Future<Output = Result<u8, Rejection>>) -> Result<u8, &'static str> {
        guarded(handling, Duration::from_millis(20)).await.map_err(|rejection| rejection.reason().word())
    }

    #[tokio::test]
    async fn a_panic_and_a_hang_are_rejections() {
        assert_eq!(outcome(async { Ok(1) }).await, Ok(1));
        assert_eq!(outcome(async { panic!("a bug") }).await, Err("internal"));
        assert_eq!(outcome(std::future::pending()).await, Err("timed_out"));
    }
}
