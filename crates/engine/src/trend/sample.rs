//! Fair samples of people, by day and reason, in rows that no order of arrival shows in.
//!
//! Everyone has a level by a hash of who they are: half of all people have level 0, a quarter
//! level 1, and so on. Those from a level on are a fair sample, the same whatever came first, and
//! taking someone out again leaves what there was before. So a day of a reason may hold any number
//! of rows while it can change; when it freezes, the lowest levels go until the sample's bound is
//! met, and a reader of a day that has not yet frozen reads no more than would be left of it.

use std::collections::BTreeMap;

use quell_model::TimeMs;
use quell_model::trend::Granularity;

use super::TREND_VERSION;
use super::cell::window_key;
use super::names::NameId;
use crate::state::{self, KeyRow, Scan, State, StateError, Table};

/// Levels; the last one is everyone's beyond it.
const LEVELS: u8 = 16;
/// Bytes of a key before what the table adds to it: day, level, reason.
pub const HEAD_BYTES: usize = 10;

/// A table of sampled rows.
pub struct Sample {
    /// Where they are.
    pub table: Table,
    /// Rows of a day that are read for one reason, or for all together; kept of one when it
    /// freezes.
    pub most: usize,
}

/// A row that was read.
pub struct Sampled {
    /// Its day.
    pub day: TimeMs,
    level: u8,
    /// The whole key.
    pub key: Vec<u8>,
    /// The row as stored.
    pub row: Vec<u8>,
}

/// The level of a person (any bytes that are one person's).
pub fn level_of_person(who: &[u8]) -> u8 {
    let hash = blake3::hash(who);
    let [first, second, ..] = *hash.as_bytes();
    let zeros = u16::from_be_bytes([first, second]).leading_zeros();
    (zeros as u8).min(LEVELS - 1)
}

/// The first bytes of the key of a person's row.
pub fn head(day: TimeMs, level: u8, reason: NameId) -> Vec<u8> {
    prefix(day, Some(level), Some(reason))
}

impl Sample {
    /// The rows of some days, all from the same level on: the lowest that each of them has. Also
    /// the part of all people that this is.
    pub fn read(
        &self,
        state: &mut dyn State,
        days: impl Iterator<Item = TimeMs>,
        reason: Option<NameId>,
    ) -> Result<(Vec<Sampled>, f64), StateError> {
        let (mut rows, mut level) = (Vec::new(), 0);
        for day in days {
            level = level.max(self.read_day(state, day, reason, &mut rows)?);
        }
        rows.retain(|row| row.level >= level);
        Ok((rows, 0.5_f64.powi(i32::from(level))))
    }

    /// Adds the rows of a day, and returns the lowest level that was read whole.
    fn read_day(
        &self,
        state: &mut dyn State,
        day: TimeMs,
        reason: Option<NameId>,
        rows: &mut Vec<Sampled>,
    ) -> Result<u8, StateError> {
        let mut least = 0;
        for (_, row) in self.rows_of(state, &prefix(day, None, reason), usize::MAX)? {
            least = least.max(state::decode::<u8>(self.table, TREND_VERSION, &row)?);
        }
        let (mut read, mut reached) = (0, LEVELS - 1);
        for level in (least..LEVELS).rev() {
            // The highest level is read whole.
            let is_highest = level == LEVELS - 1;
            let room = self.most.saturating_sub(read);
            let limit = if is_highest { usize::MAX } else { room + 1 };
            let found = self.rows_of(state, &prefix(day, Some(level), reason), limit)?;
            read += found.len();
            if read > self.most && !is_highest {
                break;
            }
            reached = level;
            rows.extend(found.into_iter().map(|(key, row)| Sampled { day, level, key, row }));
        }
        Ok(reached)
    }

    /// The lowest level of a reason's day that was not dropped.
    pub fn floor(
        &self,
        state: &mut dyn State,
        day: TimeMs,
        reason: NameId,
    ) -> Result<u8, StateError> {
        let key = prefix(day, None, Some(reason));
        let known: Option<u8> = state::read(state, self.table, &key, TREND_VERSION)?;
        Ok(known.unwrap_or(0))
    }

    /// Drops the lowest levels of each reason that has too many rows on a day; how many rows.
    pub fn thin(&self, state: &mut dyn State, day: TimeMs) -> Result<usize, StateError> {
        let mut counts: BTreeMap<[u8; 4], [usize; LEVELS as usize]> = BTreeMap::new();
        let all = self.rows_of(state, &window_key(Granularity::Day, day), usize::MAX)?;
        let rows =
            || all.iter().filter_map(|(key, _)| Some((key, level_of(key)?, reason_of(key)?)));
        for (_, level, reason) in rows() {
            counts.entry(reason).or_default()[usize::from(level)] += 1;
        }
        let least = |levels: &[usize; LEVELS as usize]| {
            let mut sum = 0;
            let fits = |level: &u8| {
                sum += levels[usize::from(*level)];
                sum <= self.most
            };
            (0..LEVELS).rev().take_while(fits).last().unwrap_or(LEVELS - 1)
        };
        let floors: BTreeMap<[u8; 4], u8> =
            counts.iter().map(|(reason, levels)| (*reason, least(levels))).collect();
        let mut gone = 0;
        for (key, level, reason) in rows() {
            if floors.get(&reason).is_some_and(|floor| level < *floor) {
                state.delete(self.table, key);
                gone += 1;
            }
        }
        for (reason, floor) in floors.into_iter().filter(|(_, floor)| *floor > 0) {
            let reason = NameId::from_be_bytes(reason);
            let floor = floor.max(self.floor(state, day, reason)?);
            let key = prefix(day, None, Some(reason));
            state::write(state, self.table, &key, TREND_VERSION, &floor);
        }
        Ok(gone)
    }

    /// Removes the rows of days before `day`, at most `limit`.
    pub fn prune(
        &self,
        state: &mut dyn State,
        day: TimeMs,
        limit: usize,
    ) -> Result<(), StateError> {
        let from = [Granularity::Day as u8];
        let to = window_key(Granularity::Day, day);
        let scan = Scan { table: self.table, from: &from, to: &to, descending: false };
        for (key, _) in state::rows(state, scan, limit)? {
            state.delete(self.table, &key);
        }
        Ok(())
    }

    fn rows_of(
        &self,
        state: &mut dyn State,
        prefix: &[u8],
        limit: usize,
    ) -> Result<Vec<KeyRow>, StateError> {
        let to = state::prefix_end(prefix);
        let scan = Scan { table: self.table, from: prefix, to: &to, descending: false };
        state::rows(state, scan, limit)
    }
}

/// The rows of a day, of one level of it, and of one reason there. The highest level comes first;
/// before it, with no level, how far a reason's day was thinned.
fn prefix(day: TimeMs, level: Option<u8>, reason: Option<NameId>) -> Vec<u8> {
    let mut key = window_key(Granularity::Day, day).to_vec();
    key.push(level.map_or(0, |level| LEVELS - level));
    if let Some(reason) = reason {
        key.extend_from_slice(&reason.to_be_bytes());
    }
    key
}

fn level_of(key: &[u8]) -> Option<u8> {
    key.get(5).filter(|rank| **rank > 0).map(|rank| LEVELS.saturating_sub(*rank))
}

fn reason_of(key: &[u8]) -> Option<[u8; 4]> {
    key.get(6..HEAD_BYTES)?.try_into().ok()
}
