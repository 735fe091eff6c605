//! The one place that reads the time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use token::Timestamp;

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
