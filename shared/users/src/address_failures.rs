use aws_sdk_dynamodb::{operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue};
use token::{Seconds, Timestamp};

use crate::{
    SourceAddress, StoreError, TryClaim, TryId, UserTable,
    row::{address_key, has_try, instant, number, string},
    schema::{EXPIRES_AT, FAILURES, TRIES},
    update::{Outcome, update},
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
    /// Whether a login from the address has to claim its try, when `limit` failures are allowed.
    ///
    /// From half of the limit on: of tries at the same instant, no more than the limit are checked where no more than
    /// half of it run at the same time.
    pub fn must_claim(&self, limit: u32) -> bool {
        self.failures > 0 && self.failures >= limit / 2
    }

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
    /// One write; two when the 15 minutes are over and `DynamoDB` has not deleted the row yet. However often the write
    /// is repeated, it counts once.
    pub async fn record_failure_from(
        &self,
        address: &SourceAddress,
        id: &TryId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.count_failure_from(address_key(address), id, now).await
    }

    pub(crate) async fn count_failure_from(
        &self,
        key: AttributeValue,
        id: &TryId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let row = || {
            self.failures_in(key.clone())
                .expression_attribute_names("#expires_at", EXPIRES_AT)
                .expression_attribute_values(":one", number(1))
                .expression_attribute_values(":tries", id.as_set())
                .expression_attribute_values(":now", instant(now))
                .expression_attribute_values(":until", instant(now.plus(WINDOW)))
        };
        let add = "SET #expires_at = if_not_exists(#expires_at, :until) ADD #failures :one, #tries :tries";
        let start_over = "SET #expires_at = :until, #failures = :one, #tries = :tries";
        self.count_failure(row, id, add, start_over).await
    }

    /// Counts a failure from this address before the password is checked, unless that would be one more than `limit`.
    pub async fn claim_try_from(
        &self,
        address: &SourceAddress,
        limit: u32,
        id: &TryId,
        now: Timestamp,
    ) -> Result<TryClaim, StoreError> {
        let claim = self
            .failures_from(address)
            .update_expression("ADD #failures :one, #tries :tries")
            .condition_expression("#failures < :limit AND #expires_at > :now AND NOT contains(#tries, :try)")
            .expression_attribute_names("#expires_at", EXPIRES_AT)
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":tries", id.as_set())
            .expression_attribute_values(":limit", number(limit.into()))
            .expression_attribute_values(":now", instant(now))
            .expression_attribute_values(":try", string(&id.0));
        Ok(match update(claim).await? {
            Outcome::Done(_) => TryClaim::Granted,
            Outcome::Rejected(Some(row)) if has_try(&row, id) => TryClaim::Granted,
            Outcome::Rejected(_) => TryClaim::TakenByAnother,
        })
    }

    /// Takes back a claim whose try was a success.
    pub async fn release_try_from(&self, address: &SourceAddress, id: &TryId) -> Result<(), StoreError> {
        let release = self
            .failures_from(address)
            .update_expression("ADD #failures :minus_one DELETE #tries :tries")
            .condition_expression("contains(#tries, :try)")
            .expression_attribute_values(":minus_one", AttributeValue::N("-1".to_owned()))
            .expression_attribute_values(":tries", id.as_set())
            .expression_attribute_values(":try", string(&id.0));
        update(release).await.map(drop)
    }

    fn failures_from(&self, address: &SourceAddress) -> UpdateItemFluentBuilder {
        self.failures_in(address_key(address))
    }

    fn failures_in(&self, key: AttributeValue) -> UpdateItemFluentBuilder {
        self.update_item(key)
            .expression_attribute_names("#failures", FAILURES)
            .expression_attribute_names("#tries", TRIES)
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
    fn from_half_of_the_limit_on_a_try_is_claimed() {
        let must_claim = |failures, limit| AddressFailures { failures, until: None }.must_claim(limit);
        assert!(!must_claim(0, 1) && !must_claim(49, 100));
        assert!(must_claim(1, 3) && must_claim(50, 100) && must_claim(99, 100));
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
