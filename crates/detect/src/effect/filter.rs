//! A Kalman filter that carries regressors along.
//!
//! Every series is regressors plus a common factor plus a drift of its own plus noise of known
//! variance. Factor and drifts are autoregressions of order one. The filter runs over the response
//! and over every regressor with the same gains, so that one pass gives the generalised least
//! squares cross products for any choice of regressors (Rosenberg 1973; de Jong 1991).

use super::rates::LogRates;

/// The laws of factor and drifts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// How much of a deviation is left after one period, in (0, 1].
    pub kept: f64,
    /// Standard deviation of a period's step of each series' own drift, log rate.
    pub own_step: f64,
    /// The same of the factor common to all series.
    pub common_step: f64,
}

/// Cross products of response (column 0) and regressors (columns from 1), whitened.
#[derive(Clone, Debug)]
pub struct CrossProducts {
    /// Columns.
    width: usize,
    /// Rows up to this one are kept against all columns, later ones only against themselves.
    full: usize,
    /// `full` rows of `width` values.
    rows: Vec<f64>,
    /// The diagonal of the columns from `full` on.
    diagonal: Vec<f64>,
    /// Sum of the logarithms of the innovation variances.
    pub ln_variance: f64,
}

impl CrossProducts {
    /// The product of two columns; at most one of them may lie beyond the full ones unless they
    /// are the same.
    pub fn get(&self, a: usize, b: usize) -> f64 {
        let (low, high) = (a.min(b), a.max(b));
        if low < self.full {
            self.rows[low * self.width + high]
        } else {
            self.diagonal[low - self.full]
        }
    }
}

/// Filters the series with their regressors.
///
/// `regressors(series, period, row)` writes those of an observation into `row`, whose cell 0 is
/// the response's. The first `full` columns are crossed with all columns; the others are
/// alternatives of which one is used at a time. Series end with the shortest of them.
pub fn cross_products(
    series: &[LogRates],
    columns: usize,
    full: usize,
    regressors: impl Fn(usize, usize, &mut [f64]),
    drift: &Drift,
) -> CrossProducts {
    let length = series.iter().map(|one| one.values.len()).min().unwrap_or(0);
    let mut state = State::new(series.len(), columns, drift);
    let mut products = CrossProducts {
        width: columns,
        full,
        rows: vec![0.0; full * columns],
        diagonal: vec![0.0; columns - full],
        ln_variance: 0.0,
    };
    let mut innovation = vec![0.0; columns];
    for period in 0..length {
        if period > 0 {
            state.predict(drift);
        }
        for (index, one) in series.iter().enumerate() {
            if one.variances[period].is_finite() {
                innovation.fill(0.0);
                regressors(index, period, &mut innovation);
                innovation[0] = one.values[period];
                let variance = state.update(index, one.variances[period], &mut innovation);
                products.add(&innovation, variance);
            }
        }
    }
    products
}

impl CrossProducts {
    fn add(&mut self, innovation: &[f64], variance: f64) {
        self.ln_variance += variance.ln();
        let weight = 1.0 / variance;
        for (row, &value) in innovation[..self.full].iter().enumerate() {
            if value != 0.0 {
                let from = row * self.width;
                let scaled = value * weight;
                let out = &mut self.rows[from + row..from + self.width];
                for (sum, other) in out.iter_mut().zip(&innovation[row..]) {
                    *sum += scaled * other;
                }
            }
        }
        for (sum, value) in self.diagonal.iter_mut().zip(&innovation[self.full..]) {
            *sum += value * value * weight;
        }
    }
}

/// Factor (first) and drifts, their covariance, and a mean for every column.
struct State {
    size: usize,
    columns: usize,
    covariance: Vec<f64>,
    means: Vec<f64>,
    gain: Vec<f64>,
}

impl State {
    fn new(series: usize, columns: usize, drift: &Drift) -> State {
        let size = series + 1;
        let mut covariance = vec![0.0; size * size];
        // A stationary start; a walk starts at nothing, its level being a regressor.
        let lasting = 1.0 - drift.kept * drift.kept;
        let share = if lasting > 1e-9 { 1.0 / lasting } else { 0.0 };
        for index in 0..size {
            let step = if index == 0 { drift.common_step } else { drift.own_step };
            covariance[index * size + index] = step * step * share;
        }
        State { size, columns, covariance, means: vec![0.0; size * columns], gain: vec![0.0; size] }
    }

    fn predict(&mut self, drift: &Drift) {
        let kept = drift.kept * drift.kept;
        self.covariance.iter_mut().for_each(|value| *value *= kept);
        self.means.iter_mut().for_each(|value| *value *= drift.kept);
        for index in 0..self.size {
            let step = if index == 0 { drift.common_step } else { drift.own_step };
            self.covariance[index * self.size + index] += step * step;
        }
    }

    /// Turns an observation's columns into innovations and returns their variance.
    fn update(&mut self, series: usize, noise: f64, innovation: &mut [f64]) -> f64 {
        let (size, own, columns) = (self.size, series + 1, self.columns);
        for index in 0..size {
            let row = index * size;
            self.gain[index] = self.covariance[row] + self.covariance[row + own];
        }
        let variance = self.gain[0] + self.gain[own] + noise;
        for (column, value) in innovation.iter_mut().enumerate() {
            *value -= self.means[column] + self.means[own * columns + column];
        }
        for index in 0..size {
            let gain = self.gain[index] / variance;
            let means = &mut self.means[index * columns..(index + 1) * columns];
            for (mean, value) in means.iter_mut().zip(innovation.iter()) {
                *mean += gain * value;
            }
            for other in 0..size {
                self.covariance[index * size + other] -= gain * self.gain[other];
            }
        }
        variance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The covariance of all observations, written out.
    fn covariance(series: &[LogRates], drift: &Drift) -> nalgebra::DMatrix<f64> {
        let length = series[0].values.len();
        let lag = |a: usize, b: usize, step: f64| {
            let (low, high) = (a.min(b), a.max(b));
            let left = drift.kept.powi((high - low) as i32);
            if drift.kept < 1.0 {
                left * step * step / (1.0 - drift.kept * drift.kept)
            } else {
                step * step * low as f64
            }
        };
        nalgebra::DMatrix::from_fn(series.len() * length, series.len() * length, |row, col| {
            let ((s, t), (r, u)) = ((row / length, row % length), (col / length, col % length));
            let own = if s == r { lag(t, u, drift.own_step) } else { 0.0 };
            let noise = if row == col { series[s].variances[t] } else { 0.0 };
            lag(t, u, drift.common_step) + own + noise
        })
    }

    #[test]
    fn one_pass_gives_the_generalised_least_squares_products() {
        let one = |shift: f64| LogRates {
            values: (0..12).map(|t| (f64::from(t) * 1.7 + shift).sin()).collect(),
            variances: (0..12).map(|t| 0.1 + 0.02 * f64::from(t % 5)).collect(),
            dispersion: 1.0,
        };
        let series = [one(0.0), one(1.0), one(2.5)];
        let regressor = |s: usize, t: usize, c: usize| ((s + 2 * t + 3 * c) as f64).cos();
        for kept in [0.8, 1.0] {
            let drift = Drift { kept, own_step: 0.2, common_step: 0.3 };
            let fill = |s: usize, t: usize, row: &mut [f64]| {
                (1..4).for_each(|c| row[c] = regressor(s, t, c));
            };
            let fast = cross_products(&series, 4, 3, fill, &drift);
            let dense = covariance(&series, &drift);
            let columns = nalgebra::DMatrix::from_fn(36, 4, |row, c| match c {
                0 => series[row / 12].values[row % 12],
                _ => regressor(row / 12, row % 12, c),
            });
            let factor = dense.cholesky().unwrap();
            let slow = columns.transpose() * factor.solve(&columns);
            for (a, b) in [(0, 0), (0, 1), (1, 2), (2, 2), (0, 3), (1, 3), (3, 3)] {
                assert!((fast.get(a, b) - slow[(a, b)]).abs() < 1e-8, "{kept} {a} {b}");
                assert_eq!(fast.get(a, b), fast.get(b, a));
            }
            let ln_determinant = 2.0 * factor.l().diagonal().iter().map(|d| d.ln()).sum::<f64>();
            assert!((fast.ln_variance - ln_determinant).abs() < 1e-8);
        }
    }
}
