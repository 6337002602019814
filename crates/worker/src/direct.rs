//! State in memory that takes writes at once: for replays, which commit nothing and restart from
//! the beginning.

use std::collections::BTreeMap;
use std::ops::Bound;

use quell_engine::{Scan, State, StateError, Table, VisitRow};
use rustc_hash::FxHashMap;

/// Tables in memory.
#[derive(Debug, Default)]
pub struct DirectState {
    tables: FxHashMap<Table, Rows>,
}

/// The rows of one table. Most tables are only ever asked for one key, and a hash answers that far
/// sooner than a tree of long keys; the first scan puts the rows in order for good.
#[derive(Debug, Default)]
struct Rows {
    by_hash: FxHashMap<Vec<u8>, Vec<u8>>,
    in_order: BTreeMap<Vec<u8>, Vec<u8>>,
    is_ordered: bool,
}

impl Rows {
    fn get(&self, key: &[u8]) -> Option<&Vec<u8>> {
        if self.is_ordered { self.in_order.get(key) } else { self.by_hash.get(key) }
    }

    fn put(&mut self, key: &[u8], row: Vec<u8>) {
        if self.is_ordered {
            self.in_order.insert(key.to_vec(), row);
        } else {
            self.by_hash.insert(key.to_vec(), row);
        }
    }

    fn delete(&mut self, key: &[u8]) {
        if self.is_ordered {
            self.in_order.remove(key);
        } else {
            self.by_hash.remove(key);
        }
    }

    fn in_order(&mut self) -> &BTreeMap<Vec<u8>, Vec<u8>> {
        if !self.is_ordered {
            self.is_ordered = true;
            self.in_order = std::mem::take(&mut self.by_hash).into_iter().collect();
        }
        &self.in_order
    }
}

impl State for DirectState {
    fn get(&mut self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.tables.get(table).and_then(|rows| rows.get(key)).cloned())
    }

    fn put(&mut self, table: Table, key: &[u8], row: Vec<u8>) {
        self.tables.entry(table).or_default().put(key, row);
    }

    fn delete(&mut self, table: Table, key: &[u8]) {
        if let Some(rows) = self.tables.get_mut(table) {
            rows.delete(key);
        }
    }

    fn scan(&mut self, scan: Scan<'_>, visit: &mut VisitRow<'_>) -> Result<(), StateError> {
        let Some(rows) = self.tables.get_mut(scan.table).filter(|_| scan.from < scan.to) else {
            return Ok(());
        };
        let bounds = (Bound::Included(scan.from), Bound::Excluded(scan.to));
        let mut range = rows.in_order().range::<[u8], _>(bounds);
        loop {
            let row = if scan.descending { range.next_back() } else { range.next() };
            match row {
                Some((key, row)) if visit(key, row).is_continue() => {}
                _ => return Ok(()),
            }
        }
    }
}
