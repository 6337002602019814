//! The stage that others ask: a copy of the derived topics, indexed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quell_index::{ContactSearch, IndexSettings, SearchBackend};
use quell_model::topic::{OLDEST_COPY_MS, StageName, TopicNames};
use quell_model::{DERIVED_TOPICS, Position, TimeMs};
use quell_ports::stage::{Partition, ReplicaLag, ReplicaLog};
use quell_ports::{Clock, OutputRecord, PollLimit, PortError, Record};
use quell_store::{EmbeddedStore, StoreSettings};

use super::{REVISION_HEADER, StageError, Turning};
use crate::indexer::{IndexProgress, Indexer, IndexerError, keep_following};
use crate::metrics::{Metrics, gauge};
use crate::views::Views;

const STAGE: [&str; 1] = [StageName::Serve.as_str()];
/// Changes that may wait for the index before no more records are taken.
const MAX_INDEX_BACKLOG: u64 = 100_000;
/// How long a turn that takes nothing sleeps.
const NAP: Duration = Duration::from_millis(50);
/// How often the cluster is asked whether it is there.
const CHECK_EVERY: Duration = Duration::from_secs(30);
/// Changes that the index may be behind when the stage is first ready.
const READY_BACKLOG: u64 = 2_000;
/// How often the time is noted at which the copy was level, and the cluster told how far it is.
const NOTE_EVERY: Duration = Duration::from_secs(5);

/// The copy that one worker serves.
pub struct Replica {
    store: EmbeddedStore,
    views: Arc<Views>,
    progress: Arc<IndexProgress>,
}

impl Replica {
    /// Opens the copy in `dir`. One that is of other topics, or too old to know what was removed
    /// since, is made anew. The log gives then what the copy has not. Settled contacts are at the
    /// backend, if there is one.
    ///
    /// # Errors
    /// [`StageError`] where the folder or the cluster cannot be read.
    pub fn open(
        dir: &Path,
        settings: StoreSettings,
        index: IndexSettings,
        backend: Option<Arc<dyn SearchBackend>>,
        log: &mut dyn ReplicaLog,
        now: TimeMs,
    ) -> Result<(Replica, Indexer), StageError> {
        let store_dir = dir.join("store");
        let mut store = EmbeddedStore::open(&store_dir, settings)?;
        let positions = store.replica_positions()?;
        let is_old = store.replica_level_at()?.is_some_and(|level_at| is_too_old(level_at, now));
        if is_old || !log.resume(&positions)? {
            tracing::warn!(is_old, "the copy of the topics is made anew");
            drop(store);
            for part in [&store_dir, &dir.join("index")] {
                std::fs::remove_dir_all(part).or_else(|error| match error.kind() {
                    std::io::ErrorKind::NotFound => Ok(()),
                    _ => Err(PortError::Fatal(format!("cannot clear {}: {error}", part.display()))),
                })?;
            }
            store = EmbeddedStore::open(&store_dir, settings)?;
            if !log.resume(&[])? {
                return Err(StageError::Stale("the topics were made anew meanwhile"));
            }
        }
        // A copy that is begun now is whole as of now when it is done, and is known to be old when
        // it was broken off.
        if store.replica_level_at()?.is_none() {
            store.replicate(&[], &[], Some(now))?;
        }
        let indexer = Indexer::open(store.clone(), &dir.join("index"), index)?;
        let search = match backend {
            None => ContactSearch::new(indexer.searcher()?),
            Some(backend) => ContactSearch::with_backend(indexer.searcher()?, backend),
        };
        let replica = Replica {
            views: Arc::new(Views::asking(store.clone(), search, indexer.candidates())),
            progress: Arc::new(IndexProgress::of(&indexer)),
            store,
        };
        Ok((replica, indexer))
    }

    /// What may be asked of it.
    pub fn views(&self) -> &Arc<Views> {
        &self.views
    }

    /// The body of the thread that follows the copy with the index.
    pub fn follow(
        &self,
        indexer: Indexer,
        metrics: Arc<Metrics>,
        every: Duration,
    ) -> impl FnOnce(&dyn Fn() -> bool) -> Result<(), IndexerError> + Send + 'static {
        let (views, progress) = (self.views.clone(), self.progress.clone());
        move |is_stopping| keep_following(indexer, &views, &metrics, &progress, every, is_stopping)
    }

    /// Lets a log give what the copy has not.
    ///
    /// # Errors
    /// [`StageError::Stale`] where the copy is not of these topics any more.
    pub fn resume(&self, log: &mut dyn ReplicaLog) -> Result<(), StageError> {
        if log.resume(&self.store.replica_positions()?)? {
            return Ok(());
        }
        Err(StageError::Stale("the topics were made anew"))
    }

    /// What takes over what the log gives; the log was opened with the copy or resumed.
    ///
    /// # Errors
    /// [`StageError`] where the copy cannot be read.
    pub fn reader(
        &self,
        log: Box<dyn ReplicaLog>,
        settings: ServeSettings,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
    ) -> Result<ServeStage, StageError> {
        let named = |topic: &'static str| (settings.names.output(topic), topic);
        Ok(ServeStage {
            log,
            store: self.store.clone(),
            views: self.views.clone(),
            progress: self.progress.clone(),
            topics: DERIVED_TOPICS.map(named).into_iter().collect(),
            level_at: self.store.replica_level_at()?.unwrap_or_else(|| clock.now()),
            newest: None,
            noted_at: None,
            checked_at: None,
            is_searchable: false,
            settings,
            metrics,
            clock,
        })
    }
}

fn is_too_old(level_at: TimeMs, now: TimeMs) -> bool {
    now.since_ms(level_at) > OLDEST_COPY_MS
}

/// How the stage runs.
#[derive(Clone, Debug)]
pub struct ServeSettings {
    /// Names of topics.
    pub names: TopicNames,
    /// Records of one turn.
    pub limit: PollLimit,
    /// Records are gathered this long.
    pub gather: Duration,
}

/// Reads the derived topics into the copy.
pub struct ServeStage {
    settings: ServeSettings,
    log: Box<dyn ReplicaLog>,
    store: EmbeddedStore,
    views: Arc<Views>,
    progress: Arc<IndexProgress>,
    /// By their full names.
    topics: BTreeMap<String, &'static str>,
    level_at: TimeMs,
    /// The log time of the newest record taken.
    newest: Option<TimeMs>,
    noted_at: Option<Instant>,
    checked_at: Option<Instant>,
    /// The index holds what there was when the topics were first read to their ends.
    is_searchable: bool,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
}

impl Turning for ServeStage {
    fn turn(&mut self) -> Result<(), StageError> {
        if self.store.changes_end().saturating_sub(self.progress.next()) > MAX_INDEX_BACKLOG {
            std::thread::sleep(NAP);
            return Ok(());
        }
        let records = self.log.poll(self.settings.limit, self.settings.gather)?;
        if is_too_old(self.level_at, self.clock.now()) {
            return Err(StageError::Stale("it was cut off for too long"));
        }
        let begun = Instant::now();
        if !records.is_empty() {
            let (outputs, next) = self.read(&records)?;
            self.store.replicate(&outputs, &next, None)?;
            self.newest = records.last().map(|record| record.log_time).or(self.newest);
            self.metrics.stages.commits.with_label_values(&STAGE).inc();
            let elapsed = begun.elapsed().as_secs_f64();
            self.metrics.stages.turn_duration_seconds.with_label_values(&STAGE).observe(elapsed);
        }
        let lag = self.log.lag();
        self.measure(lag);
        if self.noted_at.is_none_or(|noted| noted.elapsed() >= NOTE_EVERY) {
            self.noted_at = Some(Instant::now());
            self.note(lag)?;
        }
        Ok(())
    }
}

impl ServeStage {
    /// The records as outputs, and where their partitions go on.
    fn read(&self, records: &[Record]) -> Result<(Vec<OutputRecord>, Vec<Position>), StageError> {
        let mut outputs = Vec::with_capacity(records.len());
        let mut next: BTreeMap<Partition, u64> = BTreeMap::new();
        for record in records {
            let output = self.output(record).ok_or_else(|| StageError::Record {
                position: record.position.clone(),
                detail: format!("it has no text for a key, or no header {REVISION_HEADER}"),
            })?;
            outputs.push(output);
            next.insert(Partition::of(&record.position), record.position.offset + 1);
        }
        let next = next.into_iter().map(|(partition, offset)| Position {
            input: partition.input,
            partition: partition.number,
            offset,
        });
        Ok((outputs, next.collect()))
    }

    fn output(&self, record: &Record) -> Option<OutputRecord> {
        let topic = self.topics.get(&record.position.input).copied()?;
        let header = record.headers.iter().find(|(name, _)| name == REVISION_HEADER);
        let revision = std::str::from_utf8(&header?.1).ok()?.parse().ok()?;
        let key = String::from_utf8(record.key.clone()?).ok()?;
        Some(OutputRecord { topic, key, revision, value: record.value.clone() })
    }

    fn measure(&mut self, lag: ReplicaLag) {
        let behind = self.store.changes_end().saturating_sub(self.progress.next());
        self.is_searchable |= lag.never_level == 0 && behind <= READY_BACKLOG;
        let stages = &self.metrics.stages;
        stages.lag_records.with_label_values(&STAGE).set(gauge(lag.records));
        let age_ms = match self.newest {
            Some(newest) if lag.records > 0 => self.clock.now().since_ms(newest).max(0),
            _ => 0,
        };
        stages.lag_seconds.with_label_values(&STAGE).set(age_ms as f64 / 1e3);
        stages.held_seconds.with_label_values(&STAGE).set(lag.held.as_secs_f64());
        let restoring = lag.never_level.max(u64::from(!self.is_searchable));
        let ready = lag.partitions - restoring;
        for (state, count) in [("ready", ready), ("restoring", restoring)] {
            stages.partitions.with_label_values(&[STAGE[0], state]).set(gauge(count));
        }
    }

    /// What only whoever watches needs, and the time up to which removals are known.
    fn note(&mut self, lag: ReplicaLag) -> Result<(), StageError> {
        if self.checked_at.is_none_or(|checked| checked.elapsed() >= CHECK_EVERY) {
            self.log.check()?;
            self.checked_at = Some(Instant::now());
        }
        if lag.never_level == 0 && lag.records == 0 {
            self.level_at = self.clock.now();
            self.store.replicate(&[], &[], Some(self.level_at))?;
        }
        self.log.note(&self.store.replica_positions()?);
        Ok(self.views.measure(&self.metrics)?)
    }
}
