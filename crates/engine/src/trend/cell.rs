//! A cell: one window, one reason, one dimension value; and what is counted in it.

use serde::{Deserialize, Serialize};

use quell_model::contact::Maturity;
use quell_model::time::HOUR_MS;
use quell_model::trend::{ALL, Contacts, Granularity, TrendRow, trend_key};
use quell_model::{DEFINITION_VERSION, ReasonId, TimeMs};

use super::names::NameId;

/// A cell's address. Its key's bytes sort by window, then reason, so that a window, and a
/// reason's part of it, lie together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell([u8; CELL_BYTES]);

const CELL_BYTES: usize = 17;
const WINDOW_BYTES: usize = 5;

/// The dimension number of the cells that count a reason as a whole.
pub const WHOLE: NameId = 0;

impl Cell {
    /// The cell of a reason in the window that begins at `start`.
    pub fn new(
        granularity: Granularity,
        start: TimeMs,
        reason: NameId,
        (dimension, value): (NameId, NameId),
    ) -> Cell {
        let mut bytes = [0; CELL_BYTES];
        bytes[..WINDOW_BYTES].copy_from_slice(&window_key(granularity, start));
        bytes[5..9].copy_from_slice(&reason.to_be_bytes());
        bytes[9..13].copy_from_slice(&dimension.to_be_bytes());
        bytes[13..].copy_from_slice(&value.to_be_bytes());
        Cell(bytes)
    }

    /// The state key.
    pub fn key(&self) -> &[u8] {
        &self.0
    }

    /// The inverse of [`Cell::key`].
    pub fn from_key(key: &[u8]) -> Option<Cell> {
        key.try_into().ok().map(Cell)
    }

    /// The window's length.
    pub fn granularity(&self) -> Granularity {
        if self.0[0] == Granularity::Hour as u8 { Granularity::Hour } else { Granularity::Day }
    }

    /// When the window begins.
    pub fn start(&self) -> TimeMs {
        let hours = self.number(1) ^ (1 << 31);
        TimeMs(i64::from(hours as i32) * HOUR_MS)
    }

    /// The reason's number.
    pub fn reason(&self) -> NameId {
        self.number(5)
    }

    /// The dimension's number; [`WHOLE`] for none.
    pub fn dimension(&self) -> NameId {
        self.number(9)
    }

    /// The value's number within the dimension.
    pub fn value(&self) -> NameId {
        self.number(13)
    }

    /// True for the cell that counts the reason as a whole.
    pub fn is_whole(&self) -> bool {
        self.dimension() == WHOLE
    }

    fn number(&self, at: usize) -> u32 {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.0[at..at + 4]);
        u32::from_be_bytes(bytes)
    }
}

/// The prefix of all cells of one window. Hours since 1970 fit 32 bits for 245,000 years.
pub fn window_key(granularity: Granularity, start: TimeMs) -> [u8; WINDOW_BYTES] {
    let hours = (start.0.div_euclid(HOUR_MS)) as i32;
    let mut key = [0; WINDOW_BYTES];
    key[0] = granularity as u8;
    key[1..].copy_from_slice(&((hours as u32) ^ (1 << 31)).to_be_bytes());
    key
}

/// The day that a window key names; none where it names an hour.
pub fn day_of(window: &[u8]) -> Option<TimeMs> {
    let (granularity, hours) = window.split_first()?;
    let hours = u32::from_be_bytes(hours.try_into().ok()?) ^ (1 << 31);
    let is_day = *granularity == Granularity::Day as u8;
    is_day.then(|| TimeMs(i64::from(hours as i32) * HOUR_MS))
}

/// The prefix of all cells of one reason in one window.
pub fn reason_key(granularity: Granularity, start: TimeMs, reason: NameId) -> Vec<u8> {
    let mut key = window_key(granularity, start).to_vec();
    key.extend_from_slice(&reason.to_be_bytes());
    key
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
}

/// A cell's address in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The reason.
    pub reason: String,
    /// [`ALL`] or the dimension.
    pub dimension: String,
    /// [`ALL`] or the value.
    pub value: String,
}

impl Named {
    /// The row that is put out.
    pub fn row(self, cell: &Cell, counts: &CellCounts, taxonomy_version: &str) -> TrendRow {
        TrendRow {
            reason: ReasonId(self.reason),
            dimension: self.dimension,
            value: self.value,
            granularity: cell.granularity(),
            window_start: cell.start(),
            contacts: Contacts(counts.contacts),
            customers: counts.customers,
            repeats_any_reason: Contacts(counts.repeats[0]),
            repeats_same_reason: Contacts(counts.repeats[1]),
            repeats_same_issue: Contacts(counts.repeats[2]),
            cost_micros: counts.cost_micros,
            maturity: if counts.frozen { Maturity::Mature } else { Maturity::Provisional },
            taxonomy_version: taxonomy_version.to_owned(),
            definition_version: DEFINITION_VERSION.to_owned(),
        }
    }

    /// The public id.
    pub fn trend_key(&self, cell: &Cell) -> String {
        trend_key(&self.reason, &self.dimension, &self.value, cell.granularity(), cell.start())
    }

    /// The whole of a reason.
    pub fn whole(reason: &str) -> Named {
        let all = ALL.to_owned();
        Named { reason: reason.to_owned(), dimension: all.clone(), value: all }
    }
}
