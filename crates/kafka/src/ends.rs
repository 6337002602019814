//! What a client hears by itself: where partitions end, and what goes wrong. No question is asked.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use quell_ports::stage::Partition;
use rdkafka::Statistics;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// How often the client says what it knows, in milliseconds.
pub(crate) const EVERY_MS: &str = "5000";

/// The ends that were heard of.
#[derive(Default)]
pub(crate) struct Ends {
    heard: Mutex<BTreeMap<Partition, u64>>,
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
                heard.insert(Partition { input: input.clone(), number }, end);
            }
        }
    }

    /// The offset that the partition's next committed record gets.
    pub(crate) fn of(&self, partition: &Partition) -> Option<u64> {
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
