//! The embedded mode as one object: the store, the threads that work on it, and what may be asked
//! of it. When a thread fails, writing stops: the service is no longer ready and takes nothing in.

mod threads;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use quell_engine::{Core, Settings};
use quell_index::IndexSettings;
use quell_ports::Clock;
use quell_store::{DeadLetter, EmbeddedStore, StoreError, StoreSettings};
use quell_taxonomy::Taxonomy;

use crate::indexer::{IndexProgress, Indexer, IndexerError};
use crate::ingest::{Ingest, IngestSettings, Origin, Receipt};
use crate::metrics::Metrics;
use crate::views::Views;

/// The log waits for the turns beyond this many records: the way in answers "later".
pub const MAX_BACKLOG_RECORDS: u64 = 200_000;

/// What a service is made of.
pub struct ServiceSettings {
    /// The core's settings.
    pub core: Settings,
    /// How records come in.
    pub ingest: IngestSettings,
    /// The store's bounds.
    pub store: StoreSettings,
    /// The index's bounds.
    pub index: IndexSettings,
    /// A commit of the index at least this often while there are changes.
    pub index_every: Duration,
    /// Dead letters older than this are dropped.
    pub dead_letter_retention_ms: i64,
    /// The version that `build_info` shows.
    pub version: &'static str,
}

/// Why the service could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexerError),
    /// A metric's name: a defect of this build.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The system.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// Why a batch was not taken in. Nothing of it is acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// The turns are behind; try again.
    #[error("{backlog} records wait to be worked on; try again in a few seconds")]
    Busy {
        /// Records waiting.
        backlog: u64,
    },
    /// The service is stopping or a part of it failed.
    #[error("not taking records in: {0}")]
    Closed(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A running embedded pipeline. Dropping it stops the threads after the turn at hand.
pub struct Service {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Shared {
    store: EmbeddedStore,
    views: Arc<Views>,
    ingest: Ingest,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
    indexed: IndexProgress,
    stopping: AtomicBool,
    failure: Mutex<Option<String>>,
    wake: Condvar,
    awake: Mutex<()>,
    dead_letter_retention_ms: i64,
}

impl Service {
    /// Opens the folder and starts working on what is in it.
    ///
    /// # Errors
    /// [`StartError`]
    pub fn start(
        dir: &Path,
        settings: ServiceSettings,
        taxonomy: Arc<Taxonomy>,
        clock: Arc<dyn Clock>,
    ) -> Result<Service, StartError> {
        let store = EmbeddedStore::open(&dir.join("store"), settings.store)?;
        let indexer = Indexer::open(store.clone(), &dir.join("index"), settings.index)?;
        let reasons: Vec<String> =
            taxonomy.reasons().iter().map(|reason| reason.id.level2().0).collect();
        let names = reasons.iter().map(String::as_str);
        let metrics = Metrics::new(settings.version, taxonomy.version(), names)?;
        metrics.event_time_lateness_seconds.set(settings.ingest.lateness_ms as f64 / 1e3);
        let shared = Arc::new(Shared {
            views: Arc::new(Views::new(store.clone(), indexer.searcher()?, indexer.candidates())),
            ingest: Ingest::new(store.clone(), settings.ingest),
            metrics,
            clock,
            indexed: IndexProgress::of(&indexer),
            stopping: AtomicBool::new(false),
            failure: Mutex::new(None),
            wake: Condvar::new(),
            awake: Mutex::new(()),
            dead_letter_retention_ms: settings.dead_letter_retention_ms,
            store,
        });
        let core = Core::new(Arc::new(settings.core), taxonomy);
        let service = Service { shared: shared.clone(), threads: Mutex::new(Vec::new()) };
        service.spawn("turns", move |shared| threads::turns(shared, core))?;
        let index_every = settings.index_every;
        service.spawn("index", move |shared| threads::index(shared, indexer, index_every))?;
        service.spawn("ticker", threads::ticker)?;
        Ok(service)
    }

    /// Takes records in, durably.
    ///
    /// # Errors
    /// [`TakeError`]
    pub fn take<'r>(
        &self,
        origin: &Origin,
        records: impl IntoIterator<Item = &'r [u8]>,
    ) -> Result<Receipt, TakeError> {
        let shared = &self.shared;
        shared.check_open()?;
        let backlog = shared.backlog();
        if backlog > MAX_BACKLOG_RECORDS {
            return Err(TakeError::Busy { backlog });
        }
        let now = shared.clock.now();
        let receipt = shared.ingest.take(origin, records, now, &shared.metrics)?;
        shared.wake.notify_all();
        Ok(receipt)
    }

    /// Says that an input given whole has ended: its event time is complete.
    ///
    /// # Errors
    /// [`TakeError`]
    pub fn complete(&self) -> Result<(), TakeError> {
        self.shared.check_open()?;
        self.shared.ingest.complete(self.shared.clock.now())?;
        self.shared.wake.notify_all();
        Ok(())
    }

    /// Waits until all that was taken in is worked on and can be searched. False when the time
    /// is up before.
    pub fn settle(&self, limit: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < limit {
            if self.shared.backlog() == 0 {
                if self.shared.indexed.next() >= self.shared.store.changes_end() {
                    return true;
                }
                self.shared.indexed.hurry();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// What may be asked.
    pub fn views(&self) -> &Arc<Views> {
        &self.shared.views
    }

    /// Dead letters from a sequence number on.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn dead_letters(
        &self,
        from_seq: u64,
        max: usize,
    ) -> Result<Vec<(u64, DeadLetter)>, StoreError> {
        self.shared.store.dead_letters(from_seq, max)
    }

    /// The metrics of this process.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// What a part of the service failed of: it will not work again before a new start.
    pub fn failure(&self) -> Option<String> {
        lock(&self.shared.failure).clone()
    }

    /// Why the service is not ready; none when it is.
    pub fn not_ready(&self) -> Option<String> {
        if let Err(error) = self.shared.check_open() {
            return Some(error.to_string());
        }
        let backlog = self.shared.backlog();
        (backlog > MAX_BACKLOG_RECORDS).then(|| format!("{backlog} records behind"))
    }

    /// Ends the turn at hand, commits the index, makes all durable and returns.
    ///
    /// # Errors
    /// What a part of the service failed of before.
    pub fn stop(&self) -> Result<(), TakeError> {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.shared.wake.notify_all();
        let threads = std::mem::take(&mut *lock(&self.threads));
        for thread in threads {
            // A thread that panicked has set the failure, which is returned below.
            let _ = thread.join();
        }
        self.shared.store.sync()?;
        match lock(&self.shared.failure).clone() {
            Some(failure) => Err(TakeError::Closed(failure)),
            None => Ok(()),
        }
    }

    fn spawn(
        &self,
        name: &'static str,
        body: impl FnOnce(&Shared) -> Result<(), String> + Send + 'static,
    ) -> Result<(), std::io::Error> {
        let shared = self.shared.clone();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let mut guard = FailureOnPanic { shared: &shared, name, armed: true };
            let outcome = body(&shared);
            guard.armed = false;
            if let Err(failure) = outcome {
                shared.fail(name, failure);
            }
        })?;
        lock(&self.threads).push(thread);
        Ok(())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Who wants to know how it ended calls `stop`.
        let _ = self.stop();
    }
}

/// A thread that panics must stop the service, not leave it taking in what nobody works on.
struct FailureOnPanic<'a> {
    shared: &'a Shared,
    name: &'static str,
    armed: bool,
}

impl Drop for FailureOnPanic<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.shared.fail(self.name, "it panicked; the log says where".to_owned());
        }
    }
}

impl Shared {
    fn backlog(&self) -> u64 {
        self.store.log_end().saturating_sub(self.store.committed())
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    fn check_open(&self) -> Result<(), TakeError> {
        if let Some(failure) = lock(&self.failure).clone() {
            return Err(TakeError::Closed(failure));
        }
        if self.is_stopping() {
            return Err(TakeError::Closed("stopping".to_owned()));
        }
        Ok(())
    }

    fn fail(&self, part: &str, failure: String) {
        tracing::error!(part, failure, "stopped");
        lock(&self.failure).get_or_insert(format!("{part}: {failure}"));
        self.stopping.store(true, Ordering::SeqCst);
        self.wake.notify_all();
    }

    fn nap(&self, limit: Duration) {
        if !self.is_stopping() {
            let guard = lock(&self.awake);
            drop(self.wake.wait_timeout(guard, limit).unwrap_or_else(PoisonError::into_inner));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
