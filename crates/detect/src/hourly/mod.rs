//! Hourly counts of distinct customers by reason against a learned baseline: issues that open,
//! close and open again, with numbers that a person can check.
//!
//! The expected count of a reason in an hour is a product of two parts.
//!
//! * What all reasons share ([`exposure`], [`factor`]): orders with a learned lag, the hour of the
//!   week, holidays, and a factor of the hour, taken from all *other* reasons. A promotion, a
//!   channel outage, its backlog and a closure move every reason alike, so they go into this part.
//! * The share of the reason ([`baseline`]): level, drift, and a weekly shape of its own.
//!
//! The difference is judged over windows of 2 hours to 2 weeks ([`scan`]), each with the same part
//! of a stated budget of false issues, and becomes an issue ([`issue`]). Of a reason's customers,
//! those with one dimension value can be judged beside it ([`cells`]). [`HourlyState`] holds a
//! whole tenant: one value, no clock, no input or output.
//!
//! Where it fails: a reason that makes up nearly all contacts cannot be told from the common
//! factor; an issue that grows slower than the reason's usual drift is learned as drift; two
//! issues that move most reasons at once are one event of the common factor.

mod baseline;
mod calendar;
mod cells;
mod core;
mod exposure;
mod factor;
mod issue;
mod scan;
mod series;
mod state;
mod stray;
mod yearly;

#[cfg(test)]
mod cell_tests;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use issue::{Issue, Subject};
pub use scan::Evidence;
pub use state::{GAP_MAX_H, HourlyError, HourlyState, STATE_VERSION};

/// Hours of a week.
pub const WEEK_H: u64 = 168;

/// What one hour brought for one reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Distinct customers: what is judged.
    pub customers: u32,
    /// Contacts: kept for the report only, so that one customer who calls often changes nothing.
    pub contacts: u32,
}

/// What one hour brought for a tenant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hour {
    /// False where the source was down: nothing is judged and nothing learned from the hour.
    pub known: bool,
    /// Orders, or what else contacts follow from. Not finite or below zero counts as unknown.
    pub orders: f64,
    /// Whether the hour lies on a holiday, which is known ahead.
    pub holiday: bool,
    /// By reason, in an order that never changes. New reasons are added at the end: they count as
    /// zero in the hours before. What is left out at the end counts as zero, too.
    pub counts: Vec<Count>,
    /// By cell, in the order in which they are tracked. What is left out at the end counts as
    /// zero. They are part of their reasons' counts.
    pub cells: Vec<Count>,
}

/// What a tenant may set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HourlySettings {
    /// Hours from the first sight of a reason in which nothing opens. At least two weeks.
    pub warmup_h: u32,
    /// False issues a week that are accepted, over all reasons and cells together.
    pub false_per_week: f64,
    /// Fewer customers over the expected number never make an issue.
    pub min_excess: f64,
    /// An issue that comes back within this many hours of its end is the same one.
    pub reopen_h: u32,
    /// An issue open for longer is the new normal: it closes and the baseline learns it.
    pub absorb_h: u32,
    /// Verdicts get stricter where the tenant's own hours stray further than the model says
    /// (module `stray`).
    pub calibrates: bool,
}

impl Default for HourlySettings {
    fn default() -> HourlySettings {
        HourlySettings {
            warmup_h: 3 * WEEK_H as u32,
            false_per_week: 0.15,
            min_excess: 8.0,
            reopen_h: 72,
            absorb_h: 28 * 24,
            calibrates: true,
        }
    }
}
