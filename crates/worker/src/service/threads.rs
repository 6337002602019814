//! The bodies of the service's threads.

use std::time::{Duration, Instant};

use quell_engine::Core;
use quell_model::Verdict;
use quell_ports::PollLimit;
use quell_store::StoreError;

use super::{Shared, gauge, issues};
use crate::indexer::{COMMIT_EVERY_CHANGES, Indexer};
use crate::turn::{TurnError, Turns};
use std::sync::atomic::Ordering;

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

/// Follows the outputs; commits when it is time or when enough has come.
pub(super) fn index(shared: &Shared, mut indexer: Indexer, every: Duration) -> Result<(), String> {
    let searcher = &shared.searcher;
    let mut committed_at = Instant::now();
    loop {
        let stopping = shared.is_stopping();
        let behind = indexer.backlog();
        shared.metrics.index_backlog_changes.set(gauge(behind));
        let awaited = shared.index_awaited.swap(false, Ordering::SeqCst);
        let due = committed_at.elapsed() >= every || stopping || awaited;
        let full = behind >= COMMIT_EVERY_CHANGES as u64;
        if behind > 0 && (due || full) {
            let begun = Instant::now();
            indexer.follow().map_err(|error| error.to_string())?;
            searcher.reload().map_err(|error| error.to_string())?;
            shared.indexed.store(indexer.next(), Ordering::SeqCst);
            committed_at = Instant::now();
            shared.metrics.index_commit_duration_seconds.observe(begun.elapsed().as_secs_f64());
            shared.metrics.index_contacts.set(gauge(searcher.live_contacts()));
            shared.metrics.index_backlog_changes.set(gauge(indexer.backlog()));
        } else if stopping {
            return Ok(());
        } else {
            if behind == 0 {
                indexer.rewrite_removed(searcher).map_err(|error| error.to_string())?;
            }
            std::thread::sleep(Duration::from_millis(20).min(every));
        }
    }
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
            let bytes = shared.store.disk_bytes().map_err(text)?;
            shared.metrics.store_disk_bytes.set(gauge(bytes));
            count_open_issues(shared).map_err(text)?;
            let expired = now.plus_ms(-shared.dead_letter_retention_ms);
            shared.store.trim_dead_letters(expired).map_err(text)?;
        }
        beats += 1;
        std::thread::sleep(TICK);
    }
    Ok(())
}

fn count_open_issues(shared: &Shared) -> Result<(), StoreError> {
    let (mut watch, mut systemic) = (0, 0);
    for issue in issues(&shared.store)? {
        match (issue.closed_at, issue.verdict) {
            (None, Verdict::Systemic) => systemic += 1,
            (None, Verdict::Watch) => watch += 1,
            _ => {}
        }
    }
    shared.metrics.issues_open.with_label_values(&["watch"]).set(watch);
    shared.metrics.issues_open.with_label_values(&["systemic"]).set(systemic);
    Ok(())
}
