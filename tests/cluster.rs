//! Workers on a real Kafka cluster, disturbed for real: what a reader of the topics ends with is
//! what a replay of the same input gives, record for record.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use quell_broker::Cluster;
use quell_faults::Seed;
use quell_model::TrendRow;
use quell_model::trend::trend_key;
use quell_tests::binary::{get, quell};
use quell_tests::deployment::{Deployment, Worker};
use quell_tests::{shop, topics};
use serde_json::Value;

/// Events of one round.
const EVENTS: usize = 3_000;
/// Partitions of every topic but those that have one.
const PARTITIONS: usize = 3;
/// They come in so many portions, with a disturbance after each.
const PORTIONS: usize = 3;
/// The variable with the rounds of each fault; a soak sets more.
const ROUNDS: &str = "QUELL_SOAK_ROUNDS";
/// The variable with the first round; each has a seed of its own.
const FIRST: &str = "QUELL_SOAK_FIRST";
/// Rounds that the broker may spoil by itself; each is gone through again.
const MOST_BROKEN: u32 = 2;
const COMPARED: [&str; 4] = ["contacts", "repeats", "trends", "issues"];
/// How long a disturbed pipeline may take to be level with the replay.
const PATIENCE: Duration = Duration::from_secs(180);

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// A worker is killed and started again.
    Kill,
    /// A worker stands still for longer than its session, and goes on.
    Freeze,
    /// The broker is killed and started again.
    Broker,
    /// Workers come and go.
    Storm,
}

const FAULTS: [Fault; 4] = [Fault::Kill, Fault::Freeze, Fault::Broker, Fault::Storm];

/// Final rows by topic and key, as a replay of the input gives them.
fn replayed(dir: &Path, lines: &[String]) -> BTreeMap<&'static str, BTreeMap<String, Value>> {
    let input = dir.join("events.ndjson");
    std::fs::write(&input, lines.join("\n")).expect("the input is written");
    let out = dir.join("out");
    let status = Command::new(quell())
        .args(["replay", "--until", "2026-06-01T00:00:00Z", "--out"])
        .arg(&out)
        .arg(&input)
        .stderr(Stdio::null())
        .status()
        .expect("quell replays");
    assert!(status.success());
    let rows = |topic: &'static str| {
        let text = std::fs::read_to_string(out.join(format!("{topic}.ndjson"))).expect("rows");
        let rows = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("a row is JSON"))
            .map(|row| (key(topic, &row), row))
            .collect();
        (topic, rows)
    };
    COMPARED.map(rows).into_iter().collect()
}

/// The row's key in its topic.
fn key(topic: &str, row: &Value) -> String {
    let text = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
    match topic {
        "contacts" => text("contact_key"),
        "repeats" => text("repeat_id"),
        "issues" => text("issue_id"),
        _ => {
            let row: TrendRow = serde_json::from_value(row.clone()).expect("a trend row");
            let TrendRow { reason, dimension, value, granularity, window_start, .. } = row;
            trend_key(&reason.0, &dimension, &value, granularity, window_start)
        }
    }
}

/// Waits until the topics say what the replay says, or until the time is up; then says where not.
/// Where the broker itself has ended a transaction in part of its partitions only, nobody can read
/// past it: then these partitions are returned.
fn assert_level(
    deployment: &Deployment,
    expected: &BTreeMap<&'static str, BTreeMap<String, Value>>,
    workers: &mut [Worker],
) -> Result<(), Vec<String>> {
    let begun = Instant::now();
    loop {
        let differences: Vec<String> = expected
            .iter()
            .filter_map(|(topic, rows)| difference(deployment, topic, rows))
            .collect();
        if differences.is_empty() {
            return Ok(());
        }
        for worker in workers.iter_mut() {
            let ended = worker.child.try_wait().expect("its state");
            assert!(ended.is_none(), "a worker ended: {}", worker.log());
        }
        if begun.elapsed() > PATIENCE {
            let endless = topics::endless_transactions(&deployment.brokers, &deployment.prefix);
            if !endless.is_empty() {
                return Err(endless);
            }
            let logs: Vec<String> = workers.iter().map(Worker::log).collect();
            panic!("{}\n{}", differences.join("\n"), logs.join("\n"));
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn difference(
    deployment: &Deployment,
    topic: &str,
    expected: &BTreeMap<String, Value>,
) -> Option<String> {
    let found = topics::finals(&deployment.brokers, &format!("{}{topic}", deployment.prefix));
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

/// One disturbance, at a random moment after records were given.
fn disturb(
    fault: Fault,
    deployment: &Deployment,
    workers: &mut [Worker],
    cluster: &mut Cluster,
    seed: &mut Seed,
) {
    std::thread::sleep(Duration::from_millis(500 + seed.below(3_000) as u64));
    let chosen = seed.below(workers.len());
    match fault {
        Fault::Kill => {
            let worker = &mut workers[chosen];
            worker.signal("-KILL");
            worker.child.wait().expect("it is dead");
            worker.child = deployment.spawn(&worker.data);
        }
        Fault::Freeze => {
            workers[chosen].signal("-STOP");
            std::thread::sleep(Duration::from_millis(8_000 + seed.below(6_000) as u64));
            workers[chosen].signal("-CONT");
        }
        Fault::Broker => {
            cluster.kill(0);
            std::thread::sleep(Duration::from_millis(seed.below(3_000) as u64));
            cluster.restart(0).expect("the broker comes up over its data");
        }
        Fault::Storm => {
            for n in 0..3 {
                let mut guest = deployment.worker(&format!("guest {n}"));
                guest.await_start();
                std::thread::sleep(Duration::from_millis(500 + seed.below(2_500) as u64));
                guest.signal("-TERM");
                let ended = guest.child.wait().expect("it ends");
                assert!(ended.success(), "told to stop, it ends well: {}", guest.log());
            }
        }
    }
}

/// What could not be read came out beside the rest, byte for byte.
fn assert_poison(deployment: &Deployment, lines: &[String]) {
    let letters = topics::read(&deployment.brokers, &format!("{}.dlq", deployment.input()));
    for letter in &letters {
        let offset = letter.headers.get("__connect.errors.offset").expect("where it stood");
        let offset = String::from_utf8_lossy(offset);
        assert!(offset.parse::<u64>().is_ok(), "{offset}");
    }
    let mut rejected: Vec<Vec<u8>> = letters.into_iter().filter_map(|read| read.value).collect();
    let is_broken = |line: &&String| serde_json::from_str::<Value>(line).is_err();
    let mut poison: Vec<Vec<u8>> =
        lines.iter().filter(is_broken).map(|line| line.clone().into_bytes()).collect();
    rejected.sort();
    poison.sort();
    assert!(!poison.is_empty() && rejected == poison, "{} dead letters", rejected.len());
}

/// The worker answers from its copy what the replay says: every contact, every issue.
fn assert_served(worker: &Worker, expected: &BTreeMap<&'static str, BTreeMap<String, Value>>) {
    let url = worker.await_ready();
    let contacts = &expected["contacts"];
    let begun = Instant::now();
    let await_answer = |path: &str, is_right: &dyn Fn(&Value) -> bool| loop {
        let answer = get(&url, path);
        if is_right(&answer) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{path}: {answer}");
        std::thread::sleep(Duration::from_millis(100));
    };
    await_answer("/v1/search?limit=0", &|answer| answer["total"] == contacts.len());
    await_answer("/v1/issues", &|answer| answer["total"] == expected["issues"].len());
    for (key, contact) in contacts {
        let path = key.replace(' ', "%20").replace('/', "%2F");
        await_answer(&format!("/v1/contacts/{path}"), &|answer| answer == contact);
    }
}

fn rounds() -> Range<u64> {
    let said = |variable: &str, otherwise: u64| {
        let said = std::env::var(variable).ok();
        said.map_or(otherwise, |said| said.parse().unwrap_or_else(|_| panic!("{variable}: {said}")))
    };
    let first = said(FIRST, 0);
    first..first + said(ROUNDS, 2)
}

#[test]
fn whatever_goes_wrong_nothing_is_lost_or_doubled() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let dir = tempfile::tempdir().expect("a folder");
    let mut lines = shop::events(EVENTS);
    // One for every partition, a day after the replay's end: the lateness that workers wait.
    let closing: Vec<String> =
        (0..PARTITIONS).map(|n| shop::opened(&format!("closing {n}"), "2026-06-02")).collect();
    lines.extend(closing.clone());
    let expected = replayed(dir.path(), &lines);
    lines.truncate(EVENTS);
    assert!(expected["contacts"].len() > 500, "there is something to compare");
    let mut broken = 0;
    for round in rounds() {
        // Of its own: topics of earlier rounds would keep it from coming up soon.
        let mut cluster = topics::cluster(scratch, "cluster-faults", 1);
        for fault in FAULTS {
            let at = |broken: u32| dir.path().join(broken.to_string());
            while let Err(endless) =
                go(fault, round, (&at(broken), &lines, &closing), &expected, &mut cluster)
            {
                // Seen with Kafka 4.3.1: killed between the commit of a transaction and its
                // markers, the only node comes up and takes partitions that it does not know yet
                // for deleted; their markers are never written. No client can mend it.
                println!("the broker left a transaction open for ever in {endless:?}");
                broken += 1;
                assert!(matches!(fault, Fault::Broker) && broken <= MOST_BROKEN, "{endless:?}");
            }
        }
    }
}

/// One round of a fault.
fn go(
    fault: Fault,
    round: u64,
    (dir, lines, closing): (&PathBuf, &[String], &[String]),
    expected: &BTreeMap<&'static str, BTreeMap<String, Value>>,
    cluster: &mut Cluster,
) -> Result<(), Vec<String>> {
    let name = format!("{fault:?}-{round}").to_lowercase();
    let brokers = match fault {
        // A broker that is killed is one of ours.
        Fault::Broker => cluster.bootstrap_servers(),
        _ => topics::given().unwrap_or_else(|| cluster.bootstrap_servers()),
    };
    let deployment = Deployment::new(brokers, &name, &dir.join(&name));
    deployment.make_topics(PARTITIONS);
    let mut workers: Vec<Worker> = ["one", "two"].map(|name| deployment.worker(name)).into();
    let mut seed = Seed::new(round);
    let begun = Instant::now();
    for portion in lines.chunks(lines.len().div_ceil(PORTIONS)) {
        topics::produce(&deployment.brokers, &deployment.input(), portion);
        disturb(fault, &deployment, &mut workers, cluster, &mut seed);
    }
    topics::produce_each(&deployment.brokers, &deployment.input(), closing);
    let disturbed = begun.elapsed();
    assert_level(&deployment, expected, &mut workers)?;
    assert_poison(&deployment, lines);
    for worker in &workers {
        assert_served(worker, expected);
    }
    println!(
        "{name}: disturbed for {:.1} s, level {:.1} s later",
        disturbed.as_secs_f64(),
        (begun.elapsed() - disturbed).as_secs_f64()
    );
    Ok(())
}
