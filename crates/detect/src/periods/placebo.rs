//! The limit that keeps the budget of false alarms: counts without a burst are drawn from what was
//! expected, and the detector is run over them.

use super::baseline::Expected;
use super::series::{PeriodDetector, PeriodSeries};
use super::settings::PeriodSettings;

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

/// A seeded stream of random counts: SplitMix64 (Steele, Lea & Flood 2014) underneath.
#[derive(Clone, Debug)]
pub(super) struct Draws {
    state: u64,
}

impl Draws {
    pub(super) fn new(seed: u64) -> Draws {
        Draws { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between 0 and 1, neither reached.
    pub(super) fn unit(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn below(&mut self, bound: usize) -> usize {
        ((self.unit() * bound as f64) as usize).min(bound.saturating_sub(1))
    }

    /// Standard normal (Box & Muller 1958).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.unit().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Gamma of this shape and scale 1 (Marsaglia & Tsang 2000, ACM TOMS 26:363).
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.unit().powf(1.0 / shape.max(1e-12));
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.unit().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// Poisson: products of uniforms; from mean 30 up a normal corrected for skewness, whose
    /// error is well below that of a plug-in mean.
    fn poisson(&mut self, mean: f64) -> u64 {
        if mean >= 30.0 {
            let z = self.normal();
            return (mean + mean.sqrt() * z + (z * z - 1.0) / 6.0).round().max(0.0) as u64;
        }
        let floor = (-mean).exp();
        let mut product = self.unit();
        let mut count = 0;
        while product > floor {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// A count of this mean and variance over mean.
    pub(super) fn count(&mut self, mean: f64, dispersion: f64) -> u64 {
        if dispersion > 1.0 + 1e-6 {
            let mean = self.gamma(mean / (dispersion - 1.0)) * (dispersion - 1.0);
            return self.poisson(mean);
        }
        if dispersion >= 1.0 {
            return self.poisson(mean);
        }
        (mean + (dispersion * mean).sqrt() * self.normal()).round().max(0.0) as u64
    }
}
