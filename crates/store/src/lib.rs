//! The embedded store: the input log, the state tables and the compacted topics in one folder,
//! changed by one atomic commit per turn.
//!
//! # What is durable when
//!
//! All writes pass through one journal in the order they were made, and a batch is found again
//! whole or not at all.
//!
//! - [`EmbeddedStore::append`] and [`EmbeddedStore::append_dead_letters`] return after the journal
//!   was synced to the disk. Appends that wait at the same time share one sync.
//! - [`EmbeddedPort`]'s commit is not synced by itself. Killing the process loses nothing, since
//!   the operating system has the bytes. A power cut may lose the last commits, newest first; the
//!   log rows they consumed are then back too, for the same batch dropped them, and the turn runs
//!   again with the same result.
//! - [`EmbeddedStore::changes`] syncs first, so that a reader that keeps its own durable position
//!   (the index) is never ahead of the store.
//! - [`EmbeddedStore::sync`] makes all of the above durable; dropping the last handle does too.
//!
//! # What readers see
//!
//! One scan sees one moment. Two calls may see two moments, and while a commit is being applied a
//! reader on another thread may see the new value of one key and the old value of the next. The
//! worker reads between its own commits and sees all of each.

mod cache;
mod commit;
mod counters;
mod dead_letters;
mod embedded;
mod error;
mod folder;
mod memory;
mod outputs;
mod port;
mod replica;
mod rows;
mod settings;
mod state;
mod tables;

pub use cache::{CachePosition, CachedPartition, StateCache};
pub use dead_letters::DeadLetter;
pub use embedded::EmbeddedStore;
pub use error::StoreError;
pub use memory::MemoryState;
pub use outputs::{ChangedKey, OutputRow, VisitOutput};
pub use port::{EmbeddedPort, LOG_INPUT};
pub use rows::NewRecord;
pub use settings::StoreSettings;
pub use state::EmbeddedState;
