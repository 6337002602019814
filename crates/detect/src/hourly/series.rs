//! One series of counts: its baseline, its recent hours and its issue.

use serde::{Deserialize, Serialize};

use super::baseline::{Baseline, Learning, bounded_exp};
use super::calendar::{TERMS, regressors};
use super::factor::Part;
use super::issue::{Issue, Opening, Passed, Subject};
use super::scan::{Evidence, How, RING_H, Recent, Slot, Stake, WINDOWS_H};
use super::stray::{Look, Stray, WINDOWS};
use super::yearly::{self, Again, Recurrence, Season, Year};
use super::{Count, HourlySettings, WEEK_H};

/// Hours of age before residuals tell of the spread.
const SPREAD_FROM_H: u64 = 2 * RING_H as u64;
/// The backlog after an outage of the channel brings what was missing: over half a day it is no
/// excess.
const EVERYTHING_SHORTEST_H: u32 = 14;

/// A series of counts with its baseline, recent hours and issue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    age_h: u64,
    /// None until the first ring of hours is full.
    baseline: Option<Baseline>,
    year: Year,
    /// The last two weeks.
    pub recent: Recent,
    /// The open issue, or the last one.
    pub issue: Option<Issue>,
    /// The window that says most at the last hour that was looked at.
    pub now: Evidence,
    /// The hour from which on it is over the lower limit without a break, and without an issue.
    pub watched_from: Option<u64>,
}

/// What an hour brought, as it is judged: part of it may be another's.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Distinct customers.
    pub customers: f64,
    /// Contacts.
    pub contacts: f64,
}

impl From<Count> for Seen {
    fn from(count: Count) -> Seen {
        Seen { customers: f64::from(count.customers), contacts: f64::from(count.contacts) }
    }
}

/// What an hour is for one series, apart from its count.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The hour.
    pub hour: u64,
    /// False where the source was down.
    pub known: bool,
    /// Logarithm of what the share is a share of.
    pub ln_whole: f64,
    /// Relative variance of the expectation in this hour alone.
    pub variance: f64,
    /// Relative variance of the expectation over all hours alike, beside that of the share.
    pub lasting: f64,
    /// What the series share of the budget of false issues.
    pub stake: Stake,
    /// Scores from which an issue opens, and from which a reason is watched.
    pub thresholds: (f64, f64),
    /// Learned squared relative errors of the expectation, by window length.
    pub errors_sq: &'a [f64; WINDOWS],
    /// How far seasons of the year come again.
    pub recurrence: &'a Recurrence,
    /// What a tenant may set.
    pub settings: &'a HourlySettings,
}

/// What an hour of a series tells of others.
#[derive(Debug, Default)]
pub struct Lesson {
    /// Windows that tell how far counts stray.
    pub looks: Vec<Look>,
    /// A week of the year that came again.
    pub again: Option<Again>,
}

impl Series {
    /// One of which nothing is known.
    pub fn new() -> Series {
        let (recent, now) = (Recent::default(), Evidence::default());
        let year = Year::default();
        Series { age_h: 0, baseline: None, year, recent, issue: None, now, watched_from: None }
    }

    /// All reasons together: their share is the whole, and only its spread is learned.
    pub fn whole() -> Series {
        Series { baseline: Some(Baseline::whole()), ..Series::new() }
    }

    /// Whether a value read from storage has the shape of this version.
    pub fn is_sound(&self) -> bool {
        let baseline = self.baseline.as_ref().is_none_or(Baseline::is_sound);
        baseline && self.recent.is_sound() && self.year.is_sound()
    }

    /// Whether its issue is open.
    pub fn is_open(&self) -> bool {
        self.issue.is_some_and(|issue| issue.is_open())
    }

    /// Customers over the expectation in the hours that the open issue took at this step, the
    /// newest first.
    pub fn explained(&self, hour: u64) -> impl Iterator<Item = f64> {
        let open = self.issue.filter(Issue::is_open);
        let taken = open.map_or(0, |issue| if issue.began_at(hour) { self.now.hours } else { 1 });
        let slots = self.recent.slots().iter().rev().take(taken as usize);
        slots.map(|slot| f64::from((slot.customers - slot.mean).max(0.0)))
    }

    /// Customers expected of such a whole in an hour; none before the first ring of hours is full.
    pub fn expected(
        &self,
        (hour, ln_whole): (u64, f64),
        recurrence: &Recurrence,
        ahead: &[f64; TERMS],
    ) -> Option<f64> {
        let season = recurrence.season(self.year.lasting_effect(hour));
        let share = self.baseline.as_ref()?.ln_share(ahead);
        Some(bounded_exp(share + ln_whole + season.ln))
    }

    /// The part of this series in the hour, before the common factor is known.
    pub fn part(
        &self,
        seen: Seen,
        whole: (u64, f64),
        recurrence: &Recurrence,
        ahead: &[f64; TERMS],
    ) -> Part {
        let mean = self.expected(whole, recurrence, ahead);
        let (Some(baseline), Some(mean)) = (&self.baseline, mean) else {
            return Part { count: 0.0, mean: 0.0, dispersion: 1.0, quiet: false };
        };
        let dispersion = baseline.dispersion();
        Part { count: seen.customers, mean, dispersion, quiet: !self.is_open() }
    }

    /// Takes an hour.
    pub fn step(
        &mut self,
        subject: Subject,
        seen: Seen,
        at: &Setting,
        ahead: &[f64; TERMS],
    ) -> Lesson {
        let taken = self.take(seen, at, ahead);
        let mut looks = Vec::new();
        let warmup_h = u64::from(at.settings.warmup_h);
        let is_asked = self.age_h + 1 + WEEK_H >= warmup_h && self.baseline.is_some();
        let now = if is_asked { self.scan(subject, at, &mut looks) } else { Evidence::default() };
        self.now = if self.is_grown(at) { now } else { Evidence::default() };
        let again = self.settle(subject, &taken, at, true);
        Lesson { looks, again }
    }

    /// The first part of a step: the hour joins the recent ones.
    pub fn take(&mut self, seen: Seen, at: &Setting, ahead: &[f64; TERMS]) -> Taken {
        let season = at.recurrence.season(self.year.lasting_effect(at.hour));
        let slot = self.slot(seen, at, season, ahead);
        let left = self.recent.push(slot, self.baseline.is_some());
        Taken { slot, season, left }
    }

    /// Whether it has seen enough hours, this one included, to be judged.
    pub fn is_grown(&self, at: &Setting) -> bool {
        self.age_h + 1 >= u64::from(at.settings.warmup_h) && self.baseline.is_some()
    }

    /// The last part of a step, after [`Series::now`] was set: the issue lives on, and what left
    /// the recent hours is learned.
    pub fn settle(
        &mut self,
        subject: Subject,
        taken: &Taken,
        at: &Setting,
        may_open: bool,
    ) -> Option<Again> {
        // The season of all together is the expectation's own.
        let has_season = subject != Subject::Everything;
        let again = has_season.then(|| self.note_season(taken, at)).flatten();
        if at.known {
            self.live(subject, &taken.slot, at, may_open);
        }
        let is_over = self.now.score > at.thresholds.1;
        let is_watched = is_over && !self.is_open();
        self.watched_from = is_watched.then(|| self.watched_from.unwrap_or(at.hour));
        match &taken.left {
            _ if self.baseline.is_none() => self.start(),
            Some(left) => self.learn(left, at),
            None => {}
        }
        self.age_h += 1;
        again
    }

    fn scan(&self, subject: Subject, at: &Setting, looks: &mut Vec<Look>) -> Evidence {
        let settings = at.settings;
        if subject == Subject::Everything {
            // It has an error of its own.
            let errors_sq = &[0.0; WINDOWS];
            let how = How { settings, shortest_h: EVERYTHING_SHORTEST_H, errors_sq, raised: 1.0 };
            return self.recent.scan(&how, |_| {});
        }
        let how = at.how();
        self.recent.scan(&how, |look| {
            let is_due = |reason| Stray::is_due(WINDOWS_H[look.window], at.hour, reason);
            if at.known && matches!(subject, Subject::Reason(reason) if is_due(reason)) {
                looks.push(look);
            }
        })
    }

    fn slot(&self, seen: Seen, at: &Setting, season: Season, ahead: &[f64; TERMS]) -> Slot {
        let ln_whole = at.ln_whole + season.ln;
        if !at.known {
            return Slot { ln_whole: ln_whole as f32, ..Slot::default() };
        }
        let mut slot = Slot {
            customers: seen.customers as f32,
            contacts: seen.contacts as f32,
            ln_whole: ln_whole as f32,
            learns: true,
            ..Slot::default()
        };
        if let Some(baseline) = &self.baseline {
            let expected = baseline.expect(ahead);
            let mean = bounded_exp(expected.ln_share + ln_whole);
            slot.mean = mean as f32;
            slot.variance = (baseline.dispersion() * mean + mean * mean * at.variance) as f32;
            let lasting = expected.variance + at.lasting + season.variance;
            slot.share_error = (mean * lasting) as f32;
        }
        slot
    }

    /// Keeps an hour that was taken for next year.
    fn note_season(&mut self, taken: &Taken, at: &Setting) -> Option<Again> {
        let Taken { slot, season, .. } = taken;
        let baseline = self.baseline.as_ref().filter(|_| at.known && self.is_grown(at))?;
        let seen = yearly::Seen {
            customers: f64::from(slot.customers),
            mean: f64::from(slot.mean) * (-season.ln).exp(),
            dispersion: baseline.dispersion(),
        };
        self.year.take(at.hour, seen, self.year.lasting_effect(at.hour))
    }

    /// Opens, continues and closes the issue.
    fn live(&mut self, subject: Subject, slot: &Slot, at: &Setting, may_open: bool) {
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
        } else if may_open && self.now.score > at.thresholds.0 {
            match self.issue.as_mut().filter(|issue| issue.takes_up(at.hour, at.settings)) {
                Some(issue) => issue.reopen(at.hour, self.now),
                None => self.issue = Some(self.opened(subject, at.hour, at.stake)),
            }
            self.recent.exclude(self.now.hours);
        }
    }

    /// The issue that opens by what is said now.
    pub fn opened(&self, subject: Subject, hour: u64, stake: Stake) -> Issue {
        let chance_per_week = stake.chance_per_week(self.now.score);
        let baseline_h = self.age_h.saturating_sub(RING_H as u64);
        let why = Opening { evidence: self.now, chance_per_week, baseline_h };
        Issue::new(subject, hour, &why)
    }

    /// A first level from the first ring of hours of which at least half tell what is usual: those
    /// of a cell may all lie in an issue of its reason. Its age counts from there.
    fn start(&mut self) {
        let mut count = 0.5;
        let mut whole = 1e-6;
        let mut telling_h = 0;
        for slot in self.recent.slots().iter().filter(|slot| slot.learns) {
            count += f64::from(slot.customers);
            whole += bounded_exp(f64::from(slot.ln_whole));
            telling_h += 1;
        }
        if 2 * telling_h >= RING_H && self.recent.slots().len() == RING_H {
            self.baseline = Some(Baseline::new((count / whole).ln()));
            self.age_h = RING_H as u64 - 1;
        }
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

/// An hour that joined the recent ones, and the one that left them.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    slot: Slot,
    season: Season,
    left: Option<Slot>,
}

impl Setting<'_> {
    /// How windows of a reason or of a cell are judged.
    pub fn how(&self) -> How<'_> {
        How { settings: self.settings, shortest_h: 1, errors_sq: self.errors_sq, raised: 1.0 }
    }
}
