//! What is too large for the cluster, and what becomes of a record that brings it about: it is put
//! aside, and holds up nobody.

use std::collections::BTreeMap;
use std::fmt;

use quell_codec::{Cause, LEFT_OUT, Reject, connect_headers};
use quell_engine::Table;
use quell_model::topic::{StageName, TopicNames};
use quell_ports::Record;
use quell_ports::stage::{Partition, StageRecord, Transaction};

use super::wire::is_mark;
use super::{StageError, Step, output_record};
use crate::overlay::Overlay;

/// What the cluster adds to a record at most, beside its headers.
const RECORD_OVERHEAD: usize = 128;
/// What it adds to a header.
const HEADER_OVERHEAD: usize = 16;
/// Longest detail of a dead letter that has room for little else.
const DETAIL_CHARS: usize = 1_000;

/// What an instance of a stage knows of records that bring about too much.
///
/// A turn is measured as a whole before it is committed. When something in it is too large, the
/// turn is done again, and what each record brings about is measured. The one that is found is put
/// aside when it is read a third time.
pub(super) struct Refusals {
    stage: StageName,
    names: TopicNames,
    max_record_bytes: usize,
    /// Records to put aside when they are read again, and why.
    refused: BTreeMap<Partition, (u64, Reject)>,
    /// Something was too large: each record is measured until a turn commits.
    is_careful: bool,
}

impl Refusals {
    pub(super) fn new(stage: StageName, names: TopicNames, max_record_bytes: usize) -> Self {
        Refusals { stage, names, max_record_bytes, refused: BTreeMap::new(), is_careful: false }
    }

    /// Puts the record aside where it is one that must be.
    pub(super) fn put_aside(&self, record: &Record, step: &mut Step) -> bool {
        let position = &record.position;
        let noted = self.refused.get(&Partition::of(position));
        let Some((_, reject)) = noted.filter(|(offset, _)| *offset == position.offset) else {
            return false;
        };
        tracing::warn!(stage = %self.stage, %position, detail = reject.detail, "put aside");
        *step.intake.rejected.entry(reject.cause.as_str()).or_default() += 1;
        let topic = match self.stage {
            StageName::Intake => self.names.dead_letters(&position.input),
            _ => self.names.refused(),
        };
        let stage = self.stage.as_str();
        step.records.push(dead_letter(topic, stage, record, reject, self.max_record_bytes));
        true
    }

    /// Whether the record is the one to put aside; it is noted then. `before` is how many records
    /// and outputs there were before it was applied.
    pub(super) fn finds(
        &mut self,
        record: &Record,
        before: (usize, usize),
        step: &Step,
        overlay: &Overlay<'_>,
    ) -> Result<bool, StageError> {
        if !self.is_careful {
            return Ok(false);
        }
        let is_mark = self.stage != StageName::Intake && is_mark(record.value.as_deref());
        let bound = if is_mark { self.max_record_bytes } else { self.bound() };
        let outputs = step.effects.outputs.iter().skip(before.1);
        let outputs: Vec<_> = outputs.map(|output| output_record(&self.names, output)).collect();
        let records = step.records.iter().skip(before.0).chain(&outputs);
        let Some(large) = too_large(records, overlay.rows(), bound) else { return Ok(false) };
        if is_mark {
            return Err(StageError::TooLarge(format!("at {}, {large}", record.position)));
        }
        let reject = Reject::new(Cause::TooLarge, format!("with it, {large}"));
        self.refused.insert(Partition::of(&record.position), (record.position.offset, reject));
        Ok(true)
    }

    /// Whether the turn must be done again, to find what makes it too large.
    pub(super) fn stops(&mut self, transaction: &Transaction) -> Result<bool, StageError> {
        let bound = if self.is_careful { self.max_record_bytes } else { self.bound() };
        let changes = transaction.partitions.iter().flat_map(|touched| &touched.changes);
        let rows = changes.map(|change| (change.table, &change.key[..], change.value.as_deref()));
        let Some(large) = too_large(&transaction.records, rows, bound) else { return Ok(false) };
        if self.is_careful {
            return Err(StageError::TooLarge(large.to_string()));
        }
        tracing::warn!(stage = %self.stage, %large, "looks for the record that it is of");
        self.is_careful = true;
        Ok(true)
    }

    /// The turn is done.
    pub(super) fn committed(&mut self, transaction: &Transaction) {
        self.is_careful = false;
        for touched in &transaction.partitions {
            if self.refused.get(&touched.partition).is_some_and(|(at, _)| *at < touched.next) {
                self.refused.remove(&touched.partition);
            }
        }
    }

    /// The partition is another's.
    pub(super) fn left(&mut self, partition: &Partition) {
        self.refused.remove(partition);
    }

    /// How large what an event brings about may be. TAG leaves room for what LINK makes of the
    /// same contact: it writes it as JSON, with its place in a chain.
    fn bound(&self) -> usize {
        match self.stage {
            StageName::Tag => self.max_record_bytes / 2,
            _ => self.max_record_bytes,
        }
    }
}

/// A record or a row of state that the cluster would not take.
struct TooLarge {
    what: String,
    bytes: usize,
    bound: usize,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TooLarge { what, bytes, bound } = self;
        write!(f, "{what} would have {bytes} bytes, more than the {bound} there is room for")
    }
}

/// The first of these that has more bytes than the bound.
fn too_large<'t>(
    records: impl IntoIterator<Item = &'t StageRecord>,
    rows: impl IntoIterator<Item = (Table, &'t [u8], Option<&'t [u8]>)>,
    bound: usize,
) -> Option<TooLarge> {
    let mut records = records.into_iter().map(|record| (record, record_bytes(record)));
    if let Some((record, bytes)) = records.find(|(_, bytes)| *bytes > bound) {
        return Some(TooLarge { what: format!("a record of {}", record.topic), bytes, bound });
    }
    let row_bytes = |(table, key, value): (Table, &[u8], Option<&[u8]>)| {
        (table, RECORD_OVERHEAD + table.len() + key.len() + value.map_or(0, <[u8]>::len))
    };
    let (table, bytes) = rows.into_iter().map(row_bytes).find(|(_, bytes)| *bytes > bound)?;
    Some(TooLarge { what: format!("a row of the state {table}"), bytes, bound })
}

/// The record as a dead letter with no more bytes than the bound. Where it is larger, its bytes
/// are left out, and the letter says where they stand.
pub(super) fn dead_letter(
    topic: String,
    stage: &str,
    record: &Record,
    reject: &Reject,
    bound: usize,
) -> StageRecord {
    let mut headers = record.headers.clone();
    headers.extend(connect_headers(&record.position, stage, reject));
    let (key, value) = (record.key.clone(), record.value.clone());
    let mut letter = StageRecord { topic, partition: None, key, headers, value };
    if record_bytes(&letter) <= bound {
        return letter;
    }
    let bytes = letter.value.take().map_or(0, |value| value.len());
    let left_out = (LEFT_OUT.to_owned(), bytes.to_string().into_bytes());
    letter.headers.push(left_out.clone());
    if record_bytes(&letter) > bound {
        let detail = reject.detail.chars().take(DETAIL_CHARS).collect::<String>();
        let short = Reject::new(reject.cause, detail);
        letter.key = None;
        letter.headers = connect_headers(&record.position, stage, &short).collect();
        letter.headers.push(left_out);
    }
    letter
}

fn record_bytes(record: &StageRecord) -> usize {
    let headers: usize =
        record.headers.iter().map(|(name, value)| HEADER_OVERHEAD + name.len() + value.len()).sum();
    let (key, value) = (record.key.as_ref(), record.value.as_ref());
    RECORD_OVERHEAD + headers + key.map_or(0, Vec::len) + value.map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use quell_codec::{DeadLetter, RawRecord};
    use quell_engine::State;
    use quell_model::{Position, TimeMs};
    use quell_ports::stage::{Polled, Rebalanced, StageLog};
    use quell_ports::{Clock, PollLimit, PortError};

    use super::super::wire;
    use super::super::{Runner, RunnerSettings, Stage, Turning};
    use super::*;
    use crate::metrics::Metrics;

    const LIMIT: usize = 4_000;

    /// One partition that is read from its start, and what was committed.
    struct Log {
        records: Vec<Record>,
        next: Option<usize>,
        commits: Arc<Mutex<Vec<Transaction>>>,
    }

    impl StageLog for Log {
        fn poll(&mut self, _: PollLimit, _: Duration, _: Duration) -> Result<Polled, PortError> {
            let mut polled = Polled::default();
            match self.next {
                None => {
                    let of = Partition::of(&self.records[0].position);
                    polled.rebalanced.push(Rebalanced::Came(of));
                }
                Some(next) => polled.records.extend_from_slice(&self.records[next..]),
            }
            self.next = self.next.map(|_| self.records.len());
            Ok(polled)
        }

        fn committed(&mut self, _: &Partition) -> Result<Option<u64>, PortError> {
            Ok(None)
        }

        fn is_read(&mut self, _: &Partition, _: u64) -> Result<bool, PortError> {
            Ok(true)
        }

        fn known_lag(&self, _: &Partition, _: u64) -> Option<u64> {
            None
        }

        fn held(&self, _: &Partition) -> Duration {
            Duration::ZERO
        }

        fn resume(&mut self, _: &Partition, next: Option<u64>) -> Result<u64, PortError> {
            let next = next.unwrap_or_default();
            self.next = Some(usize::try_from(next).unwrap());
            Ok(next)
        }

        fn commit(&mut self, transaction: &Transaction) -> Result<Vec<u64>, PortError> {
            self.commits.lock().unwrap().push(transaction.clone());
            Ok(vec![0; transaction.partitions.len()])
        }
    }

    /// Writes ten times what it reads: as a record, or as a row.
    struct Tenfold {
        is_row: bool,
    }

    impl Stage for Tenfold {
        fn apply(
            &mut self,
            record: &Record,
            state: &mut dyn State,
            step: &mut Step,
        ) -> Result<(), StageError> {
            let value = record.value.clone().unwrap_or_default().repeat(10);
            if self.is_row {
                state.put("rows", &record.position.offset.to_be_bytes(), value);
            } else {
                let topic = "out".to_owned();
                step.records.push(StageRecord { topic, value: Some(value), ..Default::default() });
            }
            Ok(())
        }

        fn reset(&mut self) {}
    }

    struct NoTime;

    impl Clock for NoTime {
        fn now(&self) -> TimeMs {
            TimeMs(0)
        }
    }

    fn record(offset: usize, value: Vec<u8>) -> Record {
        Record {
            position: Position {
                input: "quell.to-link".to_owned(),
                partition: 0,
                offset: offset as u64,
            },
            log_time: TimeMs(0),
            key: Some(b"key".to_vec()),
            headers: Vec::new(),
            value: Some(value),
        }
    }

    /// What is committed of these records, or why they are not.
    fn run(values: Vec<Vec<u8>>, is_row: bool) -> Result<Vec<Transaction>, StageError> {
        let records = values.into_iter().enumerate().map(|(n, value)| record(n, value)).collect();
        let commits = Arc::new(Mutex::new(Vec::new()));
        let log = Log { records, next: None, commits: commits.clone() };
        let settings = RunnerSettings {
            stage: StageName::Link,
            names: TopicNames::new("quell."),
            seal: 0,
            limit: PollLimit { records: 100, bytes: 1 << 20 },
            max_record_bytes: LIMIT,
            commit_every: Duration::ZERO,
        };
        let metrics = Arc::new(Metrics::new("0", "none@0", std::iter::empty()).unwrap());
        let stage = Box::new(Tenfold { is_row });
        let clock = Arc::new(NoTime);
        let mut runner = Runner::new(settings, Box::new(log), stage, None, metrics, clock);
        for _ in 0..20 {
            runner.turn()?;
        }
        Ok(std::mem::take(&mut commits.lock().unwrap()))
    }

    #[test]
    fn a_record_that_brings_about_too_much_is_put_aside_and_its_neighbours_go_on() {
        for is_row in [false, true] {
            let sizes = [30, 600, 30, 500, 500, 30];
            let values = sizes.iter().map(|size| vec![b'a'; *size]).collect();
            let commits = run(values, is_row).unwrap();
            let largest = commits.iter().flat_map(|commit| &commit.records).map(record_bytes).max();
            assert!(largest.unwrap_or(0) <= LIMIT);
            let (letters, others): (Vec<_>, Vec<_>) = commits
                .iter()
                .flat_map(|commit| &commit.records)
                .partition(|record| record.topic == "quell.dlq");
            let rows: usize = commits.iter().map(|commit| commit.partitions[0].changes.len()).sum();
            assert_eq!(others.len() + rows, 3, "each of the others once");
            let letters: Vec<DeadLetter> = letters
                .into_iter()
                .map(|record| RawRecord {
                    value: record.value.as_deref(),
                    headers: &record.headers,
                    key: record.key.as_deref(),
                    log_time: TimeMs(0),
                })
                .map(|raw| DeadLetter::of_topic(&raw).unwrap())
                .collect();
            assert_eq!(letters.iter().map(|l| l.offset).collect::<Vec<_>>(), [1, 3, 4]);
            assert_eq!(letters[0].value_bytes(), Some(vec![b'a'; 600]));
            assert_eq!((letters[0].cause, &*letters[0].stage), (Cause::TooLarge, "link"));
            assert!(letters[0].detail.contains("6"), "{}", letters[0].detail);
            assert_eq!(commits.last().unwrap().partitions[0].next, sizes.len() as u64);
        }
    }

    #[test]
    fn a_mark_is_never_put_aside() {
        let mark = [vec![wire::VERSION, wire::MARK], vec![b'a'; 600]].concat();
        let error = run(vec![vec![b'a'; 30], mark], false).unwrap_err().to_string();
        assert!(error.contains("quell.to-link[0]@1") && error.contains("kafka.max_record_bytes"));
    }

    #[test]
    fn a_letter_without_room_for_the_bytes_says_where_they_stand() {
        let reject = Reject::new(Cause::TooLarge, "x".repeat(9_000));
        let mut large = record(7, vec![b'a'; 5_000]);
        large.headers = vec![("own".to_owned(), vec![b'b'; 5_000])];
        for bound in [LIMIT, 20_000, 15_500] {
            let letter = dead_letter("t.dlq".to_owned(), "intake", &large, &reject, bound);
            assert!(record_bytes(&letter) <= bound, "{} > {bound}", record_bytes(&letter));
            let raw = RawRecord {
                value: letter.value.as_deref(),
                headers: &letter.headers,
                key: letter.key.as_deref(),
                log_time: TimeMs(0),
            };
            let read = DeadLetter::of_topic(&raw).unwrap();
            assert_eq!((read.offset, read.is_whole()), (7, bound == 20_000));
        }
    }
}
