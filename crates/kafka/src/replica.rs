//! All partitions of some topics, read by one reader alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use quell_model::Position;
use quell_ports::stage::{Partition, ReplicaLag, ReplicaLog};
use quell_ports::{PollLimit, PortError, Record};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::{ClientContext, Offset, Statistics, TopicPartitionList};

use crate::ends::{Ends, say};
use crate::log::{at, check, fatal, number, offset, record_of};
use crate::settings::KafkaSettings;
use crate::topics::{Layouts, PATIENCE};

/// How long the cluster may take to say that it is there.
const CHECK_PATIENCE: Duration = Duration::from_secs(10);
/// How long the reader sleeps when no topic has a record.
const NAP: Duration = Duration::from_millis(20);

/// The reader.
pub struct KafkaReplica {
    topics: Vec<Topic>,
}

/// One client per topic: the event of a partition's end names the partition and not the topic.
struct Topic {
    name: String,
    consumer: BaseConsumer<Heard>,
    /// The next record of each partition.
    next: BTreeMap<u32, u64>,
    /// Partitions that were not read to their end since something came.
    behind: BTreeSet<u32>,
    /// Partitions that were never read to their end.
    never_level: BTreeSet<u32>,
}

#[derive(Default)]
struct Heard {
    ends: Ends,
}

impl ClientContext for Heard {
    fn stats(&self, statistics: Statistics) {
        self.ends.hear(&statistics, Instant::now());
    }

    fn error(&self, error: KafkaError, reason: &str) {
        say(&error, reason);
    }
}

impl ConsumerContext for Heard {}

impl KafkaReplica {
    /// A reader of these topics, laid out like this. `group` is where its positions can be watched.
    ///
    /// # Errors
    /// [`PortError::Fatal`] where a topic is missing or no client can be made.
    pub fn open(
        settings: &KafkaSettings,
        group: &str,
        topics: impl IntoIterator<Item = String>,
        layouts: &Layouts,
    ) -> Result<KafkaReplica, PortError> {
        let topic = |name: String| {
            let count = layouts.get(&name).map_or(0, |layout| layout.partitions);
            let count = u32::try_from(count).unwrap_or_default();
            if count == 0 {
                return Err(PortError::Fatal(format!("there is no topic {name}")));
            }
            Topic::open(settings, group, name, count)
        };
        Ok(KafkaReplica { topics: topics.into_iter().map(topic).collect::<Result<_, _>>()? })
    }
}

impl ReplicaLog for KafkaReplica {
    fn resume(&mut self, from: &[Position]) -> Result<bool, PortError> {
        for topic in &mut self.topics {
            if !topic.find(from)? {
                return Ok(false);
            }
        }
        for topic in &self.topics {
            topic.assign().map_err(fatal("read a topic"))?;
        }
        Ok(true)
    }

    fn poll(&mut self, limit: PollLimit, patience: Duration) -> Result<Vec<Record>, PortError> {
        let deadline = Instant::now() + patience;
        let mut records = Vec::new();
        let mut bytes = 0;
        loop {
            let before = records.len();
            for topic in &mut self.topics {
                topic.poll(limit, &mut records, &mut bytes)?;
            }
            // Else the first one could take all there is room for, again and again.
            self.topics.rotate_left(1);
            let is_full = records.len() >= limit.records || bytes >= limit.bytes;
            if is_full || Instant::now() >= deadline {
                return Ok(records);
            }
            if records.len() == before {
                std::thread::sleep(NAP.min(patience));
            }
        }
    }

    fn lag(&self) -> ReplicaLag {
        let mut lag = ReplicaLag::default();
        let now = Instant::now();
        for topic in &self.topics {
            lag.partitions += topic.next.len() as u64;
            lag.never_level += topic.never_level.len() as u64;
            let ends = &topic.consumer.context().ends;
            for (number, next) in &topic.next {
                let partition = Partition { input: topic.name.clone(), number: *number };
                lag.held = lag.held.max(ends.held(&partition, now));
                if topic.behind.contains(number) {
                    let end = ends.of(&partition).unwrap_or_default();
                    lag.records += end.saturating_sub(*next);
                }
            }
        }
        lag
    }

    fn check(&self) -> Result<(), PortError> {
        for topic in &self.topics {
            let ends = topic.consumer.fetch_watermarks(&topic.name, 0, CHECK_PATIENCE);
            ends.map_err(fatal("ask for a topic's end"))?;
        }
        Ok(())
    }

    fn note(&mut self, positions: &[Position]) {
        for topic in &self.topics {
            let mut list = TopicPartitionList::new();
            for position in positions.iter().filter(|position| position.input == topic.name) {
                // Refused for an offset that is none; ours are.
                let (own, next) = (number(position.partition), at(position.offset));
                let _ = list.add_partition_offset(&topic.name, own, next);
            }
            // What was read is in the replica itself; this one is for those who watch.
            let _ = topic.consumer.commit(&list, CommitMode::Async);
        }
    }
}

impl Topic {
    fn open(
        settings: &KafkaSettings,
        group: &str,
        name: String,
        partitions: u32,
    ) -> Result<Topic, PortError> {
        let consumer = settings
            .reader(group)
            .set("enable.partition.eof", "true")
            .create_with_context(Heard::default())
            .map_err(fatal("make a consumer"))?;
        let all: BTreeSet<u32> = (0..partitions).collect();
        let next = all.iter().map(|number| (*number, 0)).collect();
        Ok(Topic { name, consumer, next, behind: all.clone(), never_level: all })
    }

    /// Sets where each partition begins. False where a position is of another topic.
    fn find(&mut self, from: &[Position]) -> Result<bool, PortError> {
        for (own, next) in &mut self.next {
            let known = from
                .iter()
                .find(|position| position.input == self.name && position.partition == *own);
            let Some(known) = known else { continue };
            let ends = self.consumer.fetch_watermarks(&self.name, number(*own), PATIENCE);
            let (_, end) = ends.map_err(fatal("ask for a topic's end"))?;
            if known.offset > offset(end) {
                return Ok(false);
            }
            *next = known.offset;
        }
        let count = self.next.len() as u64;
        let has_strangers = from
            .iter()
            .any(|position| position.input == self.name && u64::from(position.partition) >= count);
        Ok(!has_strangers)
    }

    fn assign(&self) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        for (own, next) in &self.next {
            let from = if *next == 0 { Offset::Beginning } else { at(*next) };
            list.add_partition_offset(&self.name, number(*own), from)?;
        }
        self.consumer.assign(&list)
    }

    /// Takes what is there, and waits for nothing.
    fn poll(
        &mut self,
        limit: PollLimit,
        records: &mut Vec<Record>,
        bytes: &mut usize,
    ) -> Result<(), PortError> {
        while records.len() < limit.records && *bytes < limit.bytes {
            match self.consumer.poll(Duration::ZERO) {
                None => break,
                Some(Ok(message)) => {
                    let record = record_of(&message);
                    *bytes += record.value.as_ref().map_or(0, Vec::len);
                    self.next.insert(record.position.partition, record.position.offset + 1);
                    self.behind.insert(record.position.partition);
                    records.push(record);
                }
                Some(Err(KafkaError::PartitionEOF(number))) => {
                    let number = u32::try_from(number).unwrap_or_default();
                    self.behind.remove(&number);
                    self.never_level.remove(&number);
                }
                Some(Err(error)) => check(error)?,
            }
        }
        Ok(())
    }
}
