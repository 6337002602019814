//! SQLite: one B-tree file with a write-ahead log.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::{CACHE_BYTES, Engine, Read, Reader, Table, Write};

pub struct Sqlite {
    connection: Connection,
}

impl Engine for Sqlite {
    fn open(dir: &Path) -> Result<Self, Box<dyn Error>> {
        let connection = Connection::open(dir.join("sqlite"))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "cache_size", -((2 * CACHE_BYTES >> 10) as i64))?;
        connection.set_prepared_statement_cache_capacity(64);
        for table in Table::ALL {
            // Large rows slow down a table that is its own index.
            let layout = match table {
                Table::State | Table::Output | Table::Log => "",
                Table::Meta | Table::Links | Table::Counters => "WITHOUT ROWID",
            };
            connection.execute_batch(&format!(
                "CREATE TABLE IF NOT EXISTS {} (key BLOB PRIMARY KEY, value BLOB) {layout}",
                table.name()
            ))?;
        }
        Ok(Sqlite { connection })
    }

    fn read(&mut self, read: &mut Read<'_>) -> Result<(), Box<dyn Error>> {
        read(self)
    }

    fn write(&mut self, writes: &[Write<'_>], durable: bool) -> Result<(), Box<dyn Error>> {
        let level = if durable { "FULL" } else { "NORMAL" };
        self.connection.pragma_update(None, "synchronous", level)?;
        let transaction = self.connection.transaction()?;
        for (table, key, value) in writes {
            let name = table.name();
            match value {
                Some(value) => {
                    let text = format!("INSERT OR REPLACE INTO {name} VALUES (?1, ?2)");
                    transaction.prepare_cached(&text)?.execute(params![key, value])?;
                }
                None => {
                    let text = format!("DELETE FROM {name} WHERE key = ?1");
                    transaction.prepare_cached(&text)?.execute(params![key])?;
                }
            }
        }
        Ok(transaction.commit()?)
    }
}

impl Reader for Sqlite {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
        let text = format!("SELECT value FROM {} WHERE key = ?1", table.name());
        let mut statement = self.connection.prepare_cached(&text)?;
        Ok(statement.query_row(params![key], |row| row.get(0)).optional()?)
    }

    fn scan(&self, table: Table, prefix: &[u8]) -> Result<usize, Box<dyn Error>> {
        let text = format!("SELECT key, value FROM {} WHERE key >= ?1 ORDER BY key", table.name());
        let mut statement = self.connection.prepare_cached(&text)?;
        let mut found = statement.query(params![prefix])?;
        let mut rows = 0;
        while let Some(row) = found.next()? {
            if !row.get_ref(0)?.as_blob()?.starts_with(prefix) {
                break;
            }
            black_box(row.get_ref(1)?.as_blob()?);
            rows += 1;
        }
        Ok(rows)
    }
}
