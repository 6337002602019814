//! Ridge regression of the most probable strength.

use nalgebra::{DMatrix, SymmetricEigen};

use super::moments::Correlations;

/// Eigenvalues below this are directions in which the drivers do not differ.
const FLAT: f64 = 1e-9;
/// Variances of a coefficient that are tried: powers of two between these exponents.
const POWERS: (i32, i32) = (-16, 4);

/// A fit with its coefficients drawn to zero.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// Correlations of the drivers with what is fitted.
    pub with_score: Vec<f64>,
    /// Eigenvalues of the drivers' correlations, not below zero.
    pub values: Vec<f64>,
    /// Their vectors, in columns.
    pub vectors: DMatrix<f64>,
}

/// Fits standardised drivers under the prior `coefficient ~ N(0, v)`, `v` by maximum marginal
/// likelihood over powers of two.
pub fn shrunk(correlations: &Correlations, rows: u64) -> Shrunk {
    let count = correlations.with_score.len();
    let among = DMatrix::from_row_slice(count, count, &correlations.among);
    let eigen = SymmetricEigen::new(among);
    let values: Vec<f64> = eigen.eigenvalues.iter().map(|value| value.max(0.0)).collect();
    let turned: Vec<f64> = (0..count)
        .map(|axis| {
            let column = eigen.eigenvectors.column(axis);
            column.iter().zip(&correlations.with_score).map(|(u, c)| u * c).sum()
        })
        .collect();
    let explained: f64 = axes(&values, &turned).map(|(value, along)| along * along / value).sum();
    let free = rows as f64 - count as f64 - 1.0;
    let noise = (1.0 - explained).clamp(1e-9, 1.0) / free.max(1.0);
    let variance = most_probable(&values, &turned, noise);
    let fitted: Vec<f64> = values
        .iter()
        .zip(&turned)
        .map(|(value, along)| {
            let kept = variance * value / (variance * value + noise);
            if *value > FLAT { along * kept } else { 0.0 }
        })
        .collect();
    let with_score = (0..count)
        .map(|row| (0..count).map(|axis| eigen.eigenvectors[(row, axis)] * fitted[axis]).sum())
        .collect();
    Shrunk { with_score, values, vectors: eigen.eigenvectors }
}

/// The axes along which the drivers differ.
fn axes<'a>(values: &'a [f64], turned: &'a [f64]) -> impl Iterator<Item = (f64, f64)> + 'a {
    values.iter().copied().zip(turned.iter().copied()).filter(|(value, _)| *value > FLAT)
}

/// The variance of a coefficient under which the data are most probable.
fn most_probable(values: &[f64], turned: &[f64], noise: f64) -> f64 {
    let mut best = (f64::NEG_INFINITY, 1.0);
    for power in POWERS.0..=POWERS.1 {
        let variance = f64::from(power).exp2();
        let ln_likelihood: f64 = axes(values, turned)
            .map(|(value, along)| {
                let spread = value * value * variance + value * noise;
                -0.5 * (spread.ln() + along * along / spread)
            })
            .sum();
        if ln_likelihood > best.0 {
            best = (ln_likelihood, variance);
        }
    }
    best.1
}
