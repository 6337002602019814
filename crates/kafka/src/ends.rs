//! What a client hears by itself: where partitions end, and what goes wrong. No question is asked.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use quell_ports::stage::Partition;
use rdkafka::Statistics;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// How often the client says what it knows, in milliseconds.
pub(crate) const EVERY_MS: &str = "5000";

/// The ends that were heard of.
#[derive(Default)]
pub(crate) struct Ends {
    heard: Mutex<BTreeMap<Partition, Heard>>,
}

#[derive(Clone, Copy)]
struct Heard {
    /// The end of what is committed or aborted: behind it lies an open transaction, or nothing.
    stable: u64,
    /// Since when it has stood still with records behind it.
    held_since: Option<Instant>,
}

impl Ends {
    /// Takes what the client says.
    pub(crate) fn hear(&self, statistics: &Statistics, now: Instant) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        for (input, topic) in &statistics.topics {
            for partition in topic.partitions.values() {
                // Negative where nothing was fetched yet.
                let end = u64::try_from(partition.ls_offset);
                let (Ok(number), Ok(end)) = (u32::try_from(partition.partition), end) else {
                    continue;
                };
                let is_held = u64::try_from(partition.hi_offset).is_ok_and(|all| all > end);
                let partition = Partition { input: input.clone(), number };
                let before = heard.get(&partition).filter(|before| before.stable == end);
                let since = before.and_then(|before| before.held_since).unwrap_or(now);
                let held_since = is_held.then_some(since);
                heard.insert(partition, Heard { stable: end, held_since });
            }
        }
    }

    /// The offset that the partition's next committed record gets.
    pub(crate) fn of(&self, partition: &Partition) -> Option<u64> {
        self.heard(partition).map(|heard| heard.stable)
    }

    /// How long one and the same open transaction has held records of the partition back.
    pub(crate) fn held(&self, partition: &Partition, now: Instant) -> Duration {
        let since = self.heard(partition).and_then(|heard| heard.held_since);
        since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    fn heard(&self, partition: &Partition) -> Option<Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).get(partition).copied()
    }
}

/// Writes what the client says went wrong into our log: passwords that are refused, brokers that
/// are gone. The end of a partition is no error, though it comes the same way.
pub(crate) fn say(error: &KafkaError, reason: &str) {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::PartitionEOF) => {}
        // Said again and again by every client while a cluster restarts.
        Some(RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::BrokerTransportFailure) => {
            tracing::debug!(%error, reason, "the Kafka client");
        }
        _ => tracing::warn!(%error, reason, "the Kafka client"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use rdkafka::statistics;

    fn heard(ends: &Ends, (stable, all): (i64, i64), now: Instant) -> Duration {
        let own = statistics::Partition { ls_offset: stable, hi_offset: all, ..Default::default() };
        let topic = statistics::Topic { partitions: [(0, own)].into(), ..Default::default() };
        let topics = [("events".to_owned(), topic)].into();
        ends.hear(&Statistics { topics, ..Default::default() }, now);
        ends.held(&Partition { input: "events".to_owned(), number: 0 }, now)
    }

    #[test]
    fn a_transaction_holds_records_back_from_when_its_end_stands_still() {
        let ends = Ends::default();
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        assert_eq!(heard(&ends, (-1001, -1001), begin), Duration::ZERO);
        assert_eq!(heard(&ends, (10, 10), begin), Duration::ZERO);
        assert_eq!(heard(&ends, (10, 12), after(5)), Duration::ZERO);
        assert_eq!(heard(&ends, (10, 90), after(10)), Duration::from_secs(5));
        // It ended, and the next one is open.
        assert_eq!(heard(&ends, (91, 95), after(15)), Duration::ZERO);
        assert_eq!(heard(&ends, (91, 95), after(75)), Duration::from_mins(1));
        assert_eq!(heard(&ends, (96, 96), after(80)), Duration::ZERO);
    }
}
