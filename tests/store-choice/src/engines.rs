//! The same few calls over each engine, each with about 256 MiB for caches and buffers.

use std::error::Error;
use std::path::Path;

#[cfg(feature = "fjall")]
pub mod fjall;
#[cfg(feature = "redb")]
pub mod redb;
#[cfg(feature = "rocksdb")]
pub mod rocksdb;
#[cfg(feature = "sqlite")]
pub mod sqlite;

/// Bytes for the cache; write buffers get as much, where an engine has them.
pub const CACHE_BYTES: usize = 128 << 20;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    Meta,
    Log,
    State,
    Links,
    Counters,
    Output,
}

impl Table {
    pub const ALL: [Table; 6] =
        [Table::Meta, Table::Log, Table::State, Table::Links, Table::Counters, Table::Output];

    pub fn name(self) -> &'static str {
        match self {
            Table::Meta => "meta",
            Table::Log => "log",
            Table::State => "state",
            Table::Links => "links",
            Table::Counters => "counters",
            Table::Output => "output",
        }
    }
}

/// A row to put, or to delete where there is no value.
pub type Write<'a> = (Table, &'a [u8], Option<&'a [u8]>);

/// Reads as of one moment or later, as the engine likes best.
pub trait Reader {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Box<dyn Error>>;

    /// Reads the rows with keys that begin so, and returns how many there are.
    fn scan(&self, table: Table, prefix: &[u8]) -> Result<usize, Box<dyn Error>>;
}

type Read<'a> = dyn FnMut(&dyn Reader) -> Result<(), Box<dyn Error>> + 'a;

pub trait Engine: Sized {
    fn open(dir: &Path) -> Result<Self, Box<dyn Error>>;

    fn read(&mut self, read: &mut Read<'_>) -> Result<(), Box<dyn Error>>;

    /// Writes all or nothing; durable when it returns if `durable`, otherwise in order with later
    /// durable writes.
    fn write(&mut self, writes: &[Write<'_>], durable: bool) -> Result<(), Box<dyn Error>>;
}
