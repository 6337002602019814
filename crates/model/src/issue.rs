//! Systemic issues: what TREND opens when a reason rises over many customers.

use std::cmp::Ordering;
use std::fmt;

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
    /// `tenant:reason:opening hour`, for a cell's issue with `:dimension=value`.
    pub issue_id: String,
    pub reason: ReasonId,
    /// The dimension value that it is an issue of: only those of the reason's customers are
    /// counted. Null where it is the reason as a whole.
    #[serde(default)]
    pub cell: Option<DimensionValue>,
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
    /// Values of one dimension at a time that carry the excess.
    pub explanation: Vec<Explanation>,
    /// Where the excess sits, by values of several dimensions together.
    #[serde(default)]
    pub cause: Cause,
    /// What the customers of the issue write more than is usual, the clearest first; none while it
    /// is only watched.
    #[serde(default)]
    pub words: Vec<IssueWord>,
    pub evidence: WindowEvidence,
    pub detector_version: String,
    pub taxonomy_version: String,
    pub definition_version: String,
}

impl SystemicIssue {
    /// The words in one line, the clearest first.
    pub fn words_in_short(&self, most: usize) -> String {
        let words: Vec<&str> = self.words.iter().take(most).map(|one| one.word.as_str()).collect();
        words.join(", ")
    }

    /// Whether it is one of all reasons together.
    pub fn is_of_all(&self) -> bool {
        self.reason.0 == EVERYTHING
    }

    /// Where its excess sits in one line, such as `country=HU & os=windows`; none where nothing can
    /// be told.
    pub fn place(&self) -> Option<String> {
        let cause = self.cause.in_words();
        let Some(cell) = self.cell.as_ref().map(DimensionValue::to_string) else { return cause };
        match cause.filter(|_| self.cause.extent == Extent::Local) {
            Some(cause) => Some(format!("{cell} & {cause}")),
            None => Some(cell),
        }
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

/// A word, or a phrase, that customers of an issue use more than customers did before. A customer
/// counts once, however often they wrote; only those whose text is known and who are in the sample
/// that is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct IssueWord {
    /// The form that most of them wrote; other forms of the word are counted with it.
    pub word: String,
    /// Customers in the hours of the issue who use it.
    pub customers: u64,
    /// Customers in the hours of the issue.
    pub of: u64,
    /// Customers before who used it.
    pub usual_customers: u64,
    /// Customers before: of the reason in four weeks, or more where these are few; of all reasons
    /// where there are hardly any.
    pub usual_of: u64,
    /// `of * usual_customers / usual_of`
    pub expected: f64,
    /// Its part now over its part before, half a customer added on both sides.
    pub ratio: f64,
    /// The lower end of its 95 % interval.
    pub ratio_low: f64,
    /// The upper end.
    pub ratio_high: f64,
    /// The part of the issue's excess that the customers with the word are.
    pub excess_share: f64,
    /// How often chance would give any word with as much.
    pub chance: f64,
}

/// Where the excess of an issue sits: the fewest cells that explain it, each of one to three
/// dimension values together, told from what happened everywhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Cause {
    pub extent: Extent,
    /// Cells with an excess of their own, the largest first; none unless the extent is local.
    pub cells: Vec<CauseCell>,
    /// Customers over those expected outside of these cells; null where nothing can be compared.
    pub elsewhere_ratio: Option<f64>,
    /// The part of the issue's excess that is alike everywhere.
    pub elsewhere_share: f64,
    /// The part of the customers that was looked at: 1 unless there are very many different ones.
    pub looked_at: f64,
}

/// How far an excess reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// Some cells rose more than the rest.
    Local,
    /// All rose alike: the cause lies outside of the dimensions that are counted.
    Everywhere,
    /// Too few customers to tell.
    #[default]
    Unclear,
}

/// Customers that share some dimension values and carry an excess together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CauseCell {
    /// One to three of them, by the dimension's name.
    pub values: Vec<DimensionValue>,
    /// Customers in the cell in the hours of the issue, of those looked at.
    pub observed: u64,
    /// Customers expected there, had it risen as the rest did.
    pub expected: f64,
    /// `observed / expected`, null where nothing was expected.
    pub ratio: Option<f64>,
    /// The lower end of its 95 % interval.
    pub ratio_low: Option<f64>,
    /// The upper end.
    pub ratio_high: Option<f64>,
    /// The cell's part of the issue's excess.
    pub excess_share: f64,
    /// The strongest other cell that it could be instead.
    pub rival: Option<Rival>,
}

/// A cell that explains nearly the same customers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Rival {
    pub values: Vec<DimensionValue>,
    /// Logarithm of how much better the cause explains what was seen; below about 3 the data do
    /// not tell the two apart.
    pub behind_nats: f64,
}

/// A dimension with one of its values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct DimensionValue {
    pub dimension: String,
    /// [`NO_VALUE`] for contacts that have none.
    pub value: String,
}

impl fmt::Display for DimensionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.dimension, self.value)
    }
}

/// The id of an issue. A cell's name comes last, with `%`, `:` and `=` in it as `%25`, `%3A` and
/// `%3D`, so that no two issues have one id.
pub fn issue_id(
    tenant: &str,
    reason: &ReasonId,
    opened_at: TimeMs,
    cell: Option<&DimensionValue>,
) -> String {
    let of_reason = format!("{tenant}:{reason}:{opened_at}");
    let Some(DimensionValue { dimension, value }) = cell else { return of_reason };
    let plain = |name: &str| name.replace('%', "%25").replace(':', "%3A").replace('=', "%3D");
    format!("{of_reason}:{}={}", plain(dimension), plain(value))
}

/// The value of a dimension that a contact does not have.
pub const NO_VALUE: &str = "_none";

impl Cause {
    /// The first cell in one line, such as `os=windows & version=67.0`, or that it is everywhere.
    pub fn in_words(&self) -> Option<String> {
        match self.extent {
            Extent::Everywhere => Some("everywhere".to_owned()),
            Extent::Unclear => None,
            Extent::Local => self.cells.first().map(|cell| {
                let parts = cell.values.iter().map(DimensionValue::to_string);
                parts.collect::<Vec<String>>().join(" & ")
            }),
        }
    }
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
    /// Relative error of the expectation beyond what it knows of itself, as a standard deviation:
    /// learned from how far the tenant's own hours stray. It is part of the dispersion.
    pub model_error: f64,
    /// Contacts in the window.
    pub contacts: u64,
    /// How often a week chance would give as much, over all reasons, cells and windows together.
    pub chance_per_week: f64,
    /// An issue opens below this.
    pub limit_per_week: f64,
    /// Hours that the expectation was learned from.
    pub baseline_h: u64,
}
