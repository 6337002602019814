//! One instance of a stage: polls, applies, commits, and keeps a copy of the state of the
//! partitions it has.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quell_model::TimeMs;
use quell_model::topic::{StageName, TopicNames};
use quell_ports::stage::{Partition, PartitionCommit, Rebalanced, StageLog, Transaction};
use quell_ports::{Clock, PollLimit, PortError, Record};
use quell_store::{CachePosition, MemoryState, StateCache};

use super::meter::Meter;
use super::refusal::Refusals;
use super::restore::{Restored, Restorer};
use super::{Stage, StageError, Step, Turning};
use crate::metrics::Metrics;
use crate::overlay::Overlay;

/// How long the group's position and the changelog may differ: the cluster may show one of a
/// transaction before the other.
const AGREE_WITHIN: Duration = Duration::from_secs(30);

/// How a stage runs.
#[derive(Clone, Debug)]
pub struct RunnerSettings {
    /// Which stage.
    pub stage: StageName,
    /// Names of topics.
    pub names: TopicNames,
    /// Stands for what all instances must share, see [`seal`](super::seal).
    pub seal: u64,
    /// Records of one turn.
    pub limit: PollLimit,
    /// The largest record that the cluster takes.
    pub max_record_bytes: usize,
    /// Between two commits, at least: records are gathered meanwhile.
    pub commit_every: Duration,
}

/// A partition of ours.
enum Slot {
    /// Its state is being read.
    Restoring { ticket: u64, since: Instant },
    /// Its records are given; the next one.
    Ready { next: u64 },
}

/// One instance of a stage.
pub struct Runner {
    settings: RunnerSettings,
    log: Box<dyn StageLog>,
    stage: Box<dyn Stage>,
    /// The state, and who reads it; none for a stage without state.
    memory: Option<(StateCache, Restorer)>,
    slots: BTreeMap<Partition, Slot>,
    refusals: Refusals,
    /// When the last commit began.
    committed_at: Instant,
    metrics: Arc<Metrics>,
    meter: Meter,
    clock: Arc<dyn Clock>,
}

impl Runner {
    /// An instance over its log.
    pub fn new(
        settings: RunnerSettings,
        log: Box<dyn StageLog>,
        stage: Box<dyn Stage>,
        memory: Option<(StateCache, Restorer)>,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let meter = Meter::new(settings.stage, metrics.clone());
        let RunnerSettings { stage: name, names, max_record_bytes, .. } = &settings;
        let refusals = Refusals::new(*name, names.clone(), *max_record_bytes);
        Runner {
            settings,
            log,
            stage,
            memory,
            slots: BTreeMap::new(),
            refusals,
            committed_at: Instant::now(),
            metrics,
            meter,
            clock,
        }
    }
}

impl Turning for Runner {
    fn turn(&mut self) -> Result<(), StageError> {
        // The first record after a pause goes at once; those of a stream go together.
        let commit_every = self.settings.commit_every;
        let gather = commit_every.saturating_sub(self.committed_at.elapsed());
        let polled = self.log.poll(self.settings.limit, gather, commit_every)?;
        let has_changed = !polled.rebalanced.is_empty();
        for rebalanced in polled.rebalanced {
            self.rebalance(rebalanced)?;
        }
        if has_changed {
            self.count_partitions();
        }
        while let Some(restored) = self.memory.as_ref().and_then(|(_, restorer)| restorer.done()) {
            self.take_restored(restored)?;
        }
        let begun = Instant::now();
        let mut step = Step::default();
        let mut commits = Vec::new();
        let mut again = Vec::new();
        let mut newest = BTreeMap::new();
        for (partition, records) in by_partition(polled.records) {
            let Some(Slot::Ready { next }) = self.slots.get(&partition) else { continue };
            let start = *next;
            newest.extend(records.last().map(|record| (partition.clone(), record.log_time)));
            let commit = self.apply(&partition, start, &records, &mut step)?;
            let Some(commit) = commit else { return self.go_back() };
            if commit.next <= records.last().map_or(0, |record| record.position.offset) {
                again.push(partition);
            }
            commits.push(commit);
        }
        self.tick(&mut step, &mut commits)?;
        if !commits.is_empty() {
            self.commit(step, commits, &again, &newest)?;
            self.meter.turned(begun.elapsed());
        }
        let partitions = self.slots.iter().map(|(partition, slot)| match slot {
            Slot::Ready { next } => (partition, Some(*next)),
            Slot::Restoring { .. } => (partition, None),
        });
        self.meter.lag(&*self.log, partitions, self.clock.now());
        Ok(())
    }
}

impl Runner {
    fn rebalance(&mut self, rebalanced: Rebalanced) -> Result<(), StageError> {
        match rebalanced {
            Rebalanced::Left(partition) => {
                tracing::info!(stage = %self.settings.stage, %partition, "partition left");
                let slot = self.slots.remove(&partition);
                self.refusals.left(&partition);
                if let (Some(Slot::Restoring { ticket, .. }), Some((_, restorer))) =
                    (slot, &self.memory)
                {
                    restorer.cancel(ticket);
                }
                self.meter.left(&partition);
                self.stage.reset();
            }
            Rebalanced::Came(partition) => {
                tracing::info!(stage = %self.settings.stage, %partition, "partition came");
                self.meter.came(&partition, self.clock.now());
                let slot = match &mut self.memory {
                    Some((_, restorer)) => {
                        let ticket = restorer.order(partition.number);
                        Slot::Restoring { ticket, since: Instant::now() }
                    }
                    None => {
                        let committed = self.log.committed(&partition)?;
                        Slot::Ready { next: self.log.resume(&partition, committed)? }
                    }
                };
                self.slots.insert(partition, slot);
            }
        }
        Ok(())
    }

    /// Lets a partition go on whose state is complete. A partition that has left meanwhile has
    /// another order, or none.
    fn take_restored(&mut self, restored: Restored) -> Result<(), StageError> {
        let of_ticket = self.slots.iter().find_map(|(partition, slot)| match slot {
            Slot::Restoring { ticket, since } if *ticket == restored.ticket => {
                Some((partition.clone(), *since))
            }
            _ => None,
        });
        let Some((partition, since)) = of_ticket else { return Ok(()) };
        let state = restored.outcome?;
        let group = self.log.committed(&partition)?;
        let agree = match (state, group) {
            (Some(state), Some(group)) => state == group,
            // Groups forget positions that are not moved for a week; the state does not.
            (Some(_), None) | (None, None) => true,
            (None, Some(_)) => false,
        };
        let slot = if agree {
            let next = self.log.resume(&partition, state)?;
            tracing::info!(stage = %self.settings.stage, %partition, next, "state restored");
            Slot::Ready { next }
        } else if since.elapsed() < AGREE_WITHIN {
            let Some((_, restorer)) = &mut self.memory else { return Ok(()) };
            Slot::Restoring { ticket: restorer.order(partition.number), since }
        } else {
            let said = |next: Option<u64>| next.map_or("nothing".to_owned(), |n| n.to_string());
            return Err(StageError::Apart { partition, state: said(state), group: said(group) });
        };
        self.slots.insert(partition, slot);
        self.count_partitions();
        Ok(())
    }

    /// The turn of one partition. It ends early at a mark whose timers did not all fire: the mark
    /// is then read again. None where a record is to be put aside, which nothing was done for yet.
    fn apply(
        &mut self,
        partition: &Partition,
        start: u64,
        records: &[Record],
        step: &mut Step,
    ) -> Result<Option<PartitionCommit>, StageError> {
        let cached = self.memory.as_ref().map(|(cache, _)| cache.partition(partition.number));
        let none = MemoryState::default();
        let mut overlay = match &cached {
            Some(cached) => Overlay::over(cached),
            None => Overlay::over(&none),
        };
        let mut next = start;
        for record in records.iter().filter(|record| record.position.offset >= start) {
            next = record.position.offset;
            if self.refusals.put_aside(record, step) {
                // What is wrong with its neighbours is found in turns of their own.
                next += 1;
                break;
            }
            let before = (step.records.len(), step.effects.outputs.len());
            self.stage.apply(record, &mut overlay, step)?;
            if self.refusals.finds(record, before, step, &overlay)? {
                return Ok(None);
            }
            if std::mem::take(&mut step.effects.unfinished) {
                break;
            }
            next += 1;
        }
        self.stage.finish(&mut overlay, step)?;
        let (partition, changes) = (partition.clone(), overlay.into_changes());
        Ok(Some(PartitionCommit { partition, next, changes }))
    }

    fn tick(
        &mut self,
        step: &mut Step,
        commits: &mut Vec<PartitionCommit>,
    ) -> Result<(), StageError> {
        let ready: Vec<(&Partition, u64)> = self
            .slots
            .iter()
            .filter_map(|(partition, slot)| match slot {
                Slot::Ready { next } => {
                    let committed = commits.iter().find(|commit| commit.partition == *partition);
                    Some((partition, committed.map_or(*next, |commit| commit.next)))
                }
                Slot::Restoring { .. } => None,
            })
            .collect();
        let ticked = self.stage.tick(&mut *self.log, &ready, self.clock.now(), step)?;
        for partition in ticked {
            let Some((_, next)) = ready.iter().find(|(ready, _)| **ready == partition) else {
                continue;
            };
            if !commits.iter().any(|commit| commit.partition == partition) {
                commits.push(PartitionCommit { partition, next: *next, changes: Vec::new() });
            }
        }
        Ok(())
    }

    /// Commits, and only then lets the copy of the state follow.
    fn commit(
        &mut self,
        mut step: Step,
        partitions: Vec<PartitionCommit>,
        again: &[Partition],
        newest: &BTreeMap<Partition, TimeMs>,
    ) -> Result<(), StageError> {
        let (tally, reasons) = (step.effects.tally, step.reasons());
        let intake = std::mem::take(&mut step.intake);
        let records = step.into_records(&self.settings.names);
        let transaction = Transaction { records, partitions };
        if self.refusals.stops(&transaction)? {
            return self.go_back();
        }
        let begun = Instant::now();
        self.committed_at = begun;
        let changelog_next = match self.log.commit(&transaction) {
            Ok(changelog_next) => changelog_next,
            Err(PortError::Aborted(why)) => {
                tracing::warn!(stage = %self.settings.stage, why, "transaction aborted");
                self.meter.aborted();
                return self.go_back();
            }
            Err(error) => return Err(error.into()),
        };
        self.meter.committed(begun.elapsed());
        self.refusals.committed(&transaction);
        self.metrics.add_tally(&tally);
        self.metrics.add_reasons(&reasons);
        self.metrics.add_intake(&intake);
        for (partition, log_time) in newest {
            self.meter.done(partition, *log_time);
        }
        for record in &transaction.records {
            self.metrics.outputs.with_label_values(&[record.topic.as_str()]).inc();
        }
        let as_of = self.clock.now();
        for (commit, changelog_next) in transaction.partitions.iter().zip(changelog_next) {
            if let Some((cache, _)) = &self.memory {
                let input_next = Some(commit.next);
                let seal = self.settings.seal;
                let position = CachePosition { changelog_next, input_next, as_of, seal };
                cache.apply(commit.partition.number, &commit.changes, position)?;
            }
            self.slots.insert(commit.partition.clone(), Slot::Ready { next: commit.next });
        }
        if let Some((cache, _)) = &self.memory {
            cache.wait_for_room();
        }
        for partition in again {
            if let Some(Slot::Ready { next }) = self.slots.get(partition) {
                self.log.resume(partition, Some(*next))?;
            }
        }
        Ok(())
    }

    /// After an abort: every record since the last commit is read again.
    fn go_back(&mut self) -> Result<(), StageError> {
        self.stage.reset();
        for (partition, slot) in &self.slots {
            if let Slot::Ready { next } = slot {
                self.log.resume(partition, Some(*next))?;
            }
        }
        Ok(())
    }

    fn count_partitions(&mut self) {
        let is_restoring = |slot: &&Slot| matches!(slot, Slot::Restoring { .. });
        let restoring = self.slots.values().filter(is_restoring).count();
        self.meter.partitions(self.slots.len() - restoring, restoring);
    }
}

fn by_partition(records: Vec<Record>) -> BTreeMap<Partition, Vec<Record>> {
    let mut found: BTreeMap<Partition, Vec<Record>> = BTreeMap::new();
    for record in records {
        found.entry(Partition::of(&record.position)).or_default().push(record);
    }
    found
}
