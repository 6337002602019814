//! Plays hours through the detector. A verdict is a function of the hours as they stand: what
//! changes an hour that was judged is judged again from a detector that was stored before it, so
//! equal counts give equal issues, whatever the order in which they came.

use std::collections::{BTreeMap, BTreeSet};

use quell_detect::hourly::{Count, GAP_MAX_H, Hour, HourlySettings, HourlyState, Issue, Subject};
use quell_model::time::HOUR_MS;
use quell_model::{TimeMs, UNCLASSIFIED};

use super::Trend;
use super::frequent::Frequent;
use super::hours::{self, HourNo, HourRow, hour_no, start_of};
use super::judged::{Detector, JudgedRow};
use super::names::{NameId, Names, REASONS};
use super::owner::Owner;
use crate::Effects;
use crate::state::{State, StateError, TREND_HOURS};

/// Hours after the mark are judged as far as contacts reach, but no further than this: event time
/// is not complete there, and what comes changes the verdict.
const AHEAD_H: u64 = 96;
/// Detectors are stored this far behind the last hour: late contacts mostly come sooner.
const LATE_H: u64 = 96;
/// A stretch without any contact that is longer than this was no silence: the source was down.
const SILENCE_MAX_H: u64 = 7 * 24;
/// Series times hours that one look plays, a second's work; the rest is left to the next.
const MAX_PLAYED: u64 = 300_000;
/// Hours read at once.
const HOURS_READ: usize = 200;
/// Rows of a kind beyond the horizon that one look removes.
pub(super) const MAX_PRUNED: usize = 2_000;

/// The detector at the last hour judged.
pub struct Head {
    /// The look that it comes from.
    revision: u64,
    pub(super) detector: Detector,
    pub(super) places: BTreeMap<NameId, usize>,
}

/// Issues met while hours were played, by the hour of opening and the owner.
pub type Played = BTreeMap<(HourNo, Owner), Issue>;

/// What one look brought.
pub struct Look {
    /// The first hour played.
    pub from: HourNo,
    /// The hour after the last one played.
    pub to: HourNo,
    /// Issues as they stand.
    pub issues: Played,
    /// What is watched at the end; none where hours are left to play.
    pub watches: Option<Played>,
}

impl Head {
    fn new(detector: Detector, revision: u64) -> Head {
        let places = (0..).zip(&detector.reasons).map(|(place, &id)| (id, place)).collect();
        Head { revision, detector, places }
    }

    fn begin(first: HourNo, settings: HourlySettings) -> Head {
        let hours = HourlyState::new(first, settings);
        let (reasons, parts) = (Vec::new(), Vec::new());
        let frequent = Frequent::begin(first / 24);
        Head::new(Detector { hours, reasons, parts, frequent }, 0)
    }

    /// The hour that is due.
    pub(super) fn next(&self) -> HourNo {
        self.detector.hours.next_hour()
    }

    /// Gives new reasons their places: by name, since numbers tell of the order of arrival.
    fn place(
        &mut self,
        state: &mut dyn State,
        names: &mut Names,
        row: &HourRow,
    ) -> Result<(), StateError> {
        let mut new = BTreeMap::new();
        for count in row.iter().filter(|count| !self.places.contains_key(&count.reason)) {
            new.insert(names.name(state, REASONS, count.reason)?.to_owned(), count.reason);
        }
        for (name, id) in new {
            if name == UNCLASSIFIED {
                self.detector.hours.set_unnamed(self.detector.reasons.len());
            }
            self.places.insert(id, self.detector.reasons.len());
            self.detector.reasons.push(id);
        }
        Ok(())
    }

    fn counts(&self, row: &HourRow) -> Vec<Count> {
        let mut counts = vec![Count::default(); self.detector.reasons.len()];
        for count in row {
            let place = self.places.get(&count.reason);
            if let Some(slot) = place.and_then(|&place| counts.get_mut(place)) {
                *slot = count_of(count.people, count.contacts);
            }
        }
        counts
    }

    /// Takes the next hour and notes the issues that are open, or closed in it.
    fn push(
        &mut self,
        (counts, cells): (Vec<Count>, Vec<Count>),
        around: &Around,
        issues: &mut Played,
    ) -> Result<(), StateError> {
        let at = self.next();
        let orders = around.exposure.get(&at).copied().unwrap_or(f64::NAN);
        let holiday = around.holidays.contains(&start_of(at).day());
        self.take(at, Hour { known: true, orders, holiday, counts, cells })?;
        self.note(issues, |issue| issue.closed.is_none_or(|closed| closed >= at));
        Ok(())
    }

    /// Takes an hour; what lies before it is unknown.
    fn take(&mut self, at: HourNo, hour: Hour) -> Result<(), StateError> {
        let refused = |error| {
            let detail = format!("hour {at} is not taken by the detector: {error:?}");
            StateError::Row { table: TREND_HOURS, detail }
        };
        self.detector.hours.push(at, hour).map_err(refused)
    }

    fn note(&self, issues: &mut Played, is_asked: impl Fn(&Issue) -> bool) {
        let asked = self.detector.hours.issues().filter(|issue| is_asked(issue));
        issues.extend(asked.filter_map(|issue| self.owned(*issue)));
    }

    fn owned(&self, issue: Issue) -> Option<((HourNo, Owner), Issue)> {
        let owner = match issue.subject {
            Subject::Everything => Owner::All,
            Subject::Reason(place) => Owner::Reason(*self.detector.reasons.get(place)?),
            Subject::Cell(number) => {
                let mut parts = self.detector.parts.iter();
                Owner::Part(parts.find(|(id, _)| *id == number)?.1)
            }
        };
        Some(((issue.opened, owner), issue))
    }

    fn watches(&self) -> Played {
        self.detector.hours.watches().filter_map(|watch| self.owned(watch)).collect()
    }
}

impl Trend {
    /// Judges the hours that are new at this mark, and those that changed.
    pub(super) fn judge(
        &mut self,
        state: &mut dyn State,
        mark: TimeMs,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let known = JudgedRow::read(state)?;
        let mut judged = known.clone();
        if let Some(look) = self.look(state, mark, &mut judged)? {
            effects.unfinished |= look.watches.is_none();
            self.publish(state, &look, judged.revision, effects)?;
            hours::prune(state, judged.floor, MAX_PRUNED)?;
            self.prune_samples(state, judged.floor)?;
        }
        judged.write_unless(state, &known);
        Ok(())
    }

    /// Plays what is due; none where nothing is.
    fn look(
        &mut self,
        state: &mut dyn State,
        mark: TimeMs,
        judged: &mut JudgedRow,
    ) -> Result<Option<Look>, StateError> {
        let complete = hour_no(mark).unwrap_or(0);
        let limit = match hours::last(state)? {
            // The last hour with a contact is over once the mark has passed it.
            Some(last) => last.saturating_add(u64::from(complete > last)),
            None => 0,
        };
        let limit = limit.min(complete.saturating_add(AHEAD_H));
        let changed = judged.due_change(mark).filter(|&hour| hour < judged.next);
        if let Some(changed) = changed {
            self.head = None;
            judged.forget_after(state, changed)?;
        } else if hours::rows(state, (judged.next, limit), 1)?.is_empty() {
            return Ok(None);
        }
        let mut head = self.last_head(state, judged)?;
        let mut issues = Played::new();
        let from = head.as_ref().map_or(0, Head::next);
        if let Some(head) = &head {
            let reopen_h = u64::from(self.settings.detector.reopen_h);
            let may_come_back = |closed: HourNo| closed.saturating_add(reopen_h) >= from;
            head.note(&mut issues, |issue| issue.closed.is_none_or(may_come_back));
        }
        let newest = complete.min(limit.saturating_sub(LATE_H));
        let (names, settings) = (&mut self.names, self.settings.as_ref());
        let mut play = Play { state, names, judged, settings, newest, limit };
        let is_done = play.run(&mut head, &mut issues)?;
        judged.revision += 1;
        judged.next = head.as_ref().map_or(0, Head::next);
        let horizon = mark.plus_ms(-self.settings.detection_horizon_ms);
        judged.thin(state, newest, hour_no(horizon).unwrap_or(0))?;
        let watches = || head.as_ref().map_or_else(Played::new, Head::watches);
        let (to, watches) = (judged.next, is_done.then(watches));
        let revision = judged.revision;
        self.head = head.map(|head| Head { revision, ..head });
        Ok(Some(Look { from, to, issues, watches }))
    }

    /// The detector to go on from.
    fn last_head(
        &mut self,
        state: &mut dyn State,
        judged: &JudgedRow,
    ) -> Result<Option<Head>, StateError> {
        let is_right = |head: &Head| head.revision == judged.revision;
        if let Some(head) = self.head.take().filter(is_right) {
            return Ok(Some(head));
        }
        let Some(&hour) = judged.stored.last() else { return Ok(None) };
        Detector::read(state, hour).map(|detector| Some(Head::new(detector, 0)))
    }
}

/// What is known of hours beside their contacts.
struct Around<'a> {
    /// Units of the business driver.
    exposure: BTreeMap<HourNo, f64>,
    /// Starts of the days that are holidays.
    holidays: &'a BTreeSet<TimeMs>,
}

/// Hours going through a detector.
struct Play<'a> {
    state: &'a mut dyn State,
    names: &'a mut Names,
    judged: &'a mut JudgedRow,
    settings: &'a crate::Settings,
    /// Detectors before this hour may be stored.
    newest: HourNo,
    /// The first hour that is not to be played.
    limit: HourNo,
}

impl Play<'_> {
    /// Plays all hours to the limit; false where some are left.
    fn run(&mut self, head: &mut Option<Head>, issues: &mut Played) -> Result<bool, StateError> {
        let mut played = 0;
        loop {
            let next = head.as_ref().map_or(0, Head::next);
            let rows = hours::rows(self.state, (next, self.limit), HOURS_READ)?;
            let (Some((first, _)), Some((last, _))) = (rows.first(), rows.last()) else {
                return Ok(true);
            };
            let from = next.max(first.saturating_sub(SILENCE_MAX_H));
            let exposure = hours::exposure(self.state, (from, last.saturating_add(1)))?;
            let around = Around { exposure, holidays: &self.settings.holidays };
            for (hour, row) in rows {
                let head = head.get_or_insert_with(|| Head::begin(hour, self.settings.detector));
                let before = head.next();
                self.hour(head, hour, &row, &around, issues)?;
                let series = head.detector.reasons.len() + head.detector.parts.len() + 2;
                played += (head.next() - before.min(head.next())) * series as u64;
            }
            if played > MAX_PLAYED {
                return Ok(false);
            }
        }
    }

    /// Plays the hours up to `hour`, in which there was no contact, and `hour`.
    fn hour(
        &mut self,
        head: &mut Head,
        hour: HourNo,
        row: &HourRow,
        around: &Around,
        issues: &mut Played,
    ) -> Result<(), StateError> {
        let next = head.next();
        let is_new_day = next.saturating_sub(1) / 24 != hour / 24;
        if is_new_day && self.judged.wants(next, self.newest) {
            head.detector.write(self.state);
            self.judged.stored.push(next);
        }
        let silence_h = hour.saturating_sub(next);
        if silence_h > GAP_MAX_H {
            // What was open is over: nobody knows how it went on.
            for issue in issues.values_mut().filter(|issue| issue.is_open()) {
                issue.closed = Some(next.saturating_sub(1));
            }
            *head = Head::begin(hour, head.detector.hours.settings());
        } else if silence_h > SILENCE_MAX_H {
            let unknown = Hour { orders: f64::NAN, ..Hour::default() };
            head.take(hour - 1, unknown)?;
        }
        let cells = self.settings.cells;
        for _ in head.next()..hour {
            head.choose_parts(self.state, self.names, cells)?;
            head.push((Vec::new(), Vec::new()), around, issues)?;
        }
        head.choose_parts(self.state, self.names, cells)?;
        head.place(self.state, self.names, row)?;
        let counts = (head.counts(row), head.part_counts(self.state, hour, row)?);
        head.push(counts, around, issues)
    }
}

/// People and millionths of contacts as the detector takes them.
pub fn count_of(people: u64, contacts: i64) -> Count {
    let contacts = contacts.saturating_add(500_000) / 1_000_000;
    Count {
        customers: u32::try_from(people).unwrap_or(u32::MAX),
        contacts: u32::try_from(contacts.max(0)).unwrap_or(u32::MAX),
    }
}

/// When an hour is over.
pub fn end_of(hour: HourNo) -> TimeMs {
    hours::start_of(hour).plus_ms(HOUR_MS)
}
