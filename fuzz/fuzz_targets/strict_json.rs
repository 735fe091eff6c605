//! The strict reader never panics, accepts nothing that `serde_json` rejects, and reads the same object.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use token::strict_json;

fuzz_target!(|text: &[u8]| {
    let Ok(strict) = strict_json::parse_object(text) else { return };
    let lax: Map<String, Value> = serde_json::from_slice(text).expect("serde_json reads what we read");
    assert_eq!(strict, lax);
    let printed = serde_json::to_vec(&strict).expect("an object is printable");
    // Not compared: without its feature `float_roundtrip` serde_json reads the last bit of a fraction loosely.
    strict_json::parse_object(&printed).expect("we read what we printed");
});
