//! The load: what one turn of 500 contacts reads and writes.

use std::collections::BTreeMap;
use std::error::Error;

use crate::engines::{Engine, Reader, Table, Write};

/// Contacts per turn.
pub const BATCH: u64 = 500;
/// Rows of counters that a contact's thirty updates fall on within a turn.
const COUNTERS_PER_CONTACT: u64 = 4;
/// Cells of reasons × hours × dimension values that are being counted.
const COUNTER_CELLS: u64 = 100_000;
const STATE_BYTES: usize = 900;
const OUTPUT_BYTES: usize = 1_200;
const LOG_BYTES: usize = 700;
const LINK_BYTES: usize = 60;
const COUNTER_BYTES: usize = 24;
/// Ready-made rows, so that making them costs little beside storing them.
const POOL: usize = 1_024;

const POSITION: &[u8] = b"position";
const APPLIED: &[u8] = b"applied";

/// Makes the turns of a history of `contacts`, the same for every engine.
pub struct Load {
    random: u64,
    contacts: u64,
    pool: Vec<Vec<u8>>,
}

impl Load {
    pub fn new(contacts: u64, seed: u64) -> Load {
        let mut load = Load { random: seed | 1, contacts, pool: Vec::new() };
        load.pool = (0..POOL).map(|_| load.text(OUTPUT_BYTES)).collect();
        load
    }

    /// Appends a batch to the log, durably.
    pub fn append<E: Engine>(&mut self, engine: &mut E, first: u64) -> Result<(), Box<dyn Error>> {
        let mut writes = BTreeMap::new();
        for offset in first..first + BATCH {
            let row = self.row(LOG_BYTES);
            writes.insert((Table::Log, offset.to_be_bytes().to_vec()), Some(row));
        }
        writes.insert((Table::Meta, b"end".to_vec()), Some((first + BATCH).to_be_bytes().to_vec()));
        engine.write(&flat(&writes), true)
    }

    /// Reads the appended batch from the log, works on it, and commits the turn as one batch that
    /// need not be durable by itself.
    pub fn turn<E: Engine>(&mut self, engine: &mut E, first: u64) -> Result<(), Box<dyn Error>> {
        let mut writes = BTreeMap::new();
        engine.read(&mut |reader| {
            for offset in first..first + BATCH {
                let found = reader.get(Table::Log, &offset.to_be_bytes())?;
                found.ok_or_else(|| format!("the log row {offset} is missing"))?;
                writes.insert((Table::Log, offset.to_be_bytes().to_vec()), None);
                self.contact(reader, &mut writes, offset)?;
            }
            for _ in 0..BATCH * COUNTERS_PER_CONTACT {
                let key = (self.next() % COUNTER_CELLS).to_be_bytes().to_vec();
                reader.get(Table::Counters, &key)?;
                let row = self.row(COUNTER_BYTES);
                writes.insert((Table::Counters, key), Some(row));
            }
            let applied = number(reader.get(Table::Meta, APPLIED)?)? + BATCH;
            let position = (first + BATCH).to_be_bytes().to_vec();
            writes.insert((Table::Meta, POSITION.to_vec()), Some(position));
            let applied = applied.to_be_bytes().to_vec();
            writes.insert((Table::Meta, APPLIED.to_vec()), Some(applied));
            Ok(())
        })?;
        engine.write(&flat(&writes), false)
    }

    fn contact(
        &mut self,
        reader: &dyn Reader,
        writes: &mut BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>,
        offset: u64,
    ) -> Result<(), Box<dyn Error>> {
        let contact = scatter(self.next() % self.contacts);
        let contact = [contact.to_be_bytes(), (!contact).to_be_bytes()].concat();
        reader.get(Table::State, &contact)?;
        reader.get(Table::Output, &contact)?;
        writes.insert((Table::State, contact.clone()), Some(self.row(STATE_BYTES)));
        writes.insert((Table::Output, contact), Some(self.row(OUTPUT_BYTES)));

        let customer = scatter(self.next() % (self.contacts * 2 / 3).max(1)).to_be_bytes();
        reader.scan(Table::Links, &customer)?;
        for row in [offset * 2, self.next() % 2] {
            let key = [customer, row.to_be_bytes()].concat();
            writes.insert((Table::Links, key), Some(self.row(LINK_BYTES)));
        }
        Ok(())
    }

    fn row(&mut self, bytes: usize) -> Vec<u8> {
        let stamp = self.next();
        let mut row = self.pool[stamp as usize % POOL][..bytes].to_vec();
        row[..8].copy_from_slice(&stamp.to_be_bytes());
        row
    }

    /// Text that compresses about as JSON with natural words does.
    fn text(&mut self, bytes: usize) -> Vec<u8> {
        let mut text = Vec::with_capacity(bytes + 40);
        while text.len() < bytes {
            let value = scatter(self.next() % 3_000);
            text.extend_from_slice(
                format!("\"f{}\":\"{:x}\",", value % 40, value >> 36).as_bytes(),
            );
        }
        text.truncate(bytes);
        text
    }

    fn next(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

/// What a store must hold after any crash: where the log ends and the next offset to process.
/// Fails where the log, the position and the rows applied do not belong together.
pub fn check<E: Engine>(engine: &mut E) -> Result<(u64, u64), Box<dyn Error>> {
    let mut found = (0, 0);
    engine.read(&mut |reader| {
        let position = number(reader.get(Table::Meta, POSITION)?)?;
        let applied = number(reader.get(Table::Meta, APPLIED)?)?;
        let end = number(reader.get(Table::Meta, b"end")?)?;
        if position != applied || position > end {
            return Err(format!("position {position}, applied {applied}, end {end}").into());
        }
        for offset in position.saturating_sub(3 * BATCH)..end + BATCH {
            let there = reader.get(Table::Log, &offset.to_be_bytes())?.is_some();
            if there != (position..end).contains(&offset) {
                return Err(format!("log row {offset}: there {there}, of {position}..{end}").into());
            }
        }
        found = (position, end);
        Ok(())
    })?;
    Ok(found)
}

fn number(row: Option<Vec<u8>>) -> Result<u64, Box<dyn Error>> {
    Ok(row.map_or(Ok([0; 8]), |row| row.as_slice().try_into()).map(u64::from_be_bytes)?)
}

/// Spreads numbers over all keys, one to one.
fn scatter(value: u64) -> u64 {
    value.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn flat(writes: &BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>) -> Vec<Write<'_>> {
    writes.iter().map(|((table, key), value)| (*table, &key[..], value.as_deref())).collect()
}
