//! Records of the internal topics `events`, `to-link` and `facts`. The first byte names the format;
//! an unknown one stops the partition.

use quell_codec::rows::{from_row, to_row};
use quell_model::{Position, TimeMs};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StageError;

/// Format of what this module writes.
const VERSION: u8 = 1;

/// What an internal topic holds.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize)]
pub enum Wire<T> {
    /// An input of the stage.
    Input(T),
    /// The named source says up to when its event time is complete.
    Mark {
        /// A partition that feeds the topic.
        source: String,
        /// Up to when.
        at: TimeMs,
    },
}

impl<T: Serialize> Wire<T> {
    /// The record's bytes.
    pub fn write(&self) -> Vec<u8> {
        to_row(VERSION, self)
    }
}

impl<T: DeserializeOwned> Wire<T> {
    /// Reads a record back.
    ///
    /// # Errors
    /// [`StageError::Record`] with its position.
    pub fn read(position: &Position, value: Option<&[u8]>) -> Result<Wire<T>, StageError> {
        from_row(VERSION, value.unwrap_or_default()).map_err(|error| StageError::Record {
            position: position.clone(),
            detail: error.to_string(),
        })
    }
}
