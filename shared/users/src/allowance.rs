use token::{Seconds, Timestamp};

/// How often letters may be sent for one reason: some at once, and then one in a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    at_once: u64,
    spacing: Seconds,
}

impl Allowance {
    /// To one user: three, and then one in half an hour, which makes 51 on the first day.
    ///
    /// A code for a new password is good for twice as long, [`LETTER_CODE_LIFE`](crate::LETTER_CODE_LIFE). So a stranger who asks for more
    /// letters than are sent keeps nobody out: who asks and gets none has one whose code is good for another half an hour.
    pub const TO_USER: Self = Self { at_once: 3, spacing: Seconds::new(1800) };
    /// Asked for from one address: ten, and then one in 90 seconds.
    pub const FROM_ADDRESS: Self = Self { at_once: 10, spacing: Seconds::new(90) };

    /// From when on as many are allowed at once again, after one more at `now`; none where that one is not allowed.
    ///
    /// `full_at` is what this said before.
    pub(crate) fn after_one_more(self, full_at: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        let all = self.spacing.get().saturating_mul(self.at_once);
        // Further off than any letter puts it, it was written by a clock that has been set back.
        let left = full_at.map_or(0, |full_at| full_at.time_left(now).get());
        let left = if left > all { 0 } else { left };
        let after = left + self.spacing.get();
        (after <= all).then(|| now.plus(Seconds::new(after)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::LETTER_CODE_LIFE;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + seconds).unwrap()
    }

    /// Which of these requests are granted.
    fn granted(allowance: Allowance, requests: &[u64]) -> Vec<bool> {
        let mut full_at = None;
        let mut one = |second: &u64| {
            let after = allowance.after_one_more(full_at, at(*second));
            full_at = after.or(full_at);
            after.is_some()
        };
        requests.iter().map(&mut one).collect()
    }

    #[test]
    fn three_letters_go_to_a_user_and_then_one_in_half_an_hour() {
        let asked = [0, 0, 1, 2, 1799, 1800, 1801, 3600, 3600, 20_000, 20_000, 20_000, 20_000];
        let sent = [true, true, true, false, false, true, false, true, false, true, true, true, false];
        assert_eq!(granted(Allowance::TO_USER, &asked), sent);
        let day: Vec<_> = (0..86_400).collect();
        assert_eq!(granted(Allowance::TO_USER, &day).iter().filter(|sent| **sent).count(), 50);
    }

    #[test]
    fn ten_letters_are_sent_for_an_address_and_then_one_in_90_seconds() {
        let asked = [[0; 11].as_slice(), &[89, 90, 91, 180]].concat();
        let sent = [[true; 10].as_slice(), &[false, false, true, false, true]].concat();
        assert_eq!(granted(Allowance::FROM_ADDRESS, &asked), sent);
    }

    #[test]
    fn a_clock_that_was_set_back_silences_nobody() {
        let allowance = Allowance::TO_USER;
        assert_eq!(allowance.after_one_more(Some(at(5401)), at(0)), Some(at(1800)));
        assert_eq!(allowance.after_one_more(Some(at(5400)), at(0)), None);
    }

    proptest! {
        /// whoever asks gets a letter, or has one whose code is good for half an hour at least.
        #[test]
        fn a_stranger_who_uses_up_the_allowance_keeps_nobody_out(gaps in vec(0_u64..4000, 1..200)) {
            let mut second = 0;
            let asked: Vec<_> = gaps.iter().map(|gap| { second += gap; second }).collect();
            let mut last = None;
            for (second, is_sent) in asked.iter().zip(granted(Allowance::TO_USER, &asked)) {
                if is_sent {
                    last = Some(*second);
                }
                let good_for = LETTER_CODE_LIFE.get() - (second - last.unwrap());
                prop_assert!(good_for >= 1800, "asked at {second}, the last letter was sent at {last:?}");
            }
        }
    }
}
