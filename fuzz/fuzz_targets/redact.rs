//! Redacting a text a second time changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quell_text::redact;

fuzz_target!(|text: &str| {
    let once = redact(text);
    let twice = redact(&once.text);
    assert_eq!(twice.text, once.text);
});
