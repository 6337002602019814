//! Compacted topics as tables, and the feed of what changed in them.

use std::ops::{Bound, ControlFlow};

use fjall::OwnedWriteBatch;

use crate::counters::Counters;
use crate::embedded::{EmbeddedStore, Shared};
use crate::error::StoreError;
use crate::rows::{decode_change, decode_output};
use crate::tables::Kind;

/// Changes dropped by one batch, so that dropping many does not hold up the writers.
const DROP_BATCH: u64 = 10_000;

/// The present value of a key of a compacted topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputRow {
    /// The highest revision that was put out.
    pub revision: u64,
    /// The payload.
    pub value: Vec<u8>,
}

/// A key whose value may have changed; the value is to be read from the topic's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedKey {
    /// Its place in the feed. The next to ask for is one above.
    pub seq: u64,
    /// The topic.
    pub topic: String,
    /// The public id; removed if the table has no row for it.
    pub key: String,
}

/// Takes the key, the revision and the value of an output; breaks to end the scan.
pub type VisitOutput<'a> = dyn FnMut(&str, u64, &[u8]) -> ControlFlow<()> + 'a;

/// Outputs of lower revision than the stored one are ignored, equal ones written again. A removed
/// key keeps a row of its revision (some ten bytes and the key), so that a lower revision does
/// not bring the value back; readers do not see that row.
impl EmbeddedStore {
    /// The present value of the key; none if it was never put out or was removed.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Engine`] where it cannot be read.
    pub fn get_output(&self, topic: &str, key: &str) -> Result<Option<OutputRow>, StoreError> {
        let Some(table) = self.shared.tables.find(Kind::Output, topic)? else {
            return Ok(None);
        };
        let Some(row) = table.get(key).map_err(StoreError::engine("read an output"))? else {
            return Ok(None);
        };
        let (revision, value) = self.shared.output_of(topic, &row)?;
        Ok(value.map(|value| OutputRow { revision, value: value.to_vec() }))
    }

    /// Visits (key, revision, value) with `from <= key < to` in order of the keys' bytes until the
    /// visitor breaks; without `to`, to the end. All as of one moment.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Engine`] where a row cannot be read.
    pub fn scan_outputs(
        &self,
        topic: &str,
        from: &str,
        to: Option<&str>,
        visit: &mut VisitOutput<'_>,
    ) -> Result<(), StoreError> {
        let Some(table) = self.shared.tables.find(Kind::Output, topic)? else {
            return Ok(());
        };
        if to.is_some_and(|to| from >= to) {
            return Ok(());
        }
        let upper = to.map_or(Bound::Unbounded, Bound::Excluded);
        for row in table.range::<&str, _>((Bound::Included(from), upper)) {
            let (key, row) = row.into_inner().map_err(StoreError::engine("scan outputs"))?;
            let key = std::str::from_utf8(&key)
                .map_err(|_| self.shared.folder.damaged(format!("a key of {topic} is no text")))?;
            let (revision, value) = self.shared.output_of(topic, &row)?;
            if let Some(value) = value
                && visit(key, revision, value).is_break()
            {
                break;
            }
        }
        Ok(())
    }

    /// Up to `max` changes from `from_seq` on, oldest first. All of them, and all they are about,
    /// are durable when this returns, so a reader may store its own position durably. A key that
    /// changed twice is there twice.
    ///
    /// # Errors
    /// [`StoreError::ChangesGone`] where some of them were dropped, [`StoreError::Refused`] where
    /// `from_seq` lies beyond the end: the reader's position belongs to another store.
    pub fn changes(&self, from_seq: u64, max: usize) -> Result<Vec<ChangedKey>, StoreError> {
        let shared = &self.shared;
        let kept = shared.changes_seen();
        if from_seq < kept.start {
            return Err(StoreError::ChangesGone { from: from_seq, first: kept.start });
        }
        if from_seq > kept.end {
            return Err(StoreError::Refused(format!(
                "changes from {from_seq} on were asked for, but the feed ends at {}; the reader's \
                 position is another store's",
                kept.end
            )));
        }
        if from_seq == kept.end || max == 0 {
            return Ok(Vec::new());
        }
        self.sync()?;
        let mut changes = Vec::new();
        let range = from_seq.to_be_bytes()..kept.end.to_be_bytes();
        for row in shared.tables.changes.range(range).take(max) {
            let (key, row) = row.into_inner().map_err(StoreError::engine("read changes"))?;
            let seq = shared.sequence_of(&key)?;
            let (topic, key) = decode_change(&row)
                .ok_or_else(|| shared.folder.damaged(format!("the change {seq} is unreadable")))?;
            changes.push(ChangedKey { seq, topic, key });
        }
        match changes.first() {
            Some(first) if first.seq == from_seq => Ok(changes),
            // Dropped by another reader while this one was reading.
            _ => {
                Err(StoreError::ChangesGone { from: from_seq, first: shared.changes_seen().start })
            }
        }
    }

    /// One above the last change: where a reader goes on that has just scanned all outputs.
    pub fn changes_end(&self) -> u64 {
        self.shared.changes_seen().end
    }

    /// Drops the changes below `below_seq`, for all readers. Beyond the end, all are dropped.
    ///
    /// # Errors
    /// [`StoreError::Engine`] where the disk failed.
    pub fn drop_changes(&self, below_seq: u64) -> Result<(), StoreError> {
        let shared = &self.shared;
        loop {
            let mut writer = shared.lock();
            let mut counters = *writer;
            let until = below_seq.min(counters.changes_end);
            if counters.changes_first >= until {
                return Ok(());
            }
            let until = until.min(counters.changes_first + DROP_BATCH);
            let mut batch = shared.batch((until - counters.changes_first) as usize + 1);
            for seq in counters.changes_first..until {
                batch.remove(&shared.tables.changes, seq.to_be_bytes());
            }
            counters.changes_first = until;
            shared.write(&mut writer, batch, counters)?;
        }
    }
}

impl Shared {
    /// Drops the oldest changes beyond the bound, as part of the batch that brought new ones.
    pub(crate) fn drop_old_changes(&self, batch: &mut OwnedWriteBatch, counters: &mut Counters) {
        let stored_end = self.changes_seen().end;
        let keep_from = counters.changes_end.saturating_sub(self.settings.changes_max);
        // Those of the batch itself stay, for one batch must not write and remove the same key;
        // and a bound that was lowered is reached in steps, not in one huge batch.
        let added = counters.changes_end - stored_end;
        let step = counters.changes_first + DROP_BATCH.max(2 * added);
        let keep_from = keep_from.min(stored_end).min(step);
        for seq in counters.changes_first..keep_from {
            batch.remove(&self.tables.changes, seq.to_be_bytes());
        }
        counters.changes_first = counters.changes_first.max(keep_from);
    }

    fn output_of<'a>(
        &self,
        topic: &str,
        row: &'a [u8],
    ) -> Result<(u64, Option<&'a [u8]>), StoreError> {
        decode_output(row)
            .ok_or_else(|| self.folder.damaged(format!("an output row of {topic} is unreadable")))
    }
}
