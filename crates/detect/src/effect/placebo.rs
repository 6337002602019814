//! The same estimate at dates on which nothing was done.

use super::ActionSettings;
use super::model::Panel;

/// Dates tried.
const DATES: usize = 4;
/// Periods before a date, at least.
const BEFORE: usize = 28;
/// Periods after a date: at least, and at most.
const AFTER: (usize, usize) = (10, 28);
/// The mean square of four independent scores is above this once in a hundred by chance (a
/// chi-squared with four degrees): up to there the dates do not speak against the model.
const BY_CHANCE: f64 = 3.32;

/// An interval is not widened by more than this.
const MOST_WIDENING: f64 = 5.0;

/// What the estimate says where it should say nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Placebo {
    /// Estimates over their standard deviations; empty when the time before is too short.
    pub scores: Vec<f64>,
    /// By how much the interval was widened, 1 or more.
    pub widening: f64,
}

impl Default for Placebo {
    fn default() -> Self {
        Placebo { scores: Vec::new(), widening: 1.0 }
    }
}

/// Runs the estimate at dates spread over the periods before `quiet`, nothing later being seen.
///
/// A mean square of the scores beyond chance widens the interval by its root. Below that they are
/// for the reader alone: four overlapping stretches are too few to set a width by.
pub fn placebo(panel: &Panel, quiet: usize, settings: &ActionSettings) -> Placebo {
    let after = ((quiet.saturating_sub(BEFORE)) / 2).min(AFTER.1);
    if after < AFTER.0 {
        return Placebo::default();
    }
    let last = quiet - after;
    let mut scores = Vec::with_capacity(DATES);
    for date in 0..DATES {
        let at = BEFORE + (last - BEFORE) * date / (DATES - 1);
        let mut past = panel.clone();
        past.action_at = at;
        past.series.iter_mut().for_each(|one| one.truncate(at + after));
        if let Some(fit) = past.fit(settings, 0, 0.0) {
            scores.push(fit.effect.mean() / fit.effect.sd());
        }
    }
    let squares: f64 = scores.iter().map(|score| score * score).sum();
    let excess = squares / (scores.len().max(1) as f64 * BY_CHANCE);
    let widening = if excess.is_finite() { excess.sqrt().clamp(1.0, MOST_WIDENING) } else { 1.0 };
    Placebo { scores, widening }
}
