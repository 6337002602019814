//! The few traits for all that may block or fail. In words: `poll(max) -> records with positions`
//! and `commit(outputs, state changes, positions)`, atomic. Everything above is the same code for
//! the embedded store, Kafka, a replayed file and a simulation.

pub mod stage;

use std::ops::ControlFlow;

use quell_model::{Position, TimeMs};

/// One record of an input, as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where this very record stands; the position to commit after it is one offset higher.
    pub position: Position,
    /// When the log took it.
    pub log_time: TimeMs,
    /// The record's key, if it has one.
    pub key: Option<Vec<u8>>,
    /// Headers, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The payload; none for a tombstone.
    pub value: Option<Vec<u8>>,
}

/// A record to put out to a derived topic or an internal one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputRecord {
    /// The topic's name without a deployment's prefix.
    pub topic: &'static str,
    /// The public id.
    pub key: String,
    /// Lower revisions of the same key are ignored by readers.
    pub revision: u64,
    /// The payload; none removes the key.
    pub value: Option<Vec<u8>>,
}

/// One change of a state table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The table's name.
    pub table: &'static str,
    /// The row's key.
    pub key: Vec<u8>,
    /// The row; none deletes it.
    pub value: Option<Vec<u8>>,
}

/// All that one turn changes: applied as a whole or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// Records for derived topics.
    pub outputs: Vec<OutputRecord>,
    /// State changes, at most one per table and key.
    pub changes: Vec<Change>,
    /// The next record to read, for every input partition whose state is touched.
    pub positions: Vec<Position>,
}

/// How much one poll may return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollLimit {
    /// At most this many records.
    pub records: usize,
    /// Stop after the record that passes this many payload bytes.
    pub bytes: usize,
}

/// Why a port could not do what it was asked, and what that means for the caller.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// Nothing was applied. Discard the overlay, poll again from the committed positions.
    #[error("commit aborted: {0}")]
    Aborted(String),
    /// It may or may not have been applied. Retry the same commit or leave the process; never
    /// go on by guessing.
    #[error("commit outcome unknown: {0}")]
    Unknown(String),
    /// What is there was written by another build or with other settings. Only a person can help.
    #[error("{0}")]
    Unreadable(String),
    /// The disk or the cluster refuses, and will refuse again. Only a person can help.
    #[error("{0}")]
    Broken(String),
    /// The store or log cannot be used any more; one that is made anew may go on.
    #[error("{0}")]
    Fatal(String),
}

impl PortError {
    /// Whether who begins anew from what is committed may get on without a person's help: what was
    /// not applied is done again, and of what was applied a new beginning finds out.
    pub fn may_pass(&self) -> bool {
        matches!(self, PortError::Fatal(_) | PortError::Unknown(_))
    }
}

/// The log in, the transaction out.
pub trait Port: Send {
    /// Returns the next records in order per partition; an empty answer means none for now.
    ///
    /// # Errors
    /// [`PortError::Fatal`] where the input cannot be read any more.
    fn poll(&mut self, limit: PollLimit) -> Result<Vec<Record>, PortError>;

    /// Applies the commit as a whole.
    ///
    /// # Errors
    /// As the variants of [`PortError`] say.
    fn commit(&mut self, commit: Commit) -> Result<(), PortError>;
}

/// Order of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the lowest key up.
    Ascending,
    /// From the highest key down.
    Descending,
}

/// Takes a key and its row; says whether to go on.
pub type VisitRow<'v> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'v;

/// Reads committed state.
pub trait StateReader: Send + Sync {
    /// The row, if there is one.
    ///
    /// # Errors
    /// [`PortError::Broken`] where the store cannot be read.
    fn get(&self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, PortError>;

    /// Visits the rows with `from <= key < to` until the visitor breaks.
    ///
    /// # Errors
    /// [`PortError::Broken`] where the store cannot be read.
    fn scan(
        &self,
        table: &str,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: &mut VisitRow<'_>,
    ) -> Result<(), PortError>;
}

/// The only place where a wall clock may enter.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> TimeMs;
}
