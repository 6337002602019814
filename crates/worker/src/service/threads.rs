//! The bodies of the service's threads.

use std::time::{Duration, Instant};

use quell_engine::Core;
use quell_ports::PollLimit;
use quell_store::StoreError;

use super::Shared;
use crate::indexer::{Indexer, keep_following};
use crate::metrics::gauge;
use crate::turn::{TurnError, Turns};

/// Records of one turn: enough to share a commit, few enough to bound its memory.
const TURN_LIMIT: PollLimit = PollLimit { records: 1_000, bytes: 8 << 20 };
/// How long a thread without work sleeps at most.
const NAP: Duration = Duration::from_millis(200);
/// The ticker's step.
const TICK: Duration = Duration::from_millis(250);

/// Polls, applies, commits, until the service stops.
pub(super) fn turns(shared: &Shared, core: Core) -> Result<(), String> {
    let state = shared.store.state();
    let mut turns = Turns::new(core, shared.store.port(), TURN_LIMIT);
    while !shared.is_stopping() {
        let begun = Instant::now();
        let report = turns.turn(&state).map_err(|error: TurnError| error.to_string())?;
        shared.metrics.log_backlog_records.set(gauge(shared.backlog()));
        if report.records == 0 {
            shared.nap(NAP);
            continue;
        }
        shared.metrics.turn_duration_seconds.observe(begun.elapsed().as_secs_f64());
        shared.metrics.add_tally(&report.tally);
        shared.metrics.add_reasons(&report.reasons);
        for (topic, count) in report.outputs {
            shared.metrics.outputs.with_label_values(&[topic]).inc_by(count);
        }
    }
    Ok(())
}

/// Follows the outputs with the index.
pub(super) fn index(shared: &Shared, indexer: Indexer, every: Duration) -> Result<(), String> {
    let (views, metrics) = (&shared.views, &shared.metrics);
    let stopping = || shared.is_stopping();
    keep_following(indexer, views, metrics, &shared.indexed, every, &stopping)
        .map_err(|error| error.to_string())
}

/// What is due by the clock: marks of idle inputs, gauges, dead letters that expire.
pub(super) fn ticker(shared: &Shared) -> Result<(), String> {
    let mut beats = 0_u64;
    while !shared.is_stopping() {
        let now = shared.clock.now();
        let text = |error: StoreError| error.to_string();
        if beats.is_multiple_of(4) {
            shared.ingest.tick(now, &shared.metrics).map_err(text)?;
            shared.wake.notify_all();
        }
        if beats.is_multiple_of(20) {
            shared.views.measure(&shared.metrics).map_err(text)?;
            let expired = now.plus_ms(-shared.dead_letter_retention_ms);
            shared.store.trim_dead_letters(expired).map_err(text)?;
        }
        beats += 1;
        std::thread::sleep(TICK);
    }
    Ok(())
}
