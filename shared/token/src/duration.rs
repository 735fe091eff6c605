use std::{fmt, str::FromStr};

/// A duration in whole seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(u64);

/// Why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write seconds, or a duration such as 90s, 15m, 1h, 2d or \"2d 1h\"")]
pub struct DurationError;

const UNITS: [(&str, u64); 5] = [("d", 86_400), ("h", 3600), ("min", 60), ("m", 60), ("s", 1)];

impl Seconds {
    /// A duration of `seconds`.
    pub const fn new(seconds: u64) -> Self {
        Self(seconds)
    }

    /// The number of seconds.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl FromStr for Seconds {
    type Err = DurationError;

    /// Reads a bare number of seconds, or numbers with the units d, h, m (or min) and s: `2d 1h`, `2 d 1 h`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut rest = text.trim();
        if !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()) {
            return rest.parse().map(Self).map_err(|_| DurationError);
        }
        let mut total = 0_u64;
        let mut smaller_than = u64::MAX;
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, tail) = rest.split_at(digits);
            let tail = tail.strip_prefix(' ').unwrap_or(tail);
            let number: u64 = number.parse().map_err(|_| DurationError)?;
            let (unit, seconds) =
                UNITS.into_iter().find(|(unit, _)| tail.starts_with(unit)).ok_or(DurationError)?;
            if seconds >= smaller_than {
                return Err(DurationError);
            }
            smaller_than = seconds;
            let part = number.checked_mul(seconds).ok_or(DurationError)?;
            total = total.checked_add(part).ok_or(DurationError)?;
            rest = tail.strip_prefix(unit).unwrap_or_default().trim_start();
        }
        if smaller_than == u64::MAX { Err(DurationError) } else { Ok(Self(total)) }
    }
}

impl fmt::Display for Seconds {
    /// The duration as a person says it, in the units that are not zero: `2 d 1 h`, `10 min 5 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        let mut first = true;
        for (name, unit) in [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)] {
            let count = rest / unit;
            rest %= unit;
            if count > 0 {
                write!(f, "{}{count} {name}", if first { "" } else { " " })?;
                first = false;
            }
        }
        if first { f.write_str("0 s") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_seconds_or_numbers_with_units() {
        for (text, seconds) in [
            ("0", 0),
            ("3600", 3600),
            ("90s", 90),
            ("15m", 900),
            ("1h", 3600),
            ("2d", 172_800),
            ("2d1h", 176_400),
            ("2d 1h", 176_400),
            (" 1h 30m ", 5400),
            ("10 min", 600),
            ("2 d 1 h", 176_400),
        ] {
            assert_eq!(text.parse(), Ok(Seconds::new(seconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_rejected() {
        for text in [
            "",
            " ",
            "h",
            "-1",
            "+1",
            "1.5h",
            "1w",
            "1h 2d",
            "1h 1h",
            "1  h",
            "1 hour",
            "1 minute",
            "1m 1min",
            "one hour",
            "1h30",
            "99999999999999999999",
            "999999999999999999d",
        ] {
            assert_eq!(text.parse::<Seconds>(), Err(DurationError), "{text:?}");
        }
    }

    #[test]
    fn a_duration_is_printed_in_the_units_that_count() {
        for (seconds, text) in
            [(0, "0 s"), (59, "59 s"), (600, "10 min"), (176_400, "2 d 1 h"), (3661, "1 h 1 min 1 s")]
        {
            assert_eq!(Seconds::new(seconds).to_string(), text);
            assert_eq!(text.parse(), Ok(Seconds::new(seconds)), "what is printed can be read");
        }
    }
}
