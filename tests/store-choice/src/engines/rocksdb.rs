//! RocksDB: a log-structured tree per column family, one write-ahead log.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType,
    Direction, IteratorMode, Options, WriteBatch, WriteOptions,
};

use super::{CACHE_BYTES, Engine, Read, Reader, Table, Write};

pub struct Rocksdb {
    database: DB,
}

impl Rocksdb {
    fn family(&self, table: Table) -> Result<&ColumnFamily, Box<dyn Error>> {
        Ok(self.database.cf_handle(table.name()).ok_or("no such column family")?)
    }
}

impl Engine for Rocksdb {
    fn open(dir: &Path) -> Result<Self, Box<dyn Error>> {
        let cache = Cache::new_lru_cache(CACHE_BYTES);
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(&cache);
        blocks.set_bloom_filter(10.0, false);
        blocks.set_cache_index_and_filter_blocks(true);
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.increase_parallelism(2);
        options.set_db_write_buffer_size(CACHE_BYTES);
        options.set_write_buffer_size(16 << 20);
        options.set_max_total_wal_size(CACHE_BYTES as u64);
        options.set_compression_type(DBCompressionType::Lz4);
        options.set_block_based_table_factory(&blocks);
        let families = Table::ALL
            .iter()
            .map(|table| ColumnFamilyDescriptor::new(table.name(), options.clone()));
        let database = DB::open_cf_descriptors(&options, dir.join("rocksdb"), families)?;
        Ok(Rocksdb { database })
    }

    fn read(&mut self, read: &mut Read<'_>) -> Result<(), Box<dyn Error>> {
        read(self)
    }

    fn write(&mut self, writes: &[Write<'_>], durable: bool) -> Result<(), Box<dyn Error>> {
        let mut batch = WriteBatch::default();
        for (table, key, value) in writes {
            let family = self.family(*table)?;
            match value {
                Some(value) => batch.put_cf(family, key, value),
                None => batch.delete_cf(family, key),
            }
        }
        let mut options = WriteOptions::default();
        options.set_sync(durable);
        Ok(self.database.write_opt(batch, &options)?)
    }
}

impl Reader for Rocksdb {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
        Ok(self.database.get_cf(self.family(table)?, key)?)
    }

    fn scan(&self, table: Table, prefix: &[u8]) -> Result<usize, Box<dyn Error>> {
        let mut rows = 0;
        let mode = IteratorMode::From(prefix, Direction::Forward);
        for row in self.database.iterator_cf(self.family(table)?, mode) {
            let row = row?;
            if !row.0.starts_with(prefix) {
                break;
            }
            black_box(row);
            rows += 1;
        }
        Ok(rows)
    }
}
