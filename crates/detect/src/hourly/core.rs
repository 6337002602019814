//! One hour for a tenant: expect, judge, learn. A function of the state and the hour alone.

use quell_model::Verdict;
use serde::{Deserialize, Serialize};

use super::calendar::{Day, TERMS, regressors};
use super::cells::{Around, Cells, Gate};
use super::exposure::Exposure;
use super::factor::{Factor, Part, factors};
use super::issue::{Issue, Subject};
use super::scan::{Evidence, RING_H, Stake};
use super::series::{Seen, Series, Setting};
use super::stray::{Stray, WINDOWS};
use super::yearly::Recurrence;
use super::{Count, Hour, HourlySettings};

/// Shares on holidays differ from those of other days: standard deviation of the logarithm.
const HOLIDAY_SD: f64 = 0.1;
/// A strong common factor does not hit all alike: error per unit of its logarithm.
const FACTOR_SD: f64 = 0.1;
/// Error of the common expectation itself, against which "everything" is judged.
const EVERYTHING_SD: f64 = 0.1;

/// What an hour is for all series alike.
struct Frame<'a> {
    hour: u64,
    known: bool,
    ln_whole: f64,
    variance: f64,
    errors_sq: [f64; WINDOWS],
    recurrence: Recurrence,
    settings: &'a HourlySettings,
}

/// A stake with its scores for an issue and for a watch.
type Limits = (Stake, (f64, f64));

impl Frame<'_> {
    fn limits(&self, stake: Stake) -> Limits {
        (stake, (stake.threshold(self.settings), stake.watch_threshold(self.settings)))
    }

    fn setting(&self, factor: Factor, lasting: f64, (stake, thresholds): Limits) -> Setting<'_> {
        Setting {
            hour: self.hour,
            known: self.known,
            ln_whole: self.ln_whole + factor.ln,
            variance: factor.variance + self.variance + (FACTOR_SD * factor.ln).powi(2),
            lasting,
            stake,
            thresholds,
            errors_sq: &self.errors_sq,
            recurrence: &self.recurrence,
            settings: self.settings,
        }
    }
}

/// All that is known of a tenant after some hours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Core {
    hours: u64,
    exposure: Exposure,
    stray: Stray,
    /// How far seasons of reasons come again.
    recurrence: Recurrence,
    /// The day of the last holiday.
    last_holiday: Option<u64>,
    everything: Series,
    series: Vec<Series>,
    cells: Cells,
    /// The place of what has no reason.
    unnamed: Option<usize>,
    /// A reason that nobody has come for yet: what every new one has been until now.
    unseen: Series,
}

impl Core {
    pub fn new() -> Core {
        Core {
            hours: 0,
            exposure: Exposure::new(),
            stray: Stray::default(),
            recurrence: Recurrence::default(),
            last_holiday: None,
            everything: Series::whole(),
            series: Vec::new(),
            cells: Cells::default(),
            unnamed: None,
            unseen: Series::new(),
        }
    }

    /// Whether a value read from storage has the shape of this version.
    pub fn is_sound(&self) -> bool {
        self.exposure.is_sound()
            && self.stray.is_sound()
            && self.recurrence.is_sound()
            && self.all().map(|(_, series)| series).chain([&self.unseen]).all(Series::is_sound)
    }

    /// Takes the next hour, `at` hours after a Monday, 00:00.
    pub fn step(&mut self, at: u64, hour: &Hour, settings: &HourlySettings) {
        let (counts, total) = self.counted(hour);
        let customers = f64::from(total.customers);
        let day = Day::of(at, hour.holiday, self.last_holiday);
        let ln_expected = self.exposure.ln_expected(at, day);
        let ahead = regressors(at, RING_H as f64);
        // Shares are learned from the first hours on, when what is shared is not yet known.
        let young = self.hours < RING_H as u64;
        let ln_rough = if young { customers.max(0.5).ln() } else { ln_expected };
        let learned = self.stray.errors_sq();
        let frame = Frame {
            hour: at,
            known: hour.known,
            ln_whole: ln_rough,
            variance: if day == Day::Holiday { HOLIDAY_SD * HOLIDAY_SD } else { 0.0 },
            errors_sq: if settings.calibrates { learned } else { [0.0; WINDOWS] },
            recurrence: self.recurrence,
            settings,
        };
        let recurrence = &frame.recurrence;
        let open = self.cells.open(&hour.cells);
        let seen = |reason: usize, count: Count, cells: &Cells, ln_whole: f64| {
            let expected = |cell: &Series| cell.expected((at, ln_whole), recurrence, &ahead);
            cells.rest(&open, (reason, count.into()), expected)
        };
        let each = self.series.iter().zip(&counts).enumerate();
        let mut parts: Vec<Part> = each
            .map(|(reason, (series, count))| {
                let seen = seen(reason, *count, &self.cells, ln_expected);
                series.part(seen, (at, ln_expected), recurrence, &ahead)
            })
            .collect();
        // Nobody is expected for what nobody has come for: it has no part in the factor.
        parts.push(Part { count: 0.0, mean: 0.0, dispersion: 1.0, quiet: true });
        let reasons = self.series.len();
        let (stake, of_cells) = Stake::shared(reasons, self.cells.len());
        let (own, of_cells) = (frame.limits(stake), frame.limits(of_cells));
        let factors = factors(&parts);
        let mut gates = Vec::with_capacity(reasons);
        let mut explained = [0.0; RING_H];
        let each = self.series.iter_mut().zip(&counts).zip(&factors);
        for (reason, ((series, count), factor)) in each.enumerate() {
            let own = frame.setting(*factor, 0.0, own);
            let seen = seen(reason, *count, &self.cells, own.ln_whole);
            let was_open = series.is_open();
            let lesson = series.step(Subject::Reason(reason), seen, &own, &ahead);
            gates.push(Gate::of(was_open, series, &own));
            self.stray.learn(&lesson.looks, &learned);
            lesson.again.into_iter().for_each(|again| self.recurrence.learn(again));
            explained[0] += (f64::from(count.customers) - seen.customers).max(0.0);
            if self.unnamed != Some(reason) {
                let own = explained.iter_mut().zip(series.explained(at));
                own.for_each(|(sum, excess)| *sum += excess);
            }
        }
        let none = Factor { ln: 0.0, variance: 0.0 };
        let factor = factors.last().copied().unwrap_or(none);
        self.step_unseen(&frame.setting(factor, 0.0, own), &ahead);
        let lasting = EVERYTHING_SD * EVERYTHING_SD + self.exposure.special_variance(at, day);
        let rest = self.rest(total.into(), &explained);
        let of_all = self.step_all(rest, &frame.setting(none, lasting, own), &ahead);
        gates.iter_mut().for_each(|gate| *gate = gate.and(of_all));
        let of_reason = |reason: usize| {
            frame.setting(factors.get(reason).copied().unwrap_or(none), 0.0, of_cells)
        };
        let around = Around { setting: &of_reason, ahead: &ahead, gates };
        self.cells.step(&hour.cells, &around, &mut self.series);
        self.end((at, day), hour, customers);
    }

    /// What the hour says of all reasons together, apart from verdicts.
    fn end(&mut self, (at, day): (u64, Day), hour: &Hour, customers: f64) {
        self.stray.pass_hour();
        self.recurrence.pass_hour();
        let known_total = hour.known.then_some(customers);
        self.exposure.learn(at, day, known_total, hour.orders);
        if hour.holiday {
            self.last_holiday = Some(at / 24);
        }
        self.hours += 1;
    }

    fn step_unseen(&mut self, at: &Setting, ahead: &[f64; TERMS]) {
        let nowhere = Subject::Reason(self.series.len());
        self.unseen.step(nowhere, Count::default().into(), at, ahead);
    }

    /// The counts by reason, with places for new ones, and their sum.
    fn counted(&mut self, hour: &Hour) -> (Vec<Count>, Count) {
        while self.series.len() < hour.counts.len() {
            self.series.push(self.unseen.clone());
        }
        let mut counts = hour.counts.clone();
        counts.resize(self.series.len(), Count::default());
        let total = counts.iter().fold(Count::default(), |sum, count| Count {
            customers: sum.customers.saturating_add(count.customers),
            contacts: sum.contacts.saturating_add(count.contacts),
        });
        (counts, total)
    }

    /// Takes what all reasons together brought.
    fn step_all(&mut self, seen: Seen, at: &Setting, ahead: &[f64; TERMS]) -> Gate {
        let was_open = self.everything.is_open();
        self.everything.step(Subject::Everything, seen, at, ahead);
        Gate::of(was_open, &self.everything, at)
    }

    /// What is left of an hour of all reasons without the excess of those with an open issue
    /// (newest hour first): one cause is one issue, and what a reason explains is no event of all.
    fn rest(&mut self, total: Seen, explained: &[f64; RING_H]) -> Seen {
        for (back, excess) in explained.iter().skip(1).enumerate() {
            self.everything.recent.relieve(back, *excess);
        }
        Seen { customers: (total.customers - explained[0]).max(0.0), ..total }
    }

    /// Issues of this place are told to nobody, so they explain nothing.
    pub fn set_unnamed(&mut self, reason: usize) {
        self.unnamed = Some(reason);
    }

    /// The cells that are tracked.
    pub fn cells(&self) -> &Cells {
        &self.cells
    }

    /// Those, to track more or fewer.
    pub fn cells_mut(&mut self) -> &mut Cells {
        &mut self.cells
    }

    /// The last issue of each subject, open or not.
    pub fn issues(&self) -> impl Iterator<Item = &Issue> {
        self.all().filter_map(|(_, series)| series.issue.as_ref())
    }

    /// Subjects over the lower limit without an issue, as issues that opened when they passed it.
    /// A cell tells nothing while its reason does.
    pub fn watches(&self) -> impl Iterator<Item = Issue> {
        let (stake, of_cells) = Stake::shared(self.series.len(), self.cells.len());
        let watches = self.reasons().filter_map(move |(subject, series)| {
            Some(series.opened(subject, series.watched_from?, stake))
        });
        let is_quiet = |reason: usize| {
            self.series.get(reason).is_none_or(|series| series.watched_from.is_none())
        };
        watches.chain(self.cells.watches(of_cells, is_quiet))
    }

    /// What is said of a subject, and the numbers of its window that says most: isolated where
    /// chance and the known causes explain it, systemic while an issue is open.
    pub fn verdict(&self, subject: Subject) -> (Verdict, Evidence) {
        let found = self.all().find(|(known, _)| *known == subject);
        let Some((_, series)) = found else { return (Verdict::Isolated, Evidence::default()) };
        let verdict = if series.is_open() {
            Verdict::Systemic
        } else if series.watched_from.is_some() {
            Verdict::Watch
        } else {
            Verdict::Isolated
        };
        (verdict, series.now)
    }

    fn all(&self) -> impl Iterator<Item = (Subject, &Series)> {
        self.reasons().chain(self.cells.all())
    }

    /// All together, and each.
    fn reasons(&self) -> impl Iterator<Item = (Subject, &Series)> {
        let reasons = self.series.iter().enumerate();
        std::iter::once((Subject::Everything, &self.everything))
            .chain(reasons.map(|(reason, series)| (Subject::Reason(reason), series)))
    }

    #[cfg(test)]
    pub fn share_of(&self, reason: usize, at: u64) -> Option<f64> {
        self.series.get(reason)?.expected(
            (at, 0.0),
            &self.recurrence,
            &regressors(at, RING_H as f64),
        )
    }
}
