//! The handle: opening, appending, positions, syncing.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fjall::{OwnedWriteBatch, PersistMode};

use crate::counters::Counters;
use crate::error::StoreError;
use crate::folder::Folder;
use crate::port::EmbeddedPort;
use crate::rows::NewRecord;
use crate::settings::StoreSettings;
use crate::state::EmbeddedState;
use crate::tables::{SHORT_PATIENCE, Tables, check_row};

/// Key of the one row in the table `meta`.
const COUNTERS_KEY: &[u8] = b"counters";

/// A handle to an open store; clones share it. The folder is unlocked when the last handle,
/// port and state reader are gone.
#[derive(Clone)]
pub struct EmbeddedStore {
    pub(crate) shared: Arc<Shared>,
}

/// What all handles share. Fields are dropped in this order: the lock goes last.
pub(crate) struct Shared {
    pub tables: Tables,
    pub settings: StoreSettings,
    /// Held over each batch, so that batches enter the journal in the order of their counters.
    writer: Mutex<Counters>,
    /// Copies for readers, who need not wait for a batch to end.
    seen: Seen,
    /// Batches written, and how many of them are known to be on the disk.
    written: AtomicU64,
    synced: Mutex<u64>,
    pub folder: Folder,
}

#[derive(Default)]
struct Seen {
    committed: AtomicU64,
    log_end: AtomicU64,
    changes_first: AtomicU64,
    changes_end: AtomicU64,
}

impl EmbeddedStore {
    /// Opens the store in `dir`, making both where there are none, and locks the folder until the
    /// last handle is gone.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Foreign`], [`StoreError::UnknownFormat`],
    /// [`StoreError::Damaged`] or [`StoreError::Folder`], as they say.
    pub fn open(dir: &Path, settings: StoreSettings) -> Result<Self, StoreError> {
        let folder = Folder::open(dir, |path| Tables::open(path, settings).map(drop))?;
        let tables = Tables::of(&folder, settings)?;
        let row =
            tables.meta.get(COUNTERS_KEY).map_err(|error| folder.damaged(error.to_string()))?;
        let counters = match row {
            None => Counters::default(),
            Some(row) => Counters::decode(&row)
                .ok_or_else(|| folder.damaged("the row of counters is unreadable"))?,
        };
        let shared = Shared {
            tables,
            settings,
            writer: Mutex::new(counters),
            seen: Seen::default(),
            written: AtomicU64::new(0),
            synced: Mutex::new(0),
            folder,
        };
        shared.seen.publish(&counters);
        Ok(EmbeddedStore { shared: Arc::new(shared) })
    }

    /// Appends the records in order, all or none, and returns their offsets. They are durable
    /// when this returns. Offsets begin at 0 and are never given twice.
    ///
    /// # Errors
    /// [`StoreError::LogFull`] where too many records wait, [`StoreError::Refused`] for a record
    /// beyond all bounds, [`StoreError::Engine`] where the disk failed: the records may then be
    /// found after a restart or not.
    pub fn append(&self, records: Vec<NewRecord>) -> Result<Range<u64>, StoreError> {
        let shared = &self.shared;
        let rows: Vec<Vec<u8>> = records.iter().map(NewRecord::encode).collect();
        for row in &rows {
            check_row(b"offset", row.len())?;
        }
        let mut writer = shared.lock();
        let mut counters = *writer;
        let start = counters.log_end;
        let waiting = start - counters.committed;
        let limit = shared.settings.log_max_records;
        if waiting.saturating_add(rows.len() as u64) > limit {
            return Err(StoreError::LogFull { waiting, limit });
        }
        if rows.is_empty() {
            return Ok(start..start);
        }
        let mut batch = shared.batch(rows.len() + 1);
        for row in rows {
            batch.insert(&shared.tables.log, counters.log_end.to_be_bytes(), row);
            counters.log_end += 1;
        }
        let ticket = shared.write(&mut writer, batch, counters)?;
        drop(writer);
        shared.sync_up_to(ticket)?;
        Ok(start..counters.log_end)
    }

    /// The offset the next appended record gets.
    pub fn log_end(&self) -> u64 {
        self.shared.seen.log_end.load(Ordering::Acquire)
    }

    /// The next offset to process.
    pub fn committed(&self) -> u64 {
        self.shared.seen.committed.load(Ordering::Acquire)
    }

    /// The log in, the atomic commit out.
    pub fn port(&self) -> EmbeddedPort {
        EmbeddedPort::new(self.clone())
    }

    /// Reads the state tables.
    pub fn state(&self) -> EmbeddedState {
        EmbeddedState::new(self.clone())
    }

    /// Makes all that was written so far durable.
    ///
    /// # Errors
    /// [`StoreError::Engine`] where the disk failed.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.shared.sync_up_to(self.shared.written.load(Ordering::Acquire))
    }

    /// Bytes of the store's files, counting the journal with what it has reserved.
    ///
    /// # Errors
    /// [`StoreError::Engine`] where the files cannot be looked at.
    pub fn disk_bytes(&self) -> Result<u64, StoreError> {
        self.shared.tables.database.disk_space().map_err(StoreError::engine("measure its files"))
    }
}

impl Shared {
    /// Waits for the batch under way. A panic while it was held has changed no counter.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Counters> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn batch(&self, capacity: usize) -> OwnedWriteBatch {
        // The bytes reach the operating system with the batch: enough for a killed process.
        OwnedWriteBatch::with_capacity(self.tables.database.clone(), capacity)
            .durability(Some(PersistMode::Buffer))
    }

    /// Writes the batch together with the counters and returns the ticket to sync it by.
    pub(crate) fn write(
        &self,
        writer: &mut MutexGuard<'_, Counters>,
        mut batch: OwnedWriteBatch,
        counters: Counters,
    ) -> Result<u64, StoreError> {
        if **writer != counters {
            batch.insert(&self.tables.meta, COUNTERS_KEY, counters.encode());
        }
        batch.commit().map_err(StoreError::engine("write"))?;
        **writer = counters;
        self.seen.publish(&counters);
        self.tables.wait_for_room(SHORT_PATIENCE);
        Ok(self.written.fetch_add(1, Ordering::AcqRel) + 1)
    }

    /// One sync serves all that was written before it began.
    pub(crate) fn sync_up_to(&self, ticket: u64) -> Result<(), StoreError> {
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if *synced >= ticket {
            return Ok(());
        }
        let written = self.written.load(Ordering::Acquire);
        self.tables
            .database
            .persist(PersistMode::SyncData)
            .map_err(StoreError::engine("sync its journal"))?;
        *synced = written;
        Ok(())
    }

    pub(crate) fn changes_seen(&self) -> Range<u64> {
        let first = self.seen.changes_first.load(Ordering::Acquire);
        first..self.seen.changes_end.load(Ordering::Acquire).max(first)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Nobody is left to be told; what was acknowledged is on the disk already.
        let _ = self.tables.database.persist(PersistMode::SyncAll);
    }
}

impl Seen {
    fn publish(&self, counters: &Counters) {
        self.log_end.store(counters.log_end, Ordering::Release);
        self.committed.store(counters.committed, Ordering::Release);
        self.changes_end.store(counters.changes_end, Ordering::Release);
        self.changes_first.store(counters.changes_first, Ordering::Release);
    }
}
