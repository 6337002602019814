//! Replay: files in, the same core, files out. Nothing else enters, so the same input and settings
//! give the same bytes; only `timing` in the summary tells the runs apart.

mod files;
mod summary;

pub use files::{write_candidates, write_rows};
pub use summary::{Rate, Summary};

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use quell_codec::{Adapter, DeadLetter, Limits, RawRecord, decode, is_blank};
use quell_engine::{Core, CoreInput, Effects, Settings, StateError, Tally, intake};
use quell_model::{LatestOutputs, Position, TimeMs};
use quell_taxonomy::Taxonomy;

use crate::direct::DirectState;
use crate::event_clock::event_time;
use crate::lines::Lines;

/// Records between two collections of outputs. No result depends on it.
const BATCH: usize = 1_000;

/// What to replay, and how.
pub struct ReplayPlan {
    /// Files, or `-` for standard input.
    pub inputs: Vec<PathBuf>,
    /// How source records become events.
    pub adapter: Adapter,
    /// The reasons.
    pub taxonomy: Arc<Taxonomy>,
    /// The core's settings.
    pub settings: Arc<Settings>,
    /// How long after its time an event is waited for; none waits for ever.
    pub lateness_ms: Option<i64>,
    /// At the end, event time is complete up to here; none: up to the newest event.
    pub until: Option<TimeMs>,
    /// Where the files go.
    pub out: PathBuf,
}

/// Why a replay could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Reading an input or writing a result.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The state.
    #[error("{0}")]
    State(StateError),
}

/// Counts of the input.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[allow(missing_docs)]
pub struct InputCounts {
    pub records: u64,
    pub accepted: u64,
    pub rejected: u64,
    pub skipped_empty: u64,
    /// Values that the adapter's maps do not know, `field=value`, the most frequent kept.
    pub unmapped: BTreeMap<String, u64>,
    pub rejected_by_cause: BTreeMap<&'static str, u64>,
}

/// Distinct unmapped values listed; further ones only raise the count of `…`.
const MAX_UNMAPPED: usize = 1_000;

/// Does the replay. `progress` hears of the bytes read, the bytes in all (where known) and the
/// records, now and then.
///
/// # Errors
/// [`ReplayError`]
pub fn replay(
    plan: &ReplayPlan,
    progress: &mut dyn FnMut(u64, Option<u64>, u64),
) -> Result<Summary, ReplayError> {
    std::fs::create_dir_all(&plan.out).map_err(|error| at(&plan.out, error))?;
    let mut run = Run::new(plan)?;
    for input in &plan.inputs {
        run.input(input, progress)?;
    }
    run.end(plan)
}

fn at(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

struct Run<'a> {
    plan: &'a ReplayPlan,
    core: Core,
    state: DirectState,
    rows: LatestOutputs,
    effects: Effects,
    tally: Tally,
    counts: InputCounts,
    dlq: io::BufWriter<std::fs::File>,
    max_event: TimeMs,
    mark: TimeMs,
    waiting: usize,
}

impl<'a> Run<'a> {
    fn new(plan: &'a ReplayPlan) -> Result<Self, ReplayError> {
        let path = plan.out.join("dlq.ndjson");
        let dlq = std::fs::File::create(&path).map_err(|error| at(&path, error))?;
        Ok(Run {
            plan,
            core: Core::new(plan.settings.clone(), plan.taxonomy.clone()),
            state: DirectState::default(),
            rows: LatestOutputs::default(),
            effects: Effects::default(),
            tally: Tally::default(),
            counts: InputCounts::default(),
            dlq: io::BufWriter::new(dlq),
            max_event: TimeMs::MIN,
            mark: TimeMs::MIN,
            waiting: 0,
        })
    }

    fn input(
        &mut self,
        path: &Path,
        progress: &mut dyn FnMut(u64, Option<u64>, u64),
    ) -> Result<(), ReplayError> {
        let mut lines = Lines::open(path)?;
        let name = lines.name().to_owned();
        let read_bytes = lines.read_bytes.clone();
        let total_bytes = lines.total_bytes;
        while let Some((number, line)) = lines.next_line()? {
            if is_blank(line) {
                self.counts.skipped_empty += 1;
                continue;
            }
            self.counts.records += 1;
            let position = Position { input: name.clone(), partition: 0, offset: number };
            self.record(&position, line)?;
            if self.counts.records.is_multiple_of(1_024) {
                let read = read_bytes.load(std::sync::atomic::Ordering::Relaxed);
                progress(read, total_bytes, self.counts.records);
            }
        }
        Ok(())
    }

    fn record(&mut self, position: &Position, line: &[u8]) -> Result<(), ReplayError> {
        // A replay has no log time of its own: an event is never ahead of it.
        let record =
            RawRecord { value: Some(line), headers: &[], key: None, log_time: TimeMs::MAX };
        match decode(&record, &self.plan.adapter, &Limits::default()) {
            Ok(decoded) => {
                self.counts.accepted += 1;
                for unmapped in decoded.unmapped {
                    self.note_unmapped(&format!("{}={}", unmapped.field, unmapped.value));
                }
                for mut event in decoded.events {
                    self.effects.tally.redactions += intake::redact(&mut event);
                    self.max_event = self.max_event.max(event_time(&event));
                    self.apply(CoreInput::Event(event))?;
                    self.advance()?;
                }
                Ok(())
            }
            Err(reject) => {
                self.counts.rejected += 1;
                *self.counts.rejected_by_cause.entry(reject.cause.as_str()).or_default() += 1;
                let undated = RawRecord { log_time: self.max_event, ..record };
                let letter = DeadLetter::new(position, &undated, "intake", &reject);
                let path = self.plan.out.join("dlq.ndjson");
                let mut row = letter.to_line();
                if row.last() != Some(&b'\n') {
                    row.push(b'\n');
                }
                io::Write::write_all(&mut self.dlq, &row).map_err(|error| at(&path, error))?;
                Ok(())
            }
        }
    }

    fn note_unmapped(&mut self, value: &str) {
        let known = self.counts.unmapped.contains_key(value);
        let key = if known || self.counts.unmapped.len() < MAX_UNMAPPED { value } else { "…" };
        *self.counts.unmapped.entry(key.to_owned()).or_default() += 1;
    }

    fn apply(&mut self, input: CoreInput) -> Result<(), ReplayError> {
        let mark = matches!(input, CoreInput::Mark(_)).then(|| input.clone());
        self.core.apply(&mut self.state, input, &mut self.effects).map_err(ReplayError::State)?;
        self.waiting += 1;
        if self.waiting >= BATCH || mark.is_some() {
            self.collect()?;
        }
        while let Some(mark) = mark.clone().filter(|_| self.effects.unfinished) {
            self.effects.unfinished = false;
            self.core
                .apply(&mut self.state, mark, &mut self.effects)
                .map_err(ReplayError::State)?;
            self.collect()?;
        }
        Ok(())
    }

    /// With a lateness bound, event time completes hour by hour behind the newest event.
    fn advance(&mut self) -> Result<(), ReplayError> {
        let Some(lateness_ms) = self.plan.lateness_ms else { return Ok(()) };
        let mark = self.max_event.plus_ms(-lateness_ms).hour();
        if mark > self.mark {
            self.mark = mark;
            self.apply(CoreInput::Mark(mark))?;
        }
        Ok(())
    }

    fn collect(&mut self) -> Result<(), ReplayError> {
        self.waiting = 0;
        self.core.finish(&mut self.state, &mut self.effects).map_err(ReplayError::State)?;
        for output in std::mem::take(&mut self.effects.outputs) {
            self.rows.take(output);
        }
        self.tally.add(&std::mem::take(&mut self.effects.tally));
        Ok(())
    }

    fn end(mut self, plan: &ReplayPlan) -> Result<Summary, ReplayError> {
        let until = plan.until.unwrap_or(self.max_event);
        if until > self.mark {
            self.apply(CoreInput::Mark(until))?;
        }
        self.collect()?;
        io::Write::flush(&mut self.dlq).map_err(|e| at(&plan.out.join("dlq.ndjson"), e))?;
        write_rows(&plan.out, &self.rows)?;
        write_candidates(&plan.out, &self.rows)?;
        Ok(Summary::new(plan, self.counts, &self.tally, &self.rows))
    }
}
