//! What the simulator planted is found again by the binary: every link of every chain, exact to
//! the window's edge, and the incident.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use quell_tests::binary::{replay, run};
use serde_json::Value;

fn simulate(scenario: &str, dir: &Path) -> Vec<Value> {
    let scenario = format!("samples/scenarios/{scenario}.yaml");
    let out = dir.to_string_lossy();
    let output = run(&["simulate", "--seed", "3", "--scenario", &scenario, "--out", &out]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    rows(&std::fs::read_to_string(dir.join("truth.ndjson")).expect("the truth is there"))
}

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect()
}

fn file<'f>(files: &'f [(&'static str, String)], name: &str) -> &'f str {
    files.iter().find(|(own, _)| *own == name).map_or("", |(_, text)| text)
}

#[test]
fn every_planted_link_is_found_and_no_other() {
    let dir = tempfile::tempdir().expect("a folder");
    let truth = simulate("chains", dir.path());
    let events = dir.path().join("events.ndjson");
    let files = replay(&dir.path().join("out"), &[&events.to_string_lossy()]);
    let contacts: BTreeMap<String, Value> = rows(file(&files, "contacts.ndjson"))
        .into_iter()
        .map(|row| (row["contact_id"].as_str().unwrap_or_default().to_owned(), row))
        .collect();
    let mut planted = 0;
    for row in truth.iter().filter(|row| row["truth"] == "contact") {
        let id = row["contact_id"].as_str().unwrap_or_default();
        let found = contacts.get(id).unwrap_or_else(|| panic!("{id} is missing"));
        let link = &found["repeat"]["any_reason"];
        assert_eq!(link["previous"], row["previous"], "{row}");
        let is_duplicate = found["standing"] == "duplicate";
        assert_eq!(Value::from(is_duplicate), row["is_duplicate"], "{row}");
        if let Some(gap_ms) = row["gap_ms"].as_f64().filter(|_| !link.is_null()) {
            planted += 1;
            assert_eq!(link["gap_s"].as_f64(), Some(gap_ms / 1e3), "{row}");
        }
    }
    assert!(planted > 500, "only {planted} links were planted");
    let edges = truth.iter().filter(|row| row["edge"] == "window_exact").count();
    assert!(edges > 0, "no link lies on the window's edge");
}

fn systemic(scenario: &str) -> (Vec<Value>, Vec<Value>) {
    let dir = tempfile::tempdir().expect("a folder");
    let truth = simulate(scenario, dir.path());
    let events = dir.path().join("events.ndjson");
    let files = replay(&dir.path().join("out"), &[&events.to_string_lossy()]);
    let issues = rows(file(&files, "issues.ndjson")).into_iter();
    (truth, issues.filter(|issue| issue["verdict"] == "systemic").collect())
}

#[test]
fn the_planted_incident_is_systemic_and_nothing_else_is() {
    let (truth, issues) = systemic("outage");
    let incident = truth.iter().find(|row| row["truth"] == "incident").expect("one was planted");
    let [issue] = &issues[..] else { panic!("{incident} is not the one of {issues:#?}") };
    assert_eq!(issue["reason"], incident["reason"]);
    let time = |value: &Value| value.as_str().map(str::to_owned).expect("a time");
    let (start, end) = (time(&incident["start"]), time(&incident["end"]));
    assert!((start..end).contains(&time(&issue["opened_at"])), "{incident} {issue}");
    assert!(!issue["closed_at"].is_null(), "{issue}");
    // Its customers write as those of this reason always do.
    assert_eq!(issue["words"], Value::Array(Vec::new()), "{issue}");
}

/// The simulator's customers tell of an incident as they tell of the reason at other times. Here
/// they also name what broke.
#[test]
fn what_customers_of_the_incident_name_are_its_words() {
    let dir = tempfile::tempdir().expect("a folder");
    let truth = simulate("outage", dir.path());
    let is_planted = |row: &&Value| row["truth"] == "contact" && !row["incident_id"].is_null();
    let planted: BTreeSet<&str> =
        truth.iter().filter(is_planted).filter_map(|row| row["contact_id"].as_str()).collect();
    let path = dir.path().join("events.ndjson");
    let mut events = rows(&std::fs::read_to_string(&path).expect("the events are there"));
    let mut named = 0;
    for event in &mut events {
        let contact = &mut event["contact"];
        let is_of_it = contact["id"].as_str().is_some_and(|id| planted.contains(id));
        if let Some(body) = contact["body"].as_str().filter(|_| is_of_it) {
            contact["body"] = format!("{body} Quokka banner.").into();
            named += 1;
        }
    }
    assert!(named > 40, "{named}");
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    std::fs::write(&path, lines.join("\n")).expect("the events are written");
    let files = replay(&dir.path().join("out"), &[&path.to_string_lossy()]);
    let issues = rows(file(&files, "issues.ndjson"));
    let issue = issues.iter().find(|issue| issue["verdict"] == "systemic").expect("an issue");
    let words = issue["words"].as_array().expect("words");
    let told: BTreeSet<&str> = words
        .iter()
        .filter_map(|one| one["word"].as_str())
        .flat_map(|word| word.split(' '))
        .collect();
    // Stems differ by language, so the two need not be one phrase.
    assert_eq!(told, BTreeSet::from(["banner", "quokka"]), "{words:#?}");
    for one in words {
        assert_eq!((&one["usual_customers"], &one["expected"]), (&0.into(), &0.0.into()));
    }
}

#[test]
fn where_nothing_is_planted_nothing_is_systemic() {
    for scenario in ["quiet", "orders-double"] {
        let (_, issues) = systemic(scenario);
        assert!(issues.is_empty(), "{scenario}: {issues:#?}");
    }
}
