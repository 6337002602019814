//! What all workers of a deployment must share, agreed on before any of them writes.

use std::time::Instant;

use quell_ports::PortError;
use quell_ports::stage::StageRecord;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use crate::log::{check, fatal};
use crate::settings::KafkaSettings;
use crate::topics::PATIENCE;
use crate::writer::KafkaWriter;

/// The seal of the deployment: that of the first record in the topic's one partition. Where there
/// is none, `own` is written and whatever is first then is returned, so that of workers that begin
/// at the same moment all but one find another's. A seal that was refused stays behind the first
/// one for ever: each has a key of its own and is written once, so compaction moves none.
///
/// # Errors
/// [`PortError::Fatal`] where the cluster does not answer, [`PortError::Unreadable`] where the
/// topic holds something else.
pub fn first_seal(settings: &KafkaSettings, topic: &str, own: u64) -> Result<u64, PortError> {
    if let Some(first) = read_first(settings, topic)? {
        return Ok(first);
    }
    let bytes = own.to_be_bytes().to_vec();
    let record = StageRecord {
        topic: topic.to_owned(),
        partition: Some(0),
        key: Some(bytes.clone()),
        value: Some(bytes),
        ..StageRecord::default()
    };
    KafkaWriter::open(settings)?.write([&record])?;
    read_first(settings, topic)?
        .ok_or_else(|| PortError::Fatal(format!("{topic} does not keep what is written to it")))
}

/// The first record there is; none where the topic is empty.
fn read_first(settings: &KafkaSettings, topic: &str) -> Result<Option<u64>, PortError> {
    let consumer: BaseConsumer = settings
        .reader(&format!("{topic}-reader"))
        .set("enable.partition.eof", "true")
        .create()
        .map_err(fatal("make a consumer"))?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Beginning).map_err(fatal("read a topic"))?;
    consumer.assign(&list).map_err(fatal("read a topic"))?;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        match consumer.poll(PATIENCE.saturating_sub(begun.elapsed())) {
            Some(Ok(message)) => {
                let seal = message.payload().and_then(|bytes| bytes.try_into().ok());
                let seal = seal.map(u64::from_be_bytes).ok_or_else(|| {
                    PortError::Unreadable(format!(
                        "{topic}[0]@{} is no seal: another program writes this topic; give Quell \
                         a prefix of its own",
                        message.offset()
                    ))
                })?;
                return Ok(Some(seal));
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(None),
            Some(Err(error)) => check(error)?,
            None => {}
        }
    }
    Err(PortError::Fatal(format!("{topic} gives nothing; is a broker missing?")))
}
