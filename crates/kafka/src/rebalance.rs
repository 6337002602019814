//! What the group decides, noted as it happens.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use quell_ports::stage::{Partition, Rebalanced};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::{ClientContext, Statistics, TopicPartitionList};

use crate::ends::{Ends, say};

/// Notes partitions that come, paused, and partitions that go. Called from within a poll.
#[derive(Default)]
pub(crate) struct Rebalances {
    noted: Mutex<Vec<Rebalanced>>,
    pub(crate) ends: Ends,
}

impl Rebalances {
    pub(crate) fn take(&self) -> Vec<Rebalanced> {
        std::mem::take(&mut self.noted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, partitions: &TopicPartitionList, what: impl Fn(Partition) -> Rebalanced) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        for element in partitions.elements() {
            let number = u32::try_from(element.partition()).unwrap_or_default();
            noted.push(what(Partition { input: element.topic().to_owned(), number }));
        }
    }
}

impl ClientContext for Rebalances {
    fn stats(&self, statistics: Statistics) {
        self.ends.hear(&statistics, Instant::now());
    }

    fn error(&self, error: KafkaError, reason: &str) {
        say(&error, reason);
    }
}

impl ConsumerContext for Rebalances {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(partitions) = rebalance {
            self.note(partitions, Rebalanced::Left);
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(partitions) = rebalance {
            // Until its state is restored. What slips through before is dropped and read again.
            let _ = consumer.pause(partitions);
            self.note(partitions, Rebalanced::Came);
        }
    }
}
