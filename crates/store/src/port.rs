//! The port over the embedded log.

use quell_model::{Position, TimeMs};
use quell_ports::{Commit, PollLimit, Port, PortError, Record};

use crate::embedded::EmbeddedStore;
use crate::error::StoreError;
use crate::rows::NewRecord;

/// The name of the log in positions; it has the one partition 0.
pub const LOG_INPUT: &str = "log";

/// Reads the log from the committed position and commits turns.
///
/// A poll always starts at the committed position, so polling again without a commit gives the
/// same records, and after an aborted commit nothing needs to be sought.
///
/// A commit names at most one position, `log[0]`, not before the committed one and not after the
/// end of the log; without one, the position stays (a turn of timers). It is refused if another
/// port of the same store has moved the position since this one polled.
pub struct EmbeddedPort {
    store: EmbeddedStore,
    /// The committed position as this port knows it.
    base: u64,
    /// Log time of the last record polled, which dates the dead letters of a commit.
    log_time: TimeMs,
}

impl EmbeddedPort {
    pub(crate) fn new(store: EmbeddedStore) -> Self {
        let base = store.committed();
        EmbeddedPort { store, base, log_time: TimeMs(0) }
    }

    fn read(&mut self, limit: PollLimit) -> Result<Vec<Record>, StoreError> {
        let shared = &self.store.shared;
        self.base = self.store.committed();
        let end = self.store.log_end();
        let mut records = Vec::new();
        let mut bytes = 0_usize;
        let mut expected = self.base;
        for row in shared.tables.log.range(self.base.to_be_bytes()..end.to_be_bytes()) {
            if records.len() >= limit.records || (bytes >= limit.bytes && !records.is_empty()) {
                break;
            }
            let (key, row) = row.into_inner().map_err(StoreError::engine("read the log"))?;
            if *key != expected.to_be_bytes() {
                break;
            }
            let record = NewRecord::decode(&row).ok_or_else(|| {
                shared.folder.damaged(format!("the log row {expected} is unreadable"))
            })?;
            bytes = bytes.saturating_add(record.value.as_ref().map_or(0, Vec::len));
            records.push(at_offset(record, expected));
            expected += 1;
        }
        if records.is_empty() && self.base < end && limit.records > 0 {
            return Err(shared.folder.damaged(format!("the log row {expected} is missing")));
        }
        if let Some(last) = records.last() {
            self.log_time = last.log_time;
        }
        Ok(records)
    }
}

impl Port for EmbeddedPort {
    fn poll(&mut self, limit: PollLimit) -> Result<Vec<Record>, PortError> {
        self.read(limit).map_err(PortError::from)
    }

    fn commit(&mut self, commit: Commit) -> Result<(), PortError> {
        self.base = self.store.commit(self.base, self.log_time, &commit)?;
        Ok(())
    }
}

fn at_offset(record: NewRecord, offset: u64) -> Record {
    Record {
        position: Position { input: LOG_INPUT.to_owned(), partition: 0, offset },
        log_time: record.log_time,
        key: record.key,
        headers: record.headers,
        value: record.value,
    }
}
