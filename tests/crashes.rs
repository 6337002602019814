//! Crash at every port call, start again, and compare with the run that never crashed.

use std::sync::Arc;

use quell_engine::Core;
use quell_faults::{Fault, SimStore};
use quell_model::time::DAY_MS;
use quell_ports::PollLimit;
use quell_tests::events::{START, Space, stream};
use quell_tests::runs::{settings, taxonomy};
use quell_worker::log_row::{event_row, mark_row};
use quell_worker::turn::Turns;

/// Restarts that one crash may need; more would be a loop that gets nowhere.
const MAX_STARTS: usize = 3;

fn rows(seed: u64) -> Vec<Vec<u8>> {
    let space = Space { contacts: 8, customers: 3, identities: true, erasures: true };
    let mut rows: Vec<Vec<u8>> = stream(seed, 60, space).iter().map(event_row).collect();
    rows.insert(40, mark_row(START.plus_ms(DAY_MS)));
    rows.push(mark_row(START.plus_ms(10 * DAY_MS)));
    rows
}

/// Runs as one process after another until the log is done. Returns how many there were.
fn run(store: &SimStore) -> usize {
    let mut last = String::new();
    for start in 1..=MAX_STARTS {
        let core = Core::new(settings(), taxonomy());
        let limit = PollLimit { records: 7, bytes: usize::MAX };
        let mut turns = Turns::new(core, store.port(), limit);
        loop {
            match turns.turn(store.state()) {
                Ok(report) if report.records == 0 => return start,
                Ok(_) => {}
                Err(error) => {
                    last = error.to_string();
                    break;
                }
            }
        }
    }
    panic!("not done after {MAX_STARTS} starts: {last}");
}

#[test]
fn a_crash_at_any_port_call_does_not_show() {
    for seed in 0..6 {
        let whole = SimStore::new(rows(seed));
        assert_eq!(run(&whole), 1);
        let expected = whole.finals();
        assert!(!expected.is_empty(), "the stream leaves something to compare");
        for call in 0..whole.calls() {
            for fault in [Fault::Before, Fault::After] {
                let store = SimStore::new(rows(seed));
                store.fail_at(call, fault);
                let starts = run(&store);
                assert_eq!(starts, 2, "seed {seed}: the fault at call {call} happened");
                assert_eq!(store.finals(), expected, "seed {seed}, call {call}, {fault:?}");
            }
        }
    }
}

#[test]
fn several_crashes_in_one_run_do_not_show() {
    let whole = SimStore::new(rows(99));
    run(&whole);
    let store = SimStore::new(rows(99));
    let shared = Arc::new(store.clone());
    shared.fail_at(3, Fault::After);
    let first = Core::new(settings(), taxonomy());
    let limit = PollLimit { records: 5, bytes: usize::MAX };
    let mut turns = Turns::new(first, store.port(), limit);
    while turns.turn(store.state()).is_ok_and(|report| report.records > 0) {}
    shared.fail_at(store.calls() + 2, Fault::Before);
    assert_eq!(run(&store), 2);
    assert_eq!(store.finals(), whole.finals());
}
