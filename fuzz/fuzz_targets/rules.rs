//! Any taxonomy file is read, or refused with problems that can be shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quell_taxonomy::Taxonomy;

fuzz_target!(|yaml: &str| {
    if let Err(problems) = Taxonomy::parse(yaml, "fuzzed.yaml") {
        assert!(!problems.is_empty());
    }
});
