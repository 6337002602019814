//! People by all their dimension values at once: what tells which values *together* carry an
//! excess. One small row per day, reason and combination of values (a leaf), with people by hour.
//! It is a fair sample, see [`super::sample`].

use std::collections::BTreeMap;

use quell_model::TimeMs;
use quell_model::time::HOUR_MS;

use super::TREND_VERSION;
use super::cell::WHOLE;
use super::hours::{HourNo, start_of};
use super::names::NameId;
use super::sample::{HEAD_BYTES, Sample, head, level_of_person};
use crate::state::{self, State, StateError, TREND_LEAVES};

/// Leaves of a day that are read for one reason, or for all together; kept of one when it freezes.
pub const MAX_LEAVES: usize = 1_000;
/// The table of them.
pub const LEAVES: Sample = Sample { table: TREND_LEAVES, most: MAX_LEAVES };

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
        let mut key = head(hour.day(), level_of_person(who), reason);
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
    part: f64,
    rows: Vec<(TimeMs, Leaf, ByHour)>,
}

impl Leaves {
    /// Reads the leaves of days.
    pub fn read(
        state: &mut dyn State,
        days: impl Iterator<Item = TimeMs>,
        reason: Option<NameId>,
    ) -> Result<Leaves, StateError> {
        let (found, part) = LEAVES.read(state, days, reason)?;
        let decoded = found.into_iter().map(|one| {
            let hours = state::decode(TREND_LEAVES, TREND_VERSION, &one.row)?;
            Ok((one.day, leaf_of(&one.key), hours))
        });
        Ok(Leaves { part, rows: decoded.collect::<Result<_, StateError>>()? })
    }

    /// Those of the people with this dimension and value, by their other values.
    pub fn within(mut self, pair: (NameId, NameId)) -> Leaves {
        self.rows.retain_mut(|(_, leaf, _)| {
            let place = leaf.iter().position(|own| *own == pair);
            place.map(|place| leaf.remove(place)).is_some()
        });
        self
    }

    /// The part of all people that is here.
    pub fn part(&self) -> f64 {
        self.part
    }

    /// People by leaf in the hours from `first` to before `end`.
    pub fn people(&self, (first, end): (HourNo, HourNo)) -> BTreeMap<&Leaf, u64> {
        let mut sums: BTreeMap<&Leaf, i64> = BTreeMap::new();
        let (first, end) = (start_of(first), start_of(end));
        for (day, leaf, hours) in &self.rows {
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

fn leaf_of(key: &[u8]) -> Leaf {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | NameId::from(*byte));
    let parts = key.get(HEAD_BYTES..).unwrap_or_default().chunks_exact(8);
    parts.map(|part| (number(&part[..4]), number(&part[4..]))).collect()
}
