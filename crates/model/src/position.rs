//! Where a record stands in its input.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The next record to read of one input partition. For tracing and commits only: no public id
/// and no result is made from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// A topic, a file's name or `http`.
    pub input: String,
    /// The partition of that input; files have one.
    pub partition: u32,
    /// The record's offset, or a file's line counted from 1.
    pub offset: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]@{}", self.input, self.partition, self.offset)
    }
}
