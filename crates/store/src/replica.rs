//! The store as a copy of derived topics that stand elsewhere.

use quell_model::{Position, TimeMs};
use quell_ports::OutputRecord;

use crate::commit::put_outputs;
use crate::embedded::EmbeddedStore;
use crate::error::StoreError;

/// Rows of `meta` that say how far each partition was read.
const POSITIONS: &[u8] = b"replica\0";
/// The row of `meta` that says when the copy was whole.
const LEVEL_AT: &[u8] = b"replica-level-at";

impl EmbeddedStore {
    /// Takes records of derived topics over, highest revision first, together with the next
    /// record of each of their partitions: all or none. `level_at`, where given, is when the copy
    /// was last known to be as the topics are.
    ///
    /// # Errors
    /// [`StoreError::Engine`] where the disk failed, [`StoreError::Damaged`] where a row cannot
    /// be read; the records may then be given again.
    pub fn replicate(
        &self,
        outputs: &[OutputRecord],
        next: &[Position],
        level_at: Option<TimeMs>,
    ) -> Result<(), StoreError> {
        let shared = &self.shared;
        let mut writer = shared.lock();
        let mut counters = *writer;
        let mut batch = shared.batch(2 * outputs.len() + next.len() + 2);
        put_outputs(shared, &mut batch, &mut counters, outputs)?;
        shared.drop_old_changes(&mut batch, &mut counters);
        for position in next {
            let row = position.offset.to_be_bytes();
            batch.insert(&shared.tables.meta, position_key(position), row);
        }
        if let Some(level_at) = level_at {
            batch.insert(&shared.tables.meta, LEVEL_AT, level_at.0.to_be_bytes());
        }
        shared.write(&mut writer, batch, counters)?;
        Ok(())
    }

    /// The next record of each partition that was read.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Engine`] where they cannot be read.
    pub fn replica_positions(&self) -> Result<Vec<Position>, StoreError> {
        let mut found = Vec::new();
        for row in self.shared.tables.meta.prefix(POSITIONS) {
            let (key, row) = row.into_inner().map_err(StoreError::engine("read positions"))?;
            let position = position_of(&key, &row)
                .ok_or_else(|| self.shared.folder.damaged("a position is unreadable"))?;
            found.push(position);
        }
        Ok(found)
    }

    /// When the copy was last known to be as the topics are; none before the first time.
    ///
    /// # Errors
    /// As [`Self::replica_positions`].
    pub fn replica_level_at(&self) -> Result<Option<TimeMs>, StoreError> {
        let row = self.shared.tables.meta.get(LEVEL_AT);
        let Some(row) = row.map_err(StoreError::engine("read positions"))? else {
            return Ok(None);
        };
        let bytes = row.as_ref().try_into();
        let bytes = bytes.map_err(|_| self.shared.folder.damaged("a time is unreadable"))?;
        Ok(Some(TimeMs(i64::from_be_bytes(bytes))))
    }
}

fn position_key(position: &Position) -> Vec<u8> {
    [POSITIONS, position.input.as_bytes(), &position.partition.to_be_bytes()].concat()
}

fn position_of(key: &[u8], row: &[u8]) -> Option<Position> {
    let (input, partition) = key.strip_prefix(POSITIONS)?.split_last_chunk::<4>()?;
    Some(Position {
        input: std::str::from_utf8(input).ok()?.to_owned(),
        partition: u32::from_be_bytes(*partition),
        offset: u64::from_be_bytes(row.try_into().ok()?),
    })
}
