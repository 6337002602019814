//! Any adapter file is read or refused, and any payload decoded with it or rejected.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quell_codec::{Adapter, Limits, RawRecord, decode};
use quell_model::TimeMs;

fuzz_target!(|data: &[u8]| {
    let at = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (yaml, payload) = (&data[..at], data.get(at + 1..).unwrap_or_default());
    let Ok(yaml) = std::str::from_utf8(yaml) else { return };
    match Adapter::parse(yaml, "fuzzed.yaml") {
        Err(problems) => assert!(!problems.is_empty()),
        Ok(adapter) => {
            let log_time = TimeMs(1_700_000_000_000);
            let record = RawRecord { value: Some(payload), headers: &[], key: None, log_time };
            let _ = decode(&record, &adapter, &Limits::default());
        }
    }
});
