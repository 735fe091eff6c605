//! A cookie header is read without panic, by bytes, and no neighbour's cookie becomes ours.
#![no_main]

use edge::cookie_values;
use libfuzzer_sys::fuzz_target;

const NAME: &str = "__Host-latchkey";

fuzz_target!(|header: &[u8]| {
    // Our name stands in the header as often as it has a value, with nothing but spaces and tabs around it.
    let found = cookie_values(header, NAME).count();
    let pairs = header.split(|byte| *byte == b';').filter(|pair| {
        let Some(equals) = pair.iter().position(|byte| *byte == b'=') else { return false };
        let name: Vec<u8> = pair[..equals].to_vec();
        let start = name.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(name.len());
        let end = name.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(start, |last| last + 1);
        &name[start..end] == NAME.as_bytes()
    });
    assert_eq!(found, pairs.count());
    // Adding our cookie adds its value, whatever stands beside it.
    let with_ours = [header, b"; __Host-latchkey=token"].concat();
    assert_eq!(cookie_values(&with_ours, NAME).last(), Some(&b"token"[..]));
});
