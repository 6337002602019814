//! From series to systemic issues. A verdict is a function of the series as it stands at a mark:
//! whatever the order in which the counts came, equal series give equal issues.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use quell_detect::{Cell as DetectCell, DETECTOR_VERSION, Rise, explain, rises, thousandths};
use quell_model::time::{DAY_MS, HOUR_MS};
use quell_model::trend::Granularity;
use quell_model::{DEFINITION_VERSION, Output, ReasonId, SystemicIssue, TimeMs, UNCLASSIFIED};

use super::cell::{Cell, CellCounts, WHOLE, reason_key};
use super::names::REASONS;
use super::{ClockRow, TREND_VERSION, Trend, read_clock, write_clock};
use crate::Effects;
use crate::state::{
    self, Scan, State, StateError, TREND_COUNTS, TREND_DIRTY, TREND_ISSUES, TREND_SERIES,
};

/// Cells named in an explanation.
const MAX_EXPLANATIONS: usize = 5;

#[derive(Serialize, Deserialize)]
struct IssueRow {
    revision: u64,
    issue: SystemicIssue,
}

/// The days that are judged.
struct Span {
    first_day: TimeMs,
    last_day: TimeMs,
    /// Before this the past is cut off by the horizon, and a rise may look different.
    settled: TimeMs,
    mark: TimeMs,
}

impl Trend {
    /// Judges the reasons whose series changed since the last mark.
    pub(super) fn judge(
        &mut self,
        state: &mut dyn State,
        mark: TimeMs,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let Some(mut clock) = read_clock(state)? else { return Ok(()) };
        let span = self.span(&clock, mark);
        let dirty = if clock.all_dirty {
            clock.all_dirty = false;
            write_clock(state, &clock);
            all_reasons(state, clock.first_day)?
        } else {
            dirty_reasons(state)?
        };
        for (reason, dirty_day) in dirty {
            state.delete(TREND_DIRTY, &series_prefix(&reason));
            // No one can own "no reason was found"; a rise of it is a gap of the taxonomy.
            if reason == UNCLASSIFIED {
                continue;
            }
            let open = self.judge_reason(state, &reason, dirty_day, &span, effects)?;
            if let Some(open) = open {
                state::write(state, TREND_DIRTY, &series_prefix(&reason), TREND_VERSION, &open);
            }
        }
        Ok(())
    }

    fn span(&self, clock: &ClockRow, mark: TimeMs) -> Span {
        let horizon = mark.plus_ms(-self.settings.detection_horizon_ms).day();
        let baseline_ms = i64::from(self.settings.detector.baseline_days) * DAY_MS;
        let cut = horizon > clock.first_day;
        Span {
            first_day: clock.first_day.max(horizon),
            last_day: clock.last_day,
            settled: if cut { horizon.plus_ms(baseline_ms) } else { TimeMs::MIN },
            mark,
        }
    }

    /// Returns the last day of an issue that goes on: it must be looked at again to be closed.
    fn judge_reason(
        &mut self,
        state: &mut dyn State,
        reason: &str,
        dirty_day: TimeMs,
        span: &Span,
        effects: &mut Effects,
    ) -> Result<Option<TimeMs>, StateError> {
        let Span { first_day, last_day, settled, mark } = *span;
        let people = series(state, reason, first_day, last_day)?;
        let found = rises(first_day, &people, &self.settings.detector);
        let mut stored = stored_issues(state, reason)?;
        let mut open = None;
        for rise in found {
            let key = issue_key(reason, rise.first_day());
            let known = stored.remove(&key);
            let is_open = mark < closed_after(&rise);
            if is_open {
                open = Some(rise.last_day());
            }
            let keep = rise.last_day() < dirty_day || rise.first_day() < settled;
            if keep && known.as_ref().is_some_and(|known| known.issue.closed_at.is_some()) {
                continue;
            }
            let issue = self.issue(state, reason, &rise, is_open)?;
            if known.as_ref().is_some_and(|known| known.issue == issue) {
                continue;
            }
            let revision = known.as_ref().map_or(1, |known| known.revision + 1);
            if let Some(known) = known.filter(|known| known.issue.issue_id != issue.issue_id) {
                put_out(effects, known.issue.issue_id, revision, None);
            }
            put_out(effects, issue.issue_id.clone(), revision, Some(issue.clone()));
            let row = IssueRow { revision, issue };
            state::write(state, TREND_ISSUES, &key, TREND_VERSION, &row);
        }
        for (key, gone) in stored {
            if gone.issue.opened_at >= settled {
                state.delete(TREND_ISSUES, &key);
                put_out(effects, gone.issue.issue_id, gone.revision + 1, None);
            } else if gone.issue.closed_at.is_none() {
                close(state, &key, gone, effects);
            }
        }
        Ok(open)
    }

    fn issue(
        &mut self,
        state: &mut dyn State,
        reason: &str,
        rise: &Rise,
        is_open: bool,
    ) -> Result<SystemicIssue, StateError> {
        let opened_at = self.opening_hour(state, reason, rise)?;
        let cells = self.cells(state, reason, rise)?;
        Ok(SystemicIssue {
            issue_id: format!("{}:{reason}:{opened_at}", self.settings.tenant),
            reason: ReasonId(reason.to_owned()),
            verdict: rise.verdict,
            opened_at,
            closed_at: (!is_open).then(|| rise.last_day().plus_ms(DAY_MS)),
            customers: rise.people(),
            excess: thousandths(rise.excess()),
            explanation: explain(&cells, (rise.people(), rise.excess()), MAX_EXPLANATIONS),
            evidence: rise.days.iter().map(|day| day.evidence.clone()).collect(),
            detector_version: DETECTOR_VERSION.to_owned(),
            taxonomy_version: self.taxonomy_version.clone(),
            definition_version: DEFINITION_VERSION.to_owned(),
        })
    }
}

fn put_out(effects: &mut Effects, issue_id: String, revision: u64, issue: Option<SystemicIssue>) {
    effects.outputs.push(Output::Issue { issue_id, revision, issue: issue.map(Box::new) });
}

/// Closes an issue whose days lie beyond the horizon.
fn close(state: &mut dyn State, key: &[u8], mut row: IssueRow, effects: &mut Effects) {
    let last_day = row.issue.evidence.last().map_or(row.issue.opened_at, |day| day.day);
    row.issue.closed_at = Some(last_day.plus_ms(DAY_MS));
    row.revision += 1;
    put_out(effects, row.issue.issue_id.clone(), row.revision, Some(row.issue.clone()));
    state::write(state, TREND_ISSUES, key, TREND_VERSION, &row);
}

/// One quiet day does not end a rise, so it is over after two.
fn closed_after(rise: &Rise) -> TimeMs {
    rise.last_day().plus_ms(3 * DAY_MS)
}

fn series_prefix(reason: &str) -> Vec<u8> {
    let mut prefix = reason.as_bytes().to_vec();
    prefix.push(0);
    prefix
}

fn issue_key(reason: &str, first_day: TimeMs) -> Vec<u8> {
    let mut key = series_prefix(reason);
    key.extend_from_slice(&first_day.to_key());
    key
}

fn reason_of(key: &[u8]) -> String {
    let end = key.iter().position(|&byte| byte == 0).unwrap_or(key.len());
    String::from_utf8_lossy(&key[..end]).into_owned()
}

fn dirty_reasons(state: &mut dyn State) -> Result<BTreeMap<String, TimeMs>, StateError> {
    let scan = Scan { table: TREND_DIRTY, from: &[], to: &[u8::MAX], descending: false };
    let found = state::rows(state, scan, usize::MAX)?;
    found
        .into_iter()
        .map(|(key, row)| Ok((reason_of(&key), state::decode(TREND_DIRTY, TREND_VERSION, &row)?)))
        .collect()
}

fn all_reasons(
    state: &mut dyn State,
    first_day: TimeMs,
) -> Result<BTreeMap<String, TimeMs>, StateError> {
    let mut reasons = BTreeMap::new();
    let mut from = Vec::new();
    loop {
        let scan = Scan { table: TREND_SERIES, from: &from, to: &[u8::MAX], descending: false };
        let Some((key, _)) = state::rows(state, scan, 1)?.pop() else { return Ok(reasons) };
        let reason = reason_of(&key);
        from = state::prefix_end(&series_prefix(&reason));
        reasons.insert(reason, first_day);
    }
}

fn series(
    state: &mut dyn State,
    reason: &str,
    first_day: TimeMs,
    last_day: TimeMs,
) -> Result<Vec<u64>, StateError> {
    let days = last_day.since_ms(first_day).div_euclid(DAY_MS) + 1;
    let mut people = vec![0; usize::try_from(days).unwrap_or(0)];
    let from = issue_key(reason, first_day);
    let to = state::prefix_end(&series_prefix(reason));
    let scan = Scan { table: TREND_SERIES, from: &from, to: &to, descending: false };
    for (key, row) in state::rows(state, scan, people.len())? {
        let Some(day) = key.last_chunk::<8>() else { continue };
        let i = TimeMs::from_key(*day).since_ms(first_day) / DAY_MS;
        if let Some(slot) = people.get_mut(i as usize) {
            *slot = state::decode(TREND_SERIES, TREND_VERSION, &row)?;
        }
    }
    Ok(people)
}

fn stored_issues(
    state: &mut dyn State,
    reason: &str,
) -> Result<BTreeMap<Vec<u8>, IssueRow>, StateError> {
    let prefix = series_prefix(reason);
    let to = state::prefix_end(&prefix);
    let scan = Scan { table: TREND_ISSUES, from: &prefix, to: &to, descending: false };
    let found = state::rows(state, scan, usize::MAX)?;
    found
        .into_iter()
        .map(|(key, row)| Ok((key, state::decode(TREND_ISSUES, TREND_VERSION, &row)?)))
        .collect()
}

impl Trend {
    /// The first hour of the first day by which more people had come than the day's limit.
    fn opening_hour(
        &mut self,
        state: &mut dyn State,
        reason: &str,
        rise: &Rise,
    ) -> Result<TimeMs, StateError> {
        let day = rise.first_day();
        let limit = rise.days[0].evidence.limit;
        let Some(id) = self.names.known(state, REASONS, reason)? else { return Ok(day) };
        let mut people = 0;
        for hour in 0..24 {
            let start = day.plus_ms(hour * HOUR_MS);
            let cell = Cell::new(Granularity::Hour, start, id, (WHOLE, WHOLE));
            let counts: Option<CellCounts> =
                state::read(state, TREND_COUNTS, cell.key(), TREND_VERSION)?;
            people += counts.map_or(0, |counts| counts.people());
            if people as f64 > limit {
                return Ok(start);
            }
        }
        Ok(day)
    }

    /// People per dimension value on the days of the rise and, scaled to as many days, before it.
    fn cells(
        &mut self,
        state: &mut dyn State,
        reason: &str,
        rise: &Rise,
    ) -> Result<Vec<DetectCell>, StateError> {
        let mut sums: BTreeMap<(String, String), (u64, f64)> = BTreeMap::new();
        for day in &rise.days {
            for (name, people) in self.day_cells(state, reason, day.evidence.day)? {
                sums.entry(name).or_default().0 += people;
            }
        }
        let baseline = &rise.days[0].baseline;
        let scale = rise.days.len() as f64 / baseline.len().max(1) as f64;
        for day in baseline {
            for (name, people) in self.day_cells(state, reason, *day)? {
                if let Some(sum) = sums.get_mut(&name) {
                    sum.1 += people as f64 * scale;
                }
            }
        }
        Ok(sums
            .into_iter()
            .map(|((dimension, value), (observed, expected))| DetectCell {
                dimension,
                value,
                observed,
                expected,
            })
            .collect())
    }

    fn day_cells(
        &mut self,
        state: &mut dyn State,
        reason: &str,
        day: TimeMs,
    ) -> Result<CellPeople, StateError> {
        let Some(id) = self.names.known(state, REASONS, reason)? else { return Ok(Vec::new()) };
        let prefix = reason_key(Granularity::Day, day, id);
        let to = state::prefix_end(&prefix);
        let scan = Scan { table: TREND_COUNTS, from: &prefix, to: &to, descending: false };
        let mut found = Vec::new();
        for (key, row) in state::rows(state, scan, usize::MAX)? {
            let Some(cell) = Cell::from_key(&key).filter(|cell| !cell.is_whole()) else { continue };
            let counts: CellCounts = state::decode(TREND_COUNTS, TREND_VERSION, &row)?;
            let named = self.named(state, &cell)?;
            found.push(((named.dimension, named.value), counts.people()));
        }
        Ok(found)
    }
}

type CellPeople = Vec<((String, String), u64)>;
