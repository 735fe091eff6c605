use aws_sdk_dynamodb::{operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use token::{Entropy, Seconds, Timestamp};

use crate::{
    StoreError, UserTable, Username,
    row::{has_try, instant, number, string},
    schema::{EXPIRES_AT, FAILURES, KEY, LAST_FAILURE, TRIES},
    update::{Outcome, update},
};

/// The failure in a row from which on the next try has to wait. The ones before it cost no wait.
const FIRST_THROTTLED_FAILURE: u32 = 5;
/// The wait after the fifth failure; it doubles with each further one.
const FIRST_WAIT: u64 = 5;
/// The longest wait before the hundredth failure: nobody is locked out for good.
const LONGEST_WAIT: u64 = 900;
/// NIST SP 800-63B-4, section 3.2.2, allows so many failures in a row. From here on the wait is [`SLOWEST_WAIT`].
const FIRST_SLOWEST_FAILURE: u32 = 100;
/// 24 guesses a day. The section names an hour as the longest wait after a failure.
const SLOWEST_WAIT: u64 = 3600;
/// How long a row of attempts counts after the last failure. Longer than [`SLOWEST_WAIT`], or it would end waits.
const ROW_LIFETIME: Seconds = Seconds::new(86_400);
/// For how long a write of a failure may still be repeated: many times over what the client and a function take.
const REPEATS_END_AFTER: Seconds = Seconds::new(60);
/// How often a failure is written again because others started the row over at the same moment.
const MAX_WRITES: u32 = 3;

/// Failed logins in a row under one name, whether a user has it or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// How many, since the last success and within a day of each other.
    pub failures: u32,
    /// When the last one was; none when there was none.
    pub last_failure: Option<Timestamp>,
}

/// Marks the write that counts one try: a write that is repeated because its response was lost finds its mark, and
/// counts nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TryId(pub(crate) String);

impl TryId {
    /// A mark of 48 bits: it has to differ from those of the same row and minute.
    pub fn new(entropy: Entropy) -> Self {
        let (mark, _) = entropy.0.split_at(6);
        Self(BASE64_URL_SAFE_NO_PAD.encode(mark))
    }

    pub(crate) fn as_set(&self) -> AttributeValue {
        AttributeValue::Ss(vec![self.0.clone()])
    }
}

/// Whether a login that has to claim its try may check its password now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryClaim {
    /// It may; the failure that it would be is counted already.
    Granted,
    /// Another login of this name is being checked.
    TakenByAnother,
}

impl Attempts {
    /// Whether the next failure is one that makes others wait, so that a login has to claim its try.
    pub fn must_claim(&self) -> bool {
        self.failures.saturating_add(1) >= FIRST_THROTTLED_FAILURE
    }

    /// These and one more failure at `now`.
    #[must_use]
    pub fn and_one(&self, now: Timestamp) -> Self {
        Self { failures: self.failures.saturating_add(1), last_failure: Some(now) }
    }

    /// How long the next try has to wait, or none if it may be made now.
    ///
    /// The wait since the last failure is 5 s from the fifth failure on, doubles with each further one up to 900 s, and
    /// is an hour from the hundredth on. A last failure further in the future than that was written by a clock that has been set back;
    /// it makes nobody wait, and the next failure replaces it.
    pub fn retry_after(&self, now: Timestamp) -> Option<Seconds> {
        let last_failure = self.last_failure?;
        let doublings = self.failures.checked_sub(FIRST_THROTTLED_FAILURE)?;
        let factor = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
        let slowest = self.failures >= FIRST_SLOWEST_FAILURE;
        let longest = if slowest { SLOWEST_WAIT } else { LONGEST_WAIT };
        let wait = if slowest { SLOWEST_WAIT } else { FIRST_WAIT.saturating_mul(factor).min(LONGEST_WAIT) };
        if last_failure.time_left(now) > Seconds::new(longest) {
            return None;
        }
        let rest = last_failure.plus(Seconds::new(wait)).time_left(now).min(Seconds::new(longest));
        (rest > Seconds::new(0)).then_some(rest)
    }
}

impl UserTable {
    /// Counts a failed login under this name, whether a user has it or not.
    ///
    /// One write; two when the row has expired and `DynamoDB` has not deleted it yet. However often the write is
    /// repeated, it counts once.
    pub async fn record_failure(
        &self,
        username: &Username,
        id: &TryId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let row = || self.failure_at(username, id, now);
        let add = "SET #last_failure = :now, #expires_at = :expires_at ADD #failures :one, #tries :tries";
        let start_over =
            "SET #last_failure = :now, #expires_at = :expires_at, #failures = :one, #tries = :tries";
        self.count_failure(row, id, add, start_over).await
    }

    /// Makes the update `add` of a row of failures, or `start_over` of one that has expired.
    pub(crate) async fn count_failure(
        &self,
        row: impl Fn() -> UpdateItemFluentBuilder,
        id: &TryId,
        add: &str,
        start_over: &str,
    ) -> Result<(), StoreError> {
        let live = "(attribute_not_exists(#expires_at) OR #expires_at > :now) AND NOT contains(#tries, :try)";
        let expired = "#expires_at <= :now AND NOT contains(#tries, :try)";
        for _ in 0..MAX_WRITES {
            for (change, condition) in [(add, live), (start_over, expired)] {
                let write = row()
                    .update_expression(change)
                    .condition_expression(condition)
                    .expression_attribute_values(":try", string(&id.0));
                match update(write).await? {
                    Outcome::Done(_) => return Ok(()),
                    Outcome::Rejected(Some(row)) if has_try(&row, id) => return Ok(()),
                    Outcome::Rejected(_) => {}
                }
            }
        }
        Err(StoreError::Contended { attempts: MAX_WRITES })
    }

    /// Forgets the failed logins under this name.
    ///
    /// An update, because who logs users in may not delete rows; what is left of the row expires.
    pub async fn clear_attempts(&self, username: &Username) -> Result<(), StoreError> {
        let clear = self
            .forget_attempts(username)
            .condition_expression("attribute_exists(#pk)")
            .expression_attribute_names("#pk", KEY);
        update(clear).await.map(drop)
    }

    /// Counts a failure before the password is checked, unless another try came first.
    ///
    /// From the fifth failure in a row on a login has to claim its try: of many at the same instant one is checked,
    /// and the others wait as after its failure. Success forgets the claim with the failures.
    pub async fn claim_try(
        &self,
        username: &Username,
        attempts: &Attempts,
        id: &TryId,
        now: Timestamp,
    ) -> Result<TryClaim, StoreError> {
        let Some(last_failure) = attempts.last_failure else { return Ok(TryClaim::Granted) };
        // Marks of writes that nobody repeats any more go, or the row would grow as long as the failures go on.
        let change = if last_failure.plus(REPEATS_END_AFTER) < now {
            "SET #last_failure = :now, #expires_at = :expires_at, #tries = :tries ADD #failures :one"
        } else {
            "SET #last_failure = :now, #expires_at = :expires_at ADD #failures :one, #tries :tries"
        };
        let claim = self
            .failure_at(username, id, now)
            .update_expression(change)
            .condition_expression("#failures = :read AND #last_failure = :read_at")
            .expression_attribute_values(":read", number(attempts.failures.into()))
            .expression_attribute_values(":read_at", instant(last_failure));
        Ok(match update(claim).await? {
            Outcome::Done(_) => TryClaim::Granted,
            Outcome::Rejected(Some(row)) if has_try(&row, id) => TryClaim::Granted,
            Outcome::Rejected(_) => TryClaim::TakenByAnother,
        })
    }

    pub(crate) fn forget_attempts(&self, username: &Username) -> UpdateItemFluentBuilder {
        self.update_item(string(&self.attempts_key(username)))
            .update_expression("REMOVE #failures, #last_failure, #tries")
            .expression_attribute_names("#tries", TRIES)
            .expression_attribute_names("#failures", FAILURES)
            .expression_attribute_names("#last_failure", LAST_FAILURE)
    }

    fn failure_at(&self, username: &Username, id: &TryId, now: Timestamp) -> UpdateItemFluentBuilder {
        self.update_item(string(&self.attempts_key(username)))
            .expression_attribute_names("#failures", FAILURES)
            .expression_attribute_names("#last_failure", LAST_FAILURE)
            .expression_attribute_names("#expires_at", EXPIRES_AT)
            .expression_attribute_names("#tries", TRIES)
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":tries", id.as_set())
            .expression_attribute_values(":now", instant(now))
            .expression_attribute_values(":expires_at", instant(now.plus(ROW_LIFETIME)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAST: u64 = 1_685_728_800;

    fn wait(failures: u32, now: u64) -> Option<u64> {
        let last_failure = Timestamp::from_seconds(LAST);
        let now = Timestamp::from_seconds(now).unwrap();
        Attempts { failures, last_failure }.retry_after(now).map(Seconds::get)
    }

    #[test]
    fn the_wait_starts_at_the_fifth_failure_doubles_up_to_15_minutes_and_is_an_hour_from_the_hundredth_on() {
        for (failures, expected) in [
            (0, None),
            (1, None),
            (4, None),
            (5, Some(5)),
            (6, Some(10)),
            (7, Some(20)),
            (11, Some(320)),
            (12, Some(640)),
            (13, Some(900)),
            (14, Some(900)),
            (5 + 63, Some(900)),
            (5 + 64, Some(900)),
            (99, Some(900)),
            (100, Some(3600)),
            (u32::MAX, Some(3600)),
        ] {
            assert_eq!(wait(failures, LAST), expected, "{failures}");
        }
    }

    #[test]
    fn the_wait_counts_from_the_last_failure() {
        assert_eq!(wait(6, LAST + 1), Some(9));
        assert_eq!(wait(6, LAST + 9), Some(1));
        assert_eq!(wait(6, LAST + 10), None);
        assert_eq!(wait(99, LAST + 899), Some(1));
        assert_eq!(wait(99, LAST + 900), None);
    }

    #[test]
    fn a_clock_set_back_makes_nobody_wait_longer() {
        assert_eq!(wait(5, LAST - 1), Some(6));
        assert_eq!(wait(99, LAST - 1), Some(900));
        assert_eq!(wait(99, LAST - 900), Some(900));
        assert_eq!(wait(99, LAST - 901), None);
        assert_eq!(wait(99, 0), None);
        assert_eq!(wait(100, LAST - 3600), Some(3600));
        assert_eq!(wait(100, LAST - 3601), None);
    }

    #[test]
    fn no_failure_makes_nobody_wait() {
        assert_eq!(Attempts::default().retry_after(Timestamp::MAX), None);
    }
}
