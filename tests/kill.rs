//! The real process, killed for real: SIGKILL at random moments under load, started again, and at
//! the end compared with a replay of the same input that nothing disturbed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use quell_faults::Seed;
use quell_tests::binary::{get, quell};
use quell_tests::shop;
use serde_json::Value;

const EVENTS: usize = 4_000;
const BATCH: usize = 50;
const KILLS: usize = 6;

struct Running {
    child: Child,
    url: String,
}

fn start(data: &Path) -> Running {
    let _ = std::fs::remove_file(data.join("listening.json"));
    let mut child = Command::new(quell())
        .args(["run", "--listen", "127.0.0.1:0", "--set", "lateness=400d", "--data"])
        .arg(data)
        .stderr(Stdio::piped())
        .spawn()
        .expect("quell starts");
    let stderr = child.stderr.take().expect("it was piped");
    let log = std::thread::spawn(move || {
        BufReader::new(stderr).lines().map_while(Result::ok).collect::<Vec<_>>()
    });
    let begun = Instant::now();
    loop {
        if let Ok(text) = std::fs::read_to_string(data.join("listening.json"))
            && let Ok(note) = serde_json::from_str::<Value>(&text)
            && let Some(url) = note["url"].as_str()
        {
            return Running { child, url: url.to_owned() };
        }
        if let Ok(Some(status)) = child.try_wait() {
            panic!("quell ended with {status}: {:?}", log.join());
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "quell does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Running {
    /// True when the batch was acknowledged.
    fn post(&self, lines: &[String]) -> bool {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(30)))
            .http_status_as_error(false)
            .build()
            .into();
        let sent = agent
            .post(format!("{}/v1/events", self.url))
            .header("content-type", "application/x-ndjson")
            .send(lines.join("\n"));
        sent.is_ok_and(|response| response.status() == 202)
    }

    fn get(&self, path: &str) -> Value {
        get(&self.url, path)
    }

    fn kill(mut self) {
        self.child.kill().expect("SIGKILL is sent");
        self.child.wait().expect("it is dead");
    }
}

/// Posts everything, killing the process at random moments; a batch that was not acknowledged is
/// posted again, as any sender would.
fn feed_and_kill(data: &Path, lines: &[String], seed: u64) -> Running {
    let mut seed = Seed::new(seed);
    let batches: Vec<&[String]> = lines.chunks(BATCH).collect();
    let mut kill_at: BTreeSet<usize> = BTreeSet::new();
    while kill_at.len() < KILLS {
        kill_at.insert(seed.below(batches.len()));
    }
    let mut running = start(data);
    for (n, batch) in batches.iter().enumerate() {
        if kill_at.contains(&n) {
            // While the batch is on its way, so that the kill may hit decode, append or turn.
            let delay = Duration::from_millis(seed.below(40) as u64);
            std::thread::scope(|scope| {
                let posting = scope.spawn(|| running.post(batch));
                std::thread::sleep(delay);
                let pid = running.child.id().to_string();
                let sent = Command::new("kill").args(["-9", &pid]).status();
                assert!(sent.is_ok_and(|status| status.success()), "SIGKILL is sent");
                let _ = posting.join();
            });
            let _ = running.child.wait();
            running = start(data);
        }
        let begun = Instant::now();
        while !running.post(batch) {
            assert!(begun.elapsed() < Duration::from_secs(60), "a batch is never taken");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    running
}

/// Contacts by key, as a replay writes them, without what depends on the mark.
fn replayed(dir: &Path, lines: &[String]) -> BTreeMap<String, Value> {
    let input = dir.join("events.ndjson");
    std::fs::write(&input, lines.join("\n")).expect("the input is written");
    let out = dir.join("out");
    let status = Command::new(quell())
        .args(["replay", "--out"])
        .arg(&out)
        .arg(&input)
        .stderr(Stdio::null())
        .status()
        .expect("quell replays");
    assert!(status.success());
    let text = std::fs::read_to_string(out.join("contacts.ndjson")).expect("it wrote contacts");
    text.lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a row is JSON"))
        .map(|row| (row["contact_key"].as_str().unwrap_or_default().to_owned(), comparable(row)))
        .collect()
}

fn comparable(mut row: Value) -> Value {
    if let Some(row) = row.as_object_mut() {
        row.remove("maturity");
    }
    row
}

#[test]
fn killed_processes_lose_and_double_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let lines = shop::events(EVENTS);
    let expected = replayed(dir.path(), &lines);
    assert!(expected.len() > 500, "there is something to compare");
    let data = dir.path().join("data");
    let running = feed_and_kill(&data, &lines, 11);
    let begun = Instant::now();
    let total = loop {
        let total = running.get("/v1/search?limit=0")["total"].as_u64();
        if total == Some(expected.len() as u64) || begun.elapsed() > Duration::from_secs(60) {
            break total;
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(total, Some(expected.len() as u64), "documents in the index = live contacts");
    for (key, row) in &expected {
        let found = running.get(&format!("/v1/contacts/{}", key.replace('/', "%2F")));
        assert_eq!(&comparable(found), row, "{key}");
    }
    let counted: f64 = running.get("/v1/trends?limit=0")["lines"]
        .as_array()
        .map(|lines| lines.iter().filter_map(|line| line["contacts"].as_f64()).sum())
        .unwrap_or_default();
    let standing = expected.values().filter(|row| row["standing"] == "counted").count();
    assert!((counted - standing as f64).abs() < 1e-3, "{counted} counted, {standing} contacts");
    running.kill();
}

/// Contacts of a desk, one in half an hour, among which freezers begin to buzz.
fn desk(count: usize) -> Vec<String> {
    let nouns = ["size", "colour", "address", "voucher", "handle", "manual", "colour", "shelf"];
    let line = |n: usize| {
        let time = format!("2026-01-{:02}T{:02}:{:02}:00Z", 1 + n / 48, n / 2 % 24, n % 2 * 30);
        let body = match n {
            200.. if n.is_multiple_of(9) => "loud freezer with a buzzing noise".to_owned(),
            _ => format!("the {} of item{} please", nouns[n % 8], n % 89),
        };
        format!(
            r#"{{"schema_version":1,"event_id":"e{n}","event_type":"contact.opened","event_time":"{time}","source":{{"system":"shop"}},"contact":{{"id":"k{n}","kind":"ticket","channel":"email","opened_at":"{time}","customer":{{"id":"c{n}"}},"body":"{body}"}}}}"#
        )
    };
    (0..count).map(line).collect()
}

/// The candidates once all contacts are taken in.
fn candidates_of(running: &Running, contacts: usize) -> Vec<Value> {
    let begun = Instant::now();
    while running.get("/v1/search?limit=0")["total"].as_u64() != Some(contacts as u64) {
        assert!(begun.elapsed() < Duration::from_secs(60), "contacts are never indexed");
        std::thread::sleep(Duration::from_millis(100));
    }
    let found = running.get("/v1/candidates");
    found["candidates"].as_array().cloned().expect("candidates")
}

#[test]
fn candidate_reasons_go_on_after_a_kill_as_if_nothing_had_happened() {
    const ALL: usize = 420;
    let dir = tempfile::tempdir().expect("a folder");
    let lines = desk(ALL);
    replayed(dir.path(), &lines);
    let rows = std::fs::read_to_string(dir.path().join("out/candidates.ndjson"));
    let rows = rows.expect("a replay writes candidates");
    let rows: Vec<Value> =
        rows.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let is_freezer =
        |row: &&Value| row["name"].as_str().is_some_and(|name| name.contains("freezer"));
    assert_eq!(rows.iter().filter(is_freezer).count(), 1, "{rows:?}");

    let data = dir.path().join("data");
    let mut running = start(&data);
    let mut posted = 0;
    for batch in lines.chunks(70) {
        assert!(running.post(batch));
        posted += batch.len();
        let before = candidates_of(&running, posted);
        running.kill();
        running = start(&data);
        assert_eq!(candidates_of(&running, posted), before, "after {posted} contacts");
    }
    let found = candidates_of(&running, ALL);
    let freezer = found.iter().find(is_freezer).expect("they are found on the stream too");
    let replayed = rows.iter().find(is_freezer).expect("they are found by a replay");
    assert_eq!(freezer["candidate"], replayed["candidate"]);
    assert_eq!(freezer["customers"], replayed["customers"]);
    running.kill();
}
