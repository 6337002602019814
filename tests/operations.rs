//! What operations rely on: alerts that are valid and tested, that name metrics Quell has, and that
//! lead to a page saying what to do.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use quell_model::topic::TopicNames;
use quell_tests::tools::tool;
use quell_worker::metrics::Metrics;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn promtool(arguments: &[&str]) {
    let tool = tool("promtool", "QUELL_PROMTOOL");
    let output = Command::new(&tool)
        .args(arguments)
        .current_dir(root().join("deploy/mixin"))
        .output()
        .unwrap_or_else(|error| {
            panic!("{}: {error}; `cargo xtask test` fetches promtool", tool.display())
        });
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said));
}

/// Words of the text that begin with `start`, cut at the first other sign.
fn words(text: &str, start: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices(start) {
        let word = text[at..].split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
        found.extend(word.map(str::to_owned));
    }
    found
}

fn alerts() -> Vec<String> {
    let rules = read("deploy/mixin/alerts.yaml");
    let names = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    names.map(str::to_owned).collect()
}

#[test]
fn the_rules_are_valid_and_do_what_their_cases_say() {
    promtool(&["check", "rules", "--lint=all", "--lint-fatal", "alerts.yaml"]);
    promtool(&["test", "rules", "alerts_test.yaml"]);
}

#[test]
fn every_alert_has_a_case_and_a_page() {
    let cases = read("deploy/mixin/alerts_test.yaml");
    let rules = read("deploy/mixin/alerts.yaml");
    let alerts = alerts();
    assert!(alerts.len() >= 15, "{alerts:?}");
    for alert in &alerts {
        assert!(cases.contains(&format!("alertname: {alert}\n")), "{alert} is fired by no case");
        let page = format!("docs/runbooks/{alert}.md");
        assert!(rules.contains(&format!("runbook_url: {page}")), "{alert} does not name its page");
        assert!(read(&page).starts_with(&format!("# {alert}\n")), "{page} has another title");
    }
    for page in std::fs::read_dir(root().join("docs/runbooks")).expect("the runbooks") {
        let name = page.expect("a page").file_name().to_string_lossy().replace(".md", "");
        assert!(alerts.contains(&name), "{name} is the page of no alert");
    }
}

#[test]
fn alerts_and_dashboards_name_metrics_that_there_are() {
    let metrics =
        Metrics::new("test", "none@0", ["billing.refund_delay"]).expect("names are right");
    // A counter with labels shows only once it was counted.
    metrics.ingest_records.with_label_values(&["accepted"]).inc();
    metrics.http_requests.with_label_values(&["/v1/search", "200"]).inc();
    metrics.dead_letters.with_label_values(&["syntax"]).inc();
    let stages = &metrics.stages;
    for counter in [&stages.commits, &stages.aborts, &stages.restarts, &stages.rebalances] {
        counter.with_label_values(&["tag"]).inc();
    }
    for gauge in [&stages.running, &stages.lag_records, &stages.restore_remaining_records] {
        gauge.with_label_values(&["tag"]).set(1);
    }
    for times in [
        &stages.turn_duration_seconds,
        &stages.commit_duration_seconds,
        &stages.rebalance_duration_seconds,
    ] {
        times.with_label_values(&["tag"]).observe(1.0);
    }
    stages.restored_rows.with_label_values(&["tag"]).inc();
    for gauge in [&stages.lag_seconds, &stages.held_seconds] {
        gauge.with_label_values(&["tag"]).set(1.0);
    }
    stages.partitions.with_label_values(&["tag", "ready"]).set(1);
    metrics.outputs.with_label_values(&["repeats"]).inc();
    metrics.issues_open.with_label_values(&["systemic"]).set(0);
    metrics.add_reasons(&["billing.refund_delay".to_owned()]);
    for n in 0..100 {
        metrics.add_reasons(&[format!("area.reason_{n}")]);
    }
    let text = String::from_utf8(metrics.text()).expect("metrics are text");
    let there = words(&text, "quell_");
    let files = [
        "deploy/mixin/alerts.yaml",
        "deploy/mixin/alerts_test.yaml",
        "deploy/mixin/dashboards/pipeline-health.json",
        "deploy/mixin/dashboards/contact-reasons.json",
    ];
    for file in files {
        for name in words(&read(file), "quell_") {
            assert!(there.contains(&name), "{file} names {name}, which Quell does not export");
        }
    }
}

#[test]
fn the_topics_that_others_read_are_described() {
    let document = read("schemas/asyncapi.yaml");
    let names = TopicNames::new("quell.");
    let outputs = ["contacts", "repeats", "trends", "issues"].map(|topic| names.output(topic));
    for topic in outputs.into_iter().chain([names.settled(), names.dead_letters("tickets")]) {
        assert!(document.contains(&format!("address: {topic}\n")), "{topic} is not described");
    }
    let files = document.split("$ref: '").filter_map(|rest| rest.split('\'').next());
    let schemas: Vec<&str> = files.filter(|file| file.ends_with(".json")).collect();
    assert!(schemas.len() >= 8, "{schemas:?}");
    for schema in schemas {
        assert!(root().join("schemas").join(schema).is_file(), "{schema} is not there");
    }
}
