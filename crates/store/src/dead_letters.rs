//! What could not be read, kept for operators within bounds of count, bytes and age.

use std::ops::Range;

use fjall::OwnedWriteBatch;
use quell_model::TimeMs;

use crate::counters::Counters;
use crate::embedded::{EmbeddedStore, Shared};
use crate::error::StoreError;
use crate::rows::{decode_dead_letter, encode_dead_letter};
use crate::tables::check_row;

/// Rows removed by one batch of a trim, so that a long trim does not hold up the writers.
const TRIM_BATCH: usize = 1_000;

/// A record that was put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// When it was put aside; what expires by age is judged by this.
    pub log_time: TimeMs,
    /// The topic it would go to: the input's name with `.dlq`.
    pub topic: String,
    /// Where it came from, for tracing.
    pub key: String,
    /// The original bytes with the cause, as the caller wrote them.
    pub value: Vec<u8>,
}

impl EmbeddedStore {
    /// Puts the letters aside, all or none, drops the oldest beyond the bounds, and returns the
    /// sequence numbers given. Durable when this returns. Records that are refused before they
    /// reach the log come this way; a turn puts its own into its commit as outputs for a topic
    /// that ends in `.dlq`.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for a letter beyond all bounds, [`StoreError::Engine`] where the
    /// disk failed.
    pub fn append_dead_letters(&self, letters: &[DeadLetter]) -> Result<Range<u64>, StoreError> {
        let shared = &self.shared;
        let mut writer = shared.lock();
        let mut counters = *writer;
        let start = counters.dead_end;
        if letters.is_empty() {
            return Ok(start..start);
        }
        let mut batch = shared.batch(letters.len() + 1);
        shared.put_dead_letters(&mut batch, &mut counters, letters)?;
        let ticket = shared.write(&mut writer, batch, counters)?;
        drop(writer);
        shared.sync_up_to(ticket)?;
        Ok(start..counters.dead_end)
    }

    /// Up to `max` letters in the order they came, from the sequence number `from_seq` on. Go on
    /// from one above the last one returned; numbers that were dropped are passed over.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Engine`] where they cannot be read.
    pub fn dead_letters(
        &self,
        from_seq: u64,
        max: usize,
    ) -> Result<Vec<(u64, DeadLetter)>, StoreError> {
        let shared = &self.shared;
        let first = shared.lock().dead_first.max(from_seq);
        let mut letters = Vec::new();
        for row in shared.tables.dead.range(first.to_be_bytes()..) {
            if letters.len() >= max {
                break;
            }
            let (key, row) = row.into_inner().map_err(StoreError::engine("read dead letters"))?;
            letters.push((shared.sequence_of(&key)?, shared.dead_letter_of(&row)?));
        }
        Ok(letters)
    }

    /// Drops the letters at the old end that were put aside before `expired_before`, and returns
    /// how many.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Engine`] as for writes and reads.
    pub fn trim_dead_letters(&self, expired_before: TimeMs) -> Result<u64, StoreError> {
        let mut dropped = 0;
        loop {
            let round = self.trim_round(expired_before)?;
            dropped += round;
            if round < TRIM_BATCH as u64 {
                return Ok(dropped);
            }
        }
    }

    fn trim_round(&self, expired_before: TimeMs) -> Result<u64, StoreError> {
        let shared = &self.shared;
        let mut writer = shared.lock();
        let mut counters = *writer;
        let mut batch = shared.batch(TRIM_BATCH);
        let from = counters.dead_first;
        for row in shared.tables.dead.range(from.to_be_bytes()..).take(TRIM_BATCH) {
            let (key, row) = row.into_inner().map_err(StoreError::engine("read dead letters"))?;
            if shared.dead_letter_of(&row)?.log_time >= expired_before {
                break;
            }
            counters.dead_first = shared.sequence_of(&key)? + 1;
            counters.dead_bytes = counters.dead_bytes.saturating_sub(row.len() as u64);
            batch.remove(&shared.tables.dead, key);
        }
        let dropped = counters.dead_first - from;
        if dropped > 0 {
            shared.write(&mut writer, batch, counters)?;
        }
        Ok(dropped)
    }
}

impl Shared {
    /// Adds the letters to the batch and drops the oldest beyond the bounds, which may be some of
    /// these very letters.
    pub(crate) fn put_dead_letters(
        &self,
        batch: &mut OwnedWriteBatch,
        counters: &mut Counters,
        letters: &[DeadLetter],
    ) -> Result<(), StoreError> {
        if letters.is_empty() {
            return Ok(());
        }
        let rows: Vec<Vec<u8>> = letters.iter().map(encode_dead_letter).collect();
        for row in &rows {
            check_row(b"sequence", row.len())?;
        }
        let stored_end = counters.dead_end;
        counters.dead_end += rows.len() as u64;
        counters.dead_bytes += rows.iter().map(|row| row.len() as u64).sum::<u64>();
        let mut stored = self.tables.dead.range(counters.dead_first.to_be_bytes()..);
        while counters.dead_first < stored_end && self.dead_letters_overflow(counters) {
            let Some(row) = stored.next() else { break };
            let (key, row) = row.into_inner().map_err(StoreError::engine("read dead letters"))?;
            counters.dead_first = self.sequence_of(&key)? + 1;
            counters.dead_bytes = counters.dead_bytes.saturating_sub(row.len() as u64);
            batch.remove(&self.tables.dead, key);
        }
        for (sequence, row) in (stored_end..).zip(rows) {
            if counters.dead_first >= sequence && self.dead_letters_overflow(counters) {
                counters.dead_first = sequence + 1;
                counters.dead_bytes = counters.dead_bytes.saturating_sub(row.len() as u64);
            } else {
                batch.insert(&self.tables.dead, sequence.to_be_bytes(), row);
            }
        }
        Ok(())
    }

    fn dead_letters_overflow(&self, counters: &Counters) -> bool {
        counters.dead_end - counters.dead_first > self.settings.dead_letters_max
            || counters.dead_bytes > self.settings.dead_letters_max_bytes
    }

    fn dead_letter_of(&self, row: &[u8]) -> Result<DeadLetter, StoreError> {
        decode_dead_letter(row).ok_or_else(|| self.folder.damaged("a dead letter is unreadable"))
    }

    /// The sequence number that a row of the change feed or the dead letters is kept under.
    pub(crate) fn sequence_of(&self, key: &[u8]) -> Result<u64, StoreError> {
        key.try_into()
            .map(u64::from_be_bytes)
            .map_err(|_| self.folder.damaged("a sequence number is unreadable"))
    }
}
