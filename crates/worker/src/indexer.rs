//! Keeps the index a replica of the `contacts` table, and the candidate reasons beside it. The
//! index remembers the change it needs next in its own commit, so that it takes up exactly where it
//! stopped.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quell_index::{IndexError, IndexSettings, IndexWriter, Scope, Searcher};
use quell_model::contact::Maturity;
use quell_model::{Contact, ContactKey};
use quell_store::{EmbeddedStore, StoreError};

use crate::metrics::{Metrics, gauge};
use crate::views::Views;
use crate::watcher::{Candidates, Watcher};

/// How long it sleeps when nothing changed.
const NAP: Duration = Duration::from_millis(20);
/// Changes taken in before a commit, at most.
pub const COMMIT_EVERY_CHANGES: usize = 10_000;

/// Why the index could not follow.
#[derive(Debug, thiserror::Error)]
pub enum IndexerError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The file with what discovery found.
    #[error("candidate reasons cannot be kept: {0}")]
    Watch(#[from] std::io::Error),
    /// A row of ours that is not what was written.
    #[error("the contact {key} in the store cannot be read: {detail}")]
    Row {
        /// Its key.
        key: String,
        /// What is wrong.
        detail: String,
    },
}

/// Follows the store.
pub struct Indexer {
    store: EmbeddedStore,
    writer: IndexWriter,
    next: u64,
    watcher: Watcher,
}

impl Indexer {
    /// Opens the index in `dir`, and beside it, in `candidates`, what discovery found. Makes the
    /// index anew from the whole table when there is none, when it was
    /// made by other rules, or when the changes it needs are gone.
    ///
    /// # Errors
    /// [`IndexerError`]
    pub fn open(
        store: EmbeddedStore,
        dir: &Path,
        settings: IndexSettings,
    ) -> Result<Indexer, IndexerError> {
        let writer = match IndexWriter::open(dir, settings) {
            Err(IndexError::Stale { .. }) => quell_index::rebuild(dir, settings)?,
            opened => opened?,
        };
        let position = writer.position();
        let next = position.unwrap_or(0);
        let store_end = store.changes_end();
        let watcher = Watcher::open(&dir.with_file_name("candidates"), next, store_end)?;
        let mut indexer = Indexer { store, writer, next, watcher };
        let gone = match indexer.store.changes(indexer.next, 1) {
            Err(StoreError::ChangesGone { .. } | StoreError::Refused(_)) => true,
            other => other.map(|_| false)?,
        };
        if position.is_none() || gone {
            indexer.take_table()?;
        }
        indexer.watch_missed()?;
        Ok(indexer)
    }

    /// What discovery finds.
    pub fn candidates(&self) -> Candidates {
        self.watcher.candidates()
    }

    /// Reads the index.
    ///
    /// # Errors
    /// [`IndexerError::Index`]
    pub fn searcher(&self) -> Result<Searcher, IndexerError> {
        Ok(self.writer.searcher()?)
    }

    /// The change to take in next.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Changes not taken in yet.
    pub fn backlog(&self) -> u64 {
        self.store.changes_end().saturating_sub(self.next)
    }

    /// Takes in at most [`COMMIT_EVERY_CHANGES`], commits, and lets the store drop them. Returns
    /// how many there were.
    ///
    /// # Errors
    /// [`IndexerError`]
    pub fn follow(&mut self) -> Result<usize, IndexerError> {
        let changes = self.store.changes(self.next, COMMIT_EVERY_CHANGES)?;
        let Some(last) = changes.last() else { return Ok(0) };
        let next = last.seq + 1;
        let mut taken = HashSet::new();
        for change in changes.iter().filter(|change| change.topic == "contacts") {
            // The row is read as it is now, whatever changed it, so once is enough.
            if !taken.insert(change.key.as_str()) {
                continue;
            }
            match self.store.get_output("contacts", &change.key)? {
                Some(row) => self.follow_row(&change.key, &row.value)?,
                None => self.take_out(&ContactKey::from_text(change.key.as_str())),
            }
        }
        self.writer.commit(next)?;
        self.next = next;
        self.watcher.advance(next, false)?;
        self.store.drop_changes(next.min(self.watcher.saved()))?;
        Ok(changes.len())
    }

    /// Once there is nothing else to do: rewrites the files that still hold words of contacts that
    /// were taken out, so that nothing of an erased person stays on disk.
    ///
    /// # Errors
    /// [`IndexerError::Index`]
    pub fn rewrite_removed(&mut self, searcher: &Searcher) -> Result<(), IndexerError> {
        if self.writer.owes_rewrite() {
            self.writer.rewrite_removed(searcher)?;
        }
        Ok(())
    }

    /// Writes down what discovery found: at the end, so that nothing is read again.
    ///
    /// # Errors
    /// [`IndexerError`]
    pub fn save_candidates(&mut self) -> Result<(), IndexerError> {
        self.watcher.advance(self.next, true)?;
        Ok(self.store.drop_changes(self.next)?)
    }

    /// What the index had taken in and discovery had not written down.
    fn watch_missed(&mut self) -> Result<(), IndexerError> {
        while self.watcher.next() < self.next {
            let changes = match self.store.changes(self.watcher.next(), COMMIT_EVERY_CHANGES) {
                // The index went on without it, in an earlier release.
                Err(StoreError::ChangesGone { .. }) => Vec::new(),
                other => other?,
            };
            let missed = changes.iter().filter(|change| change.seq < self.next);
            for change in missed.filter(|change| change.topic == "contacts") {
                match self.store.get_output("contacts", &change.key)? {
                    Some(row) => self.watcher.take(&read(&change.key, &row.value)?),
                    None => self.watcher.forget(&ContactKey::from_text(change.key.as_str())),
                }
            }
            let next = changes.last().map_or(self.next, |last| self.next.min(last.seq + 1));
            self.watcher.advance(next, false)?;
        }
        Ok(())
    }

    fn take_out(&mut self, contact: &ContactKey) {
        self.writer.remove(contact);
        self.watcher.forget(contact);
    }

    fn take_table(&mut self) -> Result<(), IndexerError> {
        self.writer.purge()?;
        // What changes while the table is read comes again as a change.
        let next = self.store.changes_end();
        let mut failed = None;
        let store = self.store.clone();
        let mut put = |key: &str, json: &[u8]| -> Result<(), IndexerError> {
            let contact = read(key, json)?;
            if self.is_elsewhere(&contact) { Ok(()) } else { Ok(self.writer.upsert(&contact)?) }
        };
        store.scan_outputs("contacts", "", None, &mut |key, _, json| match put(key, json) {
            Ok(()) => std::ops::ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                std::ops::ControlFlow::Break(())
            }
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        self.writer.commit(next)?;
        self.next = next;
        Ok(())
    }

    /// Every contact changes once more when its links have become final. Most often that is all,
    /// and then its document stays: to look is far less work than to write it again.
    fn follow_row(&mut self, key: &str, json: &[u8]) -> Result<(), IndexerError> {
        let contact = read(key, json)?;
        self.watcher.take(&contact);
        if self.is_elsewhere(&contact) {
            self.writer.release(&contact.contact_key);
            return Ok(());
        }
        if contact.maturity == Maturity::Mature && self.writer.holds(&contact)? {
            return Ok(());
        }
        Ok(self.writer.upsert(&contact)?)
    }

    /// Whether a search backend has the contact.
    fn is_elsewhere(&self, contact: &Contact) -> bool {
        self.writer.scope() == Scope::Unsettled && contact.maturity == Maturity::Mature
    }
}

/// How far the index is, for those who wait for it.
#[derive(Debug)]
pub struct IndexProgress {
    /// The change that it needs next.
    next: AtomicU64,
    /// Somebody waits: it commits as soon as there is nothing more to take in.
    is_awaited: AtomicBool,
}

impl IndexProgress {
    /// As the indexer is now.
    pub fn of(indexer: &Indexer) -> Self {
        IndexProgress { next: AtomicU64::new(indexer.next()), is_awaited: AtomicBool::new(false) }
    }

    /// The change that the index needs next.
    pub fn next(&self) -> u64 {
        self.next.load(Ordering::SeqCst)
    }

    /// Asks for a commit without delay.
    pub fn hurry(&self) {
        self.is_awaited.store(true, Ordering::SeqCst);
    }
}

/// Follows until told to stop; commits when it is time or when enough has come.
///
/// # Errors
/// [`IndexerError`]
pub fn keep_following(
    mut indexer: Indexer,
    views: &Views,
    metrics: &Metrics,
    progress: &IndexProgress,
    every: Duration,
    is_stopping: &dyn Fn() -> bool,
) -> Result<(), IndexerError> {
    let searcher = views.searcher();
    let mut committed_at = Instant::now();
    metrics.index_contacts.set(gauge(searcher.live_contacts()));
    loop {
        let stopping = is_stopping();
        let behind = indexer.backlog();
        metrics.index_backlog_changes.set(gauge(behind));
        let awaited = progress.is_awaited.swap(false, Ordering::SeqCst);
        let due = committed_at.elapsed() >= every || stopping || awaited;
        let full = behind >= COMMIT_EVERY_CHANGES as u64;
        if behind > 0 && (due || full) {
            let begun = Instant::now();
            indexer.follow()?;
            searcher.reload()?;
            progress.next.store(indexer.next(), Ordering::SeqCst);
            committed_at = Instant::now();
            metrics.index_commit_duration_seconds.observe(begun.elapsed().as_secs_f64());
            metrics.index_contacts.set(gauge(searcher.live_contacts()));
            metrics.index_backlog_changes.set(gauge(indexer.backlog()));
        } else if stopping {
            return indexer.save_candidates();
        } else {
            if behind == 0 {
                indexer.rewrite_removed(searcher)?;
            }
            std::thread::sleep(NAP.min(every));
        }
    }
}

fn read(key: &str, json: &[u8]) -> Result<Contact, IndexerError> {
    serde_json::from_slice(json)
        .map_err(|error| IndexerError::Row { key: key.to_owned(), detail: error.to_string() })
}
