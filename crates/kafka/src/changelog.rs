//! A stage's state as a compacted topic: rows keyed by table and key, and one row per partition
//! that says up to where the input is in them.

use std::time::{Duration, Instant};

use quell_ports::PortError;
use quell_ports::stage::{Changelog, ChangelogRow, ReadTo, TakeRow};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};

use crate::log::{at, fatal, number, offset};
use crate::settings::KafkaSettings;
use crate::topics::PATIENCE;

/// How long we wait for an unfinished transaction of a former owner: longer than the cluster does
/// before it aborts one, and for a cluster that restarts.
const UNFINISHED: Duration = Duration::from_secs(90);
/// How long a changelog that goes on may give nothing. New clients find a cluster that restarted
/// sooner than old ones do.
const SILENCE: Duration = Duration::from_secs(30);
const UNFINISHED_PAUSE: Duration = Duration::from_millis(50);

/// The key of the row of positions: no table has the empty name.
pub(crate) fn position_key() -> Vec<u8> {
    vec![0]
}

/// The key of a state row: the table's name, a zero, the row's key.
pub(crate) fn change_key(table: &str, key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(table.len() + 1 + key.len());
    bytes.extend_from_slice(table.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(key);
    bytes
}

/// The next record of the input, and the seal of whoever writes.
pub(crate) fn position_value(next: u64, seal: u64) -> Vec<u8> {
    [next.to_be_bytes(), seal.to_be_bytes()].concat()
}

/// Reads a changelog.
pub struct KafkaChangelog {
    consumer: BaseConsumer,
    /// Sees the end as it is, where `consumer` sees it before the first unfinished transaction.
    ends: BaseConsumer,
    topic: String,
}

impl KafkaChangelog {
    /// For this topic.
    ///
    /// # Errors
    /// [`PortError::Fatal`] where no client can be made.
    pub fn open(settings: &KafkaSettings, topic: &str) -> Result<Self, PortError> {
        let client = |isolation: &str| {
            settings
                .client()
                .set("group.id", format!("{topic}-restore"))
                .set("enable.auto.commit", "false")
                .set("enable.partition.eof", "true")
                .set("isolation.level", isolation)
                .create::<BaseConsumer>()
                .map_err(fatal("make a consumer"))
        };
        Ok(KafkaChangelog {
            consumer: client("read_committed")?,
            ends: client("read_uncommitted")?,
            topic: topic.to_owned(),
        })
    }

    fn assign(&self, partition: i32, from: u64) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, partition, at(from))?;
        self.consumer.assign(&list)
    }
}

impl Changelog for KafkaChangelog {
    fn read(
        &mut self,
        partition: u32,
        from: u64,
        is_wanted: &dyn Fn() -> bool,
        take: &mut TakeRow<'_>,
    ) -> Result<Option<u64>, PortError> {
        let number = number(partition);
        let Some((first, end)) = self.bounds(number, from)? else { return Ok(None) };
        self.wait_for_unfinished(number, end, is_wanted)?;
        let mut next = from.max(first);
        if next < end && is_wanted() {
            self.assign(number, next).map_err(fatal("read a changelog"))?;
            next = self.read_on(next, end, is_wanted, take)?;
            self.consumer.unassign().map_err(fatal("leave a changelog"))?;
        }
        Ok(Some(next))
    }
}

impl KafkaChangelog {
    /// The first offset and the end, unless `from` lies beyond it.
    fn bounds(&self, partition: i32, from: u64) -> Result<Option<(u64, u64)>, PortError> {
        let (first, end) = self
            .ends
            .fetch_watermarks(&self.topic, partition, PATIENCE)
            .map_err(fatal("ask for a changelog's end"))?;
        Ok((from <= offset(end)).then(|| (offset(first), offset(end))))
    }

    /// Waits until no transaction below `end` is open any more.
    fn wait_for_unfinished(
        &self,
        partition: i32,
        end: u64,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<(), PortError> {
        let begun = Instant::now();
        while is_wanted() {
            let found = self.consumer.fetch_watermarks(&self.topic, partition, PATIENCE);
            let stable = offset(found.map_err(fatal("ask for a changelog's end"))?.1);
            if stable >= end {
                return Ok(());
            }
            if begun.elapsed() > UNFINISHED {
                return Err(PortError::Fatal(format!(
                    "{}[{partition}] has a transaction between {stable} and {end} that the \
                     cluster does not end; is a broker missing?",
                    self.topic
                )));
            }
            std::thread::sleep(UNFINISHED_PAUSE);
        }
        Ok(())
    }

    /// Reads to the end of the partition, which now lies at `end` or later. Markers and aborted
    /// records are no messages: only the event of the partition's end tells that they are passed.
    fn read_on(
        &self,
        from: u64,
        end: u64,
        is_wanted: &dyn Fn() -> bool,
        take: &mut TakeRow<'_>,
    ) -> Result<u64, PortError> {
        let mut next = from;
        let mut heard_at = Instant::now();
        while is_wanted() {
            match self.consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => {
                    heard_at = Instant::now();
                    next = offset(message.offset()) + 1;
                    let row = row_of(&message).ok_or_else(|| unreadable(&message))?;
                    take(row, ReadTo { next, end })?;
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(next.max(end)),
                Some(Err(error)) if heard_at.elapsed() > SILENCE => {
                    return Err(fatal("read a changelog")(error));
                }
                None if heard_at.elapsed() > SILENCE => {
                    return Err(PortError::Fatal(format!(
                        "{} gives nothing for {} s, though it goes on to {end}; is a broker \
                         missing?",
                        self.topic,
                        SILENCE.as_secs()
                    )));
                }
                Some(Err(_)) | None => {}
            }
        }
        Ok(next)
    }
}

fn row_of(message: &BorrowedMessage<'_>) -> Option<ChangelogRow> {
    let key = message.key()?;
    let zero = key.iter().position(|&byte| byte == 0)?;
    let (table, key) = (key.get(..zero)?, key.get(zero + 1..)?);
    if table.is_empty() {
        let (next, seal) = message.payload()?.split_first_chunk()?;
        let (next, seal) = (u64::from_be_bytes(*next), u64::from_be_bytes(seal.try_into().ok()?));
        return Some(ChangelogRow::Position { next, seal });
    }
    Some(ChangelogRow::Change {
        table: std::str::from_utf8(table).ok()?.to_owned(),
        key: key.to_vec(),
        value: message.payload().map(<[u8]>::to_vec),
    })
}

fn unreadable(message: &BorrowedMessage<'_>) -> PortError {
    PortError::Unreadable(format!(
        "{}[{}]@{} is no row of a changelog: another program writes this topic, or another \
         version of Quell did; give Quell a prefix of its own",
        message.topic(),
        message.partition(),
        message.offset()
    ))
}
