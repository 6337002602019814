//! What the simulator planted is found again by the binary: every link of every chain, exact to
//! the window's edge, and the incident.

use std::collections::BTreeMap;
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
}

#[test]
fn where_nothing_is_planted_nothing_is_systemic() {
    for scenario in ["quiet", "orders-double"] {
        let (_, issues) = systemic(scenario);
        assert!(issues.is_empty(), "{scenario}: {issues:#?}");
    }
}
