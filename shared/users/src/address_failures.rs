use token::{Seconds, Timestamp};

use crate::{
    SourceAddress, StoreError, UserTable,
    row::{address_key, instant, number},
    schema::{EXPIRES_AT, FAILURES},
};

/// For how long failures from an address are counted together, from the first of them on.
const WINDOW: Seconds = Seconds::new(900);

/// Failed logins from one address, under whatever names, in the 15 minutes since the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressFailures {
    /// How many.
    pub failures: u32,
    /// When they stop counting; none when there was none.
    pub until: Option<Timestamp>,
}

impl AddressFailures {
    /// How long logins from the address have to wait when `limit` failures are allowed, or none if one may be made now.
    ///
    /// An end further off than 15 minutes was written by a clock that has been set back; it makes nobody wait.
    pub fn retry_after(&self, limit: u32, now: Timestamp) -> Option<Seconds> {
        let rest = self.until?.time_left(now);
        (self.failures >= limit && Seconds::new(0) < rest && rest <= WINDOW).then_some(rest)
    }
}

impl UserTable {
    /// Counts a failed login from this address, whatever the name was. A success forgets none of them: an attacker may
    /// have an account too.
    ///
    /// One write; two when the 15 minutes are over and `DynamoDB` has not deleted the row yet.
    pub async fn record_failure_from(
        &self,
        address: &SourceAddress,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let row = || {
            self.update_item(address_key(address))
                .expression_attribute_names("#failures", FAILURES)
                .expression_attribute_names("#expires_at", EXPIRES_AT)
                .expression_attribute_values(":one", number(1))
                .expression_attribute_values(":now", instant(now))
                .expression_attribute_values(":until", instant(now.plus(WINDOW)))
        };
        let add = "SET #expires_at = if_not_exists(#expires_at, :until) ADD #failures :one";
        self.count_failure(row, add, "SET #expires_at = :until, #failures = :one").await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNTIL: u64 = 1_685_728_800;

    fn wait(failures: u32, limit: u32, now: u64) -> Option<u64> {
        let until = Timestamp::from_seconds(UNTIL);
        let now = Timestamp::from_seconds(now).unwrap();
        AddressFailures { failures, until }.retry_after(limit, now).map(Seconds::get)
    }

    #[test]
    fn from_the_limit_on_everybody_waits_until_the_fifteen_minutes_are_over() {
        assert_eq!(wait(99, 100, UNTIL - 900), None);
        assert_eq!(wait(100, 100, UNTIL - 900), Some(900));
        assert_eq!(wait(u32::MAX, 100, UNTIL - 1), Some(1));
        assert_eq!(wait(100, 100, UNTIL), None);
    }

    #[test]
    fn a_clock_set_back_makes_nobody_wait_longer() {
        assert_eq!(wait(100, 100, UNTIL - 901), None);
    }

    #[test]
    fn no_failure_makes_nobody_wait() {
        assert_eq!(AddressFailures::default().retry_after(0, Timestamp::MAX), None);
    }
}
