//! Systemic issues: what TREND opens when a reason rises over many customers.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::reason::ReasonId;
use crate::time::TimeMs;

/// The reason that an issue of all reasons together has: an event of the channel or of the
/// business, not of one cause.
pub const EVERYTHING: &str = "_all";

/// How a rise is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Chance and what all reasons share explain it.
    Isolated,
    /// More than usual, and less than an issue needs: it goes away by itself or becomes one.
    Watch,
    /// More customers, over several hours, than chance gives within the budget of false issues.
    Systemic,
}

/// A record of the `issues` topic and a row of `issues.ndjson`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SystemicIssue {
    /// `tenant:reason:opening hour`
    pub issue_id: String,
    pub reason: ReasonId,
    pub verdict: Verdict,
    /// The hour at whose end it was first seen.
    pub opened_at: TimeMs,
    /// Where the window begins in which it was first seen: an estimate, often late for slow rises.
    pub onset_at: TimeMs,
    /// The end of the hour at which it was seen to be over; null while it goes on.
    pub closed_at: Option<TimeMs>,
    /// How often it came back within three days of its end.
    pub reopened: u32,
    /// Distinct customers of each hour from the onset on, summed while it was open.
    pub customers: u64,
    /// Those above what was expected.
    pub excess: f64,
    /// Where the excess sits.
    pub explanation: Vec<Explanation>,
    pub evidence: WindowEvidence,
    pub detector_version: String,
    pub taxonomy_version: String,
    pub definition_version: String,
}

impl SystemicIssue {
    /// Whether it is one of all reasons together.
    pub fn is_of_all(&self) -> bool {
        self.reason.0 == EVERYTHING
    }

    /// The order in which issues are shown: the largest excess first, by id where equal. What moves
    /// all reasons together says less than any of them, and comes last.
    pub fn largest_first(&self, other: &SystemicIssue) -> Ordering {
        self.is_of_all()
            .cmp(&other.is_of_all())
            .then_with(|| other.excess.total_cmp(&self.excess))
            .then_with(|| self.issue_id.cmp(&other.issue_id))
    }
}

/// One cell that carries part of the excess.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Explanation {
    pub dimension: String,
    pub value: String,
    /// Customers in the cell in the hours of the issue.
    pub observed: u64,
    /// Customers expected there.
    pub expected: f64,
    /// `observed / expected`, null where nothing was expected.
    pub risk_ratio: Option<f64>,
    /// The cell's part of the issue's excess.
    pub excess_share: f64,
}

/// The numbers behind a verdict, for a person to check: the window of hours that said most when
/// the issue opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct WindowEvidence {
    pub window_start: TimeMs,
    /// Hours of the window, the opening hour included.
    pub window_h: u32,
    /// Hours in it that were clearly above what was expected.
    pub high_h: u32,
    /// Distinct customers of each hour, summed (contacts without a known customer count as one
    /// each).
    pub observed: u64,
    /// Customers expected, from the reason's usual share and from what all other reasons brought.
    pub expected: f64,
    /// `observed / expected`, null where nothing was expected.
    pub ratio: Option<f64>,
    /// The lower end of its 95 % interval.
    pub ratio_low: Option<f64>,
    /// The upper end.
    pub ratio_high: Option<f64>,
    /// Variance over mean of the expected count; 1 is what chance alone gives.
    pub dispersion: f64,
    /// Contacts in the window.
    pub contacts: u64,
    /// How often a week chance would give as much, over all reasons and windows together.
    pub chance_per_week: f64,
    /// An issue opens below this.
    pub limit_per_week: f64,
    /// Hours that the expectation was learned from.
    pub baseline_h: u64,
}
