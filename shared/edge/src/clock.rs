//! The one place that reads the time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use token::Timestamp;
use tokio::time::Instant;

/// The current second, floored. Before 1970 it is 1970; no clock of AWS is that wrong.
#[expect(clippy::disallowed_methods, reason = "the single reading of a request's time")]
pub fn now() -> Timestamp {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
    Timestamp::from_seconds(seconds).unwrap_or(Timestamp::MAX)
}

/// How long it is until `deadline`; nothing when it has passed.
#[expect(clippy::disallowed_methods, reason = "Lambda tells the deadline as a time of day")]
pub(crate) fn time_until(deadline: SystemTime) -> Duration {
    deadline.duration_since(SystemTime::now()).unwrap_or_default()
}

/// When something began whose duration must not tell anything.
pub(crate) struct Began(Instant);

impl Began {
    /// Now.
    pub(crate) fn now() -> Self {
        Self(Instant::now())
    }

    /// Waits until a whole number of steps has passed since.
    pub(crate) async fn whole_steps(&self, step: Duration) {
        tokio::time::sleep_until(self.0 + rounded_up(self.0.elapsed(), step)).await;
    }
}

fn rounded_up(elapsed: Duration, step: Duration) -> Duration {
    let steps = elapsed.as_micros() / step.as_micros() + 1;
    step * u32::try_from(steps).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_becomes_the_next_whole_number_of_steps() {
        let step = Duration::from_millis(10);
        for (elapsed, rounded) in [(0, 10), (1, 10), (9_999, 10), (10_000, 20), (10_001, 20), (123_456, 130)]
        {
            let rounded = Duration::from_millis(rounded);
            assert_eq!(rounded_up(Duration::from_micros(elapsed), step), rounded, "{elapsed} µs");
        }
    }

    #[tokio::test]
    async fn no_step_ends_early() {
        let began = Began::now();
        began.whole_steps(Duration::from_millis(20)).await;
        assert!(began.0.elapsed() >= Duration::from_millis(20));
    }
}
