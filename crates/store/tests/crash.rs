//! A process that appends and commits is killed again and again; what it had been told was done
//! must be found, and the state must agree with the log that was consumed.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use quell_model::{Position, TimeMs};
use quell_ports::{Change, Commit, OutputRecord, PollLimit, Port, StateReader};
use quell_store::{EmbeddedStore, NewRecord, StoreSettings};

/// Names the folder to work on to the process that is to be killed.
const FOLDER: &str = "QUELL_STORE_CRASH_FOLDER";
const ROUNDS: u64 = 12;
/// Cells that the offsets are added up in.
const CELLS: u64 = 7;

fn open(dir: &Path) -> EmbeddedStore {
    // Small buffers, so that tables are written and merged while the process is killed.
    let settings = StoreSettings { memory_bytes: 16 << 20, ..StoreSettings::default() };
    EmbeddedStore::open(dir, settings).unwrap()
}

/// The payload of the record at an offset, so that a reader can tell that it is the right one.
fn payload(offset: u64) -> Vec<u8> {
    let mut value = offset.to_be_bytes().to_vec();
    value.resize(8 + (offset % 1_500) as usize, offset as u8);
    value
}

fn number(row: Option<Vec<u8>>) -> u64 {
    row.map_or(0, |row| u64::from_be_bytes(row.try_into().unwrap()))
}

/// Adds the offsets of a turn to their cells, as one commit with the outputs and the position.
fn turn(store: &EmbeddedStore, port: &mut impl Port) -> bool {
    let records = port.poll(PollLimit { records: 40, bytes: usize::MAX }).unwrap();
    let Some(last) = records.last() else {
        return false;
    };
    let next = last.position.offset + 1;
    let mut sums = [0; CELLS as usize];
    for record in &records {
        let offset = record.position.offset;
        assert_eq!(record.value.as_ref(), Some(&payload(offset)));
        sums[(offset % CELLS) as usize] += offset + 1;
    }
    let state = store.state();
    let changes = (0_u8..).zip(sums).map(|(cell, sum)| {
        let sum = number(state.get("sum", &[cell]).unwrap()) + sum;
        Change { table: "sum", key: vec![cell], value: Some(sum.to_be_bytes().to_vec()) }
    });
    let outputs = records.iter().map(|record| OutputRecord {
        topic: "contacts",
        key: format!("c{}", record.position.offset % 1_000),
        revision: record.position.offset,
        value: record.value.clone(),
    });
    let position = Position { input: "log".to_owned(), partition: 0, offset: next };
    let commit = Commit {
        outputs: outputs.collect(),
        changes: changes.collect(),
        positions: vec![position],
    };
    port.commit(commit).unwrap();
    true
}

/// Not a test of its own: works until it is killed, when it is run as the process to kill. Says
/// on its output what was acknowledged.
#[test]
fn victim() {
    let Some(dir) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let store = open(&dir);
    let appending = store.clone();
    let appender = thread::spawn(move || {
        loop {
            let from = appending.log_end();
            let records = (from..from + 10).map(|offset| NewRecord {
                log_time: TimeMs(offset as i64),
                value: Some(payload(offset)),
                ..NewRecord::default()
            });
            let given = appending.append(records.collect()).unwrap();
            assert_eq!(given.start, from);
            say("appended", given.end);
        }
    });
    let mut port = store.port();
    while !appender.is_finished() {
        if turn(&store, &mut port) {
            say("committed", store.committed());
        }
    }
    appender.join().unwrap();
}

/// In one piece, so that no line is cut by the kill.
fn say(what: &str, number: u64) {
    std::io::stderr().write_all(format!("{what} {number}\n").as_bytes()).unwrap();
}

fn kill_after(dir: &Path, time_ms: u64) -> Vec<(String, u64)> {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["victim", "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, dir)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(victim.stderr.take().unwrap()).lines();
    let reader = thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<String>>());
    thread::sleep(Duration::from_millis(time_ms));
    assert_eq!(victim.try_wait().unwrap(), None, "the process to kill ended by itself");
    victim.kill().unwrap();
    victim.wait().unwrap();
    let said = reader.join().unwrap();
    said.iter()
        .map(|line| {
            let (what, number) = line.split_once(' ').unwrap_or_else(|| panic!("{line}"));
            (what.to_owned(), number.parse().unwrap_or_else(|_| panic!("{line}")))
        })
        .collect()
}

#[test]
fn nothing_acknowledged_is_lost_and_commits_are_whole() {
    if std::env::var_os(FOLDER).is_some() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (mut appended, mut committed) = (0, 0);
    for round in 0..ROUNDS {
        for (what, number) in kill_after(dir.path(), 150 + round * 61 % 300) {
            match what.as_str() {
                "appended" => appended = number,
                _ => committed = number,
            }
        }
        let store = open(dir.path());
        assert!(store.log_end() >= appended, "{} < {appended}", store.log_end());
        assert!(store.committed() >= committed, "{} < {committed}", store.committed());
        agrees(&store);
    }
    assert!(committed > 0, "no round got as far as a commit");
    let store = open(dir.path());
    let mut port = store.port();
    while turn(&store, &mut port) {}
    assert_eq!(store.committed(), store.log_end());
    agrees(&store);
}

/// The cells hold the sum of exactly the offsets consumed, every output the last revision, and
/// the log what was not consumed.
fn agrees(store: &EmbeddedStore) {
    let committed = store.committed();
    let mut sums = [0; CELLS as usize];
    for offset in 0..committed {
        sums[(offset % CELLS) as usize] += offset + 1;
    }
    for (cell, sum) in (0_u8..).zip(sums) {
        assert_eq!(number(store.state().get("sum", &[cell]).unwrap()), sum);
    }
    for offset in committed.saturating_sub(1_000)..committed {
        let row = store.get_output("contacts", &format!("c{}", offset % 1_000)).unwrap().unwrap();
        assert_eq!((row.revision, row.value), (offset, payload(offset)));
    }
    assert_eq!(store.changes_end(), committed);
    let all = PollLimit { records: usize::MAX, bytes: usize::MAX };
    let waiting = store.port().poll(all).unwrap();
    assert_eq!(waiting.len() as u64, store.log_end() - committed);
    for (offset, record) in (committed..).zip(waiting) {
        assert_eq!((record.position.offset, record.value), (offset, Some(payload(offset))));
    }
}
