//! How far hours are judged, what changed since, and the detector as it stood at earlier hours.
//!
//! A stored detector holds the hours before its own and nothing else, so it stays right until one
//! of these changes; then it is dropped and the hours after the one before it are played again.
//! So stored detectors save time and never show.

use serde::{Deserialize, Serialize};

use quell_detect::hourly::HourlyState;
use quell_model::TimeMs;

use super::TREND_VERSION;
use super::frequent::Frequent;
use super::hours::HourNo;
use super::names::NameId;
use super::owner::ReasonPart;
use crate::state::{self, Scan, State, StateError, TREND_CLOCK, TREND_DETECTORS};

const KEY: &[u8] = b"judged";
/// Bytes of a stored detector in one row: a cluster takes no record of any size.
const PART_BYTES: usize = 200_000;
const DAY_H: u64 = 24;
/// Detectors of the last days are all kept, then one a week, then one in four weeks.
const EVERY_DAY: u64 = 3;
const EVERY_WEEK: u64 = 35;

/// What TREND knows of its verdicts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedRow {
    /// Grows with every look; issues that are put out carry it.
    pub revision: u64,
    /// The first hour that is not judged.
    pub next: HourNo,
    /// Hours before which a detector is stored, the earliest first.
    pub stored: Vec<HourNo>,
    /// The earliest hour that changed since, not before the last stored detector.
    pub changed: Option<HourNo>,
    /// The earliest one before it.
    pub changed_before: Option<HourNo>,
    /// The day of the mark at which the latter were last looked at.
    pub looked_back: Option<TimeMs>,
    /// Hours before this are gone: they lie beyond the horizon.
    pub floor: HourNo,
}

impl JudgedRow {
    /// What is stored.
    pub fn read(state: &mut dyn State) -> Result<JudgedRow, StateError> {
        let row: Option<JudgedRow> = state::read(state, TREND_CLOCK, KEY, TREND_VERSION)?;
        Ok(row.unwrap_or_default())
    }

    /// Stores it, unless it is what is known.
    pub fn write_unless(&self, state: &mut dyn State, known: &JudgedRow) {
        if self != known {
            state::write(state, TREND_CLOCK, KEY, TREND_VERSION, self);
        }
    }

    /// An hour's counts changed.
    pub fn note_change(&mut self, hour: HourNo) {
        let is_before = self.stored.last().is_some_and(|&stored| hour < stored);
        let earliest = if is_before { &mut self.changed_before } else { &mut self.changed };
        *earliest = Some(earliest.map_or(hour, |earlier| earlier.min(hour)));
    }

    /// The earliest changed hour that is due to be looked at: near ones at every mark, those
    /// before the last stored detector once a day, since so much must be played again.
    pub fn due_change(&mut self, mark: TimeMs) -> Option<HourNo> {
        let is_new_day = self.looked_back.is_none_or(|day| day < mark.day());
        let near = self.changed.take();
        if !is_new_day {
            return near;
        }
        self.looked_back = Some(mark.day());
        let far = self.changed_before.take();
        [near, far].into_iter().flatten().min()
    }

    /// Drops the detectors that hold a changed hour.
    pub fn forget_after(
        &mut self,
        state: &mut dyn State,
        changed: HourNo,
    ) -> Result<(), StateError> {
        let right = self.stored.partition_point(|&stored| stored <= changed);
        self.stored.split_off(right).into_iter().try_for_each(|gone| delete(state, gone))
    }

    /// Whether the detector before `hour` is worth storing, where detectors up to `newest` may be.
    pub fn wants(&self, hour: HourNo, newest: HourNo) -> bool {
        let own = bucket(hour, newest);
        hour <= newest && self.stored.iter().all(|&stored| bucket(stored, newest) != own)
    }

    /// Drops the detectors that others stand for as time goes on, and, before the horizon, all
    /// but the last.
    pub fn thin(
        &mut self,
        state: &mut dyn State,
        newest: HourNo,
        horizon: HourNo,
    ) -> Result<(), StateError> {
        let before = self.stored.partition_point(|&stored| stored <= horizon).saturating_sub(1);
        let mut kept: Vec<HourNo> = Vec::new();
        for (place, &hour) in self.stored.iter().enumerate() {
            let is_same = |last: &HourNo| bucket(*last, newest) == bucket(hour, newest);
            if place < before || kept.last().is_some_and(is_same) {
                delete(state, hour)?;
            } else {
                kept.push(hour);
            }
        }
        self.stored = kept;
        if let Some(&first) = self.stored.first().filter(|&&first| first <= horizon) {
            self.floor = first;
        }
        Ok(())
    }
}

/// Detectors of one bucket stand for each other. `hour` is the one after the last that is held.
fn bucket(hour: HourNo, newest: HourNo) -> (u8, u64) {
    let day = hour.saturating_sub(1) / DAY_H;
    let age = (newest.saturating_sub(1) / DAY_H).saturating_sub(day);
    match age {
        0..EVERY_DAY => (0, day),
        EVERY_DAY..EVERY_WEEK => (1, day / 7),
        _ => (2, day / 28),
    }
}

/// A detector with the reasons that it knows, in its order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detector {
    /// Its state.
    pub hours: HourlyState,
    /// The reasons' numbers by their places.
    pub reasons: Vec<NameId>,
    /// The parts of reasons that are judged, with the numbers of their cells, in its order.
    pub parts: Vec<(u64, ReasonPart)>,
    /// What they are chosen from.
    pub frequent: Frequent,
}

impl Detector {
    /// Stores it.
    pub fn write(&self, state: &mut dyn State) {
        let row = quell_codec::rows::to_row(TREND_VERSION, self);
        for (part, bytes) in (0u32..).zip(row.chunks(PART_BYTES)) {
            let key = part_key(self.hours.next_hour(), part);
            state.put(TREND_DETECTORS, &key, bytes.to_vec());
        }
    }

    /// The one that was stored before `hour`.
    pub fn read(state: &mut dyn State, hour: HourNo) -> Result<Detector, StateError> {
        let mut row = Vec::new();
        for (_, part) in parts(state, hour)? {
            row.extend_from_slice(&part);
        }
        let found: Detector = state::decode(TREND_DETECTORS, TREND_VERSION, &row)?;
        if found.hours.is_sound() && found.hours.next_hour() == hour {
            return Ok(found);
        }
        let detail = format!("the detector before hour {hour} is not one of this version");
        Err(StateError::Row { table: TREND_DETECTORS, detail })
    }
}

fn delete(state: &mut dyn State, hour: HourNo) -> Result<(), StateError> {
    for (key, _) in parts(state, hour)? {
        state.delete(TREND_DETECTORS, &key);
    }
    Ok(())
}

fn parts(state: &mut dyn State, hour: HourNo) -> Result<Vec<state::KeyRow>, StateError> {
    let from = hour.to_be_bytes();
    let to = state::prefix_end(&from);
    let scan = Scan { table: TREND_DETECTORS, from: &from, to: &to, descending: false };
    state::rows(state, scan, usize::MAX)
}

fn part_key(hour: HourNo, part: u32) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&hour.to_be_bytes());
    key[8..].copy_from_slice(&part.to_be_bytes());
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detectors_get_sparser_with_age() {
        let newest = 24 * 1_000 + 1;
        let mut row = JudgedRow::default();
        for hour in (1..=newest).step_by(24) {
            if row.wants(hour, newest) {
                row.stored.push(hour);
            }
        }
        assert!((20..=50).contains(&row.stored.len()), "{:?}", row.stored);
        let gaps: Vec<(u64, u64)> =
            row.stored.windows(2).map(|pair| (newest - pair[1], pair[1] - pair[0])).collect();
        for (age_h, gap_h) in gaps {
            let most = match age_h {
                0..48 => 24,
                48..672 => 7 * 24,
                _ => 28 * 24,
            };
            assert!(gap_h <= most, "{gap_h} h, {age_h} h ago: {:?}", row.stored);
        }
        assert_eq!(row.stored.last(), Some(&newest));
        assert!(!row.wants(newest + 24, newest), "what can still change is not stored");
    }

    #[test]
    fn near_changes_are_due_at_once_and_far_ones_the_next_day() {
        let mut row = JudgedRow { stored: vec![100], ..JudgedRow::default() };
        let day = |day: i64, hour: i64| TimeMs((day * 24 + hour) * 3_600_000);
        assert_eq!(row.due_change(day(9, 1)), None);
        row.note_change(40);
        row.note_change(130);
        row.note_change(120);
        assert_eq!(row.due_change(day(9, 2)), Some(120));
        assert_eq!(row.due_change(day(9, 3)), None);
        assert_eq!(row.due_change(day(10, 0)), Some(40));
        assert_eq!(row.due_change(day(11, 0)), None);
    }
}
