//! How sure the shares are.

use super::{Measure, Moments, driver_shares};
use crate::draws::Draws;

/// Rounds, at most.
const MOST_ROUNDS: usize = 2_000;

/// A driver's share with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShareInterval {
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

/// Intervals of the shares that hold with probability `level`, by the percentiles of `rounds`
/// samples of the rows with replacement (Efron 1979).
///
/// Rows are as [`Moments::add`] takes them, the first one's length for all. The samples come from
/// `seed` alone. Percentile intervals of shares near 0 lie too high, a square never being negative:
/// they tell strong drivers apart, not a weak one from none.
pub fn bootstrap_shares(
    rows: &[Vec<f64>],
    measure: Measure,
    rounds: usize,
    level: f64,
    seed: u64,
) -> Vec<ShareInterval> {
    let drivers = rows.first().map_or(0, |row| row.len().saturating_sub(1));
    let rounds = rounds.clamp(1, MOST_ROUNDS);
    let mut draws = Draws::new(seed);
    let mut found: Vec<Vec<f64>> = vec![Vec::with_capacity(rounds); drivers];
    for _ in 0..rounds {
        let mut moments = Moments::new(drivers);
        for _ in 0..rows.len() {
            moments.add(&rows[draws.below(rows.len())]);
        }
        let shares = driver_shares(&moments, measure).shares;
        found.iter_mut().zip(shares).for_each(|(all, share)| all.push(share));
    }
    let tail = (0.5 * (1.0 - level)).clamp(0.0, 0.5);
    let interval = |mut all: Vec<f64>| {
        all.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let index = (share * all.len().saturating_sub(1) as f64).round() as usize;
            all.get(index).copied().unwrap_or(0.0)
        };
        ShareInterval { low: at(tail), high: at(1.0 - tail) }
    };
    found.into_iter().map(interval).collect()
}
