//! People by all their dimension values at once: what tells which values *together* carry an
//! excess. One small row per day, reason and combination of values (a leaf), with people by hour.
//!
//! Everyone has a level by a hash of who they are: half of all people have level 0, a quarter
//! level 1, and so on. Those from a level on are a fair sample, the same whatever came first, and
//! taking someone out again leaves what there was before. So a day of a reason may hold any number
//! of leaves while it can change; when it freezes, the lowest levels go until [`MAX_LEAVES`] are
//! left, and a reader of a day that has not yet frozen reads no more than would be left of it.

use std::collections::BTreeMap;

use quell_model::TimeMs;
use quell_model::time::{DAY_MS, HOUR_MS};
use quell_model::trend::Granularity;

use super::TREND_VERSION;
use super::cell::{WHOLE, window_key};
use super::hours::{HourNo, start_of};
use super::judge::Owner;
use super::names::NameId;
use crate::state::{self, KeyRow, Scan, State, StateError, TREND_LEAVES};

/// Leaves of a day that are read for one reason, or for all together; kept of one when it freezes.
pub const MAX_LEAVES: usize = 1_000;
/// Levels; the last one is everyone's beyond it.
const LEVELS: u8 = 8;
/// Bytes of a key before the values: day, level, reason.
const HEAD_BYTES: usize = 10;

/// Dimensions and values of people, by the dimension's name.
pub type Leaf = Vec<(NameId, NameId)>;
/// People by hour of the day. Below zero only until what it is the opposite of arrives.
pub type ByHour = Vec<(u8, i64)>;

/// Whose row it is.
pub struct LeafKey(Vec<u8>);

impl LeafKey {
    /// The leaf of `who` (any bytes that are one person's) on the day of `hour`. `values` may begin
    /// with the reason as a whole, which is no dimension.
    pub fn new(hour: TimeMs, reason: NameId, who: &[u8], values: &[(NameId, NameId)]) -> LeafKey {
        let hash = blake3::hash(who);
        let zeros = hash.as_bytes().first().map_or(0, |byte| byte.leading_zeros());
        let level = (zeros as u8).min(LEVELS - 1);
        let mut key = prefix(hour.day(), Some(level), Some(reason));
        for (dimension, value) in values.iter().filter(|&&value| value != (WHOLE, WHOLE)) {
            key.extend_from_slice(&dimension.to_be_bytes());
            key.extend_from_slice(&value.to_be_bytes());
        }
        LeafKey(key)
    }

    /// Adds people to an hour; a row that says nothing goes.
    pub fn add(
        &self,
        state: &mut dyn State,
        hour_of_day: u8,
        people: i64,
    ) -> Result<(), StateError> {
        if people == 0 {
            return Ok(());
        }
        let row: Option<ByHour> = state::read(state, TREND_LEAVES, &self.0, TREND_VERSION)?;
        let mut row = row.unwrap_or_default();
        match row.binary_search_by_key(&hour_of_day, |(hour, _)| *hour) {
            Ok(at) => row[at].1 += people,
            Err(at) => row.insert(at, (hour_of_day, people)),
        }
        row.retain(|(_, people)| *people != 0);
        if row.is_empty() {
            state.delete(TREND_LEAVES, &self.0);
        } else {
            state::write(state, TREND_LEAVES, &self.0, TREND_VERSION, &row);
        }
        Ok(())
    }
}

/// The leaves of some days.
pub struct Leaves {
    /// People of this level and higher ones.
    level: u8,
    rows: Vec<(TimeMs, u8, Leaf, ByHour)>,
}

impl Leaves {
    /// Reads the leaves of days, all from the same level on: the lowest that each of them has.
    pub fn read(
        state: &mut dyn State,
        days: impl Iterator<Item = TimeMs>,
        owner: Owner,
    ) -> Result<Leaves, StateError> {
        let mut leaves = Leaves { level: 0, rows: Vec::new() };
        for day in days {
            leaves.read_day(state, day, owner)?;
        }
        let level = leaves.level;
        leaves.rows.retain(|(_, own, ..)| *own >= level);
        Ok(leaves)
    }

    fn read_day(
        &mut self,
        state: &mut dyn State,
        day: TimeMs,
        owner: Owner,
    ) -> Result<(), StateError> {
        let mut least = 0;
        for (_, row) in rows_of(state, &prefix(day, None, owner), usize::MAX)? {
            least = least.max(state::decode::<u8>(TREND_LEAVES, TREND_VERSION, &row)?);
        }
        let (mut read, mut reached) = (0, LEVELS - 1);
        for level in (least..LEVELS).rev() {
            // The highest level is read whole.
            let is_highest = level == LEVELS - 1;
            let room = MAX_LEAVES.saturating_sub(read);
            let limit = if is_highest { usize::MAX } else { room + 1 };
            let found = rows_of(state, &prefix(day, Some(level), owner), limit)?;
            read += found.len();
            if read > MAX_LEAVES && !is_highest {
                break;
            }
            reached = level;
            for (key, row) in found {
                let hours = state::decode(TREND_LEAVES, TREND_VERSION, &row)?;
                self.rows.push((day, level, leaf_of(&key), hours));
            }
        }
        self.level = self.level.max(reached);
        Ok(())
    }

    /// The part of all people that is here.
    pub fn part(&self) -> f64 {
        0.5_f64.powi(i32::from(self.level))
    }

    /// People by leaf in the hours from `first` to before `end`.
    pub fn people(&self, (first, end): (HourNo, HourNo)) -> BTreeMap<&Leaf, u64> {
        let mut sums: BTreeMap<&Leaf, i64> = BTreeMap::new();
        let (first, end) = (start_of(first), start_of(end));
        for (day, _, leaf, hours) in &self.rows {
            let inside = hours.iter().filter(|(hour, _)| {
                let start = day.plus_ms(i64::from(*hour) * HOUR_MS);
                first <= start && start < end
            });
            *sums.entry(leaf).or_default() += inside.map(|(_, people)| people).sum::<i64>();
        }
        let positive = sums.into_iter().filter(|(_, people)| *people > 0);
        positive.map(|(leaf, people)| (leaf, people.unsigned_abs())).collect()
    }
}

/// Drops the lowest levels of each reason that has too many leaves on a day; how many rows.
pub fn thin(state: &mut dyn State, day: TimeMs) -> Result<usize, StateError> {
    let mut counts: BTreeMap<[u8; 4], [usize; LEVELS as usize]> = BTreeMap::new();
    let all = rows_of(state, &window_key(Granularity::Day, day), usize::MAX)?;
    let leaves = || all.iter().filter_map(|(key, _)| Some((key, level_of(key)?, reason_of(key)?)));
    for (_, level, reason) in leaves() {
        counts.entry(reason).or_default()[usize::from(level)] += 1;
    }
    let least = |levels: &[usize; LEVELS as usize]| {
        let mut sum = 0;
        let fits = |level: &u8| {
            sum += levels[usize::from(*level)];
            sum <= MAX_LEAVES
        };
        (0..LEVELS).rev().take_while(fits).last().unwrap_or(LEVELS - 1)
    };
    let floors: BTreeMap<[u8; 4], u8> =
        counts.iter().map(|(reason, levels)| (*reason, least(levels))).collect();
    let mut gone = 0;
    for (key, level, reason) in leaves() {
        if floors.get(&reason).is_some_and(|floor| level < *floor) {
            state.delete(TREND_LEAVES, key);
            gone += 1;
        }
    }
    for (reason, floor) in floors.into_iter().filter(|(_, floor)| *floor > 0) {
        let key = prefix(day, None, Some(NameId::from_be_bytes(reason)));
        let known: Option<u8> = state::read(state, TREND_LEAVES, &key, TREND_VERSION)?;
        let floor = floor.max(known.unwrap_or(0));
        state::write(state, TREND_LEAVES, &key, TREND_VERSION, &floor);
    }
    Ok(gone)
}

/// Removes the leaves of days so long before `floor` that no issue is compared with them.
pub fn prune(
    state: &mut dyn State,
    floor: HourNo,
    usual_days: i64,
    limit: usize,
) -> Result<(), StateError> {
    let day = start_of(floor).day().plus_ms(-usual_days * DAY_MS);
    let from = [Granularity::Day as u8];
    let to = window_key(Granularity::Day, day);
    let scan = Scan { table: TREND_LEAVES, from: &from, to: &to, descending: false };
    for (key, _) in state::rows(state, scan, limit)? {
        state.delete(TREND_LEAVES, &key);
    }
    Ok(())
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

fn rows_of(state: &mut dyn State, prefix: &[u8], limit: usize) -> Result<Vec<KeyRow>, StateError> {
    let to = state::prefix_end(prefix);
    let scan = Scan { table: TREND_LEAVES, from: prefix, to: &to, descending: false };
    state::rows(state, scan, limit)
}

fn level_of(key: &[u8]) -> Option<u8> {
    key.get(5).filter(|rank| **rank > 0).map(|rank| LEVELS.saturating_sub(*rank))
}

fn reason_of(key: &[u8]) -> Option<[u8; 4]> {
    key.get(6..HEAD_BYTES)?.try_into().ok()
}

fn leaf_of(key: &[u8]) -> Leaf {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | NameId::from(*byte));
    let parts = key.get(HEAD_BYTES..).unwrap_or_default().chunks_exact(8);
    parts.map(|part| (number(&part[..4]), number(&part[4..]))).collect()
}
