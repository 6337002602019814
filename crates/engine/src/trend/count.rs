//! From facts to counts: subtract what was, add what is.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use quell_model::trend::Granularity;
use quell_model::{ContactKey, Fact, Output, TimeMs};

use super::cell::{Cell, CellCounts, Named, WHOLE, day_of, window_key};
use super::customer::{CustomerDay, hour_of};
use super::hours::{self, HourNo, HourRow, ReasonHour, hour_no};
use super::leaves::{LEAVES, LeafKey};
use super::names::{DIMENSIONS, NameId, OTHER_ID, REASONS, VALUES};
use super::words::WRITINGS;
use super::{TREND_VERSION, Trend};
use crate::Effects;
use crate::state::{self, Scan, State, StateError, TREND_COUNTS, TREND_CUSTOMERS, TREND_TIMERS};
use crate::timers;

/// How many cells one mark may freeze, so that no turn grows without bound.
const MAX_FROZEN_A_MARK: usize = 20_000;

/// Cells changed in this turn, not yet written.
#[derive(Debug, Default)]
pub struct Pending {
    cells: BTreeMap<Cell, Changing>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Changing {
    counts: CellCounts,
    /// People and contacts before this turn.
    before: (u64, i64),
}

/// What a fact adds to one cell.
struct Share {
    weight: i64,
    cost_micros: i64,
    sign: i64,
    /// What the customer had before; none for an unknown one.
    customer: Option<CustomerDay>,
}

impl Trend {
    pub(super) fn count(
        &mut self,
        state: &mut dyn State,
        (contact, fact): (&ContactKey, &Fact),
        sign: i64,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let mut values = vec![(WHOLE, WHOLE)];
        for (dimension, value) in &fact.dimensions {
            let dimension = self.names.id(state, DIMENSIONS, dimension, u32::MAX)?;
            values.push((dimension, self.bounded(state, VALUES + dimension, value, effects)?));
        }
        for part in &fact.reasons {
            let reason = self.bounded(state, REASONS, part.reason.as_str(), effects)?;
            let weight = i64::from(part.weight.0) * sign;
            let customer = match fact.customer {
                Some(customer) => Some(CustomerDay::read(state, fact.hour, reason, customer)?),
                None => None,
            };
            let share = Share { weight, cost_micros: part.cost_micros * sign, sign, customer };
            for &value in &values {
                for granularity in [Granularity::Hour, Granularity::Day] {
                    let start = granularity.start(fact.hour);
                    let cell = Cell::new(granularity, start, reason, value);
                    self.add(state, cell, fact, &share, effects)?;
                }
            }
            let day = Cell::new(Granularity::Day, fact.hour.day(), reason, (WHOLE, WHOLE));
            let is_frozen = effects.pending.cells.get(&day).is_some_and(|cell| cell.counts.frozen);
            if is_frozen {
                continue;
            }
            let (who, people) = match (fact.customer, &share.customer) {
                (Some(known), Some(day)) => {
                    let people = day.people_change(fact.hour, &values, sign);
                    (known.to_be_bytes().to_vec(), people)
                }
                _ => (contact.as_str().as_bytes().to_vec(), sign),
            };
            let leaf = LeafKey::new(fact.hour, reason, &who, &values);
            leaf.add(state, hour_of(fact.hour), people)?;
            if let Some(customer) = share.customer {
                customer.write(state, fact.hour, &values, sign);
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
        let mut hours: BTreeMap<_, HourRow> = BTreeMap::new();
        let mut changed_parts = BTreeSet::new();
        for (cell, Changing { mut counts, before }) in cells {
            counts.revision += 1;
            if self.settings.cells > 0 {
                changed_parts.extend(changed_hour(&cell, &counts, before));
            }
            let is_judged = cell.is_whole() && cell.granularity() == Granularity::Hour;
            if let Some(hour) = hour_no(cell.start()).filter(|_| is_judged) {
                let (people, contacts) = (counts.people(), counts.contacts);
                let count = ReasonHour { reason: cell.reason(), people, contacts };
                hours.entry(hour).or_default().push(count);
            }
            state::write(state, TREND_COUNTS, cell.key(), TREND_VERSION, &counts);
            self.put_out(state, &cell, &counts, effects)?;
        }
        effects.tally.changes_beyond_horizon += hours::note(state, hours, changed_parts)?;
        Ok(())
    }

    /// Freezes windows in which nothing can change any more in the ordinary course of things.
    pub(super) fn freeze(
        &mut self,
        state: &mut dyn State,
        mark: TimeMs,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let mut frozen = 0;
        while frozen < MAX_FROZEN_A_MARK {
            let (due, _) = timers::take_due(state, TREND_TIMERS, mark, 1)?;
            let Some((_, window)) = due.into_iter().next() else { return Ok(()) };
            frozen += self.freeze_window(state, &window, effects)?;
        }
        effects.unfinished = true;
        Ok(())
    }

    fn freeze_window(
        &mut self,
        state: &mut dyn State,
        window: &[u8],
        effects: &mut Effects,
    ) -> Result<usize, StateError> {
        let to = state::prefix_end(window);
        let scan = Scan { table: TREND_CUSTOMERS, from: window, to: &to, descending: false };
        for (customer, _) in state::rows(state, scan, usize::MAX)? {
            state.delete(TREND_CUSTOMERS, &customer);
        }
        let scan = Scan { table: TREND_COUNTS, from: window, to: &to, descending: false };
        let cells = state::rows(state, scan, usize::MAX)?;
        let mut count = cells.len();
        for (key, row) in cells {
            let Some(cell) = Cell::from_key(&key) else { continue };
            let mut counts: CellCounts = state::decode(TREND_COUNTS, TREND_VERSION, &row)?;
            counts.frozen = true;
            counts.revision += 1;
            state::write(state, TREND_COUNTS, &key, TREND_VERSION, &counts);
            self.put_out(state, &cell, &counts, effects)?;
        }
        if let Some(day) = day_of(window) {
            count += LEAVES.thin(state, day)? + WRITINGS.thin(state, day)?;
        }
        Ok(count)
    }

    fn put_out(
        &mut self,
        state: &mut dyn State,
        cell: &Cell,
        counts: &CellCounts,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let named = self.named(state, cell)?;
        let key = named.trend_key(cell);
        let is_empty = counts.contacts == 0 && counts.cost_micros == 0 && counts.people() == 0;
        let row = (!is_empty).then(|| Box::new(named.row(cell, counts, &self.taxonomy_version)));
        effects.outputs.push(Output::Trend { key, revision: counts.revision, row });
        Ok(())
    }

    /// The cell's address in words.
    pub(super) fn named(
        &mut self,
        state: &mut dyn State,
        cell: &Cell,
    ) -> Result<Named, StateError> {
        let reason = self.names.name(state, REASONS, cell.reason())?;
        let mut named = Named::whole(reason);
        if !cell.is_whole() {
            let dimension = cell.dimension();
            self.names.name(state, DIMENSIONS, dimension)?.clone_into(&mut named.dimension);
            let value = self.names.name(state, VALUES + dimension, cell.value())?;
            value.clone_into(&mut named.value);
        }
        Ok(named)
    }

    fn add(
        &mut self,
        state: &mut dyn State,
        cell: Cell,
        fact: &Fact,
        share: &Share,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let Changing { counts, .. } = match effects.pending.cells.entry(cell) {
            Entry::Occupied(slot) => slot.into_mut(),
            Entry::Vacant(slot) => {
                let known: Option<CellCounts> =
                    state::read(state, TREND_COUNTS, cell.key(), TREND_VERSION)?;
                if known.is_none() && cell.is_whole() {
                    self.arm(state, &cell)?;
                }
                let counts = known.unwrap_or_default();
                slot.insert(Changing { counts, before: (counts.people(), counts.contacts) })
            }
        };
        counts.contacts += share.weight;
        counts.cost_micros += share.cost_micros;
        for (sum, &is_repeat) in counts.repeats.iter_mut().zip(&fact.repeats) {
            *sum += if is_repeat { share.weight } else { 0 };
        }
        if counts.frozen {
            effects.tally.windows_amended_late += 1;
            return Ok(());
        }
        match &share.customer {
            Some(customer) => {
                let held = customer.held(&cell, fact.hour);
                let now = held + share.sign;
                let change = i64::from(now != 0) - i64::from(held != 0);
                counts.customers = counts.customers.saturating_add_signed(change);
            }
            None => counts.anonymous = counts.anonymous.saturating_add_signed(share.sign),
        }
        Ok(())
    }

    /// One timer a window: its cells lie together.
    fn arm(&self, state: &mut dyn State, cell: &Cell) -> Result<(), StateError> {
        let (granularity, start) = (cell.granularity(), cell.start());
        let due = start.plus_ms(granularity.length_ms() + self.settings.max_window_ms);
        timers::set(state, TREND_TIMERS, due, &window_key(granularity, start))
    }

    /// A name's number while its kind has room, else that of `_other`. A name once taken in stays,
    /// so that what was added under it is subtracted under it.
    fn bounded(
        &mut self,
        state: &mut dyn State,
        kind: u32,
        name: &str,
        effects: &mut Effects,
    ) -> Result<NameId, StateError> {
        let id = self.number(state, kind, name)?;
        if id == OTHER_ID {
            effects.tally.dimension_overflow += 1;
        }
        Ok(id)
    }

    /// The same for a name that was counted already.
    pub(super) fn number(
        &mut self,
        state: &mut dyn State,
        kind: u32,
        name: &str,
    ) -> Result<NameId, StateError> {
        let max = self.settings.max_dimension_values;
        if name.chars().any(char::is_control) {
            let clean: String = name.chars().filter(|c| !c.is_control()).collect();
            return self.names.id(state, kind, &clean, max);
        }
        self.names.id(state, kind, name, max)
    }
}

/// The hour from which on verdicts on parts of reasons may differ by a change of this cell: its
/// own, or the last of the day whose end they are chosen at.
fn changed_hour(
    cell: &Cell,
    counts: &CellCounts,
    (people, contacts): (u64, i64),
) -> Option<HourNo> {
    let is_same = counts.people() == people;
    let (is_asked, after_h) = match cell.granularity() {
        Granularity::Hour => (!(cell.is_whole() || is_same && counts.contacts == contacts), 0),
        Granularity::Day => (!is_same, 23),
    };
    hour_no(cell.start()).filter(|_| is_asked).map(|hour| hour + after_h)
}
