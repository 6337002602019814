//! The log of one stage in a cluster: partitions come and go, and a commit is one transaction over
//! outputs, state changes and positions.

use std::fmt;
use std::time::Duration;

use quell_model::Position;

use crate::{Change, PollLimit, PortError, Record};

/// One partition of an input.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// The topic.
    pub input: String,
    /// Its number.
    pub number: u32,
}

impl Partition {
    /// The partition that the position is of.
    pub fn of(position: &Position) -> Self {
        Partition { input: position.input.clone(), number: position.partition }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.input, self.number)
    }
}

/// What the group decided, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rebalanced {
    /// The partition is this instance's now. It waits for [`StageLog::resume`].
    Came(Partition),
    /// The partition is another's from now on: nothing of it may be committed any more.
    Left(Partition),
}

/// What a poll brought.
#[derive(Debug, Default)]
pub struct Polled {
    /// What the group decided.
    pub rebalanced: Vec<Rebalanced>,
    /// Records of resumed partitions that are still this instance's, in order per partition.
    pub records: Vec<Record>,
}

/// A record to write, to any topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StageRecord {
    /// The topic's full name.
    pub topic: String,
    /// The partition; by the key where none is named.
    pub partition: Option<u32>,
    /// The key.
    pub key: Option<Vec<u8>>,
    /// Headers, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The payload; none for a tombstone.
    pub value: Option<Vec<u8>>,
}

/// What a transaction does to one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionCommit {
    /// Which.
    pub partition: Partition,
    /// The next record to read.
    pub next: u64,
    /// Changes of its state, at most one per table and key.
    pub changes: Vec<Change>,
}

/// All that one turn of a stage changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// Records to write.
    pub records: Vec<StageRecord>,
    /// Every partition whose state is touched or whose records were read.
    pub partitions: Vec<PartitionCommit>,
}

/// The log in and the transaction out for one instance of a stage.
pub trait StageLog: Send {
    /// Waits at most `patience` for a first record of the resumed partitions, and gathers more for
    /// `gather` and as long as there are any without waiting. Must be called at least every few
    /// seconds, or the group takes the partitions away.
    ///
    /// # Errors
    /// [`PortError::Fatal`] where the input cannot be read any more.
    fn poll(
        &mut self,
        limit: PollLimit,
        gather: Duration,
        patience: Duration,
    ) -> Result<Polled, PortError>;

    /// The next record of the partition by what the group has committed; none: nothing yet.
    ///
    /// # Errors
    /// [`PortError::Fatal`] where the cluster does not say.
    fn committed(&mut self, partition: &Partition) -> Result<Option<u64>, PortError>;

    /// Whether the partition has no record from `next` on, up to where all that was given is done.
    /// Markers and aborted records are none. It may take some seconds to become true.
    ///
    /// # Errors
    /// [`PortError::Fatal`] where the cluster does not say.
    fn is_read(&mut self, partition: &Partition, next: u64) -> Result<bool, PortError>;

    /// How many offsets there are from `next` on as the cluster last told it, some seconds ago; 0
    /// where no record is among them. Asks nobody.
    fn known_lag(&self, partition: &Partition, next: u64) -> Option<u64>;

    /// How long one open transaction has held back records of the partition, by what the cluster
    /// told some seconds ago. Asks nobody.
    fn held(&self, partition: &Partition) -> Duration;

    /// Gives the partition's records from `next` on (none: from the first there is), also after an
    /// aborted commit or to read records again. Returns the offset it begins with.
    ///
    /// # Errors
    /// [`PortError::Fatal`] where the partition cannot be read.
    fn resume(&mut self, partition: &Partition, next: Option<u64>) -> Result<u64, PortError>;

    /// Commits as a whole, and returns for each partition in order where its changelog goes on.
    ///
    /// # Errors
    /// As the variants of [`PortError`] say. After anything but [`PortError::Aborted`] this log
    /// must be thrown away and made anew.
    fn commit(&mut self, transaction: &Transaction) -> Result<Vec<u64>, PortError>;
}

/// A row of a changelog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangelogRow {
    /// A change of the state.
    Change {
        /// The table's name.
        table: String,
        /// The row's key.
        key: Vec<u8>,
        /// The row; none deletes it.
        value: Option<Vec<u8>>,
    },
    /// All rows before this one belong to a state that has consumed the input up to here.
    Position {
        /// The next record of the input.
        next: u64,
        /// The seal of the instance that wrote it.
        seal: u64,
    },
}

/// How far a changelog was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadTo {
    /// Where it goes on.
    pub next: u64,
    /// Up to where it is read.
    pub end: u64,
}

/// Takes a row and how far the changelog is read with it.
pub type TakeRow<'t> = dyn FnMut(ChangelogRow, ReadTo) -> Result<(), PortError> + 't;

/// Reads committed rows of a stage's changelog.
pub trait Changelog: Send {
    /// Reads the partition's rows from `from` on, up to the end that stands when it is called,
    /// records of unfinished transactions included: waits until those are finished. Returns where
    /// the changelog goes on, or none where `from` lies beyond the end. Ends early when it is
    /// wanted no more.
    ///
    /// # Errors
    /// [`PortError::Fatal`] where it cannot be read.
    fn read(
        &mut self,
        partition: u32,
        from: u64,
        is_wanted: &dyn Fn() -> bool,
        take: &mut TakeRow<'_>,
    ) -> Result<Option<u64>, PortError>;
}

/// Reads all partitions of some topics, shared with nobody: a replica of what they hold.
pub trait ReplicaLog: Send {
    /// Gives the committed records of every partition from these positions on; of one that is not
    /// named, from the first. False where a position lies beyond its partition's end: it is of
    /// other topics, and nothing is given.
    ///
    /// # Errors
    /// [`PortError::Fatal`] where they cannot be read.
    fn resume(&mut self, from: &[Position]) -> Result<bool, PortError>;

    /// Waits at most `patience` for records.
    ///
    /// # Errors
    /// [`PortError::Fatal`] where they cannot be read any more.
    fn poll(&mut self, limit: PollLimit, patience: Duration) -> Result<Vec<Record>, PortError>;

    /// How much there is to read yet.
    fn lag(&self) -> ReplicaLag;

    /// Asks the cluster whether it is there: of one that is gone nothing is heard.
    ///
    /// # Errors
    /// [`PortError::Fatal`] where it does not answer for every topic.
    fn check(&self) -> Result<(), PortError>;

    /// Tells the cluster how far the replica is, for whoever watches.
    fn note(&mut self, positions: &[Position]);
}

/// How far behind a replica is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplicaLag {
    /// Partitions.
    pub partitions: u64,
    /// Of these, the ones that were not read to their end once yet.
    pub never_level: u64,
    /// Records up to the ends as the cluster last told them; 0 where all were read to the end.
    pub records: u64,
    /// The longest that an open transaction has held back records of a partition.
    pub held: Duration,
}
