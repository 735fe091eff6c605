use std::fmt;

use serde_json::{Value, json};
use users::UserRecord;

/// What an item takes beside its texts: the names of its attributes, the id, the date and the fingerprints.
const OVERHEAD_BYTES: usize = 320;
/// A write unit of `DynamoDB` is a write of up to 1 KiB.
const BYTES_PER_UNIT: usize = 1024;
/// What a new on-demand table takes at once, in write units a second (DynamoDB Developer Guide, "On-demand capacity").
const UNITS_PER_SECOND: u64 = 4000;
/// In us-east-1, on demand, in millionths of a dollar for a thousand units: $0.625 a million.
const MICRODOLLARS_PER_THOUSAND: u64 = 625;

/// What an import will take.
#[derive(Default)]
pub(super) struct Estimate {
    pub(super) rows: u64,
    units: u64,
}

impl Estimate {
    pub(super) fn take_up(&mut self, record: &UserRecord) {
        let origin = record.origin.as_ref();
        let texts = 2 * record.username.as_str().len()
            + record.password_hash.as_ref().map_or(1, |hash| hash.expose().len())
            + record.claims.to_string().len()
            + origin.map_or(0, |origin| origin.name.len() + origin.key.as_ref().map_or(0, String::len));
        self.rows += 1;
        self.units += (texts + OVERHEAD_BYTES).div_ceil(BYTES_PER_UNIT) as u64;
    }

    fn cents(&self) -> u64 {
        (self.units * MICRODOLLARS_PER_THOUSAND).div_ceil(1000 * 10_000)
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "importable": self.rows, "write_units": self.units,
            "write_units_per_second": UNITS_PER_SECOND, "cents": self.cents(),
        })
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (units, cents) = (self.units, self.cents());
        write!(
            f,
            "On DynamoDB that is {units} write units: ${}.{:02} at most in us-east-1, and {} s at the {UNITS_PER_SECOND} a second that a new on-demand table takes.",
            cents / 100,
            cents % 100,
            units.div_ceil(UNITS_PER_SECOND),
        )
    }
}
