//! The parts of reasons that are judged beside them: chosen anew as each day begins, from the days
//! before it as they stand, and read hour by hour.

use std::collections::{BTreeMap, BTreeSet};

use quell_detect::hourly::Count;
use quell_model::UNCLASSIFIED;
use quell_model::trend::Granularity;

use super::TREND_VERSION;
use super::cell::{Cell, CellCounts, WHOLE, window_key};
use super::hours::{HourNo, HourRow, start_of};
use super::judge::{Head, count_of};
use super::names::{DIMENSIONS, Names, OTHER_ID, REASONS, VALUES};
use super::owner::ReasonPart;
use crate::state::{self, Scan, State, StateError, TREND_COUNTS};

const DAY_H: u64 = 24;

impl Head {
    /// Before the first hour of a day: counts the days that ended, and chooses what is judged.
    pub fn choose_parts(
        &mut self,
        state: &mut dyn State,
        names: &mut Names,
        limit: usize,
    ) -> Result<(), StateError> {
        let today = self.next() / DAY_H;
        if self.detector.frequent.next_day >= today {
            return Ok(());
        }
        while self.detector.frequent.next_day < today {
            self.count_day(state, limit > 0)?;
        }
        let judged: BTreeSet<ReasonPart> =
            self.detector.parts.iter().map(|(_, part)| *part).collect();
        let mut chosen = self.detector.frequent.choose(limit, |part| judged.contains(part));
        for reason in chosen.iter().map(|part| part.reason).collect::<BTreeSet<_>>() {
            if names.name(state, REASONS, reason)? == UNCLASSIFIED {
                // A gap of the taxonomy is no issue.
                chosen.retain(|part| part.reason != reason);
            }
        }
        let numbers: BTreeMap<u64, ReasonPart> = self.detector.parts.iter().copied().collect();
        let is_chosen = |id: u64| numbers.get(&id).is_some_and(|part| chosen.contains(part));
        self.detector.hours.retain_cells(is_chosen);
        let kept: BTreeSet<u64> = self.detector.hours.cells().collect();
        self.detector.parts.retain(|(id, _)| kept.contains(id));
        let mut new = BTreeMap::new();
        for part in chosen.into_iter().filter(|part| !judged.contains(part)) {
            new.insert(words(state, names, &part)?, part);
        }
        // By name, since numbers tell of the order of arrival.
        for part in new.into_values() {
            if let Some(&place) = self.places.get(&part.reason) {
                let value = u64::from(part.dimension) << 32 | u64::from(part.value);
                let id = self.detector.hours.track(place, value);
                self.detector.parts.push((id, part));
            }
        }
        Ok(())
    }

    fn count_day(&mut self, state: &mut dyn State, counts: bool) -> Result<(), StateError> {
        let frequent = &mut self.detector.frequent;
        let start = start_of(frequent.next_day * DAY_H);
        frequent.pass_day();
        if !counts {
            return Ok(());
        }
        let prefix = window_key(Granularity::Day, start);
        let to = state::prefix_end(&prefix);
        let scan = Scan { table: TREND_COUNTS, from: &prefix, to: &to, descending: false };
        for (key, row) in state::rows(state, scan, usize::MAX)? {
            let Some(cell) = Cell::from_key(&key) else { continue };
            let (reason, dimension, value) = (cell.reason(), cell.dimension(), cell.value());
            // What is in `_other` depends on what came first.
            if reason == OTHER_ID || (dimension != WHOLE && value == OTHER_ID) {
                continue;
            }
            let counts: CellCounts = state::decode(TREND_COUNTS, TREND_VERSION, &row)?;
            if dimension == WHOLE {
                frequent.add_reason(reason, counts.people());
            } else {
                frequent.add_part(ReasonPart { reason, dimension, value }, counts.people());
            }
        }
        Ok(())
    }

    /// What the parts brought in an hour, whose row of reasons this is.
    pub fn part_counts(
        &self,
        state: &mut dyn State,
        hour: HourNo,
        row: &HourRow,
    ) -> Result<Vec<Count>, StateError> {
        let mut counts = vec![Count::default(); self.detector.parts.len()];
        for (count, (_, part)) in counts.iter_mut().zip(&self.detector.parts) {
            if row.binary_search_by_key(&part.reason, |count| count.reason).is_err() {
                continue;
            }
            let cell = Cell::new(Granularity::Hour, start_of(hour), part.reason, part.pair());
            let known: Option<CellCounts> =
                state::read(state, TREND_COUNTS, cell.key(), TREND_VERSION)?;
            *count = known.map_or(*count, |known| count_of(known.people(), known.contacts));
        }
        Ok(counts)
    }
}

/// Reason, dimension and value.
fn words(
    state: &mut dyn State,
    names: &mut Names,
    part: &ReasonPart,
) -> Result<[String; 3], StateError> {
    let reason = names.name(state, REASONS, part.reason)?.to_owned();
    let dimension = names.name(state, DIMENSIONS, part.dimension)?.to_owned();
    let value = names.name(state, VALUES + part.dimension, part.value)?.to_owned();
    Ok([reason, dimension, value])
}
