//! redb: one copy-on-write B-tree file.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;

use redb::{Database, Durability, ReadOnlyTable, ReadableDatabase, TableDefinition};

use super::{CACHE_BYTES, Engine, Read, Reader, Table, Write};

type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;

pub struct Redb {
    database: Database,
}

struct Tables(Vec<ReadOnlyTable<&'static [u8], &'static [u8]>>);

fn definition(table: Table) -> Definition {
    TableDefinition::new(table.name())
}

impl Engine for Redb {
    fn open(dir: &Path) -> Result<Self, Box<dyn Error>> {
        let database =
            Database::builder().set_cache_size(2 * CACHE_BYTES).create(dir.join("redb"))?;
        let transaction = database.begin_write()?;
        for table in Table::ALL {
            transaction.open_table(definition(table))?;
        }
        transaction.commit()?;
        Ok(Redb { database })
    }

    fn read(&mut self, read: &mut Read<'_>) -> Result<(), Box<dyn Error>> {
        let transaction = self.database.begin_read()?;
        let tables: Result<_, _> =
            Table::ALL.iter().map(|table| transaction.open_table(definition(*table))).collect();
        read(&Tables(tables?))
    }

    fn write(&mut self, writes: &[Write<'_>], durable: bool) -> Result<(), Box<dyn Error>> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(if durable {
            Durability::Immediate
        } else {
            Durability::None
        })?;
        for of_one_table in writes.chunk_by(|one, other| one.0 == other.0) {
            let mut table = transaction.open_table(definition(of_one_table[0].0))?;
            for (_, key, value) in of_one_table {
                match value {
                    Some(value) => drop(table.insert(*key, *value)?),
                    None => drop(table.remove(*key)?),
                }
            }
        }
        Ok(transaction.commit()?)
    }
}

impl Reader for Tables {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
        Ok(self.0[table as usize].get(key)?.map(|value| value.value().to_vec()))
    }

    fn scan(&self, table: Table, prefix: &[u8]) -> Result<usize, Box<dyn Error>> {
        let mut rows = 0;
        for row in self.0[table as usize].range(prefix..)? {
            let (key, value) = row?;
            if !key.value().starts_with(prefix) {
                break;
            }
            black_box(value.value());
            rows += 1;
        }
        Ok(rows)
    }
}
