//! State rows and internal topics: one version byte, then postcard.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a row cannot be read. The partition stops: a row is never skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowError {
    /// There is not even a version byte.
    Empty,
    /// Another build wrote it.
    UnknownVersion {
        /// The version that the row has.
        found: u8,
        /// The version that this build reads.
        expected: u8,
    },
    /// The version is right and the bytes are not a row of it.
    Corrupt {
        /// The version that the row has.
        version: u8,
    },
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RowError::Empty => f.write_str("row is empty: expected a version byte; restore it"),
            RowError::UnknownVersion { found, expected } => write!(
                f,
                "row has format version {found}, this build reads {expected}: run the build that \
                 wrote it, or rebuild the state from the input"
            ),
            RowError::Corrupt { version } => write!(
                f,
                "row of format version {version} is damaged: rebuild the state from the input"
            ),
        }
    }
}

impl std::error::Error for RowError {}

/// Most rows fit this many bytes; writing into a buffer that grows step by step costs more.
const ROW_CAPACITY: usize = 2048;

/// The row's bytes.
///
/// # Panics
/// For a type that postcard cannot write at all (a sequence of unknown length): a fault in the
/// type, found by its first test, not by data.
pub fn to_row<T: Serialize>(version: u8, value: &T) -> Vec<u8> {
    let mut row = Vec::with_capacity(ROW_CAPACITY);
    row.push(version);
    match postcard::to_extend(value, row) {
        Ok(mut bytes) => {
            // Rows are kept by the million.
            bytes.shrink_to_fit();
            bytes
        }
        Err(error) => panic!("{} cannot be a row: {error}", std::any::type_name::<T>()),
    }
}

/// The value of a row that [`to_row`] wrote with the same version.
///
/// # Errors
/// [`RowError`] for another version, damaged bytes or bytes left over.
pub fn from_row<T: DeserializeOwned>(expected: u8, bytes: &[u8]) -> Result<T, RowError> {
    let (&found, rest) = bytes.split_first().ok_or(RowError::Empty)?;
    if found != expected {
        return Err(RowError::UnknownVersion { found, expected });
    }
    match postcard::take_from_bytes(rest) {
        Ok((value, [])) => Ok(value),
        _ => Err(RowError::Corrupt { version: found }),
    }
}
