//! fjall: a log-structured tree per table, one journal.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::{CACHE_BYTES, Engine, Read, Reader, Table, Write};

pub struct Fjall {
    database: Database,
    tables: Vec<Keyspace>,
}

impl Engine for Fjall {
    fn open(dir: &Path) -> Result<Self, Box<dyn Error>> {
        let database = Database::builder(dir.join("fjall"))
            .cache_size(CACHE_BYTES as u64)
            .max_journaling_size(CACHE_BYTES as u64)
            .open()?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(16 << 20);
        let tables: Result<_, _> =
            Table::ALL.iter().map(|table| database.keyspace(table.name(), options)).collect();
        Ok(Fjall { tables: tables?, database })
    }

    fn read(&mut self, read: &mut Read<'_>) -> Result<(), Box<dyn Error>> {
        read(self)
    }

    fn write(&mut self, writes: &[Write<'_>], durable: bool) -> Result<(), Box<dyn Error>> {
        let mode = if durable { PersistMode::SyncData } else { PersistMode::Buffer };
        let mut batch = self.database.batch().durability(Some(mode));
        for (table, key, value) in writes {
            let table = &self.tables[*table as usize];
            match value {
                Some(value) => batch.insert(table, *key, *value),
                None => batch.remove(table, *key),
            }
        }
        Ok(batch.commit()?)
    }
}

impl Reader for Fjall {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
        Ok(self.tables[table as usize].get(key)?.map(|value| value.to_vec()))
    }

    fn scan(&self, table: Table, prefix: &[u8]) -> Result<usize, Box<dyn Error>> {
        let mut rows = 0;
        for row in self.tables[table as usize].prefix(prefix) {
            black_box(row.into_inner()?);
            rows += 1;
        }
        Ok(rows)
    }
}
