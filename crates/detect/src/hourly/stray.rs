//! How far counts stray from what is expected beyond what the model knows, learned from the
//! tenant's own hours.
//!
//! Noise that lasts (a campaign of a day, a product page that is down, customers who come in
//! groups) does not average out over a window as the noise of hours does. Its part of the variance
//! grows with the square of the mean, so each window length has a relative error: the slope of the
//! squared residual, less the variance that the model expects, on the squared mean (weighted by
//! the inverse of its variance, as in iteratively reweighted least squares; McCullagh & Nelder
//! 1989, ch. 10). Only windows *below* the expectation are asked, doubled: incidents raise counts
//! and would pass for noise. The error only ever makes verdicts stricter and is bounded. It fails
//! where noise is one-sided.

use serde::{Deserialize, Serialize};

use super::scan::WINDOWS_H;

/// Windows of a tenant, shortest first.
pub const WINDOWS: usize = WINDOWS_H.len();
/// Windows with a smaller mean tell nothing: their counts are too skewed.
const TELLING_MEAN: f64 = 5.0;
/// A residual counts as this many standard deviations at most: outages are not noise.
const MOST_SD: f64 = 3.0;
/// Squared relative error that is believed possible before anything is seen.
const PRIOR_SQ: f64 = 2e-3;
/// Falls end at nothing and rises do not: noise has this many times the variance on that side.
/// Measured on worlds whose reasons stray for a day at a time, by a tenth to a fifth.
const LONGER_ABOVE: f64 = 2.0;
/// No larger error is believed.
const MOST_SQ: f64 = 0.09;
/// Part of the sums that stays each hour: a memory of about half a year.
const KEEP: f64 = 0.9998;

/// What is known of one window length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Moments {
    excess: f64,
    information: f64,
}

/// What the windows of all reasons tell, by their length.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stray {
    windows: [Moments; WINDOWS],
}

/// A window as it was judged.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Which length.
    pub window: usize,
    /// Customers that came.
    pub customers: f64,
    /// Customers expected.
    pub mean: f64,
    /// Their variance without the learned error.
    pub variance: f64,
}

impl Stray {
    /// Whether a value read from storage holds only finite numbers.
    pub fn is_sound(&self) -> bool {
        self.windows.iter().all(|sums| sums.excess.is_finite() && sums.information.is_finite())
    }

    /// Lets an hour pass.
    pub fn pass_hour(&mut self) {
        for sums in &mut self.windows {
            sums.excess *= KEEP;
            sums.information *= KEEP;
        }
    }

    /// Whether a window of this length is due to be learned from: two looks overlap by half.
    pub fn is_due(window_h: u32, hour: u64, reason: usize) -> bool {
        (hour + reason as u64).is_multiple_of(u64::from(window_h / 2).max(1))
    }

    /// Learns from windows, each with the error that it was judged by.
    pub fn learn(&mut self, looks: &[Look], errors_sq: &[f64; WINDOWS]) {
        for look in looks.iter().filter(|look| look.mean >= TELLING_MEAN) {
            let square = look.mean * look.mean;
            let variance = look.variance + errors_sq[look.window] * square;
            let below = (look.mean - look.customers).max(0.0).min(MOST_SD * variance.sqrt());
            let sums = &mut self.windows[look.window];
            sums.excess += (2.0 * below * below - look.variance) * square / (variance * variance);
            sums.information += square * square / (variance * variance);
        }
    }

    /// Squared relative errors by window length. Noise averages out over time, so that of a shorter
    /// window is never less than that of a longer one.
    pub fn errors_sq(&self) -> [f64; WINDOWS] {
        let mut errors_sq = self.windows.map(|sums| {
            let known = sums.information + 1.0 / (PRIOR_SQ * PRIOR_SQ);
            (LONGER_ABOVE * sums.excess / known).clamp(0.0, MOST_SQ)
        });
        let mut longer = 0.0;
        for error_sq in errors_sq.iter_mut().rev() {
            longer = f64::max(longer, *error_sq);
            *error_sq = longer;
        }
        errors_sq
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::Draws;

    #[test]
    fn a_relative_error_is_learned_from_falls_alone() {
        let error = |sd: f64, rises: bool| {
            let mut draws = Draws::new(3);
            let mut stray = Stray::default();
            for _ in 0..4_000 {
                let mean = 20.0 + 200.0 * draws.share();
                let spread = (1.5 * mean + sd * sd * mean * mean).sqrt();
                let mut customers = mean + spread * draws.sum_of_twelve();
                if rises && draws.share() < 0.03 {
                    customers *= 3.0;
                }
                let look = Look { window: 4, customers, mean, variance: 1.5 * mean };
                let judged_by = stray.errors_sq();
                stray.learn(&[look], &judged_by);
            }
            (stray.errors_sq()[4] / LONGER_ABOVE).sqrt()
        };
        assert!(error(0.0, false) < 0.03, "{}", error(0.0, false));
        for sd in [0.1, 0.2] {
            for rises in [false, true] {
                assert!((0.85..1.1).contains(&(error(sd, rises) / sd)), "{}", error(sd, rises));
            }
        }
        assert_eq!(Stray::default().errors_sq(), [0.0; WINDOWS]);
    }
}
