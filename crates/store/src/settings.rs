//! The bounds of a store.

const MIB: u64 = 1024 * 1024;

/// What a store may use. All of it can be changed from one opening to the next, but a table keeps
/// the write buffer it was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// Memory for the block cache and the write buffers together, in bytes. Half is cache. The
    /// buffers are bounded through the journal, of which the engine keeps at least 64 MiB, and may
    /// hold twice that while it merges.
    pub memory_bytes: u64,
    /// Records that may wait in the log before [`append`](crate::EmbeddedStore::append) refuses.
    pub log_max_records: u64,
    /// Changes kept for readers of outputs; the oldest go first.
    pub changes_max: u64,
    /// Dead letters kept; the oldest go first.
    pub dead_letters_max: u64,
    /// Bytes of dead letters kept; the oldest go first.
    pub dead_letters_max_bytes: u64,
}

impl Default for StoreSettings {
    fn default() -> Self {
        StoreSettings {
            memory_bytes: 256 * MIB,
            log_max_records: 20_000_000,
            changes_max: 5_000_000,
            dead_letters_max: 100_000,
            dead_letters_max_bytes: 512 * MIB,
        }
    }
}

impl StoreSettings {
    pub(crate) fn cache_bytes(&self) -> u64 {
        self.memory_bytes / 2
    }

    /// What lies in a write buffer lies in the journal too, so the journal's bound is theirs.
    pub(crate) fn journal_bytes(&self) -> u64 {
        (self.memory_bytes / 2).max(64 * MIB)
    }

    /// What may wait in the write buffers. Above the journal's bound the engine flushes in any
    /// case, so it comes down again.
    pub(crate) fn unflushed_bytes(&self) -> u64 {
        2 * self.journal_bytes()
    }

    /// A sixteenth each: the state rows and the contacts fill theirs, the many small tables do
    /// not, and flushing stays frequent enough for the journal to be cut.
    pub(crate) fn write_buffer_bytes(&self) -> u64 {
        (self.memory_bytes / 16).clamp(MIB, 64 * MIB)
    }
}
