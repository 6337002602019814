//! The detector, and the state of one series that it is fed period by period.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::baseline::{Baseline, Expected};
use super::burst::{Bursts, Shape};
use super::period::Period;
use super::settings::PeriodSettings;

/// Version of [`PeriodSeries`] as written out; another is not to be read as this one.
pub const PERIOD_STATE_VERSION: u16 = 1;
/// Least weight of a period in the baseline, so that a new level is learnt in the end.
const LEAST_WEIGHT: f64 = 0.02;
/// Probability that a period has no burst below which it is left out of the baseline. To leave
/// out more would cut the upper tail off, and the dispersion is learnt from the tail.
const SURELY_BURST: f64 = 1e-3;

/// State of one series: all that is kept between periods. Plain data, the same on every machine.
///
/// A weekly series takes about 1 kB, a daily one 3.5 kB; the warm-up's periods come on top
/// until the first fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeriodSeries {
    /// [`PERIOD_STATE_VERSION`] of the code that made it.
    pub version: u16,
    /// Periods of the warm-up, empty once the baseline is there.
    warming: Vec<Period>,
    baseline: Option<Baseline>,
    bursts: Bursts,
    /// Periods the baseline has yet to learn, newest first.
    waiting: VecDeque<Period>,
    /// Standard deviations of the last week's periods, 0 where closed.
    recent_sd: VecDeque<f64>,
    /// Periods since the last alarm, while a burst may still be the same one.
    since_alarm: Option<u32>,
}

impl PeriodSeries {
    /// A series without history.
    pub fn new() -> PeriodSeries {
        PeriodSeries {
            version: PERIOD_STATE_VERSION,
            warming: Vec::new(),
            baseline: None,
            bursts: Bursts::default(),
            waiting: VecDeque::new(),
            recent_sd: VecDeque::new(),
            since_alarm: None,
        }
    }
}

impl Default for PeriodSeries {
    fn default() -> PeriodSeries {
        PeriodSeries::new()
    }
}

/// What is said of a period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PeriodVerdict {
    /// What it would have brought without a burst.
    pub expected: Expected,
    /// Logarithm of the odds that a burst's cases come in this period or later.
    pub ln_odds: f64,
    /// The score that `limit` is for.
    pub score: f64,
    /// Score above which the period has an alarm.
    pub limit: f64,
    /// Whether it has one.
    pub alarm: bool,
}

/// Settings made ready, with the limit that its false alarms are bounded by.
#[derive(Clone, Debug)]
pub struct PeriodDetector {
    settings: PeriodSettings,
    shapes: Vec<Shape>,
    new_limit: f64,
}

impl PeriodDetector {
    /// A detector with a limit for new alarms in logarithms of odds, from
    /// [`calibrated_limit`](super::calibrated_limit).
    pub fn new(settings: PeriodSettings, new_limit: f64) -> PeriodDetector {
        let longest = settings.longest_periods;
        let shapes = settings.delays.iter().map(|delay| Shape::new(delay, longest)).collect();
        PeriodDetector { settings, shapes, new_limit }
    }

    /// Its settings.
    pub fn settings(&self) -> &PeriodSettings {
        &self.settings
    }

    /// Takes the next period; `None` in the warm-up.
    ///
    /// Two limits: a new alarm needs the urgent odds above the calibrated limit, an alarm goes on
    /// while the odds are above `keep_ln_odds`. The two errors differ: a false new alarm calls
    /// somebody, one period too many at the end of a burst does not.
    pub fn push(&self, series: &mut PeriodSeries, period: Period) -> Option<PeriodVerdict> {
        let Some(baseline) = &mut series.baseline else {
            series.warming.push(period);
            if series.warming.len() >= self.settings.warm_up_periods {
                let warming = std::mem::take(&mut series.warming);
                series.baseline = Some(Baseline::batch(&self.settings, &warming));
            }
            return None;
        };
        let expected = baseline.expected(&self.settings, &period);
        let verdict = self.weigh(series, period.count, expected);
        series.waiting.push_front(period);
        let (verdict, began) = verdict;
        self.learn(series, &began);
        Some(verdict)
    }

    /// The verdict on a count, whatever the baseline; and the chance of an onset by age.
    pub(super) fn weigh(
        &self,
        series: &mut PeriodSeries,
        count: Option<u64>,
        expected: Expected,
    ) -> (PeriodVerdict, Vec<f64>) {
        let sd = (expected.mean * expected.dispersion).sqrt();
        series.recent_sd.push_front(if count.is_some() { sd } else { 0.0 });
        series.recent_sd.truncate(self.settings.week_periods.max(1));
        let unit = series.recent_sd.iter().sum();
        let seen = count.map(|count| (count, expected));
        let odds = series.bursts.push(&self.settings, &self.shapes, unit, seen);
        let (score, limit) = match series.since_alarm {
            Some(_) => (odds.ln_active, self.settings.keep_ln_odds),
            None => (odds.ln_urgent, self.new_limit),
        };
        let alarm = count.is_some() && score > limit;
        let since = if alarm { Some(0) } else { series.since_alarm.map(|since| since + 1) };
        let longest = self.settings.longest_periods;
        series.since_alarm = since.filter(|since| (*since as usize) < longest);
        (PeriodVerdict { expected, ln_odds: odds.ln_active, score, limit, alarm }, odds.began)
    }

    /// Teaches the baseline the periods that are old enough: later counts have shown by then
    /// whether a burst lay on them; those where one surely did hardly count.
    fn learn(&self, series: &mut PeriodSeries, began: &[f64]) {
        let Some(baseline) = &mut series.baseline else { return };
        let age = self.settings.longest_periods / 2;
        while series.waiting.len() > age {
            let Some(old) = series.waiting.pop_back() else { break };
            let burst: f64 = began.iter().skip(age).sum();
            baseline.learn(
                &self.settings,
                &old,
                ((1.0 - burst) / SURELY_BURST).clamp(LEAST_WEIGHT, 1.0),
            );
        }
    }
}
