//! A duration is read without panic or overflow, and its units add up.
#![no_main]

use libfuzzer_sys::fuzz_target;
use token::{Seconds, Timestamp};

fuzz_target!(|text: &str| {
    let Ok(duration) = text.parse::<Seconds>() else { return };
    assert_eq!(duration.get().to_string().parse(), Ok(duration));
    assert_eq!(duration.to_string().parse(), Ok(duration), "{text:?} is shown as {duration}");
    assert!(Timestamp::MAX.plus(duration) == Timestamp::MAX);
});
