use serde_json::json;

use quell_model::{Event, TimeMs};

use super::*;
use crate::{Cause, Limits, RawRecord, decode};

fn problems(yaml: &str) -> Vec<String> {
    match Adapter::parse(yaml, "a.yaml") {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(Problem::to_string).collect(),
    }
}

const SMALL: &str = r#"adapter: small
version: 1
source: {system: {const: small}}
event_type: {const: contact.updated}
event_time: {from: /at, format: "%d.%m.%Y %H:%M", tz: "+02:00"}
event_id: {template: "{/id}/{/at}"}
contact:
  id: {from: /id}
  kind: {const: ticket}
  status: {from: /state, map: {a: open, b: closed}}
  durations.wait: {from: /wait_ms, scale: 0.001}
  tags: {from: /labels, split: ","}
"#;

fn run(yaml: &str, document: serde_json::Value) -> Result<crate::Decoded, crate::Reject> {
    let adapter = Adapter::parse(yaml, "a.yaml").unwrap();
    let bytes = document.to_string().into_bytes();
    let log_time = TimeMs(1_700_000_000_000);
    let record = RawRecord { value: Some(&bytes), headers: &[], key: None, log_time };
    decode(&record, &adapter, &Limits::default())
}

#[test]
fn every_builtin_compiles() {
    for name in Adapter::builtin_names() {
        let (_, yaml) = BUILTIN.iter().find(|(n, _)| *n == name).unwrap();
        let adapter = Adapter::parse(yaml, name).unwrap_or_else(|p| panic!("{p:?}"));
        assert_eq!(adapter.name(), name);
        assert_eq!(adapter.is_canonical(), name == "canonical");
    }
    assert!(Adapter::builtin("no-such").is_none());
}

#[test]
fn problems_name_the_line_and_what_to_write() {
    let wrong_field = SMALL.replace("  status:", "  state:");
    let found = problems(&wrong_field);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("a.yaml:10:"), "{found:?}");
    assert!(found[0].contains("contact.state: there is no such field"), "{found:?}");

    for (good, bad, line, message) in [
        ("{from: /state,", "{from: state,", 10, "begin it with `/`"),
        ("{from: /id}", "{from: /id, const: x}", 8, "exactly one of"),
        ("+02:00", "Europe/Budapest", 5, "fixed offset"),
        ("contact.updated", "contact.update", 1, "no contact event"),
        ("version: 1", "version: 2", 2, "version 1"),
        ("split: \",\"", "splitt: \",\"", 12, "splitt"),
        ("{/id}/{/at}", "{/id}/{/at", 6, "close the place"),
    ] {
        let found = problems(&SMALL.replacen(good, bad, 1));
        assert_eq!(found.len(), 1, "{bad}: {found:?}");
        assert!(found[0].starts_with(&format!("a.yaml:{line}:")), "{bad}: {found:?}");
        assert!(found[0].contains(message), "{bad}: {found:?}");
    }
}

#[test]
fn several_problems_come_together() {
    let yaml = SMALL.replace("{from: /id}", "{}").replace("/wait_ms", "wait_ms");
    assert_eq!(problems(&yaml).len(), 2);
}

#[test]
fn values_are_read_in_the_sources_own_way() {
    let document = json!({
        "id": 7, "at": "04.05.2019 03:30", "state": "b", "wait_ms": "1500", "labels": "x, y,,z",
    });
    let decoded = run(SMALL, document).unwrap();
    let [Event::Contact(event)] = decoded.events.as_slice() else { panic!("{decoded:?}") };
    assert_eq!(event.event_time, "2019-05-04T01:30:00Z".parse().unwrap());
    assert_eq!(event.event_id, "7/04.05.2019 03:30");
    assert_eq!(event.contact.id, "7");
    let wait = event.contact.durations.value().unwrap().wait.value();
    assert_eq!(wait, Some(&1.5));
    let tags = event.contact.tags.value().unwrap();
    assert_eq!(tags, &["x", "y", "z"]);
}

#[test]
fn unmapped_words_are_listed_and_bounded() {
    let word = "q".repeat(500);
    let document = json!({"id": 7, "at": "04.05.2019 03:30", "state": word});
    let decoded = run(SMALL, document).unwrap();
    assert_eq!(decoded.unmapped.len(), 1);
    assert_eq!(decoded.unmapped[0].field, "status");
    assert_eq!(decoded.unmapped[0].value.len(), 64);
}

#[test]
fn a_bad_time_names_the_field_and_not_the_value() {
    let reject = run(SMALL, json!({"id": 7, "at": "secret"})).unwrap_err();
    assert_eq!(reject.cause, Cause::BadTime);
    assert!(reject.detail.contains("event_time"), "{reject}");
    assert!(!reject.detail.contains("secret"), "{reject}");
}

#[test]
fn fan_out_makes_one_event_an_element() {
    let yaml = SMALL
        .replace("source:", "fan_out: /ids\nsource:")
        .replace("id: {from: /id}", "id: {from: '@'}")
        .replace("{/id}/{/at}", "{@}/{/at}");
    let decoded = run(&yaml, json!({"ids": ["a", "b"], "at": "04.05.2019 03:30"})).unwrap();
    let ids: Vec<_> = decoded.events.iter().map(contact_id).collect();
    assert_eq!(ids, ["a", "b"]);
    let many: Vec<_> = (0..1001).collect();
    let reject = run(&yaml, json!({"ids": many, "at": "04.05.2019 03:30"})).unwrap_err();
    assert_eq!(reject.cause, Cause::BadValue);
}

fn contact_id(event: &Event) -> &str {
    match event {
        Event::Contact(event) => &event.contact.id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_record_of_another_source_does_not_match() {
    let adapter = Adapter::builtin("sumo").unwrap();
    let record = RawRecord {
        value: Some(br#"{"id": 1}"#),
        headers: &[],
        key: None,
        log_time: TimeMs(1_700_000_000_000),
    };
    let reject = decode(&record, &adapter, &Limits::default()).unwrap_err();
    assert_eq!(reject.cause, Cause::AdapterNoMatch);
}
