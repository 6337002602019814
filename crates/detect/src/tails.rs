//! Tails of count distributions, in logarithms: where a probability is too small for a number, its
//! logarithm is not.
//!
//! A negative binomial count here has mean `mean` and variance `dispersion · mean`
//! (quasi-Poisson spread, dispersion ≥ 1); at dispersion 1 it is a Poisson count.

use statrs::function::beta::{beta_reg, ln_beta};
use statrs::function::gamma::{gamma_lr, ln_gamma};

/// Below this a count is taken as Poisson: the negative binomial's size would be without bound.
const POISSON_BELOW: f64 = 1.0 + 1e-6;
/// Tails above this are what the regularised functions give; below, they have lost their digits.
const EXACT_ABOVE: f64 = 1e-10;
/// Terms of a tail's sum at most: each is smaller than the one before by a factor below one.
const TERMS: usize = 2_000;

/// Natural logarithm of the probability of exactly `count`.
///
/// `-inf` for a positive count at mean 0.
pub fn ln_pmf(count: u64, mean: f64, dispersion: f64) -> f64 {
    let k = count as f64;
    if mean <= 0.0 {
        return if count == 0 { 0.0 } else { f64::NEG_INFINITY };
    }
    if dispersion < POISSON_BELOW {
        return k * mean.ln() - mean - ln_gamma(k + 1.0);
    }
    let size = mean / (dispersion - 1.0);
    // ln C(k + size - 1, k), without the difference of two large numbers.
    let ways = if count == 0 { 0.0 } else { -ln_beta(size, k) - k.ln() };
    ways + k * ((dispersion - 1.0) / dispersion).ln() - size * dispersion.ln()
}

/// Natural logarithm of the probability of `count` or more; 0 for a count of 0.
///
/// Exact in the far tail, where the sum of the terms from `count` on is taken.
pub fn ln_at_least(count: u64, mean: f64, dispersion: f64) -> f64 {
    if count == 0 {
        return 0.0;
    }
    if mean <= 0.0 {
        return f64::NEG_INFINITY;
    }
    let k = count as f64;
    let near = if dispersion < POISSON_BELOW {
        gamma_lr(k, mean)
    } else {
        let size = mean / (dispersion - 1.0);
        beta_reg(k, size, (dispersion - 1.0) / dispersion)
    };
    if near > EXACT_ABOVE || k <= mean {
        return near.min(1.0).ln();
    }
    let mut sum = 1.0;
    let mut term = 1.0;
    for step in 0..TERMS {
        let at = k + step as f64;
        term *= next_ratio(at, mean, dispersion);
        sum += term;
        if term < sum * 1e-15 {
            break;
        }
    }
    ln_pmf(count, mean, dispersion) + sum.ln()
}

/// P(count + 1) / P(count).
fn next_ratio(count: f64, mean: f64, dispersion: f64) -> f64 {
    if dispersion < POISSON_BELOW {
        return mean / (count + 1.0);
    }
    let size = mean / (dispersion - 1.0);
    (count + size) / (count + 1.0) * (dispersion - 1.0) / dispersion
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums the terms from 0 up: right, slow, and blind below 1e-16.
    fn summed_at_least(count: u64, mean: f64, dispersion: f64) -> f64 {
        1.0 - (0..count).map(|k| ln_pmf(k, mean, dispersion).exp()).sum::<f64>()
    }

    #[test]
    fn a_tail_is_the_sum_of_its_terms() {
        for mean in [0.01, 0.5, 3.0, 40.0, 700.0] {
            for dispersion in [1.0, 1.05, 1.7, 12.0] {
                let all: f64 = (0..20_000).map(|k| ln_pmf(k, mean, dispersion).exp()).sum();
                assert!((all - 1.0).abs() < 1e-8, "{mean} {dispersion}: {all}");
                for count in [1, 2, 5, 30, 300, 900] {
                    let sum = summed_at_least(count, mean, dispersion);
                    let tail = ln_at_least(count, mean, dispersion);
                    assert!((tail.exp() - sum).abs() < 1e-8, "{count} {mean} {dispersion} {tail}");
                }
            }
        }
    }

    #[test]
    fn far_tails_fall_steadily_and_join_the_near_ones() {
        for dispersion in [1.0, 1.3, 8.0] {
            let mut before = 0.0;
            for count in 1..3_000 {
                let now = ln_at_least(count, 20.0, dispersion);
                assert!(now < before && now.is_finite(), "{count} {dispersion}: {now}");
                before = now;
            }
        }
    }

    #[test]
    fn nothing_is_expected_where_the_mean_is_zero() {
        assert_eq!(ln_at_least(0, 0.0, 2.0), 0.0);
        assert_eq!(ln_at_least(1, 0.0, 2.0), f64::NEG_INFINITY);
        assert_eq!(ln_pmf(0, 0.0, 1.0), 0.0);
    }
}
