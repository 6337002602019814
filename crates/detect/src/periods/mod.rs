//! Counts in regular periods, weeks or days: is there a burst of contacts now?
//!
//! Each series has a [`PeriodSeries`], fed one [`Period`] at a time by a [`PeriodDetector`]. A
//! quasi-Poisson baseline says what to expect; the odds that a burst is in progress are summed
//! over its possible onsets, sizes and shapes; an alarm is raised above a limit that keeps a
//! budget of false alarms ([`calibrated_limit`]).
//!
//! Bins of minutes have neither a year to learn from nor a count distribution worth the name:
//! [`BinSeries`] says how rare a bin is by its own past.

mod baseline;
mod bins;
mod burst;
mod period;
mod placebo;
mod series;
mod settings;
mod spread;

#[cfg(test)]
mod tests;

pub use baseline::Expected;
pub use bins::{BIN_STATE_VERSION, BinScore, BinSeries, BinSettings};
pub use period::Period;
pub use placebo::calibrated_limit;
pub use series::{PERIOD_STATE_VERSION, PeriodDetector, PeriodSeries, PeriodVerdict};
pub use settings::{Delay, PeriodSettings};
