//! What the settings of a topic must be for the pipeline to keep its promises.

use std::collections::BTreeMap;
use std::fmt;

use quell_model::topic::REMOVALS_KEPT_MS;

use crate::topics::{Cleanup, TopicSpec};

const CLEANUP: &str = "cleanup.policy";
const REMOVALS: &str = "delete.retention.ms";
const RECORD: &str = "max.message.bytes";
const IN_SYNC: &str = "min.insync.replicas";
/// With so many copies of a partition, two of them must have a record before it counts.
const SAFE_COPIES: i32 = 3;

/// One setting that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongSetting {
    /// The cluster's name for it.
    pub name: &'static str,
    /// What it is.
    pub found: String,
    /// What to set.
    pub wanted: String,
    /// Why, where the name does not say it.
    pub why: &'static str,
}

impl fmt::Display for WrongSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}, must be {}", self.name, self.found, self.wanted)?;
        if self.why.is_empty() { Ok(()) } else { write!(f, " ({})", self.why) }
    }
}

/// What a topic is made with. `copies` is what the caller asks for, none for the cluster's default.
pub(crate) fn made_with(spec: &TopicSpec, copies: Option<i32>) -> Vec<(&'static str, String)> {
    let mut made = vec![(CLEANUP, spec.cleanup.as_str().to_owned())];
    made.extend(spec.retention.map(|kept| ("retention.ms", kept.as_millis().to_string())));
    made.extend(least(spec).into_iter().map(|(name, least, _)| (name, least.to_string())));
    if copies.is_some_and(|copies| copies >= SAFE_COPIES) {
        made.push((IN_SYNC, "2".to_owned()));
    }
    made
}

/// What is wrong with the settings of a topic that has so many copies.
pub(crate) fn wrong(
    spec: &TopicSpec,
    found: &BTreeMap<String, String>,
    copies: i32,
) -> Vec<WrongSetting> {
    let mut wrong = Vec::new();
    if let Some(policy) = found.get(CLEANUP)
        && spec.cleanup != Cleanup::Any
        && policy != spec.cleanup.as_str()
    {
        let (found, wanted) = (policy.clone(), spec.cleanup.as_str().to_owned());
        // `compact,delete` is neither: state would expire, or events of one key be dropped.
        let why = "records would be lost";
        wrong.push(WrongSetting { name: CLEANUP, found, wanted, why });
    }
    for (name, least, why) in least(spec) {
        if let Some(found) = number(found, name).filter(|found| *found < least) {
            let (found, wanted) = (found.to_string(), least.to_string());
            wrong.push(WrongSetting { name, found, wanted, why });
        }
    }
    if let Some(found) = number(found, IN_SYNC).filter(|least| *least > i64::from(copies)) {
        let (found, wanted) = (found.to_string(), copies.to_string());
        let why = "more than there are copies: the topic takes no record";
        wrong.push(WrongSetting { name: IN_SYNC, found, wanted, why });
    }
    wrong
}

/// What may be meant so, and is a risk.
pub(crate) fn advice(found: &BTreeMap<String, String>, copies: i32) -> Option<String> {
    let in_sync = number(found, IN_SYNC)?;
    (copies >= SAFE_COPIES && in_sync < 2).then(|| {
        format!(
            "with {IN_SYNC}={in_sync} one of the {copies} copies is enough for a record to count; \
             it is lost with that broker"
        )
    })
}

/// Settings with the least that they may be.
fn least(spec: &TopicSpec) -> Vec<(&'static str, i64, &'static str)> {
    let mut least = Vec::new();
    if spec.cleanup == Cleanup::Compact {
        let why = "a copy that was away would not hear of what was removed";
        least.push((REMOVALS, REMOVALS_KEPT_MS, why));
    }
    if let Some(bytes) = spec.record_bytes {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        least.push((RECORD, bytes, "kafka.max_record_bytes; or lower that"));
    }
    least
}

fn number(found: &BTreeMap<String, String>, name: &str) -> Option<i64> {
    found.get(name)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::Partitions;

    fn changelog() -> TopicSpec {
        TopicSpec {
            name: "changelog".to_owned(),
            key: "table and row",
            partitions: Partitions::Exactly(1),
            cleanup: Cleanup::Compact,
            retention: None,
            record_bytes: Some(16 << 20),
        }
    }

    fn wrong_names(spec: &TopicSpec, changed: (&str, &str), copies: i32) -> Vec<&'static str> {
        let mut found: BTreeMap<String, String> = made_with(spec, Some(copies))
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        found.insert(changed.0.to_owned(), changed.1.to_owned());
        wrong(spec, &found, copies).into_iter().map(|wrong| wrong.name).collect()
    }

    #[test]
    fn a_topic_is_right_as_it_is_made_and_wrong_when_it_keeps_less() {
        let spec = changelog();
        assert_eq!(wrong_names(&spec, ("segment.ms", "1"), 3), [""; 0]);
        assert_eq!(wrong_names(&spec, (REMOVALS, "86400000"), 3), [REMOVALS]);
        assert_eq!(wrong_names(&spec, (REMOVALS, "864000000"), 3), [""; 0]);
        assert_eq!(wrong_names(&spec, (RECORD, "1048588"), 3), [RECORD]);
        assert_eq!(wrong_names(&spec, (CLEANUP, "compact,delete"), 3), [CLEANUP]);
        assert_eq!(wrong_names(&spec, (IN_SYNC, "2"), 1), [IN_SYNC]);
    }

    #[test]
    fn an_input_is_its_owners_business() {
        let spec = TopicSpec { cleanup: Cleanup::Any, record_bytes: None, ..changelog() };
        assert_eq!(wrong_names(&spec, (CLEANUP, "compact,delete"), 1), [""; 0]);
        assert_eq!(wrong_names(&spec, (RECORD, "1000"), 1), [""; 0]);
    }

    #[test]
    fn one_copy_that_counts_for_three_is_a_risk() {
        let found = |n: &str| BTreeMap::from([(IN_SYNC.to_owned(), n.to_owned())]);
        assert!(advice(&found("1"), 3).is_some());
        assert!(advice(&found("1"), 1).is_none() && advice(&found("2"), 3).is_none());
        assert!(made_with(&changelog(), Some(3)).contains(&(IN_SYNC, "2".to_owned())));
        assert!(!made_with(&changelog(), None).iter().any(|(name, _)| *name == IN_SYNC));
    }
}
