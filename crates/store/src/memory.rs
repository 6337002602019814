//! State in memory, for replays, simulation and measurements.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};

use quell_ports::{Change, Order, PortError, StateReader, VisitRow};

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// State tables in memory, one sorted map each. Gives what [`EmbeddedState`](crate::EmbeddedState)
/// gives after the same changes. Bounded only by what is put in.
///
/// A scan holds the tables for reading: its visitor must not apply changes.
#[derive(Debug, Default)]
pub struct MemoryState {
    tables: RwLock<BTreeMap<&'static str, Rows>>,
}

impl MemoryState {
    /// Without any rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Applies the changes in order.
    pub fn apply(&self, changes: Vec<Change>) {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            let rows = tables.entry(change.table).or_default();
            match change.value {
                Some(value) => rows.insert(change.key, value),
                None => rows.remove(&change.key),
            };
        }
    }

    /// Rows of all tables.
    pub fn rows(&self) -> usize {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        tables.values().map(BTreeMap::len).sum()
    }
}

impl StateReader for MemoryState {
    fn get(&self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, PortError> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        Ok(tables.get(table).and_then(|rows| rows.get(key)).cloned())
    }

    fn scan(
        &self,
        table: &str,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: &mut VisitRow<'_>,
    ) -> Result<(), PortError> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let Some(rows) = tables.get(table).filter(|_| from < to) else {
            return Ok(());
        };
        let mut range = rows.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)));
        loop {
            let row = match order {
                Order::Ascending => range.next(),
                Order::Descending => range.next_back(),
            };
            match row {
                Some((key, value)) if visit(key, value).is_continue() => {}
                _ => return Ok(()),
            }
        }
    }
}
