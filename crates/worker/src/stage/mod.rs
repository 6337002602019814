//! The stages on a cluster. Each is a plain function from a record and its partition's state to
//! effects; the [`Runner`] reads, restores, commits.

mod crew;
mod intake;
mod link;
mod meter;
mod refusal;
mod restore;
mod runner;
mod serve;
mod tag;
mod trend;
mod wire;

pub use crew::{Crew, MakeTurning};
pub use intake::{IntakeSettings, IntakeStage};
pub use link::LinkStage;
pub use restore::{OpenChangelog, Restorer};
pub use runner::{Runner, RunnerSettings};
pub use serve::{Replica, ServeSettings};
pub use tag::TagStage;
pub use trend::TrendStage;

use std::collections::BTreeMap;

use quell_codec::encode_output;
use quell_engine::hash::keyed_hash64;
use quell_engine::{Effects, State, StateError};
use quell_model::topic::TopicNames;
use quell_model::{LatestOutputs, Output, Position, TimeMs};
use quell_ports::stage::{Partition, StageLog, StageRecord};
use quell_ports::{PortError, Record};

use crate::indexer::IndexerError;
use crate::turn::note_reasons;

/// The header that carries an output's revision: a lower one of the same key is to be ignored.
pub const REVISION_HEADER: &str = "quell-revision";

/// Why a stage cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The log.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The state.
    #[error("{0}")]
    State(StateError),
    /// The local copy of the state.
    #[error(transparent)]
    Cache(#[from] quell_store::StoreError),
    /// The index of what is served.
    #[error(transparent)]
    Index(#[from] IndexerError),
    /// The copy that is served cannot go on from where it is.
    #[error("the copy of the topics is out of date: {0}; start again, and it is made anew")]
    Stale(&'static str),
    /// A record of ours that this build cannot read. It is never skipped.
    #[error("{position} cannot be read by this build: {detail}; run the build that wrote it")]
    Record {
        /// Where it stands.
        position: Position,
        /// Why.
        detail: String,
    },
    /// No single record is to blame, so none can be put aside.
    #[error(
        "{0}. Let the topics take larger records (max.message.bytes) and raise \
         kafka.max_record_bytes"
    )]
    TooLarge(String),
    /// The changelog and the group's position do not belong together.
    #[error(
        "{partition}: the state has consumed up to {state}, the group {group}; positions or topics \
         were changed by hand. Put the group's position back, or delete the group and the \
         deployment's topics and begin anew"
    )]
    Apart {
        /// Whose state.
        partition: Partition,
        /// What the changelog says.
        state: String,
        /// What the group says.
        group: String,
    },
}

impl From<StateError> for StageError {
    fn from(error: StateError) -> Self {
        StageError::State(error)
    }
}

/// What a turn gathers over its records.
#[derive(Debug, Default)]
pub struct Step {
    /// What the core asks for.
    pub effects: Effects,
    /// Records for internal topics and dead letters.
    pub records: Vec<StageRecord>,
    /// What came in.
    pub intake: Intake,
}

/// What a turn of the first stage took in; counted once it is committed.
#[derive(Debug, Default)]
pub struct Intake {
    /// Records that could be read.
    pub accepted: u64,
    /// Records that were put aside, by cause.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Marks set by redaction.
    pub redactions: u64,
}

impl Step {
    /// The level-2 reasons of the contacts that are put out.
    fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        for output in &self.effects.outputs {
            note_reasons(output, &mut reasons);
        }
        reasons
    }

    /// The records of the turn; of the outputs, those of the highest revision per key.
    fn into_records(self, names: &TopicNames) -> Vec<StageRecord> {
        let mut records = self.records;
        let latest = LatestOutputs::from_iter(self.effects.outputs);
        records.extend(latest.iter().map(|output| output_record(names, output)));
        records
    }
}

fn output_record(names: &TopicNames, output: &Output) -> StageRecord {
    StageRecord {
        topic: names.output(output.topic()),
        partition: None,
        key: Some(output.key().as_bytes().to_vec()),
        headers: vec![(REVISION_HEADER.to_owned(), output.revision().to_string().into_bytes())],
        value: encode_output(output),
    }
}

/// What does turns until it fails: an instance of a stage.
pub trait Turning: Send {
    /// Does one turn.
    ///
    /// # Errors
    /// [`StageError`]; this instance must then be thrown away. What was committed stands.
    fn turn(&mut self) -> Result<(), StageError>;
}

/// A stage as the runner sees it.
pub trait Stage: Send {
    /// Applies a record to its partition's state.
    ///
    /// # Errors
    /// [`StageError`]; the stage must not be used again before [`Stage::reset`].
    fn apply(
        &mut self,
        record: &Record,
        state: &mut dyn State,
        step: &mut Step,
    ) -> Result<(), StageError>;

    /// Ends the turn of a partition.
    ///
    /// # Errors
    /// As [`Stage::apply`].
    fn finish(&mut self, _state: &mut dyn State, _step: &mut Step) -> Result<(), StageError> {
        Ok(())
    }

    /// Writes what is due by the clock for the partitions it has, and says for which it did.
    ///
    /// # Errors
    /// As [`Stage::apply`].
    fn tick(
        &mut self,
        _log: &mut dyn StageLog,
        _partitions: &[(&Partition, u64)],
        _now: TimeMs,
        _step: &mut Step,
    ) -> Result<Vec<Partition>, StageError> {
        Ok(Vec::new())
    }

    /// Forgets what it knows beside the state: a turn was aborted, or partitions moved.
    fn reset(&mut self);
}

/// Stands for the key that customers are hashed with, which all workers must share, and does not
/// tell it.
pub fn seal(customer_hash_key: &[u8; 32]) -> u64 {
    keyed_hash64(customer_hash_key, b"quell changelog")
}

/// The name of a partition as a source of marks.
fn source(partition: &Partition) -> String {
    format!("{}/{}", partition.input, partition.number)
}

/// The names of all partitions of a topic as sources of marks.
pub fn sources(topic: &str, partitions: u32) -> Vec<String> {
    let partition = |number| Partition { input: topic.to_owned(), number };
    (0..partitions).map(|number| source(&partition(number))).collect()
}

/// The same mark for every partition of a topic.
fn marks<T: serde::Serialize>(
    topic: String,
    partitions: u32,
    source: String,
    at: TimeMs,
) -> impl Iterator<Item = StageRecord> + use<T> {
    let value = wire::Wire::<T>::Mark { source, at }.write();
    (0..partitions).map(move |partition| StageRecord {
        topic: topic.clone(),
        partition: Some(partition),
        value: Some(value.clone()),
        ..StageRecord::default()
    })
}
