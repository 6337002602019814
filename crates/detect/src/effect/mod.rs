//! What an action did to a series.
//!
//! Actions are taken because of peaks, and peaks go by themselves: before against after calls
//! that a success four times in ten. Here the level comes from the whole time before, a peak that
//! stands at the action is modelled with its untreated decay, controls chosen before the action
//! carry what moved everything, and drifts of their own make the interval honest about how few
//! independent stretches of time there are.
//!
//! The interval holds at every look from the action to the registered horizon at once. The bound
//! is that of O'Brien & Fleming (1979) in continuous time: estimates at successive looks have
//! independent increments in information (Jennison & Turnbull 2000, ch. 11), so their score is a
//! Brownian motion, and by reflection `P(max |B| > c) ≤ 4 (1 - Φ(c))`. A second interval holds at
//! all looks for ever: what the data have not made `1 / alpha` times less likely than the prior
//! did (Robbins 1970; Howard et al. 2021). Both rest on the model: see [`Placebo`] for how it
//! does where nothing was done.

mod filter;
mod mixture;
mod model;
mod peak;
mod placebo;
mod rates;
mod solve;

use model::{Fit, Panel};
use rates::{LogRates, log_rates};
use solve::Prior;

pub use placebo::Placebo;

/// Periods looked at, at most: older ones are left out.
const MOST_PERIODS: usize = 400;
/// Controls used, at most.
const MOST_CONTROLS: usize = 6;
/// A peak's height, log rate, before the data: half as much again, give or take.
const PEAK_HEIGHT: Prior = Prior { mean: 0.4, sd: 0.3 };
/// Odds of a peak at the action: even when nobody knows, and when an issue was open.
const PEAK_ODDS: f64 = 1.0;
const PEAK_ODDS_WITH_ISSUE: f64 = 9.0;
/// Periods before a peak's height in which it may already rise: no quiet time.
const RISING: usize = 7;
/// Where a standard Brownian motion ends up beyond, in either direction, at some time up to 1
/// with probability .05 at most: `4 (1 - Φ(c)) = .05`.
const WHOLE_WAY_95: f64 = 2.2414;

/// A series of counts around an action.
#[derive(Clone, Copy, Debug)]
pub struct ActionSeries<'a> {
    /// Contacts, one value a period.
    pub counts: &'a [f64],
    /// What they come from (orders, customers), one value a period.
    pub exposure: &'a [f64],
    /// Counts of reasons that the action cannot touch, chosen before it; same exposure.
    pub controls: &'a [&'a [f64]],
    /// The first period with the action, an index into `counts`.
    pub action_at: usize,
    /// When the issue behind the action opened, if there was one.
    pub issue_open: Option<usize>,
    /// Periods after the action at which the verdict falls due; `None`: at the end of the data.
    pub horizon: Option<usize>,
}

/// The knobs of the estimate: one setting for all series.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionSettings {
    /// Periods of a season: 7 for days; 0 or 1 for none.
    pub season: usize,
    /// Standard deviation of effects before the data, log rate.
    pub effect_sd: f64,
    /// Half-lives of untreated peaks, periods: pooled from past issues where there are some.
    pub half_lives: Vec<f64>,
    /// How far before the action a peak's height is searched when no issue is named, periods.
    pub longest_lead: usize,
    /// Effects smaller than this share count as none.
    pub smallest_effect: f64,
}

impl Default for ActionSettings {
    fn default() -> Self {
        ActionSettings {
            season: 7,
            effect_sd: 0.4,
            half_lives: vec![1.5, 3.0, 6.0, 12.0],
            longest_lead: 14,
            smallest_effect: 0.1,
        }
    }
}

/// What is said of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActionVerdict {
    /// Fewer contacts than without it.
    Reduced,
    /// No effect worth the name, in either direction.
    None,
    /// More contacts than without it.
    Increased,
    /// The data do not say.
    CannotTell,
}

/// What an action did.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionEffect {
    /// Relative change of the rate; -0.2 is a fifth less.
    pub effect: f64,
    /// 95 % interval that holds at every look up to the horizon.
    pub interval: (f64, f64),
    /// 95 % interval that holds at every look for ever.
    pub lasting: (f64, f64),
    /// The verdict, from `interval`.
    pub verdict: ActionVerdict,
    /// Probability that a peak stood at the action.
    pub peak: f64,
    /// Variance over mean of the counts.
    pub dispersion: f64,
    /// The same estimate at dates on which nothing was done.
    pub placebo: Placebo,
}

/// Estimates what the action did.
///
/// Never fails: without usable data the answer is the prior's, "cannot tell". Values that are
/// negative or not finite are left out. Time and memory are bounded by the last
/// 400 periods and six controls.
pub fn action_effect(series: &ActionSeries<'_>, settings: &ActionSettings) -> ActionEffect {
    let (panel, issue_open) = panel(series, settings);
    let (lead, odds) = match issue_open {
        Some(open) => (panel.action_at.saturating_sub(open), PEAK_ODDS_WITH_ISSUE),
        None => (settings.longest_lead, PEAK_ODDS),
    };
    let dispersion = panel.series.first().map_or(1.0, |subject| subject.dispersion);
    let Some(fit) = panel.fit(settings, lead, odds) else {
        return unknown(settings, dispersion);
    };
    let quiet = panel.action_at.saturating_sub(lead + RISING);
    let placebo = placebo::placebo(&panel, quiet, settings);
    let sd = fit.effect.sd() * placebo.widening;
    let half = WHOLE_WAY_95 * sd * sd / planned_sd(&panel, &fit, series.horizon, sd, settings);
    let centre = fit.effect.mean();
    let (low, high) = fit.effect.support(settings.effect_sd, 0.05);
    let interval = (change(centre - half), change(centre + half));
    ActionEffect {
        effect: change(centre),
        interval,
        lasting: (change(low), change(high)),
        verdict: verdict(interval, settings.smallest_effect),
        peak: fit.peak,
        dispersion,
        placebo,
    }
}

/// A log rate as a relative change, kept finite.
fn change(log_rate: f64) -> f64 {
    log_rate.clamp(-50.0, 50.0).exp_m1()
}

fn verdict(interval: (f64, f64), smallest: f64) -> ActionVerdict {
    if interval.1 < 0.0 {
        ActionVerdict::Reduced
    } else if interval.0 > 0.0 {
        ActionVerdict::Increased
    } else if interval.0 > -smallest && interval.1 < smallest {
        ActionVerdict::None
    } else {
        ActionVerdict::CannotTell
    }
}

/// What is held before any data.
fn unknown(settings: &ActionSettings, dispersion: f64) -> ActionEffect {
    let half = WHOLE_WAY_95 * settings.effect_sd;
    ActionEffect {
        effect: 0.0,
        interval: (change(-half), change(half)),
        lasting: (change(-50.0), change(50.0)),
        verdict: ActionVerdict::CannotTell,
        peak: 0.5,
        dispersion,
        placebo: Placebo::default(),
    }
}

/// The series as centred log rates, old periods cut off, and where the issue opened in them.
fn panel(series: &ActionSeries<'_>, settings: &ActionSettings) -> (Panel, Option<usize>) {
    let controls = series.controls.iter().take(MOST_CONTROLS);
    let length = controls.clone().map(|control| control.len()).min().unwrap_or(usize::MAX);
    let length = length.min(series.counts.len()).min(series.exposure.len());
    let from = length.saturating_sub(MOST_PERIODS);
    let action_at = series.action_at.clamp(from, length) - from;
    let exposure = &series.exposure[from..length];
    let season = settings.season.min(MOST_PERIODS);
    let mut all = vec![log_rates(&series.counts[from..length], exposure, season, &[action_at])];
    all.extend(controls.map(|counts| log_rates(&counts[from..length], exposure, season, &[])));
    all.iter_mut().for_each(LogRates::centre);
    let open = series.issue_open.map(|open| open.saturating_sub(from).min(action_at));
    (Panel { series: all, action_at }, open)
}

/// Standard deviation of the effect at the horizon, under the most probable model.
fn planned_sd(
    panel: &Panel,
    fit: &Fit,
    horizon: Option<usize>,
    sd: f64,
    settings: &ActionSettings,
) -> f64 {
    let length = panel.series.first().map_or(0, |subject| subject.values.len());
    let due = panel.action_at + horizon.unwrap_or(0).min(MOST_PERIODS);
    if due <= length {
        return sd;
    }
    let mut planned = panel.clone();
    planned.series.iter_mut().for_each(|one| one.extend(due - length));
    let now = panel.variance(&fit.best, settings.effect_sd);
    let then = planned.variance(&fit.best, settings.effect_sd);
    match (now, then) {
        (Some(now), Some(then)) if now > 0.0 && then > 0.0 => sd * (then / now).min(1.0).sqrt(),
        _ => sd,
    }
}

#[cfg(test)]
mod tests;
