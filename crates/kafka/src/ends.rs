//! What a client hears by itself: where partitions end, and what goes wrong. No question is asked.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use quell_ports::stage::Partition;
use rdkafka::Statistics;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// How often the client says what it knows, in milliseconds.
pub(crate) const EVERY_MS: &str = "5000";

/// What was heard of the partitions.
#[derive(Default)]
pub(crate) struct Ends {
    heard: Mutex<BTreeMap<Partition, Heard>>,
}

/// One partition, at one moment.
#[derive(Clone, Copy)]
struct Heard {
    /// The offset that the next committed record gets.
    end: u64,
    /// Nothing below was left to fetch: neither records, nor markers, nor what was aborted.
    fetched: u64,
    /// All that was fetched was given.
    is_given: bool,
    /// One above the last record given; none where none was since the partition was sought.
    given: Option<u64>,
}

impl Ends {
    /// Takes what the client says.
    pub(crate) fn hear(&self, statistics: &Statistics) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        for (input, topic) in &statistics.topics {
            for partition in topic.partitions.values() {
                // Negative where nothing was fetched yet.
                let end = u64::try_from(partition.ls_offset);
                let (Ok(number), Ok(end)) = (u32::try_from(partition.partition), end) else {
                    continue;
                };
                let said = Heard {
                    end,
                    fetched: u64::try_from(partition.next_offset).unwrap_or_default(),
                    is_given: partition.fetchq_cnt == 0,
                    given: u64::try_from(partition.app_offset).ok(),
                };
                heard.insert(Partition { input: input.clone(), number }, said);
            }
        }
    }

    /// The offset that the partition's next committed record gets.
    pub(crate) fn of(&self, partition: &Partition) -> Option<u64> {
        self.said(partition).map(|heard| heard.end)
    }

    /// How much there is from `next` on, and 0 where that is markers and aborted records only.
    pub(crate) fn lag(&self, partition: &Partition, next: u64) -> Option<u64> {
        let heard = self.said(partition)?;
        Some(if heard.is_read(next, heard.end) { 0 } else { heard.end.saturating_sub(next) })
    }

    /// Whether no record is left between `next`, up to where all is done, and `end`.
    pub(crate) fn is_read(&self, partition: &Partition, next: u64, end: u64) -> bool {
        next >= end || self.said(partition).is_some_and(|heard| heard.is_read(next, end))
    }

    fn said(&self, partition: &Partition) -> Option<Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).get(partition).copied()
    }
}

impl Heard {
    /// What was given before that moment is done when `next` lies behind it, and of what was
    /// fetched nothing was held back: so what lies between is nothing that is ever given.
    fn is_read(self, next: u64, end: u64) -> bool {
        self.is_given && self.fetched >= end && self.given.is_none_or(|given| given <= next)
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

    fn heard(end: i64, fetched: i64, queued: i64, given: i64) -> (Ends, Partition) {
        let mut statistics = Statistics::default();
        let said = rdkafka::statistics::Partition {
            ls_offset: end,
            next_offset: fetched,
            fetchq_cnt: queued,
            app_offset: given,
            ..Default::default()
        };
        let topic = statistics.topics.entry("tickets".to_owned()).or_default();
        topic.partitions.insert(0, said);
        let ends = Ends::default();
        ends.hear(&statistics);
        (ends, Partition { input: "tickets".to_owned(), number: 0 })
    }

    #[test]
    fn a_tail_of_markers_and_aborted_records_is_no_lag() {
        let (ends, partition) = heard(100, 100, 0, 40);
        assert_eq!(ends.lag(&partition, 40), Some(0));
        assert!(ends.is_read(&partition, 40, 100));
        assert!(!ends.is_read(&partition, 40, 101), "a record came since");
        let (ends, partition) = heard(100, 100, 0, -1001);
        assert!(ends.is_read(&partition, 40, 100), "nothing was given since it was sought");
    }

    #[test]
    fn what_was_not_given_or_not_done_is_lag() {
        for (ends, partition) in
            [heard(100, 80, 0, 40), heard(100, 100, 3, 40), heard(100, 100, 0, 41)]
        {
            assert_eq!(ends.lag(&partition, 40), Some(60));
            assert!(!ends.is_read(&partition, 40, 100));
            assert!(ends.is_read(&partition, 100, 100));
        }
        let (ends, _) = heard(100, 100, 0, 40);
        assert_eq!(ends.lag(&Partition::default(), 40), None);
    }
}
