//! The topics of a deployment: what each is keyed by, how many partitions it has, what becomes of
//! its old records.

use std::time::Duration;

use quell_model::topic::{StageName, TopicNames};

use crate::topics::{Cleanup, Layouts, Partitions, TopicSpec};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Internal records wait this long for a stage that does not run.
const INTERNAL_RETENTION: Duration = DAY.saturating_mul(7);
/// Rejected bytes are a source's own, and expire.
const DEAD_LETTER_RETENTION: Duration = DAY.saturating_mul(14);

/// All topics that there must be. `found` are those there are: what is read together must have as
/// many partitions as what is there already. Quell writes records of up to `record_bytes`.
pub fn catalogue(
    names: &TopicNames,
    inputs: &[String],
    partitions: i32,
    record_bytes: usize,
    found: &Layouts,
) -> Vec<TopicSpec> {
    let count = |name: &str| found.get(name).map_or(partitions, |layout| layout.partitions);
    let spec = |name: String, key, partitions, cleanup, retention| TopicSpec {
        name,
        key,
        partitions,
        cleanup,
        retention,
        record_bytes: Some(record_bytes),
    };
    let (made, one) = (Partitions::Made(partitions), Partitions::Exactly(1));
    let internal = |name: String, key, partitions| {
        spec(name, key, partitions, Cleanup::Delete, Some(INTERNAL_RETENTION))
    };
    let letters = |name: String, key| {
        spec(name, key, Partitions::Made(1), Cleanup::Delete, Some(DEAD_LETTER_RETENTION))
    };
    let compacted =
        |name: String, key, partitions| spec(name, key, partitions, Cleanup::Compact, None);
    let mut specs = Vec::new();
    for input in inputs {
        let own = spec(input.clone(), "the source's", made, Cleanup::Any, None);
        specs.push(TopicSpec { record_bytes: None, ..own });
        specs.push(letters(names.dead_letters(input), "the source's"));
    }
    specs.push(internal(names.events(), "contact", made));
    specs.push(internal(names.to_link(), "customer", made));
    specs.push(internal(names.facts(), "tenant", one));
    specs.push(letters(names.refused(), "the record's"));
    specs.push(compacted(names.seal(), "seal", one));
    for (stage, input) in [(StageName::Tag, names.events()), (StageName::Link, names.to_link())] {
        let alike = Partitions::Exactly(count(&input));
        specs.push(compacted(names.changelog(stage), "table and row", alike));
    }
    let trend = names.changelog(StageName::Trend);
    specs.push(compacted(trend, "table and row", one));
    specs.push(compacted(names.output("contacts"), "contact", made));
    specs.push(spec(names.settled(), "contact", made, Cleanup::Delete, None));
    specs.push(spec(names.output("repeats"), "repeat", made, Cleanup::Delete, None));
    specs.push(compacted(names.output("trends"), "trend", made));
    specs.push(compacted(names.output("issues"), "issue", made));
    specs
}
