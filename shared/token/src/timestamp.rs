use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Seconds;

/// An instant: whole seconds since the Unix epoch, `NumericDate` of RFC 7519 §2 without fractions.
///
/// Always below 2^53, so that every JSON reader sees the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Timestamp(u64);

impl Timestamp {
    /// The last instant we can express, 2^53 - 1.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// The instant `seconds` after the epoch; none at 2^53 and beyond.
    pub const fn from_seconds(seconds: u64) -> Option<Self> {
        if seconds <= Self::MAX.0 { Some(Self(seconds)) } else { None }
    }

    /// Seconds since the epoch.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// This instant plus `delta`, at most [`Timestamp::MAX`].
    #[must_use]
    pub const fn plus(self, delta: Seconds) -> Self {
        let sum = self.0.saturating_add(delta.get());
        if sum <= Self::MAX.0 { Self(sum) } else { Self::MAX }
    }

    /// This instant less `delta`, at least the epoch.
    #[must_use]
    pub const fn minus(self, delta: Seconds) -> Self {
        Self(self.0.saturating_sub(delta.get()))
    }

    /// How long it is from `now` until this instant; zero when it has passed.
    #[must_use]
    pub const fn time_left(self, now: Self) -> Seconds {
        Seconds::new(self.0.saturating_sub(now.0))
    }
}

impl fmt::Display for Timestamp {
    /// `2023-06-02 18:00:00 UTC`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0 / 86_400);
        let second_of_day = self.0 % 86_400;
        let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
    }
}

impl TryFrom<u64> for Timestamp {
    type Error = &'static str;

    fn try_from(seconds: u64) -> Result<Self, Self::Error> {
        Self::from_seconds(seconds).ok_or("an instant is a number of seconds below 2^53")
    }
}

impl From<Timestamp> for u64 {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.0
    }
}

/// The proleptic Gregorian date of a day count since 1970-01-01, by Howard Hinnant's
/// `civil_from_days` (<https://howardhinnant.github.io/date_algorithms.html>).
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_printed_as_a_utc_date() {
        let printed = |seconds| Timestamp::from_seconds(seconds).unwrap().to_string();
        assert_eq!(printed(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(printed(951_782_399), "2000-02-28 23:59:59 UTC");
        assert_eq!(printed(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(printed(1_685_728_800), "2023-06-02 18:00:00 UTC");
    }

    #[test]
    fn sums_never_overflow() {
        assert_eq!(Timestamp::MAX.plus(Seconds::new(u64::MAX)), Timestamp::MAX);
        assert_eq!(Timestamp::from_seconds(1 << 53), None);
    }
}
