//! Who decides in the pipeline decides in `quell taxonomy` as well: rules, a model, agents' codes.

use std::fs;
use std::path::Path;

use quell_model::UNCLASSIFIED;
use quell_tests::binary::run;
use serde_json::{Value, json};

const CATALOGUE: &str = "\
version: 1
id: desk
areas:
  a: {name: {en: A}}
reasons:
  - {id: a.delivery, name: {en: Delivery}, owner: o, any: {en: [parcel]}}
  - {id: a.login, name: {en: Login}, owner: o, any: {en: [password]}}
";

const SAID: [(&str, &str); 3] = [
    ("my parcel has not come", "a.delivery"),
    ("i cannot sign in to the account", "a.login"),
    ("the box never arrived at the door", "a.delivery"),
];

fn write(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    fs::write(&path, text).expect("it is written");
    path.to_string_lossy().into_owned()
}

/// Runs quell, which must do it; what it printed and what it said.
#[track_caller]
fn done(args: &[&str]) -> (String, String) {
    let output = run(args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {said}");
    (String::from_utf8_lossy(&output.stdout).into_owned(), said)
}

fn event(n: usize) -> String {
    let (body, _) = SAID[n % 3];
    let time = format!("2026-01-{:02}T{:02}:00:00Z", 1 + n / 24, n % 24);
    format!(
        r#"{{"schema_version":1,"event_id":"e{n}","event_type":"contact.opened","event_time":"{time}","source":{{"system":"desk"}},"contact":{{"id":"k{n}","kind":"ticket","channel":"email","opened_at":"{time}","body":"{body} {n}"}}}}"#
    )
}

#[test]
fn a_model_decides_for_discover_and_diff_as_it_does_in_a_replay() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    let catalogue = write(dir, "desk.yaml", CATALOGUE);
    let row = |n: usize| {
        let (text, label) = SAID[n % 3];
        json!({"text": format!("{text} {n}"), "label": label}).to_string() + "\n"
    };
    let coded = write(dir, "coded.ndjson", &(0..300).map(row).collect::<String>());
    let model = dir.join("desk.model").to_string_lossy().into_owned();
    done(&["tagger", "train", "--text", "text", "--label", "label", "--model", &model, &coded]);
    let events: Vec<String> = (0..90).map(event).collect();
    let events = write(dir, "events.ndjson", &events.join("\n"));
    let out = dir.join("out").to_string_lossy().into_owned();
    let with_model = format!("taxonomy.model={model}");
    let core = ["--taxonomy", &catalogue, "--set", &with_model];
    done(&[&["replay", "--out", &out], &core[..], &[&events]].concat());
    let contacts = format!("{out}/contacts.ndjson");
    let rows = fs::read_to_string(&contacts).expect("a replay writes contacts");
    let is_unfit = |line: &&str| {
        let row: Value = serde_json::from_str(line).expect("JSON");
        row["reasons"][0]["reason"] == UNCLASSIFIED
    };
    let unfit = rows.lines().filter(is_unfit).count();
    assert!(unfit < 60, "the model decides where no rule does: {unfit}");

    let discover = ["taxonomy", "discover", "--taxonomy", &catalogue, "--on", &contacts];
    let (_, said) = done(&[&discover[..], &["--model", &model]].concat());
    assert!(said.contains(&format!("90 texts, {unfit} fit no reason")), "{said}");
    let (_, by_rules) = done(&discover);
    assert!(by_rules.contains("90 texts, 60 fit no reason"), "{by_rules}");

    let new = CATALOGUE.replace("[parcel]", "[parcel, box]");
    let new = write(dir, "new.yaml", &new);
    let diff = ["taxonomy", "diff", &catalogue, &new, "--on", &contacts, "--output", "json"];
    let (found, _) = done(&[&diff[..], &["--model", &model]].concat());
    let found: Value = serde_json::from_str(&found).expect("JSON");
    assert!(found["old"].as_str().is_some_and(|version| version.contains('+')), "{found}");
    let moved = |found: &Value| -> f64 {
        let moves = found["moves"].as_array().cloned().unwrap_or_default();
        moves.iter().filter_map(|one| one["weight"].as_f64()).sum()
    };
    let (bare, _) = done(&diff);
    let bare: Value = serde_json::from_str(&bare).expect("JSON");
    assert!(moved(&bare) > moved(&found), "the model had given most of them their reason");

    let output = run(&[&discover[..], &["--model", &coded]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("--model"), "{said}");
}
