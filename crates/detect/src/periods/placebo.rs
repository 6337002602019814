//! The limit that keeps the budget of false alarms: counts without a burst are drawn from what was
//! expected, and the detector is run over them.

use super::baseline::Expected;
use super::series::{PeriodDetector, PeriodSeries};
use super::settings::PeriodSettings;
use crate::draws::Draws;

/// Placebo periods at most, so that a calibration is bounded in time.
const MOST_PERIODS: usize = 20_000;

/// Limit for new alarms under which `false_alarms_per_period` is the mean rate over these series
/// when no burst is in them.
///
/// `pasts` is what was expected of each series' periods, a season of them if there is one, `None`
/// where closed. The counts are drawn anew with the expected mean and dispersion (a parametric
/// bootstrap), so past bursts do not raise the limit; what the model gets wrong is not seen
/// either, and its false alarms come on top: with six seasons of history of rare counts half as
/// many again. One limit for all series: at a bound on the false alarms of all of them together,
/// equal odds find the most bursts (Neyman-Pearson).
///
/// The highest score of each run of `longest_periods` is what counts: an alarm is new once a
/// burst, not once a period. At most 20 000 periods are drawn, from series spread evenly over the
/// list; the rate is met to within about 1/√(20 000·rate). Without a period the limit is infinite:
/// nothing can be said.
pub fn calibrated_limit(
    settings: &PeriodSettings,
    pasts: &[Vec<Option<Expected>>],
    seed: u64,
) -> f64 {
    let detector = PeriodDetector::new(settings.clone(), f64::INFINITY);
    let total: usize = pasts.iter().map(Vec::len).sum();
    let every = total.div_ceil(MOST_PERIODS).max(1);
    let mut draws = Draws::new(seed);
    let block = settings.longest_periods.max(1);
    let mut highest = Vec::new();
    let mut periods = 0;
    for past in pasts.iter().skip(draws.below(every)).step_by(every) {
        let scores = placebo_scores(&detector, past, &mut draws);
        periods += scores.len();
        highest.extend(
            scores
                .chunks(block)
                .map(|chunk| chunk.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        );
    }
    highest.sort_by(|a, b| b.total_cmp(a));
    let allowed = settings.false_alarms_per_period.clamp(0.0, 1.0) * periods as f64;
    highest.get(allowed as usize).copied().unwrap_or(f64::INFINITY)
}

/// Scores of counts drawn from what was expected; none for the first periods, when the onsets
/// looked back on are not yet all there.
fn placebo_scores(
    detector: &PeriodDetector,
    past: &[Option<Expected>],
    draws: &mut Draws,
) -> Vec<f64> {
    let mut series = PeriodSeries::new();
    let closed = Expected { mean: 0.0, dispersion: 1.0, predictive: 1.0 };
    let scores = past.iter().filter_map(|expected| {
        let count = expected.map(|known| draws.count(known.mean, known.predictive));
        let (verdict, _) = detector.weigh(&mut series, count, expected.unwrap_or(closed));
        count.map(|_| verdict.score)
    });
    scores.skip(detector.settings().longest_periods).collect()
}
