//! Any sequence of appends, commits and reopenings against plain maps.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use quell_model::{Position, TimeMs};
use quell_ports::{Change, Commit, Order, OutputRecord, PollLimit, Port, StateReader};
use quell_store::{EmbeddedPort, EmbeddedStore, NewRecord, StoreSettings};

const TABLES: [&str; 2] = ["contact", "timer"];
const TOPICS: [&str; 2] = ["contacts", "trends"];

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<u8>),
    Turn {
        polled: usize,
        changes: Vec<(u8, u8, Option<u8>)>,
        outputs: Vec<(u8, u8, u64, Option<u8>)>,
    },
    DropChanges(u64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let change = (0..2_u8, 0..6_u8, weighted(0.7, any::<u8>()));
    let output = (0..2_u8, 0..4_u8, 0..6_u64, weighted(0.7, any::<u8>()));
    prop_oneof![
        3 => vec(any::<u8>(), 0..5).prop_map(Step::Append),
        6 => (0..4_usize, vec(change, 0..6), vec(output, 0..6))
            .prop_map(|(polled, changes, outputs)| Step::Turn { polled, changes, outputs }),
        1 => (0..20_u64).prop_map(Step::DropChanges),
        2 => Just(Step::Reopen),
    ]
}

type Revised = (u64, Option<Vec<u8>>);

/// What the store should hold, in the plainest form.
#[derive(Default)]
struct Expected {
    log: Vec<u8>,
    committed: usize,
    state: BTreeMap<(u8, u8), Vec<u8>>,
    outputs: BTreeMap<(u8, u8), Revised>,
    changes: Vec<(u8, u8)>,
    changes_first: usize,
}

impl Expected {
    fn turn(&mut self, polled: usize, changes: &[(u8, u8, Option<u8>)]) {
        self.committed += polled;
        for (table, key, value) in changes {
            match value {
                Some(value) => self.state.insert((*table, *key), vec![*value]),
                None => self.state.remove(&(*table, *key)),
            };
        }
    }

    /// Only the highest revision of a turn counts, and of two equal ones the later.
    fn put_out(&mut self, outputs: &[(u8, u8, u64, Option<u8>)]) {
        for (index, (topic, key, revision, value)) in outputs.iter().enumerate() {
            let beaten = outputs.iter().enumerate().any(|(other_index, other)| {
                (other.0, other.1) == (*topic, *key)
                    && (other.2 > *revision || other.2 == *revision && other_index > index)
            });
            let stored = self.outputs.get(&(*topic, *key)).map(|stored| stored.0);
            if !beaten && stored.is_none_or(|stored| stored <= *revision) {
                let row = (*revision, value.map(|value| vec![value]));
                self.outputs.insert((*topic, *key), row);
                self.changes.push((*topic, *key));
            }
        }
    }
}

fn open(dir: &Path) -> (EmbeddedStore, EmbeddedPort) {
    let settings = StoreSettings { memory_bytes: 32 << 20, ..StoreSettings::default() };
    let store = EmbeddedStore::open(dir, settings).unwrap();
    let port = store.port();
    (store, port)
}

fn record(value: u8) -> NewRecord {
    NewRecord { log_time: TimeMs(i64::from(value)), value: Some(vec![value]), ..Default::default() }
}

fn commit(
    next: usize,
    changes: &[(u8, u8, Option<u8>)],
    outputs: &[(u8, u8, u64, Option<u8>)],
) -> Commit {
    let change = |(table, key, value): &(u8, u8, Option<u8>)| Change {
        table: TABLES[usize::from(*table)],
        key: vec![*key],
        value: value.map(|value| vec![value]),
    };
    let output = |(topic, key, revision, value): &(u8, u8, u64, Option<u8>)| OutputRecord {
        topic: TOPICS[usize::from(*topic)],
        key: key.to_string(),
        revision: *revision,
        value: value.map(|value| vec![value]),
    };
    Commit {
        changes: changes.iter().map(change).collect(),
        outputs: outputs.iter().map(output).collect(),
        positions: vec![Position { input: "log".into(), partition: 0, offset: next as u64 }],
    }
}

fn compare(store: &EmbeddedStore, port: &mut EmbeddedPort, expected: &Expected) {
    let all = PollLimit { records: usize::MAX, bytes: usize::MAX };
    let waiting: Vec<u8> =
        port.poll(all).unwrap().iter().map(|record| record.value.as_ref().unwrap()[0]).collect();
    assert_eq!(waiting, expected.log[expected.committed..]);
    assert_eq!(store.committed(), expected.committed as u64);
    assert_eq!(store.log_end(), expected.log.len() as u64);

    let (mut state, mut outputs) = (BTreeMap::new(), BTreeMap::new());
    for (number, table) in (0..).zip(TABLES) {
        let mut visit = |key: &[u8], value: &[u8]| {
            state.insert((number, key[0]), value.to_vec());
            ControlFlow::Continue(())
        };
        store.state().scan(table, &[0], &[255], Order::Ascending, &mut visit).unwrap();
    }
    assert_eq!(state, expected.state);
    for (number, topic) in (0..).zip(TOPICS) {
        let mut visit = |key: &str, revision: u64, value: &[u8]| {
            let row = (revision, Some(value.to_vec()));
            outputs.insert((number, key.parse().unwrap()), row);
            ControlFlow::Continue(())
        };
        store.scan_outputs(topic, "", None, &mut visit).unwrap();
    }
    let mut there = expected.outputs.clone();
    there.retain(|_, (_, value)| value.is_some());
    assert_eq!(outputs, there);

    let changes = store.changes(expected.changes_first as u64, usize::MAX).unwrap();
    let changes: Vec<(u64, String, String)> =
        changes.into_iter().map(|change| (change.seq, change.topic, change.key)).collect();
    let kept = expected.changes.iter().enumerate().skip(expected.changes_first);
    let kept: Vec<(u64, String, String)> = kept
        .map(|(seq, (topic, key))| {
            (seq as u64, TOPICS[usize::from(*topic)].to_owned(), key.to_string())
        })
        .collect();
    assert_eq!(changes, kept);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_store_is_a_few_maps(steps in vec(step(), 1..30)) {
        let dir = tempfile::tempdir().unwrap();
        let (mut store, mut port) = open(dir.path());
        let mut expected = Expected::default();
        for step in steps {
            match step {
                Step::Append(values) => {
                    let from = expected.log.len() as u64;
                    expected.log.extend(&values);
                    let given = store.append(values.into_iter().map(record).collect()).unwrap();
                    prop_assert_eq!(given, from..expected.log.len() as u64);
                }
                Step::Turn { polled, changes, outputs } => {
                    let limit = PollLimit { records: polled, bytes: usize::MAX };
                    let polled = port.poll(limit).unwrap().len();
                    let next = expected.committed + polled;
                    port.commit(commit(next, &changes, &outputs)).unwrap();
                    expected.turn(polled, &changes);
                    expected.put_out(&outputs);
                }
                Step::DropChanges(below) => {
                    store.drop_changes(below).unwrap();
                    let below = expected.changes.len().min(below as usize);
                    expected.changes_first = expected.changes_first.max(below);
                }
                Step::Reopen => {
                    drop((store, port));
                    (store, port) = open(dir.path());
                }
            }
            compare(&store, &mut port, &expected);
        }
    }
}
