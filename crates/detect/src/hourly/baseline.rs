//! The share of a reason: level, drift and weekly shape, learned hour by hour.
//!
//! A dynamic log-linear model of counts with the spread `dispersion · mean` (quasi-Poisson;
//! McCullagh & Nelder 1989, ch. 9), filtered by one Gauss-Newton step an hour (the extended
//! Kalman filter of West, Harrison & Migon 1985). It fails where a share jumps for good: that is
//! an issue until it is absorbed, and the level then needs weeks, for it is allowed to wander by
//! little.

use serde::{Deserialize, Serialize};

use super::WEEK_H;
use super::calendar::{PRIOR_SD, TERMS};
use crate::packed;

const PACKED: usize = TERMS * (TERMS + 1) / 2;
/// How far the level wanders in a week, and the drift per week: standard deviations.
const LEVEL_WANDER: f64 = 0.004;
const DRIFT_WANDER: f64 = 0.002;
/// The spread of customers in hours before anything is seen, and the customers that this belief
/// is worth.
const DISPERSION_PRIOR: f64 = 1.4;
const DISPERSION_WORTH: f64 = 200.0;
/// Part of the dispersion's sums that stays each hour: a memory of about 20 weeks.
const DISPERSION_KEEP: f64 = 0.9997;
/// Residuals are cut at this many standard deviations once the warm-up is over; before, never:
/// a shape that is not yet known looks like outliers.
const CUT_SD: f64 = 4.0;
/// No step changes the logarithm of the expected count by more.
const STEP_MAX: f64 = 1.0;
const EXPONENT_MAX: f64 = 25.0;

/// What is known of a reason's share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    terms: [f64; TERMS],
    /// Covariance of the terms, upper triangle by rows.
    spread: Vec<f64>,
    squares: f64,
    means: f64,
}

/// What a baseline expects.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// Logarithm of the share.
    pub ln_share: f64,
    /// Variance of that logarithm.
    pub variance: f64,
}

impl Baseline {
    /// Before anything is seen but a rough level (logarithm of the share).
    pub fn new(ln_level: f64) -> Baseline {
        let mut terms = [0.0; TERMS];
        terms[0] = ln_level;
        let mut spread = vec![0.0; PACKED];
        for (term, sd) in PRIOR_SD.iter().enumerate() {
            spread[place(term, term)] = sd * sd;
        }
        let (squares, means) = (DISPERSION_PRIOR * DISPERSION_WORTH, DISPERSION_WORTH);
        Baseline { terms, spread, squares, means }
    }

    /// The whole is all of itself: no terms to learn but a level that wanders.
    pub fn whole() -> Baseline {
        Baseline { spread: vec![0.0; PACKED], ..Baseline::new(0.0) }
    }

    /// Whether a value read from storage has the shape of this version and only finite numbers.
    pub fn is_sound(&self) -> bool {
        let mut numbers = self.terms.iter().chain(&self.spread);
        self.spread.len() == PACKED
            && numbers.all(|number| number.is_finite())
            && self.squares.is_finite()
            && self.means > 0.0
    }

    /// Variance of an hour's customers over their mean; at least 1.
    pub fn dispersion(&self) -> f64 {
        (self.squares / self.means).max(1.0)
    }

    /// Logarithm of the share at an hour with these regressors.
    pub fn ln_share(&self, at: &[f64; TERMS]) -> f64 {
        self.dot(at)
    }

    /// What is expected at an hour with these regressors.
    pub fn expect(&self, at: &[f64; TERMS]) -> Expected {
        Expected { ln_share: self.dot(at), variance: self.project(at).1 }
    }

    /// Learns an hour: its count, and the logarithm of what the share is a share of.
    pub fn learn(&mut self, count: f64, ln_whole: f64, at: &[f64; TERMS], hour: Learning) {
        let mean = bounded_exp(self.dot(at) + ln_whole);
        let (projected, variance) = self.project(at);
        let dispersion = self.dispersion();
        let mut residual = count - mean;
        if hour.judges_spread {
            let mut square = residual * residual / (1.0 + mean * variance / dispersion);
            if hour.cuts {
                square = square.min(CUT_SD * CUT_SD * dispersion * mean + 4.0);
            }
            self.squares = DISPERSION_KEEP * self.squares + square;
            self.means = DISPERSION_KEEP * self.means + mean;
        }
        if hour.cuts {
            let cut = CUT_SD * (dispersion * mean + mean * mean * variance).sqrt() + 1.0;
            residual = residual.clamp(-cut, cut);
        }
        let gain = 1.0 / (dispersion + mean * variance);
        let step_max = STEP_MAX / variance.max(1e-12);
        let step = (residual * gain).clamp(-step_max, step_max);
        for (term, along) in self.terms.iter_mut().zip(&projected) {
            *term += along * step;
        }
        let shrink = mean * gain;
        for row in 0..TERMS {
            for column in row..TERMS {
                self.spread[place(row, column)] -= shrink * projected[row] * projected[column];
            }
        }
        self.spread[place(0, 0)] += LEVEL_WANDER * LEVEL_WANDER / WEEK_H as f64;
        self.spread[place(1, 1)] += DRIFT_WANDER * DRIFT_WANDER / WEEK_H as f64;
    }

    /// Lets an hour pass: the level drifts on. Nothing is forgotten while nothing is learned, or
    /// an open issue would let the uncertainty grow without end.
    pub fn pass_hour(&mut self) {
        let part = 1.0 / WEEK_H as f64;
        self.terms[0] += part * self.terms[1];
        let drift = self.spread[place(1, 1)];
        self.spread[place(0, 0)] += part * (2.0 * self.spread[place(0, 1)] + part * drift);
        for column in 1..TERMS {
            self.spread[place(0, column)] += part * self.spread[place(1, column)];
        }
    }

    fn dot(&self, at: &[f64; TERMS]) -> f64 {
        self.terms.iter().zip(at).map(|(term, regressor)| term * regressor).sum()
    }

    /// The covariance times the regressors, and the variance along them.
    fn project(&self, at: &[f64; TERMS]) -> ([f64; TERMS], f64) {
        let mut along = [0.0; TERMS];
        packed::times(&self.spread, at, &mut along);
        let variance = along.iter().zip(at).map(|(part, regressor)| part * regressor).sum::<f64>();
        (along, variance.max(0.0))
    }
}

/// How an hour is learned.
#[derive(Clone, Copy, Debug)]
pub struct Learning {
    /// The warm-up is over: outliers are cut.
    pub cuts: bool,
    /// The first weeks' residuals tell of a shape not yet known, not of the spread.
    pub judges_spread: bool,
}

/// Place of row ≤ column in the packed upper triangle.
fn place(row: usize, column: usize) -> usize {
    let (row, column) = (row.min(column), row.max(column));
    row * TERMS - row * row.saturating_sub(1) / 2 + column - row
}

/// The exponential of what is held within bounds that no count reaches.
pub fn bounded_exp(exponent: f64) -> f64 {
    exponent.clamp(-EXPONENT_MAX, EXPONENT_MAX).exp()
}
