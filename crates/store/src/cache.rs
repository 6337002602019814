//! The local copy of a stage's state in a cluster: per partition a prefix of what its changelog
//! holds, never ahead of it. Losing it costs time, nothing else.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use fjall::{Keyspace, OwnedWriteBatch, PersistMode};
use quell_model::TimeMs;
use quell_ports::{Change, Order, PortError, StateReader, VisitRow};

use crate::error::StoreError;
use crate::folder::Folder;
use crate::settings::StoreSettings;
use crate::tables::{Kind, SHORT_PATIENCE, Tables, check_row};

/// The layout of a position's row.
const POSITION_ROW: u8 = 2;
/// Rows removed by one batch when a partition is forgotten.
const FORGET_BATCH: usize = 10_000;

/// Up to where a partition's copy goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CachePosition {
    /// Where the changelog goes on.
    pub changelog_next: u64,
    /// The next record of the input; none where no row of it was seen yet.
    pub input_next: Option<u64>,
    /// When the copy was last known to be as the changelog is.
    pub as_of: TimeMs,
    /// Stands for what all who write this state must share.
    pub seal: u64,
}

/// Copies of the state of some partitions; clones share it.
#[derive(Clone)]
pub struct StateCache {
    shared: Arc<Shared>,
}

struct Shared {
    tables: Tables,
    /// Unlocked last.
    folder: Folder,
}

impl StateCache {
    /// Opens the cache in `dir`, making both where there are none, and locks the folder.
    ///
    /// # Errors
    /// As [`crate::EmbeddedStore::open`]. A damaged cache may be deleted.
    pub fn open(dir: &Path, settings: StoreSettings) -> Result<StateCache, StoreError> {
        let folder = Folder::open(dir, |path| Tables::open(path, settings).map(drop))?;
        let tables = Tables::of(&folder, settings)?;
        Ok(StateCache { shared: Arc::new(Shared { tables, folder }) })
    }

    /// Reads the partition's state.
    pub fn partition(&self, partition: u32) -> CachedPartition {
        CachedPartition { cache: self.clone(), partition }
    }

    /// Up to where the partition's copy goes; none where there is no copy.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be read.
    pub fn position(&self, partition: u32) -> Result<Option<CachePosition>, StoreError> {
        let row = self.shared.tables.meta.get(partition.to_be_bytes());
        let Some(row) = row.map_err(StoreError::engine("read a position"))? else {
            return Ok(None);
        };
        let position = CachePosition::decode(&row);
        position.map(Some).ok_or_else(|| self.shared.folder.damaged("a position is unreadable"))
    }

    /// Applies changes that are committed in the changelog up to `position`, as a whole. Whoever
    /// has applied a few calls [`StateCache::wait_for_room`] after them.
    ///
    /// # Errors
    /// [`StoreError`]; the copy is then to be read again from where it was.
    pub fn apply<'c>(
        &self,
        partition: u32,
        changes: impl IntoIterator<Item = &'c Change>,
        position: CachePosition,
    ) -> Result<(), StoreError> {
        let tables = &self.shared.tables;
        let mut batch = self.batch();
        let mut named: HashMap<&str, Keyspace> = HashMap::new();
        for change in changes {
            let key = prefixed(partition, &change.key);
            check_row(&key, change.value.as_ref().map_or(0, Vec::len))?;
            let table = match named.get(change.table) {
                Some(table) => table,
                None => {
                    let table = tables.get(Kind::State, change.table)?;
                    named.entry(change.table).or_insert(table)
                }
            };
            match &change.value {
                Some(value) => batch.insert(table, key, value.as_slice()),
                None => batch.remove(table, key),
            }
        }
        batch.insert(&tables.meta, partition.to_be_bytes(), position.encode());
        batch.commit().map_err(StoreError::engine("write"))?;
        Ok(())
    }

    /// Waits some seconds at most while more was applied than is flushed. Not a part of
    /// [`StateCache::apply`]: a turn over many partitions would wait once for each, and the group
    /// would take them away.
    pub fn wait_for_room(&self) {
        self.shared.tables.wait_for_room(SHORT_PATIENCE);
    }

    /// Drops the copy of a partition. `names` are the tables there may be.
    ///
    /// # Errors
    /// [`StoreError`]; the copy is then partly gone and has no position.
    pub fn forget(&self, partition: u32, names: &[&'static str]) -> Result<(), StoreError> {
        let tables = &self.shared.tables;
        let mut batch = self.batch();
        batch.remove(&tables.meta, partition.to_be_bytes());
        batch.commit().map_err(StoreError::engine("write"))?;
        for name in names {
            let Some(table) = tables.find(Kind::State, name)? else { continue };
            loop {
                let mut batch = self.batch();
                let rows = table.prefix(partition.to_be_bytes()).take(FORGET_BATCH);
                let mut count = 0;
                for row in rows {
                    let key = row.key().map_err(StoreError::engine("scan state"))?;
                    batch.remove(&table, key);
                    count += 1;
                }
                batch.commit().map_err(StoreError::engine("write"))?;
                if count < FORGET_BATCH {
                    break;
                }
            }
        }
        Ok(())
    }

    fn batch(&self) -> OwnedWriteBatch {
        // The bytes reach the operating system with the batch: enough for a killed process.
        OwnedWriteBatch::with_capacity(self.shared.tables.database.clone(), 1_024)
            .durability(Some(PersistMode::Buffer))
    }
}

impl CachePosition {
    fn encode(self) -> Vec<u8> {
        let mut row = vec![POSITION_ROW, u8::from(self.input_next.is_some())];
        row.extend_from_slice(&self.changelog_next.to_be_bytes());
        row.extend_from_slice(&self.input_next.unwrap_or_default().to_be_bytes());
        row.extend_from_slice(&self.as_of.0.to_be_bytes());
        row.extend_from_slice(&self.seal.to_be_bytes());
        row
    }

    fn decode(row: &[u8]) -> Option<CachePosition> {
        let (has_input, rest) = row.strip_prefix(&[POSITION_ROW])?.split_first()?;
        let (changelog, rest) = rest.split_first_chunk::<8>()?;
        let (input, rest) = rest.split_first_chunk::<8>()?;
        let (as_of, seal) = rest.split_first_chunk::<8>()?;
        let input = u64::from_be_bytes(*input);
        Some(CachePosition {
            changelog_next: u64::from_be_bytes(*changelog),
            input_next: (*has_input == 1).then_some(input),
            as_of: TimeMs(i64::from_be_bytes(*as_of)),
            seal: u64::from_be_bytes(seal.try_into().ok()?),
        })
    }
}

/// The copy of one partition's state.
pub struct CachedPartition {
    cache: StateCache,
    partition: u32,
}

impl StateReader for CachedPartition {
    fn get(&self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, PortError> {
        Ok(self.cache.shared.tables.state_row(table, &prefixed(self.partition, key))?)
    }

    fn scan(
        &self,
        table: &str,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: &mut VisitRow<'_>,
    ) -> Result<(), PortError> {
        let (from, to) = (prefixed(self.partition, from), prefixed(self.partition, to));
        let mut own =
            |key: &[u8], row: &[u8]| visit(key.get(PREFIX_BYTES..).unwrap_or_default(), row);
        Ok(self.cache.shared.tables.state_rows(table, &from, &to, order, &mut own)?)
    }
}

const PREFIX_BYTES: usize = 4;

fn prefixed(partition: u32, key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(PREFIX_BYTES + key.len());
    bytes.extend_from_slice(&partition.to_be_bytes());
    bytes.extend_from_slice(key);
    bytes
}

impl Drop for Shared {
    fn drop(&mut self) {
        // A copy that is lost is read again.
        let _ = self.tables.database.persist(PersistMode::SyncAll);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::ControlFlow;

    fn change(key: &str, value: Option<&str>) -> Change {
        let value = value.map(|value| value.as_bytes().to_vec());
        Change { table: "rows", key: key.as_bytes().to_vec(), value }
    }

    fn keys(cache: &StateCache, partition: u32) -> Vec<String> {
        let mut found = Vec::new();
        let reader = cache.partition(partition);
        reader
            .scan("rows", b"", b"\xff", Order::Ascending, &mut |key, _| {
                found.push(String::from_utf8_lossy(key).into_owned());
                ControlFlow::Continue(())
            })
            .unwrap();
        found
    }

    #[test]
    fn partitions_stay_apart_and_positions_go_with_their_rows() {
        let dir = tempfile::tempdir().unwrap();
        let as_of = TimeMs(5);
        let seal = 7;
        let at =
            |changelog_next, input_next| CachePosition { changelog_next, input_next, as_of, seal };
        let cache = StateCache::open(dir.path(), StoreSettings::default()).unwrap();
        assert_eq!(cache.position(1).unwrap(), None);
        let rows = [change("a", Some("1")), change("b", Some("2"))];
        cache.apply(1, &rows, at(3, Some(7))).unwrap();
        cache.apply(2, &[change("c", Some("3"))], at(5, None)).unwrap();
        cache.apply(1, &[change("a", None)], at(4, Some(8))).unwrap();
        drop(cache);
        let cache = StateCache::open(dir.path(), StoreSettings::default()).unwrap();
        assert_eq!(keys(&cache, 1), ["b"]);
        assert_eq!(keys(&cache, 2), ["c"]);
        assert_eq!(cache.partition(2).get("rows", b"c").unwrap(), Some(b"3".to_vec()));
        assert_eq!(cache.partition(1).get("rows", b"c").unwrap(), None);
        assert_eq!(cache.position(1).unwrap(), Some(at(4, Some(8))));
        assert_eq!(cache.position(2).unwrap(), Some(at(5, None)));
        cache.forget(1, &["rows", "other"]).unwrap();
        assert_eq!((keys(&cache, 1).len(), cache.position(1).unwrap()), (0, None));
        assert_eq!(keys(&cache, 2), ["c"]);
    }
}
