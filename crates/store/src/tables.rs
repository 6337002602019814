//! Tables of the engine by what they hold, made when first written to.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use fjall::{Database, Keyspace, KeyspaceCreateOptions};
use quell_ports::{Order, VisitRow};

use crate::error::StoreError;
use crate::folder::Folder;
use crate::settings::StoreSettings;

/// How long a writer waits for the engine to flush, at most, where others wait for it: a bound that
/// is too low slows, and does not stop.
pub(crate) const SHORT_PATIENCE: Duration = Duration::from_secs(10);
/// The same where nobody does. A merge of a long history holds up the flushing for a minute or two.
pub(crate) const LONG_PATIENCE: Duration = Duration::from_secs(240);
const FLUSH_PAUSE: Duration = Duration::from_millis(5);

/// Longest key the engine takes, in bytes.
pub(crate) const MAX_KEY_BYTES: usize = 65_535;
/// Longest row taken, in bytes: far above any record, far below what lengths can say.
pub(crate) const MAX_ROW_BYTES: usize = 256 * 1024 * 1024;
/// Longest name of a state table or topic, in bytes; the engine takes 255 with our prefix.
const MAX_NAME_BYTES: usize = 200;

/// What a table holds. State tables and topics have spaces of names of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    State,
    Output,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Kind::State => "state.",
            Kind::Output => "output.",
        }
    }
}

/// The store's own tables and those made on demand.
pub(crate) struct Tables {
    pub database: Database,
    /// The row of counters.
    pub meta: Keyspace,
    pub log: Keyspace,
    pub changes: Keyspace,
    pub dead: Keyspace,
    settings: StoreSettings,
    /// Spares the engine's own lookup, which locks out writers.
    by_name: RwLock<HashMap<String, Keyspace>>,
}

impl Tables {
    /// Opens those of a folder that is locked.
    pub(crate) fn of(folder: &Folder, settings: StoreSettings) -> Result<Tables, StoreError> {
        // The engine takes some kinds of damage for its own mistakes and panics.
        match catch_unwind(AssertUnwindSafe(|| Tables::open(&folder.db(), settings))) {
            Ok(Ok(tables)) => Ok(tables),
            Ok(Err(error @ StoreError::Full { .. })) => Err(error),
            Ok(Err(error)) => Err(folder.damaged(error.to_string())),
            Err(_) => Err(folder.damaged("the storage engine gave up reading it")),
        }
    }

    pub(crate) fn open(path: &Path, settings: StoreSettings) -> Result<Tables, StoreError> {
        let database = Database::builder(path)
            .cache_size(settings.cache_bytes())
            .max_journaling_size(settings.journal_bytes())
            // With more, the engine keeps one of them for flushing, which hands merges back to the
            // queue as fast as it can while another one merges: a core is busy with nothing.
            .worker_threads(1)
            .open()
            .map_err(StoreError::engine("open its database"))?;
        let own = |name| make(&database, name, settings);
        Ok(Tables {
            meta: own("meta")?,
            log: own("log")?,
            changes: own("changes")?,
            dead: own("dead")?,
            settings,
            by_name: RwLock::default(),
            database,
        })
    }

    /// The table, or none if nothing was ever written to it.
    pub(crate) fn find(&self, kind: Kind, name: &str) -> Result<Option<Keyspace>, StoreError> {
        let full = format!("{}{name}", kind.prefix());
        if let Some(table) = self.cached(&full) {
            return Ok(Some(table));
        }
        if !self.database.keyspace_exists(&full) {
            return Ok(None);
        }
        self.open_named(full).map(Some)
    }

    /// The table, made if there is none.
    pub(crate) fn get(&self, kind: Kind, name: &str) -> Result<Keyspace, StoreError> {
        if name.is_empty() || name.len() > MAX_NAME_BYTES {
            return Err(StoreError::Refused(format!(
                "the name {name:?} of a table or topic must have 1 to {MAX_NAME_BYTES} bytes"
            )));
        }
        let full = format!("{}{name}", kind.prefix());
        match self.cached(&full) {
            Some(table) => Ok(table),
            None => self.open_named(full),
        }
    }

    /// Waits while the engine has more in its write buffers than it should: it takes writes faster
    /// than it flushes them while it merges, and sets itself no bound.
    pub(crate) fn wait_for_room(&self, patience: Duration) {
        let begun = Instant::now();
        let bound = self.settings.unflushed_bytes();
        while self.database.write_buffer_size() > bound && begun.elapsed() < patience {
            std::thread::sleep(FLUSH_PAUSE);
        }
    }

    /// A state row; a table nothing was written to is empty.
    pub(crate) fn state_row(&self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(table) = self.find(Kind::State, table)? else { return Ok(None) };
        let row = table.get(key).map_err(StoreError::engine("read a state row"))?;
        Ok(row.map(|row| row.to_vec()))
    }

    /// Visits the state rows with `from <= key < to` until the visitor breaks.
    pub(crate) fn state_rows(
        &self,
        table: &str,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: &mut VisitRow<'_>,
    ) -> Result<(), StoreError> {
        let Some(table) = self.find(Kind::State, table)?.filter(|_| from < to) else {
            return Ok(());
        };
        let mut rows = table.range(from..to);
        loop {
            let row = match order {
                Order::Ascending => rows.next(),
                Order::Descending => rows.next_back(),
            };
            let Some(row) = row else { return Ok(()) };
            let (key, value) = row.into_inner().map_err(StoreError::engine("scan state"))?;
            if visit(&key, &value).is_break() {
                return Ok(());
            }
        }
    }

    fn cached(&self, full: &str) -> Option<Keyspace> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).get(full).cloned()
    }

    fn open_named(&self, full: String) -> Result<Keyspace, StoreError> {
        let table = make(&self.database, &full, self.settings)?;
        let mut by_name = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        by_name.insert(full, table.clone());
        Ok(table)
    }
}

/// Refuses what the engine would panic on.
pub(crate) fn check_row(key: &[u8], row_bytes: usize) -> Result<(), StoreError> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(StoreError::Refused(format!(
            "a key of {} bytes; a key must have 1 to {MAX_KEY_BYTES}",
            key.len()
        )));
    }
    if row_bytes > MAX_ROW_BYTES {
        return Err(StoreError::Refused(format!(
            "a row of {row_bytes} bytes; a row may have {MAX_ROW_BYTES}"
        )));
    }
    Ok(())
}

fn make(database: &Database, name: &str, settings: StoreSettings) -> Result<Keyspace, StoreError> {
    let options =
        || KeyspaceCreateOptions::default().max_memtable_size(settings.write_buffer_bytes());
    database.keyspace(name, options).map_err(StoreError::engine("open a table"))
}
