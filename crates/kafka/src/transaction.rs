//! One turn as one transaction: outputs, changelog rows and positions.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use quell_ports::PortError;
use quell_ports::stage::{Partition, StageRecord, Transaction};
use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};

use crate::StageSpec;
use crate::changelog::{change_key, position_key, position_value};
use crate::log::{at, fatal, number, offset};
use crate::settings::KafkaSettings;
use crate::writer::{PATIENCE, send};

/// How long the cluster may keep a transaction of ours open: what we hold back from readers for
/// when we die.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);

/// The transactional producer of a stage's instance.
pub(crate) struct Transactions {
    producer: BaseProducer<Deliveries>,
    changelog: Option<String>,
    seal: u64,
}

impl Transactions {
    pub(crate) fn open(settings: &KafkaSettings, spec: &StageSpec) -> Result<Self, PortError> {
        let mut config = settings.producer(&[("compression.type", "zstd")]);
        config
            .set("transactional.id", &spec.transactional_id)
            .set("transaction.timeout.ms", TRANSACTION_TIMEOUT.as_millis().to_string());
        let producer: BaseProducer<Deliveries> = config
            .create_with_context(Deliveries::of(spec.changelog.clone()))
            .map_err(fatal("make a producer"))?;
        producer.init_transactions(PATIENCE).map_err(fatal("begin as a transactional producer"))?;
        Ok(Transactions { producer, changelog: spec.changelog.clone(), seal: spec.seal })
    }

    pub(crate) fn commit(
        &self,
        transaction: &Transaction,
        group: &ConsumerGroupMetadata,
    ) -> Result<Vec<u64>, PortError> {
        self.producer.context().begin();
        self.producer.begin_transaction().map_err(fatal("begin a transaction"))?;
        match self.fill(transaction, group) {
            Ok(()) => self.end()?,
            Err(error) => return Err(self.abort(error)),
        }
        let next = |partition: &Partition| self.producer.context().next(number(partition.number));
        Ok(transaction.partitions.iter().map(|touched| next(&touched.partition)).collect())
    }

    fn fill(
        &self,
        transaction: &Transaction,
        group: &ConsumerGroupMetadata,
    ) -> Result<(), KafkaError> {
        for record in &transaction.records {
            send(&self.producer, record)?;
        }
        let mut positions = TopicPartitionList::new();
        for touched in &transaction.partitions {
            let Partition { input, number: own } = &touched.partition;
            positions.add_partition_offset(input, number(*own), at(touched.next))?;
            let Some(changelog) = &self.changelog else { continue };
            let row = |key: Vec<u8>, value: Option<Vec<u8>>| StageRecord {
                topic: changelog.clone(),
                partition: Some(touched.partition.number),
                key: Some(key),
                headers: Vec::new(),
                value,
            };
            for change in &touched.changes {
                let key = change_key(change.table, &change.key);
                send(&self.producer, &row(key, change.value.clone()))?;
            }
            let position = position_value(touched.next, self.seal);
            send(&self.producer, &row(position_key(), Some(position)))?;
        }
        self.producer.flush(PATIENCE)?;
        if let Some(error) = self.producer.context().failure() {
            return Err(error);
        }
        self.producer.send_offsets_to_transaction(&positions, group, PATIENCE)
    }

    /// Commits; the same call goes on where it stopped, until the outcome is known.
    fn end(&self) -> Result<(), PortError> {
        let begun = Instant::now();
        loop {
            let Err(error) = self.producer.commit_transaction(PATIENCE) else { return Ok(()) };
            match &error {
                KafkaError::Transaction(inner) if inner.txn_requires_abort() => {
                    return Err(self.abort(error));
                }
                KafkaError::Transaction(inner)
                    if inner.is_retriable() && begun.elapsed() < PATIENCE => {}
                _ => return Err(PortError::Unknown(error.to_string())),
            }
        }
    }

    /// Aborts, and says why it had to be.
    fn abort(&self, why: KafkaError) -> PortError {
        if let KafkaError::Transaction(inner) = &why
            && inner.is_fatal()
        {
            return PortError::Fatal(why.to_string());
        }
        match self.producer.abort_transaction(PATIENCE) {
            // What was too large is too large when it is tried again.
            Ok(()) if is_too_large(&why) => PortError::Broken(format!(
                "a topic takes no record as large as kafka.max_record_bytes says ({why}); `quell \
                 topics plan` names it"
            )),
            Ok(()) => PortError::Aborted(why.to_string()),
            Err(error) => PortError::Fatal(format!("{why}; it cannot be aborted either: {error}")),
        }
    }
}

fn is_too_large(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge)
}

/// Notes where changelog rows came to lie, and what could not be delivered.
struct Deliveries {
    changelog: Option<String>,
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    next: HashMap<i32, u64>,
    failure: Option<KafkaError>,
}

impl Deliveries {
    fn of(changelog: Option<String>) -> Self {
        Deliveries { changelog, noted: Mutex::default() }
    }

    fn begin(&self) {
        *self.noted.lock().unwrap_or_else(PoisonError::into_inner) = Noted::default();
    }

    fn next(&self, partition: i32) -> u64 {
        let noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.next.get(&partition).copied().unwrap_or_default()
    }

    fn failure(&self) -> Option<KafkaError> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).failure.clone()
    }
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, delivered: &DeliveryResult<'_>, (): ()) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        match delivered {
            Ok(message) if self.changelog.as_deref() == Some(message.topic()) => {
                let after = offset(message.offset()) + 1;
                let next = noted.next.entry(message.partition()).or_default();
                *next = (*next).max(after);
            }
            Ok(_) => {}
            // The first one is the cause: the others are those that an abort takes along.
            Err((error, _)) => {
                noted.failure.get_or_insert_with(|| error.clone());
            }
        }
    }
}
