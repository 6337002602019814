//! Probability of a count with any spread, also one below a Poisson count's.

use statrs::function::gamma::ln_gamma;

use crate::tails;

/// Least variance over mean believed: even a quota is not kept to the case.
pub(super) const LEAST_DISPERSION: f64 = 0.02;
/// Variance of rounding to whole cases.
const ROUNDING: f64 = 1.0 / 12.0;

/// Natural logarithm of the probability of `count` at this mean and variance over mean.
///
/// From dispersion 1 up a negative binomial count. Below 1 (quotas, appointments, a capacity that
/// is always used) the double Poisson of Efron 1986, JASA 81:709, without its normalising factor,
/// so it is a likelihood, not a distribution: the factor is within some percent of 1 where the
/// mean is several cases, and off where it is below one. The variance of rounding is added, so
/// that every fraction of a nearly constant mean is not a surprise.
pub(super) fn ln_count(count: u64, mean: f64, dispersion: f64) -> f64 {
    if mean <= 0.0 || dispersion >= 1.0 {
        return tails::ln_pmf(count, mean, dispersion.max(1.0));
    }
    let spread = (dispersion.max(LEAST_DISPERSION) + ROUNDING / mean).min(1.0);
    let precision = 1.0 / spread;
    let none = 0.5 * precision.ln() - precision * mean;
    if count == 0 {
        return none;
    }
    let y = count as f64;
    none - y + y * y.ln() - ln_gamma(y + 1.0) + precision * y * (1.0 + (mean / y).ln())
}
