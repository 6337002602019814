//! State in memory that takes writes at once: for replays, which commit nothing and restart from
//! the beginning.

use std::collections::BTreeMap;
use std::ops::Bound;

use quell_engine::{Scan, State, StateError, Table, VisitRow};

/// Tables in memory.
#[derive(Debug, Default)]
pub struct DirectState {
    tables: BTreeMap<Table, BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl DirectState {
    /// Rows of one table.
    pub fn rows(&self, table: Table) -> usize {
        self.tables.get(table).map_or(0, BTreeMap::len)
    }
}

impl State for DirectState {
    fn get(&mut self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.tables.get(table).and_then(|rows| rows.get(key)).cloned())
    }

    fn put(&mut self, table: Table, key: &[u8], row: Vec<u8>) {
        self.tables.entry(table).or_default().insert(key.to_vec(), row);
    }

    fn delete(&mut self, table: Table, key: &[u8]) {
        if let Some(rows) = self.tables.get_mut(table) {
            rows.remove(key);
        }
    }

    fn scan(&mut self, scan: Scan<'_>, visit: &mut VisitRow<'_>) -> Result<(), StateError> {
        let Some(rows) = self.tables.get(scan.table).filter(|_| scan.from < scan.to) else {
            return Ok(());
        };
        let bounds = (Bound::Included(scan.from), Bound::Excluded(scan.to));
        let mut range = rows.range::<[u8], _>(bounds);
        loop {
            let row = if scan.descending { range.next_back() } else { range.next() };
            match row {
                Some((key, row)) if visit(key, row).is_continue() => {}
                _ => return Ok(()),
            }
        }
    }
}
