//! One period and its regressors.

use serde::{Deserialize, Serialize};

use super::settings::PeriodSettings;

/// One period, as it is known when it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// Its number, counted from any origin. Every period is given, also a closed one.
    pub number: i64,
    /// Contacts; `None` when closed or not measured.
    pub count: Option<u64>,
    /// Open, and a holiday.
    pub holiday: bool,
    /// First open period after one that was closed though its weekday is not.
    pub after_closure: bool,
}

impl Period {
    /// A period with nothing special about it.
    pub fn plain(number: i64, count: Option<u64>) -> Period {
        Period { number, count, holiday: false, after_closure: false }
    }
}

/// Regressors of a period: 1, seasons since the origin, cosine and sine of each harmonic, a mark
/// for each weekday but one, for a holiday, for the day after a closure.
pub(super) fn regressors(settings: &PeriodSettings, origin: i64, period: &Period) -> Vec<f64> {
    let season = settings.season_periods.max(1.0);
    let mut row = Vec::with_capacity(prior_precisions(settings).len());
    row.push(1.0);
    row.push(period.number.saturating_sub(origin) as f64 / season);
    for order in 1..=settings.harmonics {
        let turns = (order as f64 * period.number as f64 / season).fract();
        let (sine, cosine) = (std::f64::consts::TAU * turns).sin_cos();
        row.extend([cosine, sine]);
    }
    let week = settings.week_periods.max(1) as i64;
    let today = period.number.rem_euclid(week);
    row.extend((1..week).map(|day| mark(day == today)));
    if settings.special_days {
        row.extend([mark(period.holiday), mark(period.after_closure)]);
    }
    row
}

/// Inverse prior variances of the coefficients, which are logarithms of factors: level anything,
/// trend ±0.3 a season, harmonics and special days ±1, weekdays ±3.
pub(super) fn prior_precisions(settings: &PeriodSettings) -> Vec<f64> {
    let mut out = vec![1e-4, 1.0 / 0.09];
    out.extend(std::iter::repeat_n(1.0, 2 * settings.harmonics));
    out.extend(std::iter::repeat_n(1.0 / 9.0, settings.week_periods.saturating_sub(1)));
    if settings.special_days {
        out.extend([1.0, 1.0]);
    }
    out
}

fn mark(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}
