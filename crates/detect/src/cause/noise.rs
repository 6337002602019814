//! How far leaves stray from what is expected when nothing is the matter.

use super::cube::Cube;
use super::tables::Sums;

/// Spread of leaves: variance = `floor · mean + relative_sq · mean²`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Variance per mean of a small leaf: 1 of counts.
    pub floor: f64,
    /// Squared relative error of the expectation.
    pub relative_sq: f64,
}

/// The median of the square of a standard normal variable.
pub const MEDIAN_OF_SQUARE: f64 = 0.454_936;
/// Leaves of counts with a smaller mean tell nothing of the relative error.
pub const TELLING_MEAN: f64 = 2.0;
/// Rounds of reweighting.
const ROUNDS: usize = 6;
/// Squares beyond this many variances count as this many: causes are not noise.
const WINSOR: f64 = 9.0;
/// The relative error of a count's expectation, squared, before any leaf has told of it.
const PRIOR_SQ: f64 = 0.01;
/// Telling leaves that the prior weighs as much as.
const PRIOR_LEAVES: f64 = 4.0;
/// Fewer telling leaves than this have no typical ratio.
const FEW_LEAVES: usize = 16;

impl Noise {
    /// Variance of a leaf of this mean.
    pub fn variance(self, mean: f64) -> f64 {
        mean * (self.floor + self.relative_sq * mean)
    }

    /// Estimates the spread from all leaves, given their means.
    ///
    /// Weighted least squares of the squared residuals on the mean and its square, winsorised and
    /// reweighted. The mean is taken between expected and observed, which keeps the information of
    /// a leaf that was not expected finite. With few large leaves it rests on the prior.
    /// `count_spread` is the floor where the amounts are counts, and none where they are not.
    pub fn estimate(observed: &[f64], mean: &[f64], count_spread: Option<f64>) -> Noise {
        let least = if count_spread.is_some() { TELLING_MEAN } else { 0.0 };
        let telling: Vec<(f64, f64)> = observed
            .iter()
            .zip(mean)
            .filter(|(_, m)| **m > least)
            .map(|(&y, &m)| ((y - m).powi(2), (y + m) / 2.0))
            .collect();
        if let Some(floor) = count_spread {
            let mut noise = Noise { floor, relative_sq: PRIOR_SQ };
            for _ in 0..ROUNDS {
                let [_, xz, zz, _, zs] = noise.moments(&telling);
                let prior = PRIOR_LEAVES / PRIOR_SQ.powi(2);
                let slope = (zs - floor * xz + prior * PRIOR_SQ) / (zz + prior);
                noise.relative_sq = slope.max(0.0);
            }
            return noise;
        }
        let typical = median(telling.iter().map(|(square, m)| square / (m * m)).collect());
        let relative_sq = (typical / MEDIAN_OF_SQUARE).max(LEAST_SQ);
        let mut noise = Noise { floor: 0.0, relative_sq };
        if !telling.is_empty() {
            for _ in 0..ROUNDS {
                noise = noise.refined(&telling);
            }
        }
        noise
    }

    /// One round for amounts: both terms, neither below zero.
    fn refined(self, telling: &[(f64, f64)]) -> Noise {
        let [xx, xz, zz, xs, zs] = self.moments(telling);
        let det = xx * zz - xz * xz;
        let (floor, slope) = ((xs * zz - zs * xz) / det, (zs * xx - xs * xz) / det);
        let (floor, slope) = match (floor, slope) {
            (floor, slope) if floor >= 0.0 && slope >= 0.0 => (floor, slope),
            (_, slope) if slope < 0.0 => (xs / xx, 0.0),
            _ => (0.0, zs / zz),
        };
        let usable = floor.is_finite() && slope.is_finite();
        if usable { Noise { floor, relative_sq: slope.max(LEAST_SQ) } } else { self }
    }

    /// Sums of products of mean, its square and the residual's square, all over the variance.
    fn moments(self, telling: &[(f64, f64)]) -> [f64; 5] {
        let mut sums = [0.0; 5];
        for &(square, m) in telling {
            let variance = self.variance(m);
            let square = (square / variance).min(WINSOR);
            let (x, z) = (m / variance, m * m / variance);
            for (sum, term) in sums.iter_mut().zip([x * x, x * z, z * z, x * square, z * square]) {
                *sum += term;
            }
        }
        sums
    }

    /// Leaves in units of information: each weighs as much as its mean over its variance.
    pub fn weighted(self, observed: &[f64], expected: &[f64], common: f64) -> Vec<Sums> {
        let leaves = observed.iter().zip(expected);
        leaves
            .map(|(&y, &m)| {
                let mean = (common * m + y) / 2.0;
                let weight = if mean > 0.0 { mean / self.variance(mean) } else { 0.0 };
                Sums { observed: weight * y, expected: weight * m }
            })
            .collect()
    }
}

/// The least squared relative error of amounts: rounding is not information.
const LEAST_SQ: f64 = 1e-8;

/// Whether all that was observed are whole numbers.
pub fn is_counts(cube: &Cube) -> bool {
    cube.observed.iter().all(|y| y.fract() == 0.0)
}

/// What is expected of each leaf given that it is listed.
///
/// A list of counts often leaves out leaves that were hardly expected, unless something was seen.
/// What was expected of such a leaf is then the mean of a count known not to be 0,
/// `mean / (1 - exp(-mean))`; else every rare value would stand out. From where on leaves are
/// listed anyway is read off the leaves that saw nothing (their first percentile).
pub fn listed_expectation(cube: &Cube, counts: bool) -> Vec<f64> {
    let mut expected = cube.expected.clone();
    let (all, planned) = (cube.observed.iter().sum::<f64>(), expected.iter().sum::<f64>());
    let mut zeros: Vec<f64> = cube
        .observed
        .iter()
        .zip(&cube.expected)
        .filter(|(y, _)| **y == 0.0)
        .map(|(_, m)| *m)
        .collect();
    let at = zeros.len() / 100;
    if !counts || zeros.is_empty() || all <= 0.0 || planned <= 0.0 {
        return expected;
    }
    let listed_from = *zeros.select_nth_unstable_by(at, f64::total_cmp).1;
    let common = all / planned;
    for m in expected.iter_mut().filter(|m| **m < listed_from) {
        let mean = common * *m;
        *m = if mean > 1e-9 { mean / -(-mean).exp_m1() } else { 1.0 } / common;
    }
    expected
}

/// The ratio of observed to expected of the typical unit expected: their weighted median, so that
/// large causes do not move it. `None` with few leaves to tell.
pub fn typical_ratio(observed: &[f64], expected: &[f64], counts: bool) -> Option<f64> {
    let least = if counts { TELLING_MEAN } else { 0.0 };
    let mut ratios: Vec<(f64, f64)> = observed
        .iter()
        .zip(expected)
        .filter(|(_, m)| **m > least)
        .map(|(y, &m)| (y / m, m))
        .collect();
    if ratios.len() < FEW_LEAVES {
        return None;
    }
    ratios.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let half = ratios.iter().map(|(_, m)| m).sum::<f64>() / 2.0;
    let mut below = 0.0;
    let middle = ratios.iter().find(|(_, m)| {
        below += m;
        below >= half
    });
    middle.map(|(ratio, _)| *ratio).filter(|ratio| *ratio > 0.0 && ratio.is_finite())
}

/// The upper median, 0 of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    if values.is_empty() {
        return 0.0;
    }
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}
