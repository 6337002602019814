//! Bayesian linear regression from cross products.

use nalgebra::{Cholesky, DMatrix, DVector};

use super::filter::CrossProducts;

/// What is held of a coefficient before the data: a normal law.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prior {
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation, positive.
    pub sd: f64,
}

/// What the data leave of one coefficient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Posterior {
    /// Its mean.
    pub mean: f64,
    /// Its variance.
    pub variance: f64,
    /// Logarithm of the probability of the data, up to a constant of the data alone.
    pub ln_evidence: f64,
}

/// The posterior of the last of `columns`; `None` when the arithmetic does not hold.
///
/// `columns` are those of the regressors in use, `priors` theirs.
pub fn posterior(
    products: &CrossProducts,
    columns: &[usize],
    priors: &[Prior],
) -> Option<Posterior> {
    let size = columns.len();
    let last = size.checked_sub(1)?;
    let mut matrix = DMatrix::zeros(size, size);
    let mut right = DVector::zeros(size);
    let mut fit = products.get(0, 0);
    let mut ln_prior = 0.0;
    for (row, (&column, prior)) in columns.iter().zip(priors).enumerate() {
        let precision = 1.0 / (prior.sd * prior.sd);
        for (col, &other) in columns[..=row].iter().enumerate() {
            matrix[(row, col)] = products.get(column, other);
        }
        matrix[(row, row)] += precision;
        right[row] = products.get(0, column) + precision * prior.mean;
        fit += precision * prior.mean * prior.mean;
        ln_prior += precision.ln();
    }
    // The lower triangle is all that is read.
    let factor = Cholesky::new(matrix)?;
    let lower = factor.l_dirty();
    if !lower.solve_lower_triangular_mut(&mut right) {
        return None;
    }
    let ln_determinant = 2.0 * lower.diagonal().iter().map(|pivot| pivot.ln()).sum::<f64>();
    fit -= right.norm_squared();
    let pivot = lower[(last, last)];
    let found = Posterior {
        mean: right[last] / pivot,
        variance: 1.0 / (pivot * pivot),
        ln_evidence: -0.5 * (products.ln_variance + ln_determinant - ln_prior + fit),
    };
    let whole = found.mean.is_finite() && found.variance.is_finite() && found.variance > 0.0;
    (whole && found.ln_evidence.is_finite()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::super::filter::{Drift, cross_products};
    use super::super::rates::LogRates;
    use super::*;

    #[test]
    fn a_mean_has_the_conjugate_posterior_and_the_evidence_of_its_marginal_law() {
        let values = vec![0.3, -0.1, 0.8, 0.5];
        let series =
            [LogRates { values: values.clone(), variances: vec![0.5; 4], dispersion: 1.0 }];
        let drift = Drift { kept: 0.5, own_step: 0.0, common_step: 0.0 };
        let products = cross_products(&series, 2, 2, |_, _, row| row[1] = 1.0, &drift);
        let prior = Prior { mean: 0.2, sd: 0.7 };
        let found = posterior(&products, &[1], &[prior]).unwrap();
        let precision = 1.0 / 0.49 + 4.0 / 0.5;
        let sum: f64 = values.iter().sum();
        assert!((found.variance - 1.0 / precision).abs() < 1e-12);
        assert!((found.mean - (0.2 / 0.49 + sum / 0.5) / precision).abs() < 1e-12);
        // Marginally the values are normal around .2 with covariance .5 I + .49 J.
        let marginal =
            nalgebra::DMatrix::from_fn(4, 4, |row, col| 0.49 + if row == col { 0.5 } else { 0.0 });
        let gaps = nalgebra::DVector::from_fn(4, |row, _| values[row] - 0.2);
        let factor = marginal.cholesky().unwrap();
        let ln_determinant = 2.0 * factor.l().diagonal().iter().map(|d: &f64| d.ln()).sum::<f64>();
        let ln_density = -0.5 * (ln_determinant + gaps.dot(&factor.solve(&gaps)));
        assert!((found.ln_evidence - ln_density).abs() < 1e-10);
    }

    #[test]
    fn arithmetic_that_does_not_hold_gives_nothing() {
        let series = [LogRates { values: vec![], variances: vec![], dispersion: 1.0 }];
        let drift = Drift { kept: 0.5, own_step: 0.1, common_step: 0.0 };
        let products = cross_products(&series, 2, 2, |_, _, _| (), &drift);
        assert!(posterior(&products, &[], &[]).is_none());
        assert!(posterior(&products, &[1], &[Prior { mean: 0.0, sd: f64::NAN }]).is_none());
    }
}
