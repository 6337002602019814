//! What a period would bring without a burst: a log-linear quasi-Poisson model, learnt period by
//! period.

use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

use super::period::{Period, prior_precisions, regressors};
use super::settings::PeriodSettings;
use super::spread::LEAST_DISPERSION;
use crate::packed;

/// Logarithms of means stay within this: beyond it a count is not one.
const LN_MEAN_LIMIT: f64 = 40.0;
/// Largest dispersion believed.
const MOST_DISPERSION: f64 = 1e9;
/// Passes of the batch fit; Fisher scoring doubles the digits with each.
const PASSES: usize = 25;
/// Largest step of a coefficient in one pass: a factor of 7.
const LONGEST_STEP: f64 = 2.0;
/// A pass that moves nothing by more than this is the last.
const SETTLED: f64 = 1e-8;
/// Largest positive residual that moves the baseline, in standard deviations: of a symmetric count,
/// for each unit of skewness more, and of any.
const CLIP_SD: f64 = 4.0;
const CLIP_SD_PER_SKEWNESS: f64 = 2.0;
const CLIP_SD_MOST: f64 = 12.0;

/// What the baseline expects of a period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected {
    /// Mean count.
    pub mean: f64,
    /// Variance over mean of the counts.
    pub dispersion: f64,
    /// The same with the doubt about the mean added: `φ·(1 + mean·x'Cx)`.
    pub predictive: f64,
}

/// Coefficients, their covariance and the dispersion of one series.
///
/// Quasi-likelihood with variance `φ·mean` (McCullagh & Nelder 1989, ch. 9) and ridge priors. The
/// first fit takes the whole warm-up at once: a start from nothing with robust weights can shut
/// out a weekday that is ten times the others and never learn it. Then one step of Fisher scoring
/// a period with exponential forgetting, as in West, Harrison & Migon 1985, JASA 80:73; on a
/// log-linear series that is the batch fit to within its linearisation.
///
/// Batch fit: at most 25 passes of O(n·p²), n the warm-up. A period: O(p²). Fails when the level
/// jumps for good: until it has learnt, which takes a good part of its memory, it expects the old.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Baseline {
    /// Number of the period that the trend starts from.
    origin: i64,
    coefficients: Vec<f64>,
    /// Upper triangle by rows, in units of the dispersion.
    covariance: Vec<f64>,
    /// Sum of weights.
    weight: f64,
    /// Sum of weighted squared Pearson residuals.
    squares: f64,
}

impl Baseline {
    /// Fits the periods of the warm-up together, all with weight 1.
    pub(super) fn batch(settings: &PeriodSettings, periods: &[Period]) -> Baseline {
        let origin = periods.first().map_or(0, |period| period.number);
        let fit = BatchFit::new(settings, origin, periods);
        let p = fit.prior.len();
        let mut coefficients = DVector::from_vec(fit.centre.clone());
        let mut dispersion = 1.0;
        let mut inverse = DMatrix::identity(p, p);
        for _ in 0..PASSES {
            let (information, gradient) = fit.scores(&coefficients, dispersion);
            let Some(factor) = information.cholesky() else { break };
            let mut step = factor.solve(&gradient);
            let longest = step.amax();
            if longest > LONGEST_STEP {
                step *= LONGEST_STEP / longest;
            }
            if !longest.is_finite() {
                break;
            }
            inverse = factor.inverse();
            coefficients += &step;
            dispersion = fit.dispersion(&coefficients);
            if longest < SETTLED {
                break;
            }
        }
        let triangle = (0..p).flat_map(|i| (i..p).map(move |j| (i, j)));
        let freedom = fit.freedom();
        Baseline {
            origin,
            coefficients: coefficients.as_slice().to_vec(),
            covariance: triangle.map(|at| inverse[at]).collect(),
            weight: freedom,
            squares: dispersion * freedom,
        }
    }

    /// Variance over mean of the counts, leaning on 1 as much as one period weighs.
    fn dispersion(&self) -> f64 {
        let value = (self.squares + 1.0) / (self.weight + 1.0);
        value.clamp(LEAST_DISPERSION, MOST_DISPERSION)
    }

    /// What is expected of a period.
    pub(super) fn expected(&self, settings: &PeriodSettings, period: &Period) -> Expected {
        let row = regressors(settings, self.origin, period);
        let mean = self.mean(&row);
        let doubt = mean * dot(&row, &self.spread(&row));
        let dispersion = self.dispersion();
        let doubt = if doubt.is_finite() { doubt.max(0.0) } else { 0.0 };
        let predictive = (dispersion * (1.0 + doubt)).min(MOST_DISPERSION);
        Expected { mean, dispersion, predictive }
    }

    /// Learns a period with a weight from 0 to 1; one without a count changes nothing.
    pub(super) fn learn(&mut self, settings: &PeriodSettings, period: &Period, weight: f64) {
        let Some(count) = period.count.filter(|_| weight > 0.0) else { return };
        let row = regressors(settings, self.origin, period);
        let keep = 1.0 - weight / settings.memory_periods.max(2.0);
        let mean = self.mean(&row);
        let phi = self.dispersion();
        let spread = self.spread(&row);
        let information = weight * mean;
        let scale = 1.0 / (1.0 + information * dot(&row, &spread).max(0.0));
        let sd = (phi * mean).sqrt().max(f64::MIN_POSITIVE);
        let residual = ((count as f64 - mean) / sd).min(clip_sd(phi, sd));
        let gain = weight * scale * residual * sd;
        for (coefficient, part) in self.coefficients.iter_mut().zip(&spread) {
            *coefficient += gain * part;
        }
        let shrink = information * scale;
        let pairs = (0..spread.len()).flat_map(|i| spread[i..].iter().map(move |s| (i, s)));
        for (entry, (i, other)) in self.covariance.iter_mut().zip(pairs) {
            *entry = (*entry - shrink * spread[i] * other) / keep;
        }
        self.weight = keep * self.weight + weight;
        self.squares = keep * self.squares + weight * residual * residual * phi;
    }

    fn mean(&self, row: &[f64]) -> f64 {
        dot(row, &self.coefficients).clamp(-LN_MEAN_LIMIT, LN_MEAN_LIMIT).exp()
    }

    /// Covariance times a row.
    fn spread(&self, row: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; row.len()];
        packed::times(&self.covariance, row, &mut out);
        out
    }
}

/// What Fisher scoring over the warm-up needs.
struct BatchFit {
    rows: Vec<(Vec<f64>, f64)>,
    prior: Vec<f64>,
    centre: Vec<f64>,
}

impl BatchFit {
    fn new(settings: &PeriodSettings, origin: i64, periods: &[Period]) -> BatchFit {
        let known = periods.iter().filter_map(|period| {
            Some((regressors(settings, origin, period), period.count? as f64))
        });
        let rows: Vec<(Vec<f64>, f64)> = known.collect();
        let total: f64 = rows.iter().map(|(_, count)| count).sum();
        let prior = prior_precisions(settings);
        let mut centre = vec![0.0; prior.len()];
        centre[0] = ((total + 0.5) / (rows.len() as f64 + 1.0)).ln();
        BatchFit { rows, prior, centre }
    }

    fn freedom(&self) -> f64 {
        (self.rows.len() as f64 - self.prior.len() as f64).max(1.0)
    }

    fn mean(row: &[f64], coefficients: &DVector<f64>) -> f64 {
        dot(row, coefficients.as_slice()).clamp(-LN_MEAN_LIMIT, LN_MEAN_LIMIT).exp()
    }

    fn dispersion(&self, coefficients: &DVector<f64>) -> f64 {
        let squares = self.rows.iter().map(|(row, count)| {
            let mean = BatchFit::mean(row, coefficients);
            (count - mean).powi(2) / mean
        });
        let value = squares.sum::<f64>() / self.freedom();
        if value.is_nan() { 1.0 } else { value.clamp(LEAST_DISPERSION, MOST_DISPERSION) }
    }

    /// Information and gradient, both times the dispersion.
    fn scores(&self, at: &DVector<f64>, dispersion: f64) -> (DMatrix<f64>, DVector<f64>) {
        let p = self.prior.len();
        let ridge: Vec<f64> = self.prior.iter().map(|prior| prior * dispersion).collect();
        let mut information = DMatrix::from_diagonal(&DVector::from_vec(ridge.clone()));
        let mut gradient = DVector::from_fn(p, |i, _| ridge[i] * (self.centre[i] - at[i]));
        for (row, count) in &self.rows {
            let mean = BatchFit::mean(row, at);
            for i in (0..p).filter(|i| row[*i] != 0.0) {
                gradient[i] += row[i] * (count - mean);
                for j in 0..p {
                    information[(i, j)] += row[i] * row[j] * mean;
                }
            }
        }
        (information, gradient)
    }
}

/// About the 10⁻⁴ quantile of a negative binomial count (Cornish & Fisher 1938). One clip for all
/// would cut the tail of rare, uneven counts and with it the dispersion.
fn clip_sd(dispersion: f64, sd: f64) -> f64 {
    let skewness = ((2.0 * dispersion - 1.0) / sd).max(0.0);
    (CLIP_SD + CLIP_SD_PER_SKEWNESS * skewness).min(CLIP_SD_MOST)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
