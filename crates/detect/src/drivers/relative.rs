//! Johnson's relative weights.

use super::shrink::Shrunk;

/// The parts of R² by Johnson (2000, Multivariate Behavioral Research 35:1): drivers are replaced
/// by the uncorrelated variables nearest to them, `Z = X Λ^(-1/2)`, the score is regressed on
/// those, and each variable's part is handed back by its squared loadings.
///
/// The parts sum to R². It is not exact LMG: with two drivers they agree, with more they are
/// close, and the gap grows with the drivers' correlation (Thomas et al. 2014 give the argument).
pub fn relative_weights(fit: &Shrunk) -> Vec<f64> {
    let count = fit.values.len();
    let root = |row: usize, col: usize, power: f64| -> f64 {
        (0..count)
            .filter(|axis| fit.values[*axis] > 1e-9)
            .map(|axis| {
                fit.vectors[(row, axis)] * fit.values[axis].powf(power) * fit.vectors[(col, axis)]
            })
            .sum()
    };
    let squares: Vec<f64> = (0..count)
        .map(|row| (0..count).map(|col| root(row, col, -0.5) * fit.with_score[col]).sum::<f64>())
        .map(|coefficient| coefficient * coefficient)
        .collect();
    (0..count)
        .map(|row| (0..count).map(|col| root(row, col, 0.5).powi(2) * squares[col]).sum::<f64>())
        .collect()
}
