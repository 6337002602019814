//! The way in of the embedded mode: decode, redact, append. An answer means that it is durable.
//!
//! Marks are written here too, since whoever owns an input says up to when its event time is
//! complete. They are records of the log like any other: a turn that runs again sees them again.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use quell_codec::{Adapter, DeadLetter, Limits, RawRecord, decode, is_blank};
use quell_engine::intake;
use quell_model::{Position, TimeMs};
use quell_store::{EmbeddedStore, NewRecord, StoreError};

use crate::event_clock::{EventClock, event_time};
use crate::log_row::{event_row, mark_row};
use crate::metrics::Metrics;

/// Without events for this long, event time follows the clock.
const IDLE_AFTER_MS: i64 = 60_000;
/// Rejects named one by one in an answer; the rest are counted.
const MAX_REJECTS_SHOWN: usize = 100;

/// How records come in.
pub struct IngestSettings {
    /// How source records become events.
    pub adapter: Adapter,
    /// Bounds of one record.
    pub limits: Limits,
    /// How long after its time an event is waited for.
    pub lateness_ms: i64,
}

/// Where records come from, for positions and dead letters.
#[derive(Clone, Debug)]
pub struct Origin {
    /// `http`, `stdin`, a file's name.
    pub input: String,
    /// The number of the first record, from 1.
    pub first: u64,
    /// Headers that speak of every record, such as a content type.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// What became of a batch. Durable once it is returned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Records taken in.
    pub accepted: u64,
    /// Empty lines.
    pub skipped_empty: u64,
    /// Records put aside.
    pub rejected: u64,
    /// The first of them, each with what is wrong.
    pub rejects: Vec<Rejected>,
}

/// A record that was put aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Its number in the input, from 1.
    pub record: u64,
    /// Why, as one word.
    pub cause: &'static str,
    /// Where and what was expected.
    pub detail: String,
}

/// Takes records in. One per store; calls from many threads share their syncs.
pub struct Ingest {
    store: EmbeddedStore,
    settings: IngestSettings,
    clock: Mutex<EventClock>,
}

impl Ingest {
    /// Over this store. Marks begin anew: stages refuse what is older than they know.
    pub fn new(store: EmbeddedStore, settings: IngestSettings) -> Self {
        Ingest { store, settings, clock: Mutex::default() }
    }

    /// Takes the records in or puts them aside, all of them durably.
    ///
    /// # Errors
    /// [`StoreError`]: nothing of the batch is acknowledged; giving it again is harmless.
    pub fn take<'r>(
        &self,
        origin: &Origin,
        records: impl IntoIterator<Item = &'r [u8]>,
        now: TimeMs,
        metrics: &Metrics,
    ) -> Result<Receipt, StoreError> {
        let mut receipt = Receipt::default();
        let mut rows = Vec::new();
        let mut letters = Vec::new();
        let mut newest = TimeMs::MIN;
        for (number, value) in (origin.first..).zip(records) {
            if is_blank(value) {
                receipt.skipped_empty += 1;
                continue;
            }
            let record = RawRecord {
                value: Some(value),
                headers: &origin.headers,
                key: None,
                log_time: now,
            };
            match decode(&record, &self.settings.adapter, &self.settings.limits) {
                Ok(decoded) => {
                    receipt.accepted += 1;
                    for mut event in decoded.events {
                        metrics.add_redactions(intake::redact(&mut event));
                        newest = newest.max(event_time(&event).min(now));
                        rows.push(new_record(now, event_row(&event)));
                    }
                }
                Err(reject) => {
                    receipt.rejected += 1;
                    let cause = reject.cause.as_str();
                    metrics.dead_letters.with_label_values(&[cause]).inc();
                    let input = origin.input.clone();
                    let position = Position { input, partition: 0, offset: number };
                    let letter = DeadLetter::new(&position, &record, "intake", &reject);
                    letters.push(quell_store::DeadLetter {
                        log_time: now,
                        topic: format!("{}.dlq", origin.input),
                        key: position.to_string(),
                        value: letter.to_line(),
                    });
                    if receipt.rejects.len() < MAX_REJECTS_SHOWN {
                        let detail = reject.detail;
                        receipt.rejects.push(Rejected { record: number, cause, detail });
                    }
                }
            }
        }
        self.store.append_dead_letters(&letters)?;
        self.append(rows, newest, now, metrics)?;
        let count = |outcome: &str, n| {
            metrics.ingest_records.with_label_values(&[outcome]).inc_by(n);
        };
        count("accepted", receipt.accepted);
        count("rejected", receipt.rejected);
        count("skipped_empty", receipt.skipped_empty);
        Ok(receipt)
    }

    /// Lets event time go on where no events come. To be called about once a second.
    ///
    /// # Errors
    /// [`StoreError`] where the mark could not be written; the next call tries again.
    pub fn tick(&self, now: TimeMs, metrics: &Metrics) -> Result<(), StoreError> {
        self.append(Vec::new(), TimeMs::MIN, now, metrics)
    }

    /// Completes event time up to the newest event taken in: the end of a file given whole.
    ///
    /// # Errors
    /// [`StoreError`] where the mark could not be written.
    pub fn complete(&self, now: TimeMs) -> Result<(), StoreError> {
        if let Some(mark) = self.lock().complete(now) {
            self.store.append(vec![new_record(now, mark_row(mark))])?;
        }
        Ok(())
    }

    /// Appends rows and, when one is due, a mark behind them. The sync is shared with other
    /// threads, so the clock is not held meanwhile; a mark stays the lateness behind the newest
    /// event, far more than the time between these two steps.
    fn append(
        &self,
        mut rows: Vec<NewRecord>,
        newest: TimeMs,
        now: TimeMs,
        metrics: &Metrics,
    ) -> Result<(), StoreError> {
        let mark = {
            let mut clock = self.lock();
            clock.take(newest, now);
            let is_idle = clock.quiet_ms(now) >= IDLE_AFTER_MS;
            let is_due = clock.is_due(now);
            is_due.then(|| clock.next_mark(now, self.settings.lateness_ms, is_idle)).flatten()
        };
        if let Some(mark) = mark {
            metrics.event_time_complete_timestamp_seconds.set(mark.0 as f64 / 1e3);
            rows.push(new_record(now, mark_row(mark)));
        }
        if rows.is_empty() {
            return Ok(());
        }
        self.store.append(rows).map(|_| ())
    }

    fn lock(&self) -> MutexGuard<'_, EventClock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn new_record(log_time: TimeMs, value: Vec<u8>) -> NewRecord {
    NewRecord { log_time, key: None, headers: Vec::new(), value: Some(value) }
}
