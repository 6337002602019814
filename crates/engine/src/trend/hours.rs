//! What every hour brought, as verdicts see it: people and contacts by reason, and units of the
//! business driver. One small row an hour, so that years are played in seconds.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use quell_model::TimeMs;
use quell_model::event::Volume;
use quell_model::time::{DAY_MS, HOUR_MS};

use super::TREND_VERSION;
use super::judged::JudgedRow;
use super::names::NameId;
use crate::state::{self, Scan, State, StateError, TREND_EXPOSURE, TREND_HOURS};

/// An hour's number: hours since Monday, 29 December 1969, 00:00 UTC.
pub type HourNo = u64;

/// 1 January 1970 was a Thursday.
const MONDAY_BEFORE_H: i64 = 72;
/// A count of a longer period says nothing of its hours.
const SPREAD_MAX_MS: i64 = 62 * DAY_MS;

/// The number of the hour that holds `time`; none before 1970.
pub fn hour_no(time: TimeMs) -> Option<HourNo> {
    let hours = time.0.div_euclid(HOUR_MS).saturating_add(MONDAY_BEFORE_H);
    HourNo::try_from(hours).ok()
}

/// When an hour begins.
pub fn start_of(hour: HourNo) -> TimeMs {
    let hours = i64::try_from(hour).unwrap_or(i64::MAX).saturating_sub(MONDAY_BEFORE_H);
    TimeMs(hours.saturating_mul(HOUR_MS))
}

/// What one reason brought in an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonHour {
    /// The reason's number.
    pub reason: NameId,
    /// Distinct customers; contacts of unknown ones count as one each.
    pub people: u64,
    /// Millionths of a contact.
    pub contacts: i64,
}

impl ReasonHour {
    fn is_empty(&self) -> bool {
        self.people == 0 && self.contacts == 0
    }
}

/// An hour's reasons, by number; never empty when stored.
pub type HourRow = Vec<ReasonHour>;

/// Writes what hours hold now, and notes those in which parts of reasons changed. Returns how many
/// of them can no longer be judged again.
pub fn note(
    state: &mut dyn State,
    hours: BTreeMap<HourNo, HourRow>,
    changed_parts: BTreeSet<HourNo>,
) -> Result<u64, StateError> {
    let mut refused = 0;
    if hours.is_empty() {
        return Ok(refused);
    }
    let mut judged = JudgedRow::read(state)?;
    let known = judged.clone();
    for (hour, counts) in hours {
        let key = hour.to_be_bytes();
        if hour < judged.floor {
            refused += 1;
            continue;
        }
        let row: Option<HourRow> = state::read(state, TREND_HOURS, &key, TREND_VERSION)?;
        let row = row.unwrap_or_default();
        let merged = merged(&row, counts);
        if merged == row {
            continue;
        }
        if merged.is_empty() {
            state.delete(TREND_HOURS, &key);
        } else {
            state::write(state, TREND_HOURS, &key, TREND_VERSION, &merged);
        }
        judged.note_change(hour);
    }
    let floor = judged.floor;
    for hour in changed_parts.into_iter().filter(|&hour| hour >= floor) {
        judged.note_change(hour);
    }
    judged.write_unless(state, &known);
    Ok(refused)
}

fn merged(row: &[ReasonHour], counts: HourRow) -> HourRow {
    let reasons = row.iter().copied().chain(counts).map(|count| (count.reason, count));
    let latest: BTreeMap<NameId, ReasonHour> = reasons.collect();
    latest.into_values().filter(|count| !count.is_empty()).collect()
}

/// The hours with contacts from `from` to before `to`, at most `limit`.
pub fn rows(
    state: &mut dyn State,
    (from, to): (HourNo, HourNo),
    limit: usize,
) -> Result<Vec<(HourNo, HourRow)>, StateError> {
    if from >= to {
        return Ok(Vec::new());
    }
    let (from, to) = (from.to_be_bytes(), to.to_be_bytes());
    let scan = Scan { table: TREND_HOURS, from: &from, to: &to, descending: false };
    let found = state::rows(state, scan, limit)?;
    let decoded = found.into_iter().filter_map(|(key, row)| {
        let hour = HourNo::from_be_bytes(key.try_into().ok()?);
        Some(state::decode(TREND_HOURS, TREND_VERSION, &row).map(|row| (hour, row)))
    });
    decoded.collect()
}

/// The last hour with a contact.
pub fn last(state: &mut dyn State) -> Result<Option<HourNo>, StateError> {
    let scan = Scan { table: TREND_HOURS, from: &[], to: &[u8::MAX; 9], descending: true };
    let found = state::rows(state, scan, 1)?.pop();
    Ok(found.and_then(|(key, _)| key.try_into().ok()).map(HourNo::from_be_bytes))
}

/// Removes the hours before `floor`, at most `limit` of each kind.
pub fn prune(state: &mut dyn State, floor: HourNo, limit: usize) -> Result<(), StateError> {
    for table in [TREND_HOURS, TREND_EXPOSURE] {
        let to = floor.to_be_bytes();
        let scan = Scan { table, from: &[], to: &to, descending: false };
        for (key, _) in state::rows(state, scan, limit)? {
            state.delete(table, &key);
        }
    }
    Ok(())
}

/// Units of the business driver by hour, where they are known, from `from` to before `to`.
pub fn exposure(
    state: &mut dyn State,
    (from, to): (HourNo, HourNo),
) -> Result<BTreeMap<HourNo, f64>, StateError> {
    if from >= to {
        return Ok(BTreeMap::new());
    }
    let (from, to) = (from.to_be_bytes(), to.to_be_bytes());
    let scan = Scan { table: TREND_EXPOSURE, from: &from, to: &to, descending: false };
    let found = state::rows(state, scan, usize::MAX)?;
    let decoded = found.into_iter().filter_map(|(key, row)| {
        let hour = HourNo::from_be_bytes(key.try_into().ok()?);
        let micros = state::decode::<i128>(TREND_EXPOSURE, TREND_VERSION, &row);
        Some(micros.map(|micros| (hour, micros as f64 / 1e6)))
    });
    decoded.collect()
}

/// Spreads a period's count evenly over its hours, in place of what was known of the period.
pub fn note_volume(
    state: &mut dyn State,
    volume: &Volume,
    known: Option<u64>,
) -> Result<(), StateError> {
    let length_ms = volume.period_end.since_ms(volume.period_start);
    let (Some(first), true) =
        (hour_no(volume.period_start), (1..=SPREAD_MAX_MS).contains(&length_ms))
    else {
        return Ok(());
    };
    let mut judged = JudgedRow::read(state)?;
    let before = judged.clone();
    let mut hour = first;
    while start_of(hour) < volume.period_end {
        let from = start_of(hour).max(volume.period_start);
        let to = start_of(hour + 1).min(volume.period_end);
        let part = |count: u64| {
            i128::from(count) * 1_000_000 * i128::from(to.since_ms(from)) / i128::from(length_ms)
        };
        let key = hour.to_be_bytes();
        if hour >= judged.floor {
            let row: Option<i128> = state::read(state, TREND_EXPOSURE, &key, TREND_VERSION)?;
            let sum = row.unwrap_or(0) + part(volume.count) - known.map_or(0, part);
            if row != Some(sum) {
                state::write(state, TREND_EXPOSURE, &key, TREND_VERSION, &sum);
                judged.note_change(hour);
            }
        }
        hour += 1;
    }
    judged.write_unless(state, &before);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_counted_from_a_monday() {
        assert_eq!(hour_no(TimeMs(0)), Some(72));
        assert_eq!(start_of(72), TimeMs(0));
        assert_eq!(hour_no(TimeMs(-72 * HOUR_MS)), Some(0));
        assert_eq!(hour_no(TimeMs(-72 * HOUR_MS - 1)), None);
        assert_eq!(hour_no(TimeMs::MIN), None);
        // Monday, 5 January 2026, 00:00 UTC.
        assert_eq!(hour_no(TimeMs(1_767_571_200_000)).map(|hour| hour % 168), Some(0));
    }

    #[test]
    fn a_row_holds_what_is_there_now() {
        let of = |reason, people| ReasonHour { reason, people, contacts: people as i64 };
        let row = vec![of(1, 4), of(3, 2)];
        assert_eq!(merged(&row, vec![of(2, 5), of(3, 0)]), [of(1, 4), of(2, 5)]);
        assert_eq!(merged(&row, vec![of(1, 0), of(3, 0)]), []);
    }
}
