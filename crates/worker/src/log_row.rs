//! What the embedded log holds: decoded and redacted events, and marks. The first byte names the
//! kind and format.

use quell_codec::adapter::Adapter;
use quell_codec::{Limits, RawRecord, decode, encode_event};
use quell_engine::CoreInput;
use quell_model::{Event, TimeMs};

const EVENT: u8 = 1;
const MARK: u8 = 2;

/// A row that this build cannot read. It is never skipped: what it says would be lost.
#[derive(Debug, thiserror::Error)]
#[error("log row {offset} cannot be read by this build: {detail}")]
pub struct LogRowError {
    /// Its offset.
    pub offset: u64,
    /// Why.
    pub detail: String,
}

/// The bytes of an event's row.
pub fn event_row(event: &Event) -> Vec<u8> {
    let mut row = vec![EVENT];
    row.extend_from_slice(&encode_event(event));
    row
}

/// The bytes of a mark's row.
pub fn mark_row(mark: TimeMs) -> Vec<u8> {
    let mut row = vec![MARK];
    row.extend_from_slice(&mark.to_key());
    row
}

/// Reads rows back.
pub struct LogRows {
    canonical: Adapter,
    limits: Limits,
}

impl Default for LogRows {
    fn default() -> Self {
        // Times and sizes were checked before the row was written; by now the clock has moved on.
        let limits = Limits { max_bytes: usize::MAX, max_future_ms: i64::MAX, ..Limits::default() };
        LogRows { canonical: Adapter::canonical(), limits }
    }
}

impl LogRows {
    /// What a row says.
    ///
    /// # Errors
    /// [`LogRowError`] for a kind or format that this build does not know.
    pub fn read(&self, offset: u64, row: &[u8]) -> Result<CoreInput, LogRowError> {
        let failed = |detail: String| LogRowError { offset, detail };
        match row.split_first() {
            Some((&EVENT, json)) => self.event(json).map(CoreInput::Event).map_err(failed),
            Some((&MARK, key)) => {
                let key =
                    key.try_into().map_err(|_| failed("a mark of wrong length".to_owned()))?;
                Ok(CoreInput::Mark(TimeMs::from_key(key)))
            }
            Some((kind, _)) => Err(failed(format!("unknown kind {kind}"))),
            None => Err(failed("it is empty".to_owned())),
        }
    }

    /// The event that [`quell_codec::encode_event`] wrote.
    pub(crate) fn event(&self, json: &[u8]) -> Result<Event, String> {
        let record =
            RawRecord { value: Some(json), headers: &[], key: None, log_time: TimeMs::MAX };
        let decoded = decode(&record, &self.canonical, &self.limits);
        let events = decoded.map_err(|reject| reject.to_string())?.events;
        events.into_iter().next().ok_or_else(|| "no event in it".to_owned())
    }
}
