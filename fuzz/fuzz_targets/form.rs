//! A form and the credentials of HTTP Basic are read without a panic, and what was written is read back.
#![no_main]

use edge::{ClientCredentials, Form};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let form = Form::parse(bytes);
    let _ = (form.get("client_id"), form.get("client_secret"), form.is_repeated("resource"));
    // One more parameter is there, or there twice.
    let longer = [bytes, b"&grant_type=client_credentials"].concat();
    if let Ok(value) = Form::parse(&longer).get("grant_type") {
        assert_eq!(value, Some("client_credentials"));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = ClientCredentials::from_basic(text);
    }
});
