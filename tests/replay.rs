//! The black box: files in, files out, against the schemas and against itself.

use std::collections::BTreeMap;
use std::path::Path;

use quell_tests::binary::{replay, root, run};
use serde_json::Value;

const MIXED: &str = "samples/mixed-languages.ndjson";
const SUMO: &str = "samples/sumo-2019-03-06.ndjson.zst";
const FIREFOX: [&str; 4] = ["--adapter", "sumo", "--taxonomy", "taxonomies/firefox.yaml"];

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect()
}

/// All that must be the same from run to run: everything but `timing`.
fn comparable(files: Vec<(&'static str, String)>) -> BTreeMap<&'static str, String> {
    let stable = |(name, text): (&'static str, String)| {
        if name != "summary.json" {
            return (name, text);
        }
        let mut summary: Value = serde_json::from_str(&text).expect("the summary is JSON");
        assert!(summary.as_object_mut().and_then(|s| s.remove("timing")).is_some());
        (name, summary.to_string())
    };
    files.into_iter().map(stable).collect()
}

fn check_schema(name: &str, rows: &[Value]) {
    let path = root().join(format!("schemas/{name}.schema.json"));
    let text = std::fs::read_to_string(&path).expect("the schema is there");
    let schema: Value = serde_json::from_str(&text).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    for row in rows {
        if let Some(error) = validator.iter_errors(row).next() {
            panic!("{name}: {error} at {} in {row}", error.instance_path());
        }
    }
}

#[test]
fn what_a_replay_writes_is_as_the_schemas_say() {
    let dir = tempfile::tempdir().expect("a folder");
    let mixed = std::fs::read_to_string(root().join(MIXED)).expect("the sample is there");
    let input = dir.path().join("input.ndjson");
    std::fs::write(&input, format!("{mixed}\nnot json\n\u{7}\n{{}}\n")).expect("it is written");
    let files = replay(dir.path(), &[&input.to_string_lossy()]);
    for (name, text) in &files {
        match *name {
            "contacts.ndjson" => check_schema("contact", &rows(text)),
            "repeats.ndjson" => check_schema("repeat", &rows(text)),
            "trends.ndjson" => check_schema("trend", &rows(text)),
            "dlq.ndjson" => {
                assert_eq!(rows(text).len(), 3, "{text}");
                check_schema("dead-letter", &rows(text));
            }
            "summary.json" => {
                check_schema("summary", &[serde_json::from_str(text).expect("JSON")]);
            }
            _ => {}
        }
    }
    assert!(!rows(&files[0].1).is_empty());
    assert!(!rows(&files[1].1).is_empty(), "the sample holds repeats");
}

#[test]
fn the_certificate_outage_stands_out() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut args = FIREFOX.to_vec();
    args.push(SUMO);
    let files = comparable(replay(&dir.path().join("a"), &args));
    let issues = rows(&files["issues.ndjson"]);
    check_schema("issue", &issues);
    let is_systemic = |issue: &&Value| issue["verdict"] == "systemic";
    let (all, mut systemic): (Vec<&Value>, Vec<&Value>) =
        issues.iter().filter(is_systemic).partition(|issue| issue["reason"] == "_all");
    systemic.sort_by(|a, b| b["excess"].as_f64().total_cmp_or(a["excess"].as_f64()));
    let first = systemic.first().expect("an issue is systemic");
    assert_eq!(first["reason"], "addons.disabled");
    let opened = first["opened_at"].as_str().unwrap_or_default();
    assert!(opened.starts_with("2019-05-04T"), "{opened}");
    let is_that_day = |issue: &&&Value| {
        issue["opened_at"].as_str().is_some_and(|opened| opened.starts_with("2019-05-04T"))
    };
    assert_eq!(all.iter().filter(is_that_day).count(), 1, "it moves all reasons together as well");
    let summary: Value = serde_json::from_str(&files["summary.json"]).expect("JSON");
    assert_eq!(&summary["systemic"][0], *first, "reasons before what moves all of them");
    let again = comparable(replay(&dir.path().join("b"), &args));
    assert!(files == again, "the same input gives the same bytes");
}

trait TotalCmp {
    fn total_cmp_or(self, other: Self) -> std::cmp::Ordering;
}

impl TotalCmp for Option<f64> {
    fn total_cmp_or(self, other: Self) -> std::cmp::Ordering {
        self.unwrap_or(0.0).total_cmp(&other.unwrap_or(0.0))
    }
}

#[test]
fn the_order_of_lines_does_not_show() {
    let dir = tempfile::tempdir().expect("a folder");
    let text = std::fs::read_to_string(root().join(MIXED)).expect("the sample is there");
    // Counts keep what was counted before an erasure came, so they may depend on its place.
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains("contact.erased")).collect();
    let write = |name: &str, lines: &[&str]| {
        let path = dir.path().join(name);
        std::fs::write(&path, lines.join("\n")).expect("it is written");
        path.to_string_lossy().into_owned()
    };
    let mut backwards = lines.clone();
    backwards.reverse();
    let forth = replay(&dir.path().join("a"), &[&write("a.ndjson", &lines)]);
    let back = replay(&dir.path().join("b"), &[&write("b.ndjson", &backwards)]);
    for ((name, forth), (_, back)) in forth.iter().zip(&back).take(4) {
        assert!(forth == back, "{name}");
    }
}

#[test]
fn without_a_taxonomy_agents_codes_decide() {
    let dir = tempfile::tempdir().expect("a folder");
    let event = |id: &str, minute: u32, code: &str| {
        format!(
            r#"{{"schema_version":1,"event_id":"{id}","event_type":"contact.opened","event_time":"2026-01-05T10:{minute:02}:00Z","source":{{"system":"crm"}},"contact":{{"id":"{id}","kind":"call","channel":"voice","opened_at":"2026-01-05T10:{minute:02}:00Z","customer":{{"id":"c1"}},"reason":{{"agent_code":"{code}"}}}}}}"#
        )
    };
    let input = dir.path().join("in.ndjson");
    let text = [event("a", 1, "X1"), event("b", 20, "X2"), event("c", 40, "X1")].join("\n");
    std::fs::write(&input, text).expect("it is written");
    let input = input.to_string_lossy();
    let accept = ["--taxonomy", "none", "--set", "taxonomy.accept_agent_codes=true", &input];
    let contacts = rows(&replay(&dir.path().join("a"), &accept)[0].1);
    let reason = |row: &Value| row["reasons"][0]["reason"].as_str().map(str::to_owned);
    assert_eq!(contacts.iter().filter_map(reason).collect::<Vec<_>>(), ["X1", "X2", "X1"]);
    let last = &contacts[2]["repeat"];
    assert_eq!(last["any_reason"]["previous"], "b");
    assert_eq!(
        (&last["same_reason"]["previous"], &last["same_reason"]["gap_s"]),
        (&"a".into(), &2340.into())
    );
    let window = [
        "--taxonomy",
        "none",
        "--set",
        "taxonomy.accept_agent_codes=true",
        "--set",
        "repeat.window=20m",
        &input,
    ];
    let contacts = rows(&replay(&dir.path().join("b"), &window)[0].1);
    assert_eq!(contacts[2]["repeat"]["any_reason"]["gap_s"], 1200, "the window's edge is in it");
    assert_eq!(contacts[2]["repeat"]["same_reason"], Value::Null);
    let refused = ["--taxonomy", "none", &input];
    let contacts = rows(&replay(&dir.path().join("c"), &refused)[0].1);
    assert_eq!(reason(&contacts[0]).as_deref(), Some("_unclassified"));
}

#[test]
fn wrong_configuration_says_where_and_what_to_do() {
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().join("out");
    let check = |args: &[&str], code: i32, parts: &[&str]| {
        let mut all = vec!["replay", "--out", out.to_str().unwrap_or_default()];
        all.extend(args);
        let output = run(&all);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{text}");
        for part in parts {
            assert!(text.contains(part), "{part:?} is missing in {text}");
        }
    };
    check(&["--set", "repeat.windw=7d", MIXED], 78, &["repeat.windw", "did you mean"]);
    check(&["--set", "repeat.window=7", MIXED], 78, &["7d, 12h"]);
    check(&["--adapter", "zendsk", MIXED], 78, &["zendsk", "zendesk"]);
    let taxonomy = dir.path().join("wrong.yaml");
    std::fs::write(&taxonomy, "version: 1\nid: shop\nreasns: []\n").expect("it is written");
    let taxonomy = taxonomy.to_string_lossy();
    check(&["--taxonomy", &taxonomy, MIXED], 78, &["wrong.yaml:3:", "reasns"]);
    check(&["nowhere.ndjson"], 1, &["nowhere.ndjson"]);
    check(&[], 2, &["INPUT"]);
    assert!(Path::new(&root()).is_dir());
}
