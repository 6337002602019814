//! The turn's own writes over committed state: what the core sees as its state. Nothing reaches
//! the store before the commit, and an aborted turn leaves no trace.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use quell_engine::{Scan, State, StateError, Table, VisitRow};
use quell_ports::{Change, Order, PortError, StateReader};

type Rows = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Writes held back over a reader of committed state.
pub struct Overlay<'a> {
    base: &'a dyn StateReader,
    tables: BTreeMap<Table, Rows>,
}

impl<'a> Overlay<'a> {
    /// Without any writes.
    pub fn over(base: &'a dyn StateReader) -> Self {
        Overlay { base, tables: BTreeMap::new() }
    }

    /// The writes so far: table, key, and the row unless it is deleted.
    pub fn rows(&self) -> impl Iterator<Item = (Table, &[u8], Option<&[u8]>)> {
        self.tables.iter().flat_map(|(table, rows)| {
            rows.iter().map(|(key, row)| (*table, key.as_slice(), row.as_deref()))
        })
    }

    /// The writes, one per table and key, in order.
    pub fn into_changes(self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (table, rows) in self.tables {
            changes.extend(rows.into_iter().map(|(key, value)| Change { table, key, value }));
        }
        changes
    }
}

impl State for Overlay<'_> {
    fn get(&mut self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        match self.tables.get(table).and_then(|rows| rows.get(key)) {
            Some(written) => Ok(written.clone()),
            None => self.base.get(table, key).map_err(|error| unreadable(&error)),
        }
    }

    fn put(&mut self, table: Table, key: &[u8], row: Vec<u8>) {
        self.tables.entry(table).or_default().insert(key.to_vec(), Some(row));
    }

    fn delete(&mut self, table: Table, key: &[u8]) {
        self.tables.entry(table).or_default().insert(key.to_vec(), None);
    }

    fn scan(&mut self, scan: Scan<'_>, visit: &mut VisitRow<'_>) -> Result<(), StateError> {
        if scan.from >= scan.to {
            return Ok(());
        }
        let empty = Rows::new();
        let rows = self.tables.get(scan.table).unwrap_or(&empty);
        let range = rows.range::<[u8], _>((
            std::ops::Bound::Included(scan.from),
            std::ops::Bound::Excluded(scan.to),
        ));
        if scan.descending {
            let before = |own: &[u8], key: &[u8]| own > key;
            merge(self.base, scan, Order::Descending, &mut range.rev(), &before, visit)
        } else {
            let before = |own: &[u8], key: &[u8]| own < key;
            merge(self.base, scan, Order::Ascending, &mut range.into_iter(), &before, visit)
        }
    }
}

type OwnRow<'r> = (&'r Vec<u8>, &'r Option<Vec<u8>>);

/// Visits committed rows and own writes in one order; an own write hides the committed row.
fn merge(
    base: &dyn StateReader,
    scan: Scan<'_>,
    order: Order,
    own: &mut dyn Iterator<Item = OwnRow<'_>>,
    before: &dyn Fn(&[u8], &[u8]) -> bool,
    visit: &mut VisitRow<'_>,
) -> Result<(), StateError> {
    let mut next = own.next();
    let mut stopped = false;
    let mut step = |key: &[u8], row: &[u8]| {
        while let Some((own_key, own_row)) = next {
            if before(own_key, key) {
                next = own.next();
                if let Some(own_row) = own_row
                    && visit(own_key, own_row).is_break()
                {
                    stopped = true;
                    return ControlFlow::Break(());
                }
            } else if own_key == key {
                next = own.next();
                return match own_row {
                    None => ControlFlow::Continue(()),
                    Some(own_row) => {
                        let flow = visit(own_key, own_row);
                        stopped = flow.is_break();
                        flow
                    }
                };
            } else {
                break;
            }
        }
        let flow = visit(key, row);
        stopped = flow.is_break();
        flow
    };
    base.scan(scan.table, scan.from, scan.to, order, &mut step)
        .map_err(|error| unreadable(&error))?;
    if stopped {
        return Ok(());
    }
    while let Some((own_key, own_row)) = next {
        next = own.next();
        if let Some(own_row) = own_row
            && visit(own_key, own_row).is_break()
        {
            break;
        }
    }
    Ok(())
}

fn unreadable(error: &PortError) -> StateError {
    StateError::Unreadable(error.to_string())
}
