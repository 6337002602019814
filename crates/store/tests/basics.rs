//! What a store does between two openings, and what it refuses.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use quell_model::{Position, TimeMs};
use quell_ports::{
    Change, Commit, Order, OutputRecord, PollLimit, Port, PortError, Record, StateReader,
};
use quell_store::{
    ChangedKey, DeadLetter, EmbeddedStore, MemoryState, NewRecord, StoreError, StoreSettings,
};

const ALL: PollLimit = PollLimit { records: usize::MAX, bytes: usize::MAX };

fn open(dir: &Path) -> EmbeddedStore {
    EmbeddedStore::open(dir, StoreSettings::default()).unwrap()
}

fn record(text: &str) -> NewRecord {
    NewRecord {
        log_time: TimeMs(7),
        key: Some(b"k".to_vec()),
        headers: vec![("h".to_owned(), vec![1, 2])],
        value: Some(text.as_bytes().to_vec()),
    }
}

fn log_position(offset: u64) -> Position {
    Position { input: "log".to_owned(), partition: 0, offset }
}

fn output(topic: &'static str, key: &str, revision: u64, value: Option<&str>) -> OutputRecord {
    let value = value.map(|value| value.as_bytes().to_vec());
    OutputRecord { topic, key: key.to_owned(), revision, value }
}

fn put(table: &'static str, key: &str, value: &str) -> Change {
    Change { table, key: key.into(), value: Some(value.into()) }
}

fn offsets(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.position.offset).collect()
}

fn rows(state: &dyn StateReader, from: &str, to: &str, order: Order) -> Vec<String> {
    let mut seen = Vec::new();
    state
        .scan("t", from.as_bytes(), to.as_bytes(), order, &mut |key, value| {
            seen.push(format!(
                "{}={}",
                String::from_utf8_lossy(key),
                String::from_utf8_lossy(value)
            ));
            if seen.len() == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    seen
}

#[test]
fn records_come_back_as_they_were_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let bare = NewRecord { log_time: TimeMs(-3), ..NewRecord::default() };
    let store = open(dir.path());
    assert_eq!(store.append(vec![record("a"), bare]).unwrap(), 0..2);
    assert_eq!(store.append(Vec::new()).unwrap(), 2..2);
    drop(store);

    let store = open(dir.path());
    let records = store.port().poll(ALL).unwrap();
    assert_eq!(offsets(&records), [0, 1]);
    assert_eq!(records[0].value.as_deref(), Some(&b"a"[..]));
    assert_eq!(records[0].key.as_deref(), Some(&b"k"[..]));
    assert_eq!(records[0].headers, [("h".to_owned(), vec![1, 2])]);
    assert_eq!(records[1].log_time, TimeMs(-3));
    assert_eq!((&records[1].key, &records[1].value), (&None, &None));
}

#[test]
fn offsets_are_not_given_twice_after_all_was_consumed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.append(vec![record("a"), record("b")]).unwrap();
    let mut port = store.port();
    let positions = vec![log_position(2)];
    port.commit(Commit { positions, ..Commit::default() }).unwrap();
    assert_eq!(port.poll(ALL).unwrap(), []);
    drop((store, port));

    let store = open(dir.path());
    assert_eq!((store.committed(), store.log_end()), (2, 2));
    assert_eq!(store.append(vec![record("c")]).unwrap(), 2..3);
    assert_eq!(offsets(&store.port().poll(ALL).unwrap()), [2]);
}

#[test]
fn a_poll_keeps_to_its_limits_and_repeats_until_committed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.append((0..5).map(|_| record("0123456789")).collect()).unwrap();
    let mut port = store.port();
    let mut poll = |records, bytes| offsets(&port.poll(PollLimit { records, bytes }).unwrap());
    assert_eq!(poll(2, usize::MAX), [0, 1]);
    assert_eq!(poll(2, usize::MAX), [0, 1]);
    assert_eq!(poll(9, 10), [0], "stops after the record that reaches the bytes");
    assert_eq!(poll(9, 11), [0, 1]);
    assert_eq!(poll(9, 0), [0], "one record passes whatever its size");
    assert_eq!(poll(0, 100), [0; 0]);
}

#[test]
fn a_commit_is_refused_whole() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.append(vec![record("a"), record("b")]).unwrap();
    let mut port = store.port();
    let with = |positions: Vec<Position>, key: &str| Commit {
        outputs: vec![output("contacts", key, 1, Some("x"))],
        changes: vec![put("t", "k", "v")],
        positions,
    };
    let other = Position { input: "calls".to_owned(), partition: 0, offset: 1 };
    let refused = [
        with(vec![log_position(3)], "c"),
        with(vec![other.clone()], "c"),
        with(vec![log_position(1), other], "c"),
        with(vec![log_position(1)], ""),
        with(vec![log_position(1)], &"c".repeat(70_000)),
    ];
    for commit in refused {
        assert!(matches!(port.commit(commit), Err(PortError::Aborted(_))));
    }
    assert_eq!(store.committed(), 0);
    assert_eq!(store.state().get("t", b"k").unwrap(), None);
    assert_eq!(store.get_output("contacts", "c").unwrap(), None);
    assert_eq!(store.changes_end(), 0);

    let mut stale = store.port();
    port.commit(with(vec![log_position(1)], "c")).unwrap();
    let same_turn_again = stale.commit(with(vec![log_position(1)], "d"));
    assert!(matches!(same_turn_again, Err(PortError::Aborted(_))));
    assert_eq!(offsets(&stale.poll(ALL).unwrap()), [1]);
    stale.commit(with(vec![log_position(2)], "d")).unwrap();
}

#[test]
fn lower_revisions_are_ignored_also_after_a_removal() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut port = store.port();
    let mut put_out = |outputs: &[(u64, Option<&str>)]| {
        let outputs = outputs.iter().map(|(revision, value)| output("c", "k", *revision, *value));
        port.commit(Commit { outputs: outputs.collect(), ..Commit::default() }).unwrap();
        let row = store.get_output("c", "k").unwrap();
        row.map(|row| (row.revision, String::from_utf8(row.value).unwrap()))
    };
    assert_eq!(put_out(&[(2, Some("b"))]), Some((2, "b".to_owned())));
    assert_eq!(put_out(&[(1, Some("a"))]), Some((2, "b".to_owned())));
    assert_eq!(put_out(&[(2, Some("B"))]), Some((2, "B".to_owned())));
    assert_eq!(put_out(&[(4, Some("d")), (3, Some("c"))]), Some((4, "d".to_owned())));
    assert_eq!(put_out(&[(5, Some("e")), (5, Some("E"))]), Some((5, "E".to_owned())));
    assert_eq!(put_out(&[(6, None)]), None);
    assert_eq!(put_out(&[(5, Some("late"))]), None);
    assert_eq!(put_out(&[(7, Some("f"))]), Some((7, "f".to_owned())));
    assert_eq!(store.changes_end(), 6, "one per output that was taken");
}

#[test]
fn outputs_are_scanned_in_order_of_their_keys() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let outputs = ["b", "a", "d", "c"].map(|key| output("c", key, 1, Some(key)));
    let mut outputs = outputs.to_vec();
    outputs.push(output("c", "bb", 1, None));
    outputs.push(output("other", "bc", 1, Some("x")));
    store.port().commit(Commit { outputs, ..Commit::default() }).unwrap();
    let scan = |topic: &str, from: &str, to: Option<&str>, most: usize| {
        let mut keys = Vec::new();
        let mut visit = |key: &str, revision: u64, value: &[u8]| {
            assert_eq!((revision, value), (1, key.as_bytes()));
            keys.push(key.to_owned());
            if keys.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        store.scan_outputs(topic, from, to, &mut visit).unwrap();
        keys.concat()
    };
    assert_eq!(scan("c", "", None, 9), "abcd");
    assert_eq!(scan("c", "b", Some("d"), 9), "bc");
    assert_eq!(scan("c", "b", None, 2), "bc");
    assert_eq!(scan("c", "d", Some("b"), 9), "");
    assert_eq!(scan("none", "", None, 9), "");
}

#[test]
fn the_change_feed_is_kept_until_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut port = store.port();
    for key in ["a", "b", "a"] {
        let revision = store.changes_end();
        let outputs = vec![output("c", key, revision, Some("x"))];
        port.commit(Commit { outputs, ..Commit::default() }).unwrap();
    }
    let change = |seq, key: &str| ChangedKey { seq, topic: "c".to_owned(), key: key.to_owned() };
    assert_eq!(store.changes(0, 2).unwrap(), [change(0, "a"), change(1, "b")]);
    store.drop_changes(2).unwrap();
    drop((store, port));

    let store = open(dir.path());
    assert_eq!(store.changes(2, 9).unwrap(), [change(2, "a")]);
    assert_eq!(store.changes(3, 9).unwrap(), []);
    assert_eq!(store.changes_end(), 3);
    let gone = store.changes(1, 9);
    assert!(matches!(gone, Err(StoreError::ChangesGone { from: 1, first: 2 })), "{gone:?}");
    assert!(matches!(store.changes(4, 9), Err(StoreError::Refused(_))));
    store.drop_changes(u64::MAX).unwrap();
    assert_eq!(store.changes(3, 9).unwrap(), []);
}

#[test]
fn the_change_feed_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let settings = StoreSettings { changes_max: 3, ..StoreSettings::default() };
    let store = EmbeddedStore::open(dir.path(), settings).unwrap();
    let mut port = store.port();
    for round in 0..4 {
        let outputs = ["a", "b"].map(|key| output("c", key, round, Some("x"))).to_vec();
        port.commit(Commit { outputs, ..Commit::default() }).unwrap();
    }
    assert!(matches!(store.changes(4, 9), Err(StoreError::ChangesGone { first: 5, .. })));
    assert_eq!(store.changes(5, 9).unwrap().len(), 3);
}

#[test]
fn state_in_memory_and_on_disk_read_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let memory = MemoryState::new();
    let remove = Change { table: "t", key: b"c".to_vec(), value: None };
    let mut changes: Vec<Change> =
        ["a", "b", "c", "ca", "d", "e"].map(|key| put("t", key, "1")).to_vec();
    changes.extend([remove, put("t", "b", "2"), put("u", "b", "3")]);
    memory.apply(changes.clone());
    store.port().commit(Commit { changes, ..Commit::default() }).unwrap();
    let embedded = store.state();
    for state in [&memory as &dyn StateReader, &embedded] {
        assert_eq!(rows(state, "a", "e", Order::Ascending), ["a=1", "b=2", "ca=1"]);
        assert_eq!(rows(state, "a", "e", Order::Descending), ["d=1", "ca=1", "b=2"]);
        assert_eq!(rows(state, "d", "z", Order::Descending), ["e=1", "d=1"]);
        assert_eq!(rows(state, "", "b", Order::Ascending), ["a=1"]);
        assert!(rows(state, "z", "a", Order::Ascending).is_empty());
        assert!(rows(state, "a", "a", Order::Ascending).is_empty());
        assert_eq!(state.get("u", b"b").unwrap().as_deref(), Some(&b"3"[..]));
        assert_eq!(state.get("t", b"c").unwrap(), None);
        assert_eq!(state.get("t", b"").unwrap(), None);
        assert_eq!(state.get("none", b"a").unwrap(), None);
    }
}

#[test]
fn dead_letters_are_bounded_by_count_bytes_and_age() {
    let dir = tempfile::tempdir().unwrap();
    let settings = StoreSettings {
        dead_letters_max: 4,
        dead_letters_max_bytes: 1_000,
        ..StoreSettings::default()
    };
    let store = EmbeddedStore::open(dir.path(), settings).unwrap();
    let letter = |time: i64, bytes: usize| DeadLetter {
        log_time: TimeMs(time),
        topic: "log.dlq".to_owned(),
        key: time.to_string(),
        value: vec![0xff; bytes],
    };
    let kept = || -> Vec<i64> {
        store.dead_letters(0, 99).unwrap().iter().map(|(_, letter)| letter.log_time.0).collect()
    };
    assert_eq!(store.append_dead_letters(&[letter(1, 9), letter(2, 9)]).unwrap(), 0..2);
    assert_eq!(store.append_dead_letters(&[letter(3, 9), letter(4, 9)]).unwrap(), 2..4);
    assert_eq!(store.dead_letters(1, 2).unwrap(), [(1, letter(2, 9)), (2, letter(3, 9))]);
    store.append_dead_letters(&[letter(5, 9)]).unwrap();
    assert_eq!(kept(), [2, 3, 4, 5], "by count");
    store.append_dead_letters(&[letter(6, 900)]).unwrap();
    assert_eq!(kept(), [5, 6], "by bytes");
    assert_eq!(store.trim_dead_letters(TimeMs(6)).unwrap(), 1);
    assert_eq!(kept(), [6], "by age");
    let many: Vec<DeadLetter> = (10..20).map(|time| letter(time, 9)).collect();
    store.append_dead_letters(&many).unwrap();
    assert_eq!(kept(), [16, 17, 18, 19], "more at once than fit");
}

#[test]
fn dead_letters_of_a_turn_come_with_its_commit() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.append(vec![record("broken")]).unwrap();
    let mut port = store.port();
    port.poll(ALL).unwrap();
    let outputs = vec![output("log.dlq", "log[0]@0", 0, Some("broken"))];
    port.commit(Commit { outputs, positions: vec![log_position(1)], ..Commit::default() }).unwrap();
    let letters = store.dead_letters(0, 9).unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].1.log_time, letters[0].1.key.as_str()), (TimeMs(7), "log[0]@0"));
    assert_eq!(store.changes_end(), 0);
}

#[test]
fn a_full_log_refuses_and_goes_on_when_it_was_read() {
    let dir = tempfile::tempdir().unwrap();
    let settings = StoreSettings { log_max_records: 2, ..StoreSettings::default() };
    let store = EmbeddedStore::open(dir.path(), settings).unwrap();
    store.append(vec![record("a"), record("b")]).unwrap();
    let full = store.append(vec![record("c")]);
    assert!(matches!(full, Err(StoreError::LogFull { waiting: 2, limit: 2 })), "{full:?}");
    let positions = vec![log_position(1)];
    store.port().commit(Commit { positions, ..Commit::default() }).unwrap();
    assert_eq!(store.append(vec![record("c")]).unwrap(), 2..3);
}

#[test]
fn appends_from_many_threads_get_offsets_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            std::thread::spawn(move || {
                (0..20).map(|_| store.append(vec![record("x")]).unwrap().start).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut given: Vec<u64> = threads.into_iter().flat_map(|each| each.join().unwrap()).collect();
    given.sort_unstable();
    assert_eq!(given, (0..80).collect::<Vec<u64>>());
    assert_eq!(offsets(&store.port().poll(ALL).unwrap()), given);
}

#[test]
fn a_second_opening_is_told_who_has_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let Err(error) = EmbeddedStore::open(dir.path(), StoreSettings::default()) else {
        panic!("opened twice");
    };
    assert!(matches!(error, StoreError::InUse { .. }));
    assert!(error.to_string().contains(&dir.path().display().to_string()), "{error}");
    let state = store.state();
    drop(store);
    assert!(EmbeddedStore::open(dir.path(), StoreSettings::default()).is_err());
    drop(state);
    open(dir.path());
}

#[test]
fn a_foreign_folder_is_left_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.txt"), "mine").unwrap();
    let error = EmbeddedStore::open(dir.path(), StoreSettings::default()).err().unwrap();
    assert!(matches!(&error, StoreError::Foreign { found, .. } if found == "thesis.txt"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_format_of_the_future_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    fs::write(dir.path().join("FORMAT"), "quell store 2\n").unwrap();
    let error = EmbeddedStore::open(dir.path(), StoreSettings::default()).err().unwrap();
    assert!(matches!(&error, StoreError::UnknownFormat { found, .. } if found == "quell store 2"));
}

#[test]
fn a_store_that_lost_its_database_is_damaged_not_new() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.append(vec![record("a")]).unwrap();
    drop(store);
    fs::remove_dir_all(dir.path().join("db")).unwrap();
    let error = EmbeddedStore::open(dir.path(), StoreSettings::default()).err().unwrap();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[test]
fn a_store_whose_making_was_interrupted_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    fs::rename(dir.path().join("db"), dir.path().join("db.new")).unwrap();
    assert_eq!(open(dir.path()).log_end(), 0);
}

#[test]
fn scribbled_over_files_are_reported() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let mut scribbled = 0;
    let mut folders = vec![dir.path().join("db")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_none_or(|extension| extension != "jnl") {
                fs::write(&path, "scribble").unwrap();
                scribbled += 1;
            }
        }
    }
    assert!(scribbled > 0);
    let error = EmbeddedStore::open(dir.path(), StoreSettings::default()).err().unwrap();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}
