//! What one instance of a stage shows of itself to those who watch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quell_model::TimeMs;
use quell_model::topic::StageName;
use quell_ports::stage::{Partition, StageLog};

use crate::metrics::{Metrics, gauge};

/// How often the lag is looked at.
const LAG_EVERY: Duration = Duration::from_secs(1);

/// The instance's metrics, and what they are computed from.
pub(super) struct Meter {
    stage: [&'static str; 1],
    metrics: Arc<Metrics>,
    /// Since when partitions come and go.
    changing_since: Option<Instant>,
    /// The log time of the newest record done; of a partition that has just come, when it came.
    done_at: BTreeMap<Partition, TimeMs>,
    lag_seen_at: Option<Instant>,
}

impl Meter {
    pub(super) fn new(stage: StageName, metrics: Arc<Metrics>) -> Self {
        let stage = [stage.as_str()];
        let stages = &metrics.stages;
        // A series that begins with its first count hides that count from `rate`.
        for counter in [&stages.commits, &stages.aborts, &stages.restarts, &stages.rebalances] {
            counter.with_label_values(&stage);
        }
        stages.restore_remaining_records.with_label_values(&stage);
        Meter { stage, metrics, changing_since: None, done_at: BTreeMap::new(), lag_seen_at: None }
    }

    pub(super) fn came(&mut self, partition: &Partition, now: TimeMs) {
        self.changing_since.get_or_insert_with(Instant::now);
        self.done_at.insert(partition.clone(), now);
    }

    pub(super) fn left(&mut self, partition: &Partition) {
        self.changing_since.get_or_insert_with(Instant::now);
        self.done_at.remove(partition);
    }

    /// How many partitions there are by state. Once all are ready, a change is over.
    pub(super) fn partitions(&mut self, ready: usize, restoring: usize) {
        let stages = &self.metrics.stages;
        for (state, count) in [("ready", ready), ("restoring", restoring)] {
            let labels = [self.stage[0], state];
            stages.partitions.with_label_values(&labels).set(gauge(count as u64));
        }
        if let Some(since) = self.changing_since.take_if(|_| restoring == 0) {
            stages.rebalances.with_label_values(&self.stage).inc();
            let took = since.elapsed().as_secs_f64();
            stages.rebalance_duration_seconds.with_label_values(&self.stage).observe(took);
        }
    }

    pub(super) fn committed(&self, took: Duration) {
        let stages = &self.metrics.stages;
        stages.commits.with_label_values(&self.stage).inc();
        let took = took.as_secs_f64();
        stages.commit_duration_seconds.with_label_values(&self.stage).observe(took);
    }

    pub(super) fn aborted(&self) {
        self.metrics.stages.aborts.with_label_values(&self.stage).inc();
    }

    pub(super) fn turned(&self, took: Duration) {
        let turns = self.metrics.stages.turn_duration_seconds.with_label_values(&self.stage);
        turns.observe(took.as_secs_f64());
    }

    /// The newest record of the partition that is committed.
    pub(super) fn done(&mut self, partition: &Partition, log_time: TimeMs) {
        self.done_at.insert(partition.clone(), log_time);
    }

    /// Looks at the lag, now and then. `partitions` come with the next record, or none while
    /// their state is read back.
    pub(super) fn lag<'p>(
        &mut self,
        log: &dyn StageLog,
        partitions: impl Iterator<Item = (&'p Partition, Option<u64>)>,
        now: TimeMs,
    ) {
        if self.lag_seen_at.is_some_and(|seen| seen.elapsed() < LAG_EVERY) {
            return;
        }
        self.lag_seen_at = Some(Instant::now());
        let (mut records, mut oldest_ms, mut held) = (0, 0, Duration::ZERO);
        for (partition, next) in partitions {
            let behind = next.map(|next| log.known_lag(partition, next).unwrap_or_default());
            records += behind.unwrap_or_default();
            held = held.max(log.held(partition));
            if behind != Some(0) {
                let done_at = self.done_at.get(partition).copied().unwrap_or(now);
                oldest_ms = oldest_ms.max(now.since_ms(done_at));
            }
        }
        let stages = &self.metrics.stages;
        stages.lag_records.with_label_values(&self.stage).set(gauge(records));
        stages.lag_seconds.with_label_values(&self.stage).set(oldest_ms as f64 / 1e3);
        stages.held_seconds.with_label_values(&self.stage).set(held.as_secs_f64());
    }
}

impl Drop for Meter {
    /// What an instance that is gone had is not this worker's any more.
    fn drop(&mut self) {
        self.partitions(0, 0);
        let stages = &self.metrics.stages;
        stages.lag_records.with_label_values(&self.stage).set(0);
        stages.lag_seconds.with_label_values(&self.stage).set(0.0);
        stages.held_seconds.with_label_values(&self.stage).set(0.0);
    }
}
