//! Any taxonomy file is read, or refused with problems that can be shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quell_taxonomy::Taxonomy;

fuzz_target!(|yaml: &str| {
    // The lexicon's cues are the same for every file, and take nearly all the time.
    if let Err(problems) = Taxonomy::parse_without_cues(yaml, "fuzzed.yaml") {
        assert!(!problems.is_empty());
    }
});
