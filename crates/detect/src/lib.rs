//! Verdicts over series of counts: pure arithmetic, no state, no I/O.
//!
//! The first detector is a plain one: the day's people against the 28 days before it. What it
//! returns, the evidence included, is the contract that a better one keeps.

pub mod cause;
mod daily;
mod draws;
pub mod drivers;
pub mod effect;
mod explain;
pub mod hourly;
mod packed;
pub mod pairs;
pub mod periods;
pub mod tails;
pub mod theme;

#[cfg(test)]
mod tests;

pub use daily::{AlarmDay, DailySettings, Rise, rises};
pub use explain::{Cell, explain};

/// The version of the detector, named by every verdict.
pub const DETECTOR_VERSION: &str = "daily-28-1";

/// Rounds to thousandths, so that published numbers have one short form.
pub fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
