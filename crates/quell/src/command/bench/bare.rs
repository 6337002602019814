//! What a cluster allows: loops that read, write and commit in transactions as the stages do, and
//! do nothing else.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{anyhow, ensure};
use quell_kafka::topics::{Layouts, layouts};
use quell_kafka::{KafkaLog, KafkaReplica, StageSpec};
use quell_model::topic::TopicNames;
use quell_ports::stage::{
    Partition, PartitionCommit, Rebalanced, ReplicaLog, StageLog, StageRecord, Transaction,
};

use super::kafka::{Deployment, PATIENCE};
use crate::cluster::TURN_LIMIT;

/// The topic that the loop of this number writes.
pub fn topic(names: &TopicNames, n: usize) -> String {
    names.named(&format!("bare-{n}"))
}

/// Passes all of the input through so many loops, each on a thread of its own.
pub fn run(deployment: &Deployment, loops: usize) -> anyhow::Result<Duration> {
    let layouts = layouts(&deployment.kafka)?;
    let waiting = waiting(deployment, &layouts)?;
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..loops)
            .map(|n| scope.spawn(move || pass_on(deployment, loops, n, waiting)))
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| anyhow!("a loop panicked"))?)
    })?;
    Ok(begun.elapsed())
}

/// How many records the input has.
fn waiting(deployment: &Deployment, layouts: &Layouts) -> anyhow::Result<u64> {
    let input = [deployment.input.clone()];
    let mut log = KafkaReplica::open(&deployment.kafka, "ends", input, layouts)?;
    log.resume(&[])?;
    let mut waiting = 0_u64;
    while log.lag().never_level > 0 {
        waiting += log.poll(TURN_LIMIT, Duration::from_millis(200))?.len() as u64;
    }
    Ok(waiting)
}

fn pass_on(
    deployment: &Deployment,
    loops: usize,
    n: usize,
    mut waiting: u64,
) -> anyhow::Result<()> {
    let Deployment { config, kafka, names, input, .. } = deployment;
    let from = n.checked_sub(1).map_or_else(|| input.clone(), |before| topic(names, before));
    let to = topic(names, n);
    // A run of its own reads from the start.
    let id = names.named(&format!("bare-{n}-of-{loops}"));
    let spec = StageSpec {
        group: id.clone(),
        inputs: vec![from],
        changelog: None,
        seal: 0,
        transactional_id: id,
        instance_id: None,
    };
    let commit_every = Duration::from_millis(config.ms("kafka.commit_every").unsigned_abs());
    let begun = Instant::now();
    let mut log = KafkaLog::open(kafka, &spec)?;
    while waiting > 0 {
        ensure!(begun.elapsed() < PATIENCE, "{waiting} records are not read");
        let polled = log.poll(TURN_LIMIT, commit_every, commit_every)?;
        for rebalanced in polled.rebalanced {
            if let Rebalanced::Came(partition) = rebalanced {
                log.resume(&partition, None)?;
            }
        }
        let mut next: BTreeMap<Partition, u64> = BTreeMap::new();
        let mut records = Vec::with_capacity(polled.records.len());
        for record in polled.records {
            next.insert(Partition::of(&record.position), record.position.offset + 1);
            let (topic, key, value) = (to.clone(), record.key, record.value);
            records.push(StageRecord { topic, key, value, ..StageRecord::default() });
        }
        if records.is_empty() {
            continue;
        }
        waiting = waiting.saturating_sub(records.len() as u64);
        let partition =
            |(partition, next)| PartitionCommit { partition, next, changes: Vec::new() };
        let partitions = next.into_iter().map(partition).collect();
        log.commit(&Transaction { records, partitions })?;
    }
    Ok(())
}
