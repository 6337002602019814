//! From facts to counts: subtract what was, add what is.

use std::collections::BTreeMap;

use quell_model::trend::{ALL, Granularity};
use quell_model::{Fact, Output, TimeMs};

use super::cell::{Cell, CellCounts, trend_key};
use super::{ClockRow, TREND_VERSION, Trend, read_clock, write_clock};
use crate::state::{
    self, Scan, State, StateError, TREND_COUNTS, TREND_CUSTOMERS, TREND_DIRTY, TREND_SERIES,
    TREND_TIMERS, TREND_VALUES,
};
use crate::Effects;

/// How many windows one mark may freeze, so that no turn grows without bound.
const MAX_FROZEN_A_MARK: usize = 10_000;

/// Where values beyond a dimension's bound go.
const OTHER: &str = "_other";

/// Cells changed in this turn, not yet written.
#[derive(Debug, Default)]
pub struct Pending {
    cells: BTreeMap<Cell, CellCounts>,
}

/// What a fact adds to one cell.
struct Share {
    weight: i64,
    cost_micros: i64,
    sign: i64,
}

impl Trend {
    pub(super) fn count(
        &mut self,
        state: &mut dyn State,
        fact: &Fact,
        sign: i64,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let mut values = vec![(ALL.to_owned(), ALL.to_owned())];
        for (dimension, value) in &fact.dimensions {
            let value = self.bounded(state, dimension, value, effects)?;
            values.push((dimension.clone(), value));
        }
        for part in &fact.reasons {
            let reason = self.bounded(state, "reason", part.reason.as_str(), effects)?;
            let weight = i64::from(part.weight.0);
            let share = Share { weight: weight * sign, cost_micros: part.cost_micros * sign, sign };
            for (dimension, value) in &values {
                for granularity in [Granularity::Hour, Granularity::Day] {
                    let cell = Cell {
                        reason: reason.clone(),
                        granularity,
                        start: granularity.start(fact.hour),
                        dimension: dimension.clone(),
                        value: value.clone(),
                    };
                    self.add(state, cell, fact, &share, effects)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn flush(
        &mut self,
        state: &mut dyn State,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let cells = std::mem::take(&mut effects.pending.cells);
        for (cell, mut counts) in cells {
            counts.revision += 1;
            if cell.is_whole() && cell.granularity == Granularity::Day {
                self.note_series(state, &cell, &counts)?;
            }
            state::write(state, TREND_COUNTS, &cell.key(), TREND_VERSION, &counts);
            self.put_out(&cell, &counts, effects);
        }
        Ok(())
    }

    /// Freezes windows in which nothing can change any more in the ordinary course of things.
    pub(super) fn freeze(
        &mut self,
        state: &mut dyn State,
        mark: TimeMs,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let end = mark.to_key();
        let scan = Scan { table: TREND_TIMERS, from: &[], to: &end, descending: false };
        let due = state::rows(state, scan, MAX_FROZEN_A_MARK)?;
        effects.unfinished |= due.len() == MAX_FROZEN_A_MARK;
        for (timer, _) in due {
            state.delete(TREND_TIMERS, &timer);
            let Some(cell) = timer.get(8..).and_then(Cell::from_key) else { continue };
            let key = cell.key();
            let counts: Option<CellCounts> =
                state::read(state, TREND_COUNTS, &key, TREND_VERSION)?;
            let Some(mut counts) = counts else { continue };
            counts.frozen = true;
            counts.revision += 1;
            let prefix = customer_prefix(&key);
            let to = state::prefix_end(&prefix);
            let scan =
                Scan { table: TREND_CUSTOMERS, from: &prefix, to: &to, descending: false };
            for (customer, _) in state::rows(state, scan, usize::MAX)? {
                state.delete(TREND_CUSTOMERS, &customer);
            }
            state::write(state, TREND_COUNTS, &key, TREND_VERSION, &counts);
            self.put_out(&cell, &counts, effects);
        }
        Ok(())
    }

    fn put_out(&self, cell: &Cell, counts: &CellCounts, effects: &mut Effects) {
        let is_empty = counts.contacts == 0 && counts.cost_micros == 0 && counts.people() == 0;
        let row = (!is_empty).then(|| Box::new(counts.row(cell, &self.taxonomy_version)));
        effects.outputs.push(Output::Trend {
            key: trend_key(cell),
            revision: counts.revision,
            row,
        });
    }

    fn add(
        &mut self,
        state: &mut dyn State,
        cell: Cell,
        fact: &Fact,
        share: &Share,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let key = cell.key();
        if !effects.pending.cells.contains_key(&cell) {
            let known: Option<CellCounts> =
                state::read(state, TREND_COUNTS, &key, TREND_VERSION)?;
            if known.is_none() {
                self.arm(state, &cell, &key);
            }
            effects.pending.cells.insert(cell.clone(), known.unwrap_or_default());
        }
        let Some(counts) = effects.pending.cells.get_mut(&cell) else { return Ok(()) };
        counts.contacts += share.weight;
        counts.cost_micros += share.cost_micros;
        for (sum, &is_repeat) in counts.repeats.iter_mut().zip(&fact.repeats) {
            *sum += if is_repeat { share.weight } else { 0 };
        }
        if counts.frozen {
            effects.tally.windows_amended_late += 1;
            return Ok(());
        }
        match fact.customer {
            Some(customer) => count_customer(state, &key, customer, share.sign, counts)?,
            None => counts.anonymous = counts.anonymous.saturating_add_signed(share.sign),
        }
        Ok(())
    }

    fn arm(&self, state: &mut dyn State, cell: &Cell, key: &[u8]) {
        let due = cell.end().plus_ms(self.settings.max_window_ms);
        let mut timer = due.to_key().to_vec();
        timer.extend_from_slice(key);
        state.put(TREND_TIMERS, &timer, Vec::new());
    }

    /// The value itself while the dimension has room, else [`OTHER`]. A value once taken in stays,
    /// so that what was added under it is subtracted under it.
    fn bounded(
        &mut self,
        state: &mut dyn State,
        dimension: &str,
        value: &str,
        effects: &mut Effects,
    ) -> Result<String, StateError> {
        let value: String = value.chars().filter(|c| !c.is_control()).collect();
        let key = format!("{dimension}\0{value}").into_bytes();
        if state.get(TREND_VALUES, &key)?.is_some() {
            return Ok(value);
        }
        let count_key = format!("{dimension}\0\0count").into_bytes();
        let count: u32 =
            state::read(state, TREND_VALUES, &count_key, TREND_VERSION)?.unwrap_or_default();
        if count >= self.settings.max_dimension_values {
            effects.tally.dimension_overflow += 1;
            return Ok(OTHER.to_owned());
        }
        state::write(state, TREND_VALUES, &count_key, TREND_VERSION, &(count + 1));
        state.put(TREND_VALUES, &key, Vec::new());
        Ok(value)
    }

    fn note_series(
        &mut self,
        state: &mut dyn State,
        cell: &Cell,
        counts: &CellCounts,
    ) -> Result<(), StateError> {
        let day = cell.start;
        let mut key = cell.reason.clone().into_bytes();
        key.push(0);
        let reason = key.clone();
        key.extend_from_slice(&day.to_key());
        let people = counts.people();
        if state::read::<u64>(state, TREND_SERIES, &key, TREND_VERSION)? == Some(people) {
            return Ok(());
        }
        state::write(state, TREND_SERIES, &key, TREND_VERSION, &people);
        let dirty: Option<TimeMs> = state::read(state, TREND_DIRTY, &reason, TREND_VERSION)?;
        if dirty.is_none_or(|dirty| day < dirty) {
            state::write(state, TREND_DIRTY, &reason, TREND_VERSION, &day);
        }
        let clock = read_clock(state)?;
        let wider = match clock {
            None => ClockRow { first_day: day, last_day: day, all_dirty: false },
            Some(clock) => ClockRow {
                first_day: clock.first_day.min(day),
                last_day: clock.last_day.max(day),
                all_dirty: clock.all_dirty || day < clock.first_day,
            },
        };
        if clock != Some(wider) {
            write_clock(state, &wider);
        }
        Ok(())
    }
}

fn customer_prefix(cell_key: &[u8]) -> [u8; 16] {
    let mut prefix = [0; 16];
    prefix.copy_from_slice(&blake3::hash(cell_key).as_bytes()[..16]);
    prefix
}

fn count_customer(
    state: &mut dyn State,
    cell_key: &[u8],
    customer: u64,
    sign: i64,
    counts: &mut CellCounts,
) -> Result<(), StateError> {
    let mut key = customer_prefix(cell_key).to_vec();
    key.extend_from_slice(&customer.to_be_bytes());
    let contacts: i64 =
        state::read(state, TREND_CUSTOMERS, &key, TREND_VERSION)?.unwrap_or_default();
    let now = contacts + sign;
    if contacts == 0 && now != 0 {
        counts.customers += 1;
    } else if contacts != 0 && now == 0 {
        counts.customers = counts.customers.saturating_sub(1);
    }
    if now == 0 {
        state.delete(TREND_CUSTOMERS, &key);
    } else {
        state::write(state, TREND_CUSTOMERS, &key, TREND_VERSION, &now);
    }
    Ok(())
}
