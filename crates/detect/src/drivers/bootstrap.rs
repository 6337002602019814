//! How sure the shares are.

use super::{Measure, Moments, driver_shares};

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
    let mut state = seed;
    let mut found: Vec<Vec<f64>> = vec![Vec::with_capacity(rounds); drivers];
    for _ in 0..rounds {
        let mut moments = Moments::new(drivers);
        for _ in 0..rows.len() {
            moments.add(&rows[below(&mut state, rows.len() as u64)]);
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

/// A number below `bound` from SplitMix64 (Steele, Lea & Flood 2014).
fn below(state: &mut u64, bound: u64) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    ((u128::from(mixed) * u128::from(bound)) >> 64) as usize
}
