//! Records of the internal topics `events`, `to-link` and `facts`. The first byte names the format;
//! an unknown one stops the partition.

use quell_codec::rows::{from_row, to_row};
use quell_model::{Position, TimeMs};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StageError;

/// Format of what this module writes.
pub(super) const VERSION: u8 = 3;
/// The second byte of a mark.
pub(super) const MARK: u8 = 1;

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

/// Whether the bytes are a mark, whatever else the topic holds.
pub fn is_mark(value: Option<&[u8]>) -> bool {
    matches!(value, Some([VERSION, MARK, ..]))
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use quell_engine::{LinkInput, TrendInput};
    use quell_model::event::{SCHEMA_VERSION, Source, Volume};

    use super::*;

    fn again<T>(wire: &Wire<T>)
    where
        T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
    {
        let bytes = wire.write();
        assert_eq!(&Wire::read(&Position::default(), Some(&bytes)).unwrap(), wire);
    }

    #[test]
    fn what_is_written_is_read_back() {
        again(&Wire::Input(b"{\"a\":1}".to_vec()));
        again(&Wire::<LinkInput>::Mark { source: "events/3".to_owned(), at: TimeMs(-5) });
        again(&Wire::Input(LinkInput::Alias { customer: "b".to_owned(), into: "a".to_owned() }));
        again(&Wire::Input(TrendInput::Volume(Box::new(Volume {
            schema_version: SCHEMA_VERSION,
            event_id: "v1".to_owned(),
            event_time: TimeMs(3),
            source: Source { system: "shop".to_owned(), ..Source::default() },
            exposure_unit: "orders".to_owned(),
            period_start: TimeMs(1),
            period_end: TimeMs(2),
            count: 7,
            dimensions: BTreeMap::from([("country".to_owned(), "hu".to_owned())]),
        }))));
    }

    #[test]
    fn marks_are_known_by_their_first_bytes() {
        let mark = Wire::<LinkInput>::Mark { source: "events/3".to_owned(), at: TimeMs(5) };
        assert!(is_mark(Some(&mark.write())));
        assert!(!is_mark(Some(&Wire::Input(vec![MARK]).write())) && !is_mark(None));
    }

    #[test]
    fn what_is_not_ours_says_where_it_stands() {
        let position = Position { input: "quell.facts".to_owned(), partition: 0, offset: 9 };
        for value in [None, Some(&b""[..]), Some(b"{}"), Some(b"\x03"), Some(b"\x02\x00")] {
            let error = Wire::<TrendInput>::read(&position, value).unwrap_err().to_string();
            assert!(error.contains("quell.facts[0]@9"), "{error}");
        }
    }
}
