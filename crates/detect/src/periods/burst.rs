//! Is a burst in progress? Posterior odds over onsets, sizes and shapes.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use statrs::function::erf::erfc;

use super::baseline::Expected;
use super::settings::{Delay, PeriodSettings};
use super::spread::ln_count;

/// Logarithms of likelihood ratios stay within this, so that a burst can be forgotten again.
const LN_RATIO_LIMIT: f64 = 600.0;
/// Extra cases below this many standard deviations say nothing and are not weighed.
const LEAST_EXTRA_SD: f64 = 1e-3;

/// Share of a burst's cases by delay, and the share still to come.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    share: Vec<f64>,
    from: Vec<f64>,
}

impl Shape {
    /// A lognormal delay cut to whole periods.
    pub(super) fn new(delay: &Delay, periods: usize) -> Shape {
        let median = delay.median_periods.max(1e-3);
        let spread = delay.spread.max(1e-3);
        let later = |age: usize| {
            let z = (age as f64 / median).ln() / spread;
            0.5 * erfc(z / std::f64::consts::SQRT_2)
        };
        let from: Vec<f64> = (0..=periods).map(later).collect();
        let share = from.windows(2).map(|pair| pair[0] - pair[1]).collect();
        Shape { share, from }
    }
}

/// Every burst looked for: a logarithm of a likelihood ratio by onset, shape and size.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Bursts {
    /// Newest first.
    onsets: VecDeque<Onset>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Onset {
    /// Cases of a burst of size 1.
    unit: f64,
    ln_ratios: Vec<f64>,
}

/// What the counts say of a burst now.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Odds {
    /// Logarithm of the odds that a burst's cases come in this period or later.
    pub(super) ln_active: f64,
    /// The same, less what may as well wait for the next period.
    pub(super) ln_urgent: f64,
    /// Probability, by age of the onset in periods, that a burst began there.
    pub(super) began: Vec<f64>,
}

impl Bursts {
    /// Takes a period in; `seen` is `None` when it was closed or not measured.
    ///
    /// A burst of `s` cases that began `d` periods ago adds Poisson(`s·share_d`) cases to the
    /// count, which keeps its form with mean and variance raised by as much. Its likelihood ratio
    /// is the product over its periods (a mixture likelihood ratio, Siegmund & Venkatraman 1995,
    /// Annals of Statistics 23:255). It has ended when this and later periods hold none of its
    /// cases, which takes the factor `exp(-s·from_d)` in place of this period's ratio: the
    /// difference is the evidence that it goes on. At most one burst at a time is thought of, so
    /// two that overlap are taken for one. A lasting rise looks like burst upon burst.
    ///
    /// Costs one probability for each onset, shape and size.
    pub(super) fn push(
        &mut self,
        settings: &PeriodSettings,
        shapes: &[Shape],
        unit: f64,
        seen: Option<(u64, Expected)>,
    ) -> Odds {
        let kinds = settings.kinds();
        self.onsets.push_front(Onset { unit, ln_ratios: vec![0.0; kinds] });
        self.onsets.truncate(settings.longest_periods.max(1));
        let prior = (settings.onset_rate.clamp(1e-12, 0.5) / kinds.max(1) as f64).ln();
        let patience = settings.patience.clamp(0.0, 1.0);
        let period = seen.map(|(count, expected)| Look::new(count, &expected));
        let mut sums = Sums::new();
        let mut began = Vec::with_capacity(self.onsets.len());
        for (age, onset) in self.onsets.iter_mut().enumerate() {
            let hypotheses = shapes.iter().flat_map(|shape| {
                let ages = shape.share.get(age).copied().unwrap_or(0.0);
                let from = shape.from.get(age).copied().unwrap_or(0.0);
                settings.sizes_sd.iter().map(move |size| (*size, ages, from))
            });
            let mut all = f64::NEG_INFINITY;
            for ((size, share, from), ln_ratio) in hypotheses.zip(&mut onset.ln_ratios) {
                let cases = size * onset.unit;
                let step = period.as_ref().map_or(0.0, |look| look.ln_ratio(cases * share));
                let ended = *ln_ratio - cases * from;
                *ln_ratio = (*ln_ratio + step).clamp(-LN_RATIO_LIMIT, LN_RATIO_LIMIT);
                all = ln_add(all, *ln_ratio);
                let wait = -(-cases * (from - share).max(0.0)).exp_m1() * patience;
                sums.add(prior, *ln_ratio, ended, wait);
            }
            began.push(prior + all);
        }
        let everything = ln_add(sums.active, sums.quiet);
        let began = began.iter().map(|value| (value - everything).exp().min(1.0)).collect();
        let ln_active = sums.active - sums.quiet;
        Odds { ln_active, ln_urgent: sums.urgent - sums.quiet, began }
    }
}

/// One period's count against its expectation.
struct Look {
    count: u64,
    mean: f64,
    variance: f64,
    ln_quiet: f64,
}

impl Look {
    fn new(count: u64, expected: &Expected) -> Look {
        let ln_quiet = ln_count(count, expected.mean, expected.predictive);
        let variance = expected.mean * expected.predictive;
        Look { count, mean: expected.mean, variance, ln_quiet }
    }

    /// Logarithm of how much likelier the count is with so many extra cases expected.
    fn ln_ratio(&self, extra: f64) -> f64 {
        if extra <= LEAST_EXTRA_SD * self.variance.sqrt() {
            return 0.0;
        }
        let mean = self.mean + extra;
        let ratio = ln_count(self.count, mean, (self.variance + extra) / mean) - self.ln_quiet;
        if ratio.is_nan() { 0.0 } else { ratio }
    }
}

/// Logarithms of posterior weights.
struct Sums {
    /// A burst goes on.
    active: f64,
    /// A burst goes on and will not show itself better by waiting.
    urgent: f64,
    /// None ever was, or it has ended.
    quiet: f64,
}

impl Sums {
    fn new() -> Sums {
        Sums { active: f64::NEG_INFINITY, urgent: f64::NEG_INFINITY, quiet: 0.0 }
    }

    fn add(&mut self, prior: f64, ln_ratio: f64, ended: f64, wait: f64) {
        self.quiet = ln_add(self.quiet, prior + ended.min(ln_ratio));
        if ln_ratio > ended {
            let active = prior + ln_ratio + (-(ended - ln_ratio).exp()).ln_1p();
            self.active = ln_add(self.active, active);
            self.urgent = ln_add(self.urgent, active + (-wait).ln_1p());
        }
    }
}

fn ln_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}
