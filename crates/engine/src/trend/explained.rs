//! Where the excess of an issue sits: people per dimension value in its hours, against the part
//! that each value had of the days before it.

use std::collections::BTreeMap;

use quell_detect::{Cell as DetectCell, explain};
use quell_model::TimeMs;
use quell_model::issue::{Cause, Explanation};
use quell_model::time::DAY_MS;
use quell_model::trend::Granularity;

use super::cell::{Cell, CellCounts, WHOLE, reason_key, window_key};
use super::hours::{HourNo, start_of};
use super::leaves::Leaves;
use super::located::owned;
use super::names::{DIMENSIONS, NameId, VALUES};
use super::owner::Owner;
use super::{TREND_VERSION, Trend};
use crate::state::{self, Scan, State, StateError, TREND_COUNTS};

/// Cells named in an explanation.
const MAX_EXPLANATIONS: usize = 5;
/// Hours of an issue that are looked at, its first ones.
const MAX_HOURS: u64 = 28 * 24;
/// Days before it that tell what is usual.
pub(super) const USUAL_DAYS: i64 = 28;

/// What tells an issue from what is usual.
pub(super) struct Explained {
    /// Values of one dimension at a time that carry the excess.
    pub single: Vec<Explanation>,
    /// Values of several dimensions together.
    pub cause: Cause,
    /// Its hours that were looked at: the first one, and the one after the last.
    pub hours: (HourNo, HourNo),
    /// The part of the people in them who were expected; of all of its reason's people, if it is a
    /// part of a reason.
    pub expected_part: f64,
}

/// People by dimension and value; [`WHOLE`] twice for the reason as a whole.
type People = BTreeMap<(NameId, NameId), u64>;

impl Trend {
    /// The dimension values that carry the excess of the hours from `first` to `last`, one
    /// dimension at a time and several together.
    pub(super) fn explanation(
        &mut self,
        state: &mut dyn State,
        owner: Owner,
        (first, last): (HourNo, HourNo),
        excess: f64,
    ) -> Result<Explained, StateError> {
        let hours = last.saturating_sub(first) + 1;
        let looked_at = hours.min(MAX_HOURS);
        let (mut now, usual) = match owner {
            Owner::Part(_) => people_of_part(state, owner, (first, first + looked_at))?,
            _ => people(state, owner, (first, first + looked_at))?,
        };
        let whole = (WHOLE, WHOLE);
        let people = now.remove(&whole).unwrap_or(0);
        let excess = excess * looked_at as f64 / hours as f64;
        let usual_people = usual.get(&whole).copied().unwrap_or(0).max(1) as f64;
        let scale = (people as f64 - excess).max(0.0) / usual_people;
        let mut cells = Vec::with_capacity(now.len());
        for (cell, observed) in now {
            let dimension = self.names.name(state, DIMENSIONS, cell.0)?.to_owned();
            let value = self.names.name(state, VALUES + cell.0, cell.1)?.to_owned();
            let expected = usual.get(&cell).map_or(0.0, |&people| people as f64 * scale);
            cells.push(DetectCell { dimension, value, observed, expected });
        }
        let single = explain(&cells, (people, excess), MAX_EXPLANATIONS);
        let expected_part = ((people as f64 - excess) / people.max(1) as f64).max(0.0);
        let hours = (first, first + looked_at);
        let cause = self.cause(state, owner, hours, expected_part)?;
        let expected_part = match owner {
            Owner::Part(part) => {
                let of_reason = all_people(state, Owner::Reason(part.reason), hours)? as f64;
                ((of_reason - excess) / of_reason.max(1.0)).max(0.0)
            }
            _ => expected_part,
        };
        Ok(Explained { single, cause, hours, expected_part })
    }
}

/// People of the hours from `first` to before `end`, and of the days before them.
fn people(
    state: &mut dyn State,
    owner: Owner,
    (first, end): (HourNo, HourNo),
) -> Result<(People, People), StateError> {
    let (mut now, mut usual) = (People::new(), People::new());
    for hour in first..end {
        add(state, owner, (Granularity::Hour, start_of(hour)), &mut now)?;
    }
    let day = start_of(first).day();
    for before in 1..=USUAL_DAYS {
        add(state, owner, (Granularity::Day, day.plus_ms(-before * DAY_MS)), &mut usual)?;
    }
    Ok((now, usual))
}

/// All people of the hours from `first` to before `end`.
fn all_people(
    state: &mut dyn State,
    owner: Owner,
    (first, end): (HourNo, HourNo),
) -> Result<u64, StateError> {
    let mut now = People::new();
    for hour in first..end {
        add(state, owner, (Granularity::Hour, start_of(hour)), &mut now)?;
    }
    Ok(now.get(&(WHOLE, WHOLE)).copied().unwrap_or(0))
}

/// The same for a part of a reason, from its people by all their values at once.
fn people_of_part(
    state: &mut dyn State,
    owner: Owner,
    (first, end): (HourNo, HourNo),
) -> Result<(People, People), StateError> {
    let day = start_of(first).day();
    let days_after = start_of(end.saturating_sub(1)).day().since_ms(day) / DAY_MS;
    let days = (-USUAL_DAYS..=days_after).map(|after| day.plus_ms(after * DAY_MS));
    // Both from the same sample, so that they can be compared.
    let leaves = owned(Leaves::read(state, days, owner.reason())?, owner);
    let before = (0, first - first % 24);
    let sums = |hours: (HourNo, HourNo)| {
        let mut people = People::new();
        for (leaf, count) in leaves.people(hours) {
            *people.entry((WHOLE, WHOLE)).or_default() += count;
            leaf.iter().for_each(|value| *people.entry(*value).or_default() += count);
        }
        people
    };
    Ok((sums((first, end)), sums(before)))
}

fn add(
    state: &mut dyn State,
    owner: Owner,
    (granularity, start): (Granularity, TimeMs),
    people: &mut People,
) -> Result<(), StateError> {
    let prefix = match owner.reason() {
        Some(reason) => reason_key(granularity, start, reason),
        None => window_key(granularity, start).to_vec(),
    };
    let to = state::prefix_end(&prefix);
    let scan = Scan { table: TREND_COUNTS, from: &prefix, to: &to, descending: false };
    for (key, row) in state::rows(state, scan, usize::MAX)? {
        let Some(cell) = Cell::from_key(&key) else { continue };
        let counts: CellCounts = state::decode(TREND_COUNTS, TREND_VERSION, &row)?;
        *people.entry((cell.dimension(), cell.value())).or_default() += counts.people();
    }
    Ok(())
}
