//! Which drivers explain a score, and by how much.
//!
//! Drivers move together, so that a plain coefficient says little of a driver's part. Two measures
//! share out what the drivers explain together: exact LMG, the average over all orders in which
//! drivers can enter a regression (Lindeman, Merenda & Gold 1980; the Shapley value of R²), and
//! Johnson's relative weights (2000), which come near it for the price of one eigendecomposition
//! and are kept live. Both read [`Moments`] only.
//!
//! Small samples give strong drivers that move together too unlike shares. The coefficients are
//! therefore drawn to zero first, by ridge regression whose strength is the most probable one
//! (empirical Bayes: Morris 1983; MacKay 1992), and the measures are taken of the fit that is left.
//! In simulation (8 drivers, 300 rows, 60 worlds a setting) the error of a share fell by up to a
//! tenth where drivers are positively correlated and act in one direction, hardly changed in most
//! settings, and rose by up to 6 % where few drivers act among many idle ones. With the sample the
//! shrinkage goes to nothing. Taking out the bias of squares instead (as adjusted R² does) was
//! worse in most settings.
//!
//! None of it is about causes: a share is of what is explained, in either direction.

mod bootstrap;
mod lmg;
mod moments;
mod relative;
mod shrink;

pub use bootstrap::{ShareInterval, bootstrap_shares};
pub use lmg::MOST_EXACT_DRIVERS;
pub use moments::Moments;

/// Drivers, at most.
pub const MOST_DRIVERS: usize = 64;

/// How the explained variance is shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Exact LMG; up to [`MOST_EXACT_DRIVERS`] drivers, Johnson's weights above.
    Lmg,
    /// Johnson's relative weights.
    Relative,
}

/// What the drivers explain.
#[derive(Clone, Debug, PartialEq)]
pub struct DriverShares {
    /// Each driver's share of what is explained; they sum to 1, or are all 0 when nothing is.
    pub shares: Vec<f64>,
    /// The share of the score's variance that the drivers explain, drawn to zero with the
    /// coefficients; in [0, 1].
    pub r2: f64,
    /// The measure taken.
    pub measure: Measure,
}

/// Shares out what the drivers explain of the score.
///
/// Constant drivers have no share. Without two rows, or with a constant score, all shares are 0.
pub fn driver_shares(moments: &Moments, measure: Measure) -> DriverShares {
    let measure = if moments.drivers() > MOST_EXACT_DRIVERS { Measure::Relative } else { measure };
    let Some(correlations) = moments.correlations() else {
        return DriverShares { shares: vec![0.0; moments.drivers()], r2: 0.0, measure };
    };
    let fit = shrink::shrunk(&correlations, moments.rows());
    let parts = match measure {
        Measure::Lmg => lmg::lmg(&correlations.among, &fit.with_score),
        Measure::Relative => relative::relative_weights(&fit),
    };
    let parts: Vec<f64> = parts.iter().map(|part| part.max(0.0)).collect();
    let r2: f64 = parts.iter().sum();
    let shares = if r2 > 0.0 && r2.is_finite() {
        parts.iter().map(|part| part / r2).collect()
    } else {
        vec![0.0; parts.len()]
    };
    DriverShares { shares, r2: if r2.is_finite() { r2.clamp(0.0, 1.0) } else { 0.0 }, measure }
}

#[cfg(test)]
mod tests;
