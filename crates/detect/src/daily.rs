//! Days that rise above their own recent past.
//!
//! Expected value and spread come from the days before, as in EARS C1-C2 (short history, recent
//! days only), with alarm days left out of later baselines so that a long rise does not hide
//! itself. Distinct people are counted, never messages: one angry customer is isolated.

use quell_model::time::{DAY_MS, TimeMs};
use quell_model::{Verdict, issue::DayEvidence};

use crate::thousandths;

/// The knobs of the daily detector.
#[derive(Clone, Debug, PartialEq)]
pub struct DailySettings {
    /// Days of history looked at.
    pub baseline_days: u32,
    /// Fewer days of history than this: no verdict.
    pub min_baseline_days: u32,
    /// The limit lies this many standard deviations above what was expected.
    pub z: f64,
    /// Fewer people than this on a day are never more than isolated.
    pub min_people: u64,
    /// A single day is systemic from this ratio on …
    pub systemic_ratio: f64,
    /// … and this many people.
    pub systemic_people: u64,
}

impl Default for DailySettings {
    fn default() -> Self {
        DailySettings {
            baseline_days: 28,
            min_baseline_days: 7,
            z: 4.0,
            min_people: 5,
            systemic_ratio: 3.0,
            systemic_people: 10,
        }
    }
}

/// One day above its limit.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmDay {
    /// The numbers behind it.
    pub evidence: DayEvidence,
    /// The days that made the baseline.
    pub baseline: Vec<TimeMs>,
}

/// Consecutive alarm days of one reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Rise {
    /// The days, in order; never empty.
    pub days: Vec<AlarmDay>,
    /// The verdict over all of them.
    pub verdict: Verdict,
}

impl Rise {
    /// People above what was expected, over all days.
    pub fn excess(&self) -> f64 {
        self.days.iter().map(|d| d.evidence.observed as f64 - d.evidence.expected).sum()
    }

    /// People on the days, summed by day.
    pub fn people(&self) -> u64 {
        self.days.iter().map(|d| d.evidence.observed).sum()
    }

    /// The start of the first day.
    pub fn first_day(&self) -> TimeMs {
        self.days[0].evidence.day
    }

    /// The start of the last day.
    pub fn last_day(&self) -> TimeMs {
        self.days[self.days.len() - 1].evidence.day
    }
}

/// Finds the rises in a series of people per day.
///
/// `people[i]` belongs to the day `first_day + i`; days without contacts are zeros, so the series
/// must begin where observation began. At most one day may be missing inside a rise.
pub fn rises(first_day: TimeMs, people: &[u64], settings: &DailySettings) -> Vec<Rise> {
    let mut alarm = vec![false; people.len()];
    let mut found: Vec<Rise> = Vec::new();
    let mut last_alarm: Option<usize> = None;
    for i in 0..people.len() {
        let Some(day) = judge(first_day, people, &alarm, i, settings) else { continue };
        alarm[i] = true;
        match (last_alarm, found.last_mut()) {
            (Some(last), Some(rise)) if i - last <= 2 => rise.days.push(day),
            _ => found.push(Rise { days: vec![day], verdict: Verdict::Watch }),
        }
        last_alarm = Some(i);
    }
    for rise in &mut found {
        rise.verdict = verdict(rise, settings);
    }
    found
}

fn judge(
    first_day: TimeMs,
    people: &[u64],
    alarm: &[bool],
    i: usize,
    settings: &DailySettings,
) -> Option<AlarmDay> {
    let observed = people[i];
    if observed < settings.min_people {
        return None;
    }
    let from = i.saturating_sub(settings.baseline_days as usize);
    let days: Vec<usize> = (from..i).filter(|&d| !alarm[d]).collect();
    if days.len() < settings.min_baseline_days as usize {
        return None;
    }
    let n = days.len() as f64;
    let expected = days.iter().map(|&d| people[d] as f64).sum::<f64>() / n;
    let squares = days.iter().map(|&d| (people[d] as f64 - expected).powi(2)).sum::<f64>();
    // Counts spread at least as a Poisson count does; one contact keeps an empty past from
    // making every first contact an alarm.
    let variance = (squares / (n - 1.0)).max(expected).max(1.0);
    let limit = expected + settings.z * variance.sqrt();
    (observed as f64 > limit).then(|| AlarmDay {
        evidence: DayEvidence {
            day: day_at(first_day, i),
            observed,
            expected: thousandths(expected),
            limit: thousandths(limit),
            risk_ratio: (expected > 0.0).then(|| thousandths(observed as f64 / expected)),
            baseline_days: days.len() as u32,
        },
        baseline: days.iter().map(|&d| day_at(first_day, d)).collect(),
    })
}

fn day_at(first_day: TimeMs, i: usize) -> TimeMs {
    first_day.plus_ms(i as i64 * DAY_MS)
}

fn verdict(rise: &Rise, settings: &DailySettings) -> Verdict {
    let strong = rise.days.iter().any(|d| {
        d.evidence.observed >= settings.systemic_people
            && d.evidence.risk_ratio.is_none_or(|ratio| ratio >= settings.systemic_ratio)
    });
    if rise.days.len() >= 2 || strong { Verdict::Systemic } else { Verdict::Watch }
}
