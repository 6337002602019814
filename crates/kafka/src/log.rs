//! One instance of a stage on the cluster: one consumer, one transactional producer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use quell_model::{Position, TimeMs};
use quell_ports::stage::{Partition, Polled, Rebalanced, StageLog, Transaction};
use quell_ports::{PollLimit, PortError, Record};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

use crate::rebalance::Rebalances;
use crate::settings::KafkaSettings;
use crate::topics::PATIENCE;
use crate::transaction::Transactions;

/// No poll takes longer, whatever comes: marks and restored partitions wait meanwhile.
const TURN: Duration = Duration::from_secs(1);
/// A partition that has just come cannot be sought for a moment.
const SEEK_PAUSE: Duration = Duration::from_millis(20);

/// Which stage, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageSpec {
    /// The consumer group.
    pub group: String,
    /// The topics to read.
    pub inputs: Vec<String>,
    /// The changelog's topic; none for a stage without state.
    pub changelog: Option<String>,
    /// Written into the changelog with every position: stands for what all instances must share.
    pub seal: u64,
    /// The same from start to start of one instance, and no other's: it fences a former self.
    pub transactional_id: String,
    /// For static membership: a restart within the session's timeout moves no partition.
    pub instance_id: Option<String>,
}

/// The log of a stage.
pub struct KafkaLog {
    consumer: BaseConsumer<Rebalances>,
    transactions: Transactions,
    resumed: BTreeSet<Partition>,
    /// One above the last record given of each partition since it was resumed.
    given: BTreeMap<Partition, u64>,
    /// As of the last poll, so that what was read as a member is never committed as a stranger.
    group: Option<ConsumerGroupMetadata>,
}

impl KafkaLog {
    /// Fences a former self and joins the group.
    ///
    /// # Errors
    /// [`PortError::Fatal`] where the cluster cannot be reached or refuses.
    pub fn open(settings: &KafkaSettings, spec: &StageSpec) -> Result<KafkaLog, PortError> {
        let transactions = Transactions::open(settings, spec)?;
        let consumer = consumer(settings, spec).map_err(fatal("make a consumer"))?;
        let inputs: Vec<&str> = spec.inputs.iter().map(String::as_str).collect();
        consumer.subscribe(&inputs).map_err(fatal("join the group"))?;
        let (resumed, given) = (BTreeSet::new(), BTreeMap::new());
        Ok(KafkaLog { consumer, transactions, resumed, given, group: None })
    }

    fn take_rebalances(&mut self, polled: &mut Polled) {
        for rebalanced in self.consumer.context().take() {
            if let Rebalanced::Left(partition) = &rebalanced {
                self.resumed.remove(partition);
                self.given.remove(partition);
                polled.records.retain(|record| Partition::of(&record.position) != *partition);
            }
            polled.rebalanced.push(rebalanced);
        }
    }

    /// The first offset and the end.
    fn ends(&self, partition: &Partition) -> Result<(u64, u64), PortError> {
        let ends =
            self.consumer.fetch_watermarks(&partition.input, number(partition.number), PATIENCE);
        let (first, end) = ends.map_err(fatal("ask for a topic's end"))?;
        Ok((offset(first), offset(end)))
    }

    /// Whether no record is left between `next`, up to where all is done, and `end`.
    fn is_passed(&self, partition: &Partition, next: u64, end: u64) -> bool {
        let passed = || {
            let all = self.consumer.position().ok()?;
            let own = all.find_partition(&partition.input, number(partition.number))?;
            match own.offset() {
                Offset::Offset(passed) => u64::try_from(passed).ok(),
                _ => None,
            }
        };
        next >= end || is_passed(next, end, passed(), self.given.get(partition).copied())
    }

    fn seek(&self, partition: &Partition, to: Offset) -> Result<(), KafkaError> {
        let begun = Instant::now();
        loop {
            match self.consumer.seek(&partition.input, number(partition.number), to, PATIENCE) {
                Err(error) if begun.elapsed() > PATIENCE => return Err(error),
                Err(_) => std::thread::sleep(SEEK_PAUSE),
                Ok(()) => return Ok(()),
            }
        }
    }
}

impl StageLog for KafkaLog {
    fn poll(
        &mut self,
        limit: PollLimit,
        gather: Duration,
        patience: Duration,
    ) -> Result<Polled, PortError> {
        let begun = Instant::now();
        let mut polled = Polled::default();
        let mut bytes = 0;
        loop {
            let wait = if polled.records.is_empty() { patience } else { gather };
            let rest = wait.saturating_sub(begun.elapsed());
            let heard = self.consumer.poll(rest);
            let is_over = heard.is_none();
            let record = match heard {
                None => None,
                Some(Ok(message)) => {
                    let record = record_of(&message);
                    Some(record).filter(|r| self.resumed.contains(&Partition::of(&r.position)))
                }
                Some(Err(error)) => {
                    check(error)?;
                    None
                }
            };
            // What was decided before this record was given holds for it too.
            if let Some(record) = record {
                bytes += record.value.as_ref().map_or(0, Vec::len);
                self.given.insert(Partition::of(&record.position), record.position.offset + 1);
                polled.records.push(record);
            }
            self.take_rebalances(&mut polled);
            let is_full = polled.records.len() >= limit.records || bytes >= limit.bytes;
            if is_full || is_over || !polled.rebalanced.is_empty() || begun.elapsed() > TURN {
                break;
            }
        }
        self.group = self.consumer.group_metadata();
        Ok(polled)
    }

    fn committed(&mut self, partition: &Partition) -> Result<Option<u64>, PortError> {
        let mut asked = TopicPartitionList::new();
        asked.add_partition(&partition.input, number(partition.number));
        let found = self.consumer.committed_offsets(asked, PATIENCE);
        let found = found.map_err(fatal("ask for the group's position"))?;
        let offset = found.elements().first().map(|element| element.offset());
        Ok(match offset {
            Some(Offset::Offset(offset)) => u64::try_from(offset).ok(),
            _ => None,
        })
    }

    fn is_read(&mut self, partition: &Partition, next: u64) -> Result<bool, PortError> {
        let (_, end) = self.ends(partition)?;
        Ok(self.is_passed(partition, next, end))
    }

    fn known_lag(&self, partition: &Partition, next: u64) -> Option<u64> {
        let end = self.consumer.context().ends.of(partition)?;
        Some(if self.is_passed(partition, next, end) { 0 } else { end.saturating_sub(next) })
    }

    fn held(&self, partition: &Partition) -> Duration {
        self.consumer.context().ends.held(partition, Instant::now())
    }

    fn resume(&mut self, partition: &Partition, next: Option<u64>) -> Result<u64, PortError> {
        let next = match next {
            Some(next) => next,
            None => self.ends(partition)?.0,
        };
        self.seek(partition, at(next)).map_err(fatal("seek"))?;
        self.given.remove(partition);
        let mut list = TopicPartitionList::new();
        list.add_partition(&partition.input, number(partition.number));
        self.consumer.resume(&list).map_err(fatal("resume a partition"))?;
        self.resumed.insert(partition.clone());
        Ok(next)
    }

    fn commit(&mut self, transaction: &Transaction) -> Result<Vec<u64>, PortError> {
        let Some(group) = &self.group else {
            return Err(PortError::Aborted("this consumer is no member of its group".to_owned()));
        };
        self.transactions.commit(transaction, group)
    }
}

fn consumer(
    settings: &KafkaSettings,
    spec: &StageSpec,
) -> Result<BaseConsumer<Rebalances>, KafkaError> {
    let mut config = settings.reader(&spec.group);
    let said = |name: &str| settings.properties.get(name).map(String::as_str);
    let strategy = "partition.assignment.strategy";
    // Under the new group protocol the broker decides it.
    if said("group.protocol") != Some("consumer") && said(strategy).is_none() {
        config.set(strategy, "cooperative-sticky");
    }
    if let Some(instance) = &spec.instance_id {
        config.set("group.instance.id", instance);
    }
    config.create_with_context(Rebalances::default())
}

/// Of markers and aborted records the client says nothing, but its position passes them, and a
/// seek takes it back. So beyond the last record given, what lies before it is no record; and that
/// one is done where `next` lies behind it.
fn is_passed(next: u64, end: u64, position: Option<u64>, given: Option<u64>) -> bool {
    position.is_some_and(|position| position >= end) && given.is_none_or(|given| given <= next)
}

/// Only what the consumer cannot recover from by itself is an error.
pub(crate) fn check(error: KafkaError) -> Result<(), PortError> {
    use rdkafka::types::RDKafkaErrorCode as Code;
    match error.rdkafka_error_code() {
        Some(
            Code::UnknownTopicOrPartition
            | Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::Fatal
            | Code::FencedInstanceId,
        ) => Err(fatal("read")(error)),
        _ if matches!(error, KafkaError::MessageConsumptionFatal(_)) => Err(fatal("read")(error)),
        _ => Ok(()),
    }
}

pub(crate) fn fatal(what: &'static str) -> impl FnOnce(KafkaError) -> PortError {
    move |error| PortError::Fatal(format!("cannot {what}: {error}"))
}

/// An offset as the cluster says it; it has negative ones for "none".
pub(crate) fn offset(raw: i64) -> u64 {
    u64::try_from(raw).unwrap_or_default()
}

/// An offset as the cluster takes it.
pub(crate) fn at(offset: u64) -> Offset {
    Offset::Offset(i64::try_from(offset).unwrap_or(i64::MAX))
}

/// A partition's number as the cluster takes it.
pub(crate) fn number(partition: u32) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}

pub(crate) fn record_of(message: &BorrowedMessage<'_>) -> Record {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers
            .iter()
            .map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec()))
            .collect()
    });
    Record {
        position: Position {
            input: message.topic().to_owned(),
            partition: u32::try_from(message.partition()).unwrap_or_default(),
            offset: offset(message.offset()),
        },
        log_time: TimeMs(message.timestamp().to_millis().unwrap_or_default()),
        key: message.key().map(<[u8]>::to_vec),
        headers,
        value: message.payload().map(<[u8]>::to_vec),
    }
}

#[cfg(test)]
mod tests {
    use super::is_passed;

    #[test]
    fn a_tail_of_markers_and_aborted_records_is_passed_and_records_are_not() {
        assert!(is_passed(40, 100, Some(100), Some(40)), "the last record is done");
        assert!(is_passed(40, 100, Some(100), None), "none was given since it was resumed");
        assert!(!is_passed(40, 101, Some(100), Some(40)), "something came since");
        assert!(!is_passed(40, 100, Some(100), Some(41)), "a record is not done");
        assert!(!is_passed(40, 100, None, None), "it was sought just now");
    }
}
