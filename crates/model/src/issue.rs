//! Systemic issues: what TREND opens when a reason rises over many customers.

use serde::{Deserialize, Serialize};

use crate::reason::ReasonId;
use crate::time::TimeMs;

/// How a rise is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Within limits.
    Isolated,
    /// Above the limit once.
    Watch,
    /// Above the limit over many customers, and lasting or strong.
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
    /// The first hour at which the limit was passed.
    pub opened_at: TimeMs,
    /// The end of the last day above the limit; null while it goes on.
    pub closed_at: Option<TimeMs>,
    /// Distinct customers on the days above the limit, summed by day.
    pub customers: u64,
    /// Customers above what was expected, summed over those days.
    pub excess: f64,
    /// Where the excess sits.
    pub explanation: Vec<Explanation>,
    pub evidence: Vec<DayEvidence>,
    pub detector_version: String,
    pub taxonomy_version: String,
    pub definition_version: String,
}

/// One cell that carries part of the excess.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Explanation {
    pub dimension: String,
    pub value: String,
    /// Customers in the cell on the days above the limit.
    pub observed: u64,
    /// Customers expected there.
    pub expected: f64,
    /// `observed / expected`, null where nothing was expected.
    pub risk_ratio: Option<f64>,
    /// The cell's part of the issue's excess.
    pub excess_share: f64,
}

/// The numbers behind one day's verdict, for a person to check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct DayEvidence {
    pub day: TimeMs,
    /// Distinct customers on the day (contacts without a known customer count as one each).
    pub observed: u64,
    pub expected: f64,
    /// The limit that was passed.
    pub limit: f64,
    /// `observed / expected`, null where nothing was expected.
    pub risk_ratio: Option<f64>,
    /// Days of history behind `expected`.
    pub baseline_days: u32,
}
