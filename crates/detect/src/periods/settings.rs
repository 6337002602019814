//! What a stream of counts looks like and what is looked for in it.

use serde::{Deserialize, Serialize};

/// How the cases of a burst spread over the periods after its onset: a lognormal delay, cut to
/// whole periods (the outbreaks of Noufaily et al. 2013, Statistics in Medicine 32:1206).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delay {
    /// Median delay of a case, in periods.
    pub median_periods: f64,
    /// Standard deviation of the delay's logarithm.
    pub spread: f64,
}

/// Settings for the counts of one kind of period. The same for all series of that kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeriodSettings {
    /// Periods in a year, or whatever the long season is.
    pub season_periods: f64,
    /// Sine and cosine pairs of the long season: 0 for none.
    pub harmonics: usize,
    /// Periods in a week when each has a level of its own; 0 when a period is a week or more.
    pub week_periods: usize,
    /// Whether periods may be holidays or follow an unplanned closure.
    pub special_days: bool,
    /// Periods before the first verdict: at least one long season. All of them count in full.
    pub warm_up_periods: usize,
    /// Mean age of what the baseline rests on; older periods are forgotten exponentially.
    pub memory_periods: f64,
    /// Shapes of the bursts looked for, equally likely.
    pub delays: Vec<Delay>,
    /// Sizes of the bursts looked for, equally likely: cases of the whole burst, in standard
    /// deviations of a period summed over the open periods of a week (of the one period when
    /// `week_periods` is 0).
    pub sizes_sd: Vec<f64>,
    /// Longest burst looked for, in periods. The baseline learns a period at half that age.
    pub longest_periods: usize,
    /// Bursts expected per period before looking.
    pub onset_rate: f64,
    /// From 0 to 1: how much a doubtful burst may wait for the next period when more of its cases
    /// are to come. 0 alarms on the odds alone; 1 waits for the last case.
    pub patience: f64,
    /// Logarithm of the odds above which an alarm goes on: 0 is "more likely than not".
    pub keep_ln_odds: f64,
    /// New alarms per period that may be false where there is no burst.
    pub false_alarms_per_period: f64,
}

impl PeriodSettings {
    /// Counts by week: trend, yearly season, bursts of one to five weeks.
    pub fn weekly() -> PeriodSettings {
        PeriodSettings {
            season_periods: 52.0,
            harmonics: 2,
            week_periods: 0,
            special_days: false,
            warm_up_periods: 104,
            memory_periods: 520.0,
            delays: vec![Delay { median_periods: 1.0, spread: 0.5 }],
            sizes_sd: vec![1.0, 2.0, 3.5, 5.0, 7.0, 10.0],
            longest_periods: 6,
            onset_rate: 0.02,
            patience: 0.8,
            keep_ln_odds: 0.0,
            false_alarms_per_period: 0.0115,
        }
    }

    /// Counts by day: trend, yearly season, weekdays, holidays, bursts of days to three weeks.
    pub fn daily() -> PeriodSettings {
        PeriodSettings {
            season_periods: 364.0,
            harmonics: 3,
            week_periods: 7,
            special_days: true,
            warm_up_periods: 728,
            memory_periods: 1820.0,
            delays: vec![Delay { median_periods: 4.0, spread: 0.5 }],
            sizes_sd: vec![1.0, 2.0, 3.5, 6.0, 10.0],
            longest_periods: 18,
            onset_rate: 0.002,
            patience: 0.8,
            keep_ln_odds: 0.0,
            false_alarms_per_period: 0.0025,
        }
    }

    /// Shapes times sizes.
    pub(super) fn kinds(&self) -> usize {
        self.delays.len() * self.sizes_sd.len()
    }
}
