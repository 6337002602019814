//! The store's own positions, kept in one row and rewritten in every batch that moves one.

/// Names the row's layout; a new layout gets a new number and a new format of the folder.
const VERSION: u8 = 1;
const FIELDS: usize = 7;

/// Where the log, the change feed and the dead letters begin and end. Ends are exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// The next offset to process.
    pub committed: u64,
    /// The offset the next appended record gets.
    pub log_end: u64,
    pub changes_first: u64,
    pub changes_end: u64,
    pub dead_first: u64,
    pub dead_end: u64,
    pub dead_bytes: u64,
}

impl Counters {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut row = Vec::with_capacity(1 + FIELDS * 8);
        row.push(VERSION);
        for field in self.fields() {
            row.extend_from_slice(&field.to_be_bytes());
        }
        row
    }

    pub(crate) fn decode(row: &[u8]) -> Option<Counters> {
        let (&version, rest) = row.split_first()?;
        let (fields, []) = rest.as_chunks::<8>() else {
            return None;
        };
        if version != VERSION || fields.len() != FIELDS {
            return None;
        }
        let mut fields = fields.iter().map(|bytes| u64::from_be_bytes(*bytes));
        let mut next = || fields.next().unwrap_or_default();
        let counters = Counters {
            committed: next(),
            log_end: next(),
            changes_first: next(),
            changes_end: next(),
            dead_first: next(),
            dead_end: next(),
            dead_bytes: next(),
        };
        counters.is_ordered().then_some(counters)
    }

    fn is_ordered(&self) -> bool {
        self.committed <= self.log_end
            && self.changes_first <= self.changes_end
            && self.dead_first <= self.dead_end
    }

    fn fields(&self) -> [u64; FIELDS] {
        [
            self.committed,
            self.log_end,
            self.changes_first,
            self.changes_end,
            self.dead_first,
            self.dead_end,
            self.dead_bytes,
        ]
    }
}
