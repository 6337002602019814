//! Writing records outside of any stage.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use quell_ports::PortError;
use quell_ports::stage::StageRecord;
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use crate::log::{fatal, number};
use crate::settings::KafkaSettings;

/// How long a record may wait for room or for its delivery.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How long we wait for room in the producer's queue at a time.
const QUEUE_PAUSE: Duration = Duration::from_millis(50);

/// Writes records, each once and acknowledged by all replicas.
pub struct KafkaWriter {
    producer: BaseProducer<Failures>,
}

impl KafkaWriter {
    /// A writer.
    ///
    /// # Errors
    /// [`PortError::Fatal`] where no client can be made.
    pub fn open(settings: &KafkaSettings) -> Result<KafkaWriter, PortError> {
        let producer = settings
            .producer(&[])
            .create_with_context(Failures::default())
            .map_err(fatal("make a producer"))?;
        Ok(KafkaWriter { producer })
    }

    /// Writes the records and waits until the cluster has them all.
    ///
    /// # Errors
    /// [`PortError::Unknown`] where it has not: some may be written.
    pub fn write<'r>(
        &self,
        records: impl IntoIterator<Item = &'r StageRecord>,
    ) -> Result<(), PortError> {
        let unknown = |error: KafkaError| PortError::Unknown(format!("cannot write: {error}"));
        for record in records {
            send(&self.producer, record).map_err(unknown)?;
        }
        self.producer.flush(PATIENCE).map_err(unknown)?;
        let first = self.producer.context().first.lock();
        first.unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), |e| Err(unknown(e)))
    }
}

/// The first record that could not be delivered.
#[derive(Default)]
struct Failures {
    first: Mutex<Option<KafkaError>>,
}

impl ClientContext for Failures {}

impl ProducerContext for Failures {
    type DeliveryOpaque = ();

    fn delivery(&self, delivered: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = delivered {
            let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(error.clone());
        }
    }
}

/// Gives a record to a producer; waits while its queue is full.
pub(crate) fn send<C>(producer: &BaseProducer<C>, record: &StageRecord) -> Result<(), KafkaError>
where
    C: ProducerContext<DeliveryOpaque = ()> + 'static,
{
    let headers = record.headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
        headers.insert(Header { key, value: Some(value) })
    });
    let mut waiting: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&record.topic);
    waiting.partition = record.partition.map(number);
    waiting.key = record.key.as_deref();
    waiting.payload = record.value.as_deref();
    if !record.headers.is_empty() {
        waiting.headers = Some(headers);
    }
    let begun = Instant::now();
    loop {
        match producer.send(waiting) {
            Ok(()) => return Ok(()),
            Err((error, back)) => {
                let is_full = error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
                if !is_full || begun.elapsed() > PATIENCE {
                    return Err(error);
                }
                waiting = back;
                producer.poll(QUEUE_PAUSE);
            }
        }
    }
}
