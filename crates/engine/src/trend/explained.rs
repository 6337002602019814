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
use super::judge::Owner;
use super::names::{DIMENSIONS, NameId, VALUES};
use super::{TREND_VERSION, Trend};
use crate::state::{self, Scan, State, StateError, TREND_COUNTS};

/// Cells named in an explanation.
const MAX_EXPLANATIONS: usize = 5;
/// Hours of an issue that are looked at, its first ones.
const MAX_HOURS: u64 = 28 * 24;
/// Days before it that tell what is usual.
pub(super) const USUAL_DAYS: i64 = 28;

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
    ) -> Result<(Vec<Explanation>, Cause), StateError> {
        let (mut now, mut usual) = (People::new(), People::new());
        let hours = last.saturating_sub(first) + 1;
        let looked_at = hours.min(MAX_HOURS);
        for hour in first..first + looked_at {
            add(state, owner, (Granularity::Hour, start_of(hour)), &mut now)?;
        }
        let day = start_of(first).day();
        for before in 1..=USUAL_DAYS {
            add(state, owner, (Granularity::Day, day.plus_ms(-before * DAY_MS)), &mut usual)?;
        }
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
        let explanation = explain(&cells, (people, excess), MAX_EXPLANATIONS);
        let expected_part = ((people as f64 - excess) / people.max(1) as f64).max(0.0);
        let end = first + looked_at;
        Ok((explanation, self.cause(state, owner, (first, end), expected_part)?))
    }
}

fn add(
    state: &mut dyn State,
    owner: Owner,
    (granularity, start): (Granularity, TimeMs),
    people: &mut People,
) -> Result<(), StateError> {
    let prefix = match owner {
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
