//! Verdicts over series of counts: pure arithmetic, no I/O.

pub mod cause;
mod draws;
pub mod drivers;
pub mod effect;
mod explain;
pub mod hourly;
mod locate;
mod packed;
pub mod pairs;
pub mod periods;
pub mod tails;
pub mod theme;
pub mod words;

#[cfg(test)]
mod tests;

pub use explain::{Cell, explain};
pub use locate::{Amount, Mix, locate};

/// The version of the detector of systemic issues, named by every verdict.
pub const DETECTOR_VERSION: &str = "hourly-3";

/// Rounds to thousandths, so that published numbers have one short form.
pub fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Rounds to three digits, whatever the size: for probabilities.
pub fn three_digits(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}
