//! Workers on a real Kafka cluster, disturbed for real: what a reader of the topics ends with is
//! what a replay of the same input gives, record for record.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use quell_broker::Cluster;
use quell_faults::Seed;
use quell_tests::binary::quell;
use quell_tests::{shop, topics};
use serde_json::Value;

const INPUT: &str = "tickets";
/// Topics that are compared, with the field that is their key.
const COMPARED: [(&str, &str); 4] = [
    ("contacts", "contact_key"),
    ("repeats", "repeat_id"),
    ("trends", "key"),
    ("issues", "issue_id"),
];
/// How long a disturbed pipeline may take to be level with the replay.
const PATIENCE: Duration = Duration::from_secs(180);

struct Worker {
    data: PathBuf,
    brokers: String,
    child: Child,
}

impl Worker {
    fn start(data: PathBuf, brokers: &str) -> Worker {
        std::fs::create_dir_all(&data).expect("a folder");
        let child = Worker::spawn(&data, brokers);
        Worker { data, brokers: brokers.to_owned(), child }
    }

    fn spawn(data: &Path, brokers: &str) -> Child {
        let log = File::options().create(true).append(true).open(data.join("log.txt"));
        Command::new(quell())
            .args(["run", "--brokers", brokers, "-X", "session.timeout.ms=6000"])
            .args(["--set", "kafka.idle_after=2s", "--set", "lateness=1d", "--data"])
            .arg(data)
            .stderr(log.expect("a log file"))
            .spawn()
            .expect("quell starts")
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(sent.is_ok_and(|status| status.success()), "{signal} is sent");
    }

    fn kill_and_restart(&mut self) {
        self.signal("-9");
        self.child.wait().expect("it is dead");
        self.child = Worker::spawn(&self.data, &self.brokers);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn make_topics(brokers: &str) {
    let made = Command::new(quell())
        .args(["topics", "apply", "--brokers", brokers, "--partitions", "3", "--output", "table"])
        .output()
        .expect("quell runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// Final rows by topic and key, as a replay of the input gives them.
fn replayed(dir: &Path, lines: &[String]) -> BTreeMap<&'static str, BTreeMap<String, Value>> {
    let input = dir.join("events.ndjson");
    std::fs::write(&input, lines.join("\n")).expect("the input is written");
    let out = dir.join("out");
    let status = Command::new(quell())
        .args(["replay", "--until", "2026-06-01", "--out"])
        .arg(&out)
        .arg(&input)
        .stderr(Stdio::null())
        .status()
        .expect("quell replays");
    assert!(status.success());
    let rows = |(topic, key): (&'static str, &str)| {
        let text = std::fs::read_to_string(out.join(format!("{topic}.ndjson"))).expect("rows");
        let rows = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("a row is JSON"))
            .map(|row| (row[key].as_str().unwrap_or_default().to_owned(), row))
            .collect();
        (topic, rows)
    };
    COMPARED.map(rows).into_iter().collect()
}

/// Waits until the topics say what the replay says, or until the time is up; then says where not.
fn assert_level(
    brokers: &str,
    expected: &BTreeMap<&'static str, BTreeMap<String, Value>>,
    workers: &mut [Worker],
) {
    let begun = Instant::now();
    loop {
        let differences: Vec<String> =
            expected.iter().filter_map(|(topic, rows)| difference(brokers, topic, rows)).collect();
        if differences.is_empty() {
            return;
        }
        for worker in workers.iter_mut() {
            let ended = worker.child.try_wait().expect("its state");
            assert!(ended.is_none(), "a worker ended: {}", log_of(worker));
        }
        if begun.elapsed() > PATIENCE {
            let logs: Vec<String> = workers.iter().map(log_of).collect();
            panic!("{}\n{}", differences.join("\n"), logs.join("\n"));
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn log_of(worker: &Worker) -> String {
    std::fs::read_to_string(worker.data.join("log.txt")).unwrap_or_default()
}

fn difference(brokers: &str, topic: &str, expected: &BTreeMap<String, Value>) -> Option<String> {
    let found = topics::finals(brokers, &format!("quell.{topic}"));
    let lost = expected.keys().filter(|key| !found.contains_key(*key)).count();
    let added = found.keys().filter(|key| !expected.contains_key(*key)).count();
    let other: Vec<&String> = expected
        .iter()
        .filter(|(key, row)| found.get(*key).is_some_and(|found| found != *row))
        .map(|(key, _)| key)
        .collect();
    let example = other.first().map_or_else(String::new, |key| {
        format!("\n  {}\n  instead of\n  {}", found[*key], expected[*key])
    });
    let is_level = lost == 0 && added == 0 && other.is_empty();
    (!is_level).then(|| {
        let other = other.len();
        format!("{topic}: {lost} lost, {added} too many, {other} other than expected{example}")
    })
}

struct Run {
    cluster: Cluster,
    brokers: String,
    dir: tempfile::TempDir,
    lines: Vec<String>,
}

fn begin(name: &str, nodes: usize, events: usize) -> Run {
    let cluster = topics::cluster(Path::new(env!("CARGO_TARGET_TMPDIR")), name, nodes);
    let brokers = cluster.bootstrap_servers();
    make_topics(&brokers);
    let dir = tempfile::tempdir().expect("a folder");
    Run { cluster, brokers, dir, lines: shop::events(events) }
}

/// Gives the lines in portions, with something happening between them.
fn feed(run: &Run, portions: usize, mut between: impl FnMut(usize)) {
    let size = run.lines.len().div_ceil(portions);
    for (n, portion) in run.lines.chunks(size).enumerate() {
        topics::produce(&run.brokers, INPUT, portion);
        between(n);
    }
}

#[test]
fn killed_workers_lose_and_double_nothing() {
    let run = begin("cluster-kill", 1, 4_000);
    let expected = replayed(run.dir.path(), &run.lines);
    assert!(expected["contacts"].len() > 500, "there is something to compare");
    let mut workers: Vec<Worker> =
        (1..=2).map(|n| Worker::start(run.dir.path().join(n.to_string()), &run.brokers)).collect();
    let mut seed = Seed::new(3);
    feed(&run, 4, |_| {
        std::thread::sleep(Duration::from_millis(1_000 + seed.below(4_000) as u64));
        workers[seed.below(2)].kill_and_restart();
    });
    assert_level(&run.brokers, &expected, &mut workers);

    // Poison came out beside it, byte for byte.
    let mut rejected: Vec<Vec<u8>> = topics::read(&run.brokers, "tickets.dlq")
        .into_iter()
        .filter_map(|record| record.value)
        .collect();
    let broken = |line: &&String| serde_json::from_str::<Value>(line).is_err();
    let mut poison: Vec<Vec<u8>> =
        run.lines.iter().filter(broken).map(|line| line.clone().into_bytes()).collect();
    rejected.sort();
    poison.sort();
    assert_eq!(rejected, poison);
    drop(workers);
    drop(run.cluster);
}
