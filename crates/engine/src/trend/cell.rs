//! A cell: one reason, one window, one dimension value; and what is counted in it.

use serde::{Deserialize, Serialize};

use quell_model::contact::Maturity;
use quell_model::trend::{ALL, Contacts, Granularity, TrendRow};
use quell_model::{DEFINITION_VERSION, ReasonId, TimeMs};

/// A cell's address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct Cell {
    pub reason: String,
    pub granularity: Granularity,
    pub start: TimeMs,
    pub dimension: String,
    pub value: String,
}

impl Cell {
    /// True for the cell that counts the reason as a whole.
    pub fn is_whole(&self) -> bool {
        self.dimension == ALL
    }

    /// When the window ends.
    pub fn end(&self) -> TimeMs {
        self.start.plus_ms(self.granularity.length_ms())
    }

    /// The state key: cells of one reason and window lie together.
    pub(super) fn key(&self) -> Vec<u8> {
        let mut key = Cell::window_key(&self.reason, self.granularity, self.start);
        key.extend_from_slice(self.dimension.as_bytes());
        key.push(0);
        key.extend_from_slice(self.value.as_bytes());
        key
    }

    /// The prefix of all cells of one reason and window.
    pub(super) fn window_key(reason: &str, granularity: Granularity, start: TimeMs) -> Vec<u8> {
        let mut key = Vec::with_capacity(reason.len() + 32);
        key.extend_from_slice(reason.as_bytes());
        key.push(0);
        key.push(granularity as u8);
        key.extend_from_slice(&start.to_key());
        key
    }

    /// The inverse of [`Cell::key`].
    pub(super) fn from_key(key: &[u8]) -> Option<Cell> {
        let at = key.iter().position(|&byte| byte == 0)?;
        let (reason, rest) = (key.get(..at)?, key.get(at + 1..)?);
        let (&granularity, rest) = rest.split_first()?;
        let (start, rest) = rest.split_first_chunk::<8>()?;
        let at = rest.iter().position(|&byte| byte == 0)?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        Some(Cell {
            reason: text(reason)?,
            granularity: if granularity == 0 { Granularity::Hour } else { Granularity::Day },
            start: TimeMs::from_key(*start),
            dimension: text(rest.get(..at)?)?,
            value: text(rest.get(at + 1..)?)?,
        })
    }
}

/// The counts of a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CellCounts {
    pub revision: u64,
    /// Sums of weights, in millionths of a contact.
    pub contacts: i64,
    /// Distinct known customers.
    pub customers: u64,
    /// Contacts without a customer, each counted whole: one person each.
    pub anonymous: u64,
    /// Sums of weights of repeats, by mode.
    pub repeats: [i64; 3],
    pub cost_micros: i64,
    /// Customers are counted no more; the number stays.
    pub frozen: bool,
}

impl CellCounts {
    /// Distinct known customers and contacts of unknown ones.
    pub fn people(&self) -> u64 {
        self.customers + self.anonymous
    }

    pub(super) fn row(&self, cell: &Cell, taxonomy_version: &str) -> TrendRow {
        TrendRow {
            reason: ReasonId(cell.reason.clone()),
            dimension: cell.dimension.clone(),
            value: cell.value.clone(),
            granularity: cell.granularity,
            window_start: cell.start,
            contacts: Contacts(self.contacts),
            customers: self.customers,
            repeats_any_reason: Contacts(self.repeats[0]),
            repeats_same_reason: Contacts(self.repeats[1]),
            repeats_same_issue: Contacts(self.repeats[2]),
            cost_micros: self.cost_micros,
            maturity: if self.frozen { Maturity::Mature } else { Maturity::Provisional },
            taxonomy_version: taxonomy_version.to_owned(),
            definition_version: DEFINITION_VERSION.to_owned(),
        }
    }
}

/// The public id of a trend row: `reason|dimension|value|granularity|window_start`, with `|` and
/// `%` in a part percent-escaped.
pub fn trend_key(cell: &Cell) -> String {
    let escape = |part: &str| part.replace('%', "%25").replace('|', "%7C");
    let granularity = match cell.granularity {
        Granularity::Hour => "hour",
        Granularity::Day => "day",
    };
    format!(
        "{}|{}|{}|{granularity}|{}",
        escape(&cell.reason),
        escape(&cell.dimension),
        escape(&cell.value),
        cell.start
    )
}
