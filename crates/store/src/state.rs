//! Committed state, read from the embedded store.

use quell_ports::{Order, PortError, StateReader, VisitRow};

use crate::embedded::EmbeddedStore;

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
        Ok(self.store.shared.tables.state_row(table, key)?)
    }

    fn scan(
        &self,
        table: &str,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: &mut VisitRow<'_>,
    ) -> Result<(), PortError> {
        Ok(self.store.shared.tables.state_rows(table, from, to, order, visit)?)
    }
}
