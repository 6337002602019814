//! The upper tail of the hypergeometric distribution.

use statrs::function::gamma::ln_gamma;

/// Natural logarithm of the chance that `drawn` of `all` people hold at least `held` of the
/// `marked` ones. 0 where as many are expected anyway.
pub fn ln_at_least(held: u64, drawn: u64, marked: u64, all: u64) -> f64 {
    let (k, n, m, t) = (held as f64, drawn as f64, marked as f64, all as f64);
    if k * t <= n * m {
        return 0.0;
    }
    // Above the mean each term is smaller than the one before.
    let (mut term, mut sum, mut at) = (1.0, 1.0, k);
    while at < n.min(m) && term > sum * 1e-15 {
        term *= (m - at) * (n - at) / ((at + 1.0) * (t - m - n + at + 1.0));
        sum += term;
        at += 1.0;
    }
    let first = ln_choose(m, k) + ln_choose(t - m, n - k) - ln_choose(t, n);
    (first + f64::ln(sum)).min(0.0)
}

fn ln_choose(of: f64, some: f64) -> f64 {
    ln_gamma(of + 1.0) - ln_gamma(some + 1.0) - ln_gamma(of - some + 1.0)
}
