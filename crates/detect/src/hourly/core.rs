//! One hour for a tenant: expect, judge, learn. A function of the state and the hour alone.

use quell_model::Verdict;
use serde::{Deserialize, Serialize};

use super::baseline::{Baseline, Learning, bounded_exp};
use super::calendar::{Day, TERMS, regressors};
use super::exposure::Exposure;
use super::factor::{Factor, Part, factors};
use super::issue::{Issue, Opening, Passed, Subject};
use super::scan::{
    Evidence, How, RING_H, Recent, Slot, WINDOWS_H, chance_per_week, threshold, watch_threshold,
};
use super::stray::{Look, Stray, WINDOWS};
use super::{Count, Hour, HourlySettings, WEEK_H};

/// Hours of age before residuals tell of the spread.
const SPREAD_FROM_H: u64 = 2 * RING_H as u64;
/// Shares on holidays differ from those of other days: standard deviation of the logarithm.
const HOLIDAY_SD: f64 = 0.1;
/// A strong common factor does not hit all alike: error per unit of its logarithm.
const FACTOR_SD: f64 = 0.1;
/// Error of the common expectation itself, against which "everything" is judged.
const EVERYTHING_SD: f64 = 0.1;
/// The backlog after an outage of the channel brings what was missing: over half a day it is no
/// excess.
const EVERYTHING_SHORTEST_H: u32 = 14;

/// A series of counts with its baseline, recent hours and issue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Series {
    age_h: u64,
    /// None until the first ring of hours is full.
    baseline: Option<Baseline>,
    recent: Recent,
    /// The open issue, or the last one.
    issue: Option<Issue>,
    now: Evidence,
    /// The hour from which on it is over the lower limit without a break, and without an issue.
    watched_from: Option<u64>,
}

/// What an hour is for one series, apart from its count.
#[derive(Clone, Copy)]
struct Setting<'a> {
    hour: u64,
    known: bool,
    ln_whole: f64,
    /// Relative variance of the expectation in this hour alone.
    variance: f64,
    /// Relative variance of the expectation over all hours alike, beside that of the share.
    lasting: f64,
    reasons: usize,
    /// Scores from which an issue opens, and from which a reason is watched.
    thresholds: (f64, f64),
    /// Learned squared relative errors of the expectation, by window length.
    errors_sq: &'a [f64; WINDOWS],
    settings: &'a HourlySettings,
}

impl Series {
    fn new() -> Series {
        let (recent, now) = (Recent::default(), Evidence::default());
        Series { age_h: 0, baseline: None, recent, issue: None, now, watched_from: None }
    }

    /// All reasons together: their share is the whole, and only its spread is learned.
    fn whole() -> Series {
        Series { baseline: Some(Baseline::whole()), ..Series::new() }
    }

    fn is_open(&self) -> bool {
        self.issue.is_some_and(|issue| issue.is_open())
    }

    /// Customers over the expectation in the hours that the open issue took at this step, the
    /// newest first.
    fn explained(&self, hour: u64) -> impl Iterator<Item = f64> {
        let open = self.issue.filter(Issue::is_open);
        let taken = open.map_or(0, |issue| if issue.began_at(hour) { self.now.hours } else { 1 });
        let slots = self.recent.slots().iter().rev().take(taken as usize);
        slots.map(|slot| f64::from((slot.customers - slot.mean).max(0.0)))
    }

    /// The part of this series in the hour, before the common factor is known.
    fn part(&self, count: Count, ln_expected: f64, at: &[f64; TERMS]) -> Part {
        let count = f64::from(count.customers);
        let Some(baseline) = &self.baseline else {
            return Part { count: 0.0, mean: 0.0, dispersion: 1.0, quiet: false };
        };
        let mean = bounded_exp(baseline.expect(at).ln_share + ln_expected);
        Part { count, mean, dispersion: baseline.dispersion(), quiet: !self.is_open() }
    }

    /// Takes an hour; gives back the windows that tell how far counts stray.
    fn step(
        &mut self,
        subject: Subject,
        count: Count,
        at: &Setting,
        ahead: &[f64; TERMS],
    ) -> Vec<Look> {
        let slot = self.slot(count, at, ahead);
        let left = self.recent.push(slot, self.baseline.is_some());
        let warmup_h = u64::from(at.settings.warmup_h);
        let is_asked = self.age_h + 1 + WEEK_H >= warmup_h && self.baseline.is_some();
        let mut looks = Vec::new();
        let now = if is_asked { self.scan(subject, at, &mut looks) } else { Evidence::default() };
        let is_judged = self.age_h + 1 >= warmup_h;
        self.now = if is_judged { now } else { Evidence::default() };
        if at.known {
            self.live(subject, &slot, at);
        }
        let is_over = self.now.score > at.thresholds.1;
        let is_watched = is_over && !self.is_open();
        self.watched_from = is_watched.then(|| self.watched_from.unwrap_or(at.hour));
        match left {
            Some(left) => self.learn(&left, at),
            None if self.recent.slots().len() == RING_H && self.baseline.is_none() => self.start(),
            None => {}
        }
        self.age_h += 1;
        looks
    }

    fn scan(&self, subject: Subject, at: &Setting, looks: &mut Vec<Look>) -> Evidence {
        let settings = at.settings;
        let Subject::Reason(reason) = subject else {
            // It has an error of its own.
            let errors_sq = &[0.0; WINDOWS];
            let how = How { settings, shortest_h: EVERYTHING_SHORTEST_H, errors_sq };
            return self.recent.scan(&how, |_| {});
        };
        let how = How { settings, shortest_h: 1, errors_sq: at.errors_sq };
        self.recent.scan(&how, |look| {
            if at.known && Stray::is_due(WINDOWS_H[look.window], at.hour, reason) {
                looks.push(look);
            }
        })
    }

    fn slot(&self, count: Count, at: &Setting, ahead: &[f64; TERMS]) -> Slot {
        let ln_whole = at.ln_whole as f32;
        if !at.known {
            return Slot { ln_whole, ..Slot::default() };
        }
        let mut slot = Slot {
            customers: count.customers as f32,
            contacts: count.contacts as f32,
            ln_whole,
            learns: true,
            ..Slot::default()
        };
        if let Some(baseline) = &self.baseline {
            let expected = baseline.expect(ahead);
            let mean = bounded_exp(expected.ln_share + at.ln_whole);
            slot.mean = mean as f32;
            slot.variance = (baseline.dispersion() * mean + mean * mean * at.variance) as f32;
            slot.share_error = (mean * (expected.variance + at.lasting)) as f32;
        }
        slot
    }

    /// Opens, continues and closes the issue.
    fn live(&mut self, subject: Subject, slot: &Slot, at: &Setting) {
        if let Some(issue) = self.issue.as_mut().filter(|issue| issue.is_open()) {
            let mean = f64::from(slot.mean);
            let seen = Passed {
                customers: f64::from(slot.customers),
                contacts: f64::from(slot.contacts),
                mean,
                dispersion: (f64::from(slot.variance) / mean.max(1e-9)).max(1.0),
            };
            issue.pass(at.hour, seen, at.settings);
            let over = !issue.is_open();
            self.recent.exclude(1);
            if over {
                self.recent.forget();
            }
        } else if self.now.score > at.thresholds.0 {
            match self.issue.as_mut().filter(|issue| issue.takes_up(at.hour, at.settings)) {
                Some(issue) => issue.reopen(at.hour, self.now),
                None => self.issue = Some(self.opened(subject, at.hour, at.reasons)),
            }
            self.recent.exclude(self.now.hours);
        }
    }

    fn opened(&self, subject: Subject, hour: u64, reasons: usize) -> Issue {
        let chance_per_week = chance_per_week(reasons, self.now.score);
        let baseline_h = self.age_h.saturating_sub(RING_H as u64);
        let why = Opening { evidence: self.now, chance_per_week, baseline_h };
        Issue::new(subject, hour, &why)
    }

    /// A first level from the first ring of hours.
    fn start(&mut self) {
        let mut count = 0.5;
        let mut whole = 1e-6;
        for slot in self.recent.slots().iter().filter(|slot| slot.learns) {
            count += f64::from(slot.customers);
            whole += bounded_exp(f64::from(slot.ln_whole));
        }
        self.baseline = Some(Baseline::new((count / whole).ln()));
    }

    /// Learns an hour that can no longer change, four days after it was judged: what grows is
    /// seen before it is believed.
    fn learn(&mut self, left: &Slot, at: &Setting) {
        let Some(baseline) = &mut self.baseline else { return };
        let age_h = self.age_h.saturating_sub(RING_H as u64);
        if left.learns {
            let terms = regressors(at.hour.saturating_sub(RING_H as u64), 0.0);
            let warm = u64::from(at.settings.warmup_h);
            let learning = Learning { cuts: age_h >= warm, judges_spread: age_h >= SPREAD_FROM_H };
            let whole = f64::from(left.ln_whole);
            baseline.learn(f64::from(left.customers), whole, &terms, learning);
        }
        baseline.pass_hour();
    }
}

/// All that is known of a tenant after some hours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Core {
    hours: u64,
    exposure: Exposure,
    stray: Stray,
    /// The day of the last holiday.
    last_holiday: Option<u64>,
    everything: Series,
    series: Vec<Series>,
    /// A reason that nobody has come for yet: what every new one has been until now.
    unseen: Series,
}

impl Core {
    pub fn new() -> Core {
        Core {
            hours: 0,
            exposure: Exposure::new(),
            stray: Stray::default(),
            last_holiday: None,
            everything: Series::whole(),
            series: Vec::new(),
            unseen: Series::new(),
        }
    }

    /// Whether a value read from storage has the shape of this version.
    pub fn is_sound(&self) -> bool {
        self.exposure.is_sound()
            && self.stray.is_sound()
            && self.all().map(|(_, series)| series).chain([&self.unseen]).all(|series| {
                series.recent.is_sound() && series.baseline.as_ref().is_none_or(Baseline::is_sound)
            })
    }

    /// Takes the next hour, `at` hours after a Monday, 00:00.
    pub fn step(&mut self, at: u64, hour: &Hour, settings: &HourlySettings) {
        while self.series.len() < hour.counts.len() {
            self.series.push(self.unseen.clone());
        }
        let mut counts = hour.counts.clone();
        counts.resize(self.series.len(), Count::default());
        let total = counts.iter().fold(Count::default(), |sum, count| Count {
            customers: sum.customers.saturating_add(count.customers),
            contacts: sum.contacts.saturating_add(count.contacts),
        });
        let customers = f64::from(total.customers);
        let day = Day::of(at, hour.holiday, self.last_holiday);
        let ln_expected = self.exposure.ln_expected(at, day);
        let ahead = regressors(at, RING_H as f64);
        // Shares are learned from the first hours on, when what is shared is not yet known.
        let young = self.hours < RING_H as u64;
        let ln_rough = if young { customers.max(0.5).ln() } else { ln_expected };
        let mut parts: Vec<Part> = self
            .series
            .iter()
            .zip(&counts)
            .map(|(series, count)| series.part(*count, ln_expected, &ahead))
            .collect();
        // Nobody is expected for what nobody has come for: it has no part in the factor.
        parts.push(Part { count: 0.0, mean: 0.0, dispersion: 1.0, quiet: true });
        let usual = if day == Day::Holiday { HOLIDAY_SD * HOLIDAY_SD } else { 0.0 };
        let reasons = self.series.len();
        let learned = self.stray.errors_sq();
        let errors_sq = if settings.calibrates { learned } else { [0.0; WINDOWS] };
        let thresholds = (threshold(reasons, settings), watch_threshold(reasons, settings));
        let setting = |factor: Factor, lasting: f64| Setting {
            hour: at,
            known: hour.known,
            ln_whole: ln_rough + factor.ln,
            variance: factor.variance + usual + (FACTOR_SD * factor.ln).powi(2),
            lasting,
            reasons,
            thresholds,
            errors_sq: &errors_sq,
            settings,
        };
        let factors = factors(&parts);
        let each = self.series.iter_mut().zip(&counts).zip(&factors);
        let mut explained = [0.0; RING_H];
        for (reason, ((series, count), factor)) in each.enumerate() {
            let own = setting(*factor, 0.0);
            let looks = series.step(Subject::Reason(reason), *count, &own, &ahead);
            self.stray.learn(&looks, &learned);
            for (sum, excess) in explained.iter_mut().zip(series.explained(at)) {
                *sum += excess;
            }
        }
        self.stray.pass_hour();
        let none = Factor { ln: 0.0, variance: 0.0 };
        let factor = factors.last().copied().unwrap_or(none);
        let (nobody, nowhere) = (Count::default(), Subject::Reason(reasons));
        self.unseen.step(nowhere, nobody, &setting(factor, 0.0), &ahead);
        let special = self.exposure.special_variance(day);
        let own = setting(none, EVERYTHING_SD * EVERYTHING_SD + special);
        let rest = self.rest(total, &explained);
        self.everything.step(Subject::Everything, rest, &own, &ahead);
        let known_total = hour.known.then_some(customers);
        self.exposure.learn(at, day, known_total, hour.orders);
        if hour.holiday {
            self.last_holiday = Some(at / 24);
        }
        self.hours += 1;
    }

    /// What is left of an hour of all reasons without the excess of those with an open issue
    /// (newest hour first): one cause is one issue, and what a reason explains is no event of all.
    fn rest(&mut self, total: Count, explained: &[f64; RING_H]) -> Count {
        for (back, excess) in explained.iter().skip(1).enumerate() {
            self.everything.recent.relieve(back, *excess);
        }
        let customers = total.customers.saturating_sub(explained[0].round() as u32);
        Count { customers, ..total }
    }

    /// The last issue of each subject, open or not.
    pub fn issues(&self) -> impl Iterator<Item = &Issue> {
        self.all().filter_map(|(_, series)| series.issue.as_ref())
    }

    /// Subjects over the lower limit without an issue, as issues that opened when they passed it.
    pub fn watches(&self) -> impl Iterator<Item = Issue> {
        let reasons = self.series.len();
        self.all().filter_map(move |(subject, series)| {
            Some(series.opened(subject, series.watched_from?, reasons))
        })
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
        let reasons = self.series.iter().enumerate();
        std::iter::once((Subject::Everything, &self.everything))
            .chain(reasons.map(|(reason, series)| (Subject::Reason(reason), series)))
    }
}
