//! What a stage may remember, and how it reads and writes it.

use std::fmt;
use std::ops::ControlFlow;

/// A state table's name. Stable: it names data on disk and changelog topics.
pub type Table = &'static str;

/// TAG: one row per contact as known.
pub const TAG_CONTACTS: Table = "tag_contacts";
/// TAG: hashes of erased contacts, against late patches.
pub const TAG_ERASED: Table = "tag_erased";
/// TAG: when to look again whether a contact can be forgotten.
pub const TAG_TIMERS: Table = "tag_timers";
/// LINK: per customer and time, the small row that chains are computed from.
pub const LINK_ROWS: Table = "link_rows";
/// LINK: the contact as last put out.
pub const LINK_HELD: Table = "link_held";
/// LINK: revisions of contacts that left, against what is still on its way.
pub const LINK_GONE: Table = "link_gone";
/// LINK: customer ids that were declared to be another's.
pub const LINK_ALIASES: Table = "link_aliases";
/// LINK: maturity and expiry.
pub const LINK_TIMERS: Table = "link_timers";
/// LINK: the last mark.
pub const LINK_CLOCK: Table = "link_clock";
/// TREND: counts per cell.
pub const TREND_COUNTS: Table = "trend_counts";
/// TREND: a customer's contacts of a reason on a day, while their cells can change.
pub const TREND_CUSTOMERS: Table = "trend_customers";
/// TREND: people by all their dimension values at once, per day and reason.
pub const TREND_LEAVES: Table = "trend_leaves";
/// TREND: people by the words they wrote, per day and reason.
pub const TREND_WORDS: Table = "trend_words";
/// TREND: people and contacts per hour and reason, what verdicts are made from.
pub const TREND_HOURS: Table = "trend_hours";
/// TREND: units of the business driver per hour.
pub const TREND_EXPOSURE: Table = "trend_exposure";
/// TREND: the detector as it stood at earlier hours.
pub const TREND_DETECTORS: Table = "trend_detectors";
/// TREND: issues as last put out.
pub const TREND_ISSUES: Table = "trend_issues";
/// TREND: when a cell's window freezes.
pub const TREND_TIMERS: Table = "trend_timers";
/// TREND: numbers of reasons, dimensions and values, so that keys are short and bounded.
pub const TREND_NAMES: Table = "trend_names";
/// TREND: units of X per period.
pub const TREND_VOLUMES: Table = "trend_volumes";
/// TREND: the last mark, and how far hours are judged.
pub const TREND_CLOCK: Table = "trend_clock";
/// Inputs kept for the stages that will act on them.
pub const NOTED: Table = "noted";
/// Any stage in a cluster: the last mark of every partition that feeds it.
pub const SOURCE_MARKS: Table = "source_marks";

/// Every table, in order.
pub const TABLES: &[Table] = &[
    TAG_CONTACTS,
    TAG_ERASED,
    TAG_TIMERS,
    LINK_ROWS,
    LINK_HELD,
    LINK_GONE,
    LINK_ALIASES,
    LINK_TIMERS,
    LINK_CLOCK,
    TREND_COUNTS,
    TREND_CUSTOMERS,
    TREND_LEAVES,
    TREND_WORDS,
    TREND_HOURS,
    TREND_EXPOSURE,
    TREND_DETECTORS,
    TREND_ISSUES,
    TREND_TIMERS,
    TREND_NAMES,
    TREND_VOLUMES,
    TREND_CLOCK,
    NOTED,
    SOURCE_MARKS,
];

/// Why a step could not be done. Nothing of the turn may be committed then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateError {
    /// The store could not be read.
    Unreadable(String),
    /// A row is not in a format this build knows.
    Row {
        /// The table it stands in.
        table: Table,
        /// What is wrong with it.
        detail: String,
    },
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StateError::Unreadable(detail) => write!(f, "state cannot be read: {detail}"),
            StateError::Row { table, detail } => write!(f, "row of table {table}: {detail}"),
        }
    }
}

impl std::error::Error for StateError {}

/// A range of one table.
#[derive(Clone, Copy, Debug)]
pub struct Scan<'a> {
    /// The table.
    pub table: Table,
    /// First key, inclusive.
    pub from: &'a [u8],
    /// Last key, exclusive.
    pub to: &'a [u8],
    /// From the highest key down.
    pub descending: bool,
}

/// Takes a key and its row; says whether to go on.
pub type VisitRow<'v> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'v;

/// The state of one stage instance. Reads see the turn's own writes; nothing is lasting before
/// the turn commits.
pub trait State {
    /// The row, if there is one.
    ///
    /// # Errors
    /// [`StateError::Unreadable`]
    fn get(&mut self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError>;

    /// Writes a row.
    fn put(&mut self, table: Table, key: &[u8], row: Vec<u8>);

    /// Removes a row; it need not exist.
    fn delete(&mut self, table: Table, key: &[u8]);

    /// Visits rows in order until the visitor breaks.
    ///
    /// # Errors
    /// [`StateError::Unreadable`]
    fn scan(&mut self, scan: Scan<'_>, visit: &mut VisitRow<'_>) -> Result<(), StateError>;
}

/// A key and its row.
pub(crate) type KeyRow = (Vec<u8>, Vec<u8>);

/// The rows of a range, at most `limit`.
pub(crate) fn rows(
    state: &mut dyn State,
    scan: Scan<'_>,
    limit: usize,
) -> Result<Vec<KeyRow>, StateError> {
    let mut found = Vec::new();
    if limit == 0 {
        return Ok(found);
    }
    state.scan(scan, &mut |key, row| {
        found.push((key.to_vec(), row.to_vec()));
        if found.len() >= limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(found)
}

/// The smallest key above every key that begins with `prefix`.
pub(crate) fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    // Only an empty or all-0xFF prefix comes here; keys of ours are far shorter than this.
    vec![u8::MAX; 4096]
}

/// Reads a row of the given format version.
pub(crate) fn read<T: serde::de::DeserializeOwned>(
    state: &mut dyn State,
    table: Table,
    key: &[u8],
    version: u8,
) -> Result<Option<T>, StateError> {
    match state.get(table, key)? {
        None => Ok(None),
        Some(bytes) => decode(table, version, &bytes).map(Some),
    }
}

/// Decodes a row of the given format version.
pub(crate) fn decode<T: serde::de::DeserializeOwned>(
    table: Table,
    version: u8,
    bytes: &[u8],
) -> Result<T, StateError> {
    quell_codec::rows::from_row(version, bytes)
        .map_err(|e| StateError::Row { table, detail: e.to_string() })
}

/// Writes a row in the given format version.
pub(crate) fn write<T: serde::Serialize>(
    state: &mut dyn State,
    table: Table,
    key: &[u8],
    version: u8,
    row: &T,
) {
    state.put(table, key, quell_codec::rows::to_row(version, row));
}
