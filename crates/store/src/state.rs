//! Committed state, read from the embedded store.

use quell_ports::{Order, PortError, StateReader, VisitRow};

use crate::embedded::EmbeddedStore;
use crate::error::StoreError;
use crate::tables::Kind;

/// Reads the state tables of a store. A table nothing was written to is empty.
#[derive(Clone)]
pub struct EmbeddedState {
    store: EmbeddedStore,
}

impl EmbeddedState {
    pub(crate) fn new(store: EmbeddedStore) -> Self {
        EmbeddedState { store }
    }
}

impl StateReader for EmbeddedState {
    fn get(&self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, PortError> {
        let Some(table) = self.store.shared.tables.find(Kind::State, table)? else {
            return Ok(None);
        };
        let row = table.get(key).map_err(StoreError::engine("read a state row"))?;
        Ok(row.map(|row| row.to_vec()))
    }

    fn scan(
        &self,
        table: &str,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: &mut VisitRow<'_>,
    ) -> Result<(), PortError> {
        let Some(table) = self.store.shared.tables.find(Kind::State, table)? else {
            return Ok(());
        };
        if from >= to {
            return Ok(());
        }
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
}
