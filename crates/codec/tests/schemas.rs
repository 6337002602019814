//! The schemas, their examples, and the code say the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use quell_codec::{
    Adapter, Cause, DeadLetter, Limits, RawRecord, Reject, decode, encode_event, encode_output,
};
use quell_model::contact::{CueEvidence, LanguageSource, Maturity, NatureBasis, RuleEvidence};
use quell_model::event::{Channel, Direction, Kind, Scalar};
use quell_model::issue::{
    Cause as ExcessCause, CauseCell, DimensionValue, Explanation, Extent, IssueWord, Rival,
    WindowEvidence,
};
use quell_model::reason::Confidence;
use quell_model::repeat::{GapMs, RepeatLinks};
use quell_model::trend::{Contacts, Granularity};
use quell_model::{
    Contact, ContactKey, DecidedBy, Evidence, Output, Position, ReasonId, ReasonTag, RepeatLink,
    RepeatMode, RepeatReport, Standing, SystemicIssue, TimeMs, TrendRow, Verdict, Weight,
};
use serde_json::Value;

const INPUTS: &[&str] = &[
    "contact-event",
    "volume",
    "identity-link",
    "action-command",
    "callback-consent",
    "promise",
    "survey-response",
    "mention",
];
const OUTPUTS: &[&str] = &[
    "contact",
    "contact-settled",
    "repeat",
    "trend",
    "issue",
    "candidate",
    "dead-letter",
    "summary",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas")
}

fn read(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn validator(name: &str) -> jsonschema::Validator {
    let schema = read(&folder().join(format!("{name}.schema.json")));
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn examples(name: &str, side: &str) -> Vec<(PathBuf, Value)> {
    let path = folder().join("examples").join(name).join(side);
    let entries = fs::read_dir(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), read(&path))).collect()
}

fn decoded(document: &Value) -> Result<quell_codec::Decoded, Reject> {
    let bytes = document.to_string().into_bytes();
    let log_time = "2024-05-05T00:00:00Z".parse().unwrap();
    let record = RawRecord { value: Some(&bytes), headers: &[], key: None, log_time };
    decode(&record, &Adapter::canonical(), &Limits::default())
}

#[test]
fn every_schema_is_valid_and_named() {
    let mut found = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = path.file_name().and_then(|n| n.to_str()?.strip_suffix(".schema.json"))
        else {
            continue;
        };
        let schema = read(&path);
        jsonschema::meta::validate(&schema).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["$id"], format!("urn:quell:schema:{name}:1"));
        found += 1;
    }
    assert_eq!(found, INPUTS.len() + OUTPUTS.len() + 1);
}

#[test]
fn examples_pass_or_fail_as_their_folder_says() {
    for name in INPUTS.iter().chain(OUTPUTS).chain(&["adapter"]) {
        let validator = validator(name);
        let (valid, invalid) = (examples(name, "valid"), examples(name, "invalid"));
        let fewest = if INPUTS.contains(name) { 4 } else { 3 };
        assert!(valid.len() >= 2 && invalid.len() >= fewest, "{name}: too few examples");
        for (path, document) in valid {
            let errors: Vec<_> = validator.iter_errors(&document).map(|e| e.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        }
        for (path, document) in invalid {
            assert!(!validator.is_valid(&document), "{}: should be invalid", path.display());
        }
    }
}

#[test]
fn decode_agrees_with_the_schemas_on_every_input_example() {
    for name in INPUTS {
        for (path, document) in examples(name, "valid") {
            let decoded = decoded(&document).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            assert_eq!(decoded.events.len(), 1, "{}", path.display());
            let bytes = encode_event(&decoded.events[0]);
            let line: Value = serde_json::from_slice(&bytes).unwrap();
            assert!(validator(name).is_valid(&line), "{}: {line}", path.display());
        }
        for (path, document) in examples(name, "invalid") {
            let result = decoded(&document);
            assert!(result.is_err(), "{}: decoded {result:?}", path.display());
        }
    }
}

#[test]
fn rejects_name_the_fault_that_the_example_is_called_after() {
    for (file, cause) in [
        ("missing-contact-id", Cause::MissingContactId),
        ("empty-contact-id", Cause::MissingContactId),
        ("null-contact-id", Cause::MissingContactId),
        ("numeric-contact-id", Cause::WrongType),
        ("missing-kind", Cause::MissingField),
        ("missing-event-id", Cause::MissingField),
        ("unknown-schema-version", Cause::UnknownSchemaVersion),
        ("missing-schema-version", Cause::MissingField),
        ("unknown-event-type", Cause::UnknownEventType),
        ("opened-without-channel", Cause::MissingField),
        ("time-without-offset", Cause::BadTime),
        ("time-in-1970", Cause::TimeOutOfRange),
        ("time-in-2100", Cause::TimeOutOfRange),
        ("time-as-number", Cause::WrongType),
        ("unknown-channel", Cause::BadValue),
        ("tags-as-text", Cause::WrongType),
        ("customer-as-array", Cause::WrongType),
        ("nested-attribute", Cause::WrongType),
        ("turn-without-role", Cause::MissingField),
    ] {
        let path = folder().join(format!("examples/contact-event/invalid/{file}.json"));
        let reject = decoded(&read(&path)).unwrap_err();
        assert_eq!(reject.cause, cause, "{file}: {reject}");
        assert!(reject.detail.starts_with('/'), "{file}: {reject}");
        assert!(reject.detail.contains("expected"), "{file}: {reject}");
    }
}

#[test]
fn adapters_agree_with_their_schema() {
    let validator = validator("adapter");
    for (path, document) in examples("adapter", "valid") {
        // JSON is YAML.
        let adapter = Adapter::parse(&document.to_string(), "example");
        assert!(adapter.is_ok(), "{}: {adapter:?}", path.display());
    }
    for (path, document) in examples("adapter", "invalid") {
        let adapter = Adapter::parse(&document.to_string(), "example");
        assert!(adapter.is_err(), "{}", path.display());
    }
    for entry in fs::read_dir(folder().join("../adapters")).unwrap() {
        let path = entry.unwrap().path();
        let yaml = fs::read_to_string(&path).unwrap();
        let document: Value = serde_saphyr::from_str(&yaml).unwrap();
        let errors: Vec<_> = validator.iter_errors(&document).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        let problems = Adapter::parse(&yaml, &path.display().to_string()).err();
        assert!(problems.is_none(), "{problems:?}");
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(Adapter::builtin(name).is_some(), "{name} does not come with the program");
    }
}

#[test]
fn the_dead_letter_schema_lists_every_cause() {
    let schema = read(&folder().join("dead-letter.schema.json"));
    let listed: Vec<String> =
        serde_json::from_value(schema["properties"]["cause"]["enum"].clone()).unwrap();
    let known: Vec<_> = Cause::ALL.iter().map(|cause| cause.as_str().to_owned()).collect();
    assert_eq!(listed, known);
    for cause in Cause::ALL {
        assert_eq!(serde_json::to_value(cause).unwrap(), cause.as_str());
    }
}

fn time(text: &str) -> TimeMs {
    text.parse().unwrap()
}

fn cue_evidence() -> CueEvidence {
    let (cue, words, place) = ("status_chase".into(), "Hol a csomagom".into(), "subject".into());
    CueEvidence { cue, words, place, start: 0, end: 14 }
}

fn rule_evidence() -> RuleEvidence {
    RuleEvidence {
        reason: ReasonId("delivery.late".into()),
        phrase: "csomag".into(),
        words: "csomagom".into(),
        place: "body".into(),
        start: 3,
        end: 11,
    }
}

fn contact() -> Contact {
    let link = RepeatLink {
        previous: "T-1".into(),
        first: "T-1".into(),
        position: 2,
        gap_s: GapMs(90_500),
    };
    let evidence =
        Evidence { matched: "csomag".into(), place: "body".into(), start: 3, end: 9, weight: None };
    Contact {
        contact_id: "T-2".into(),
        contact_key: ContactKey::new("shop", None, "T-2"),
        system: "shop".into(),
        instance: None,
        kind: Kind::Ticket,
        customer_id: Some("c-1".into()),
        account_id: None,
        segment: None,
        occurred_at: time("2024-05-04T09:30:00.250Z"),
        channel: Channel::WebForm,
        direction: Direction::Inbound,
        standing: Standing::Counted,
        language: "hu".into(),
        language_source: LanguageSource::Model,
        subject: Some("Hol a csomagom?".into()),
        body: None,
        turns: Vec::new(),
        status: None,
        opened_at: Some(time("2024-05-04T09:30:00.250Z")),
        first_response_at: None,
        resolved_at: None,
        closed_at: None,
        updated_at: time("2024-05-04T09:30:00.250Z"),
        reopen_count: 0,
        product: None,
        queue: None,
        team: None,
        agent_id: None,
        priority: None,
        tags: vec!["delivery".into()],
        attributes: BTreeMap::from([("express".to_owned(), Scalar::Bool(true))]),
        agent_code: None,
        handle_s: Some(12.5),
        resolved: None,
        transferred: None,
        csat: None,
        csat_max: None,
        nps: None,
        reasons: vec![ReasonTag {
            reason: ReasonId("delivery.late".into()),
            weight: Weight(333_333),
            decided_by: DecidedBy::Rule,
            confidence: Confidence(900),
            evidence: vec![evidence],
        }],
        opinions: Vec::new(),
        rule_evidence: vec![rule_evidence()],
        cues: vec!["status_chase".into()],
        cue_evidence: vec![cue_evidence()],
        demand_type: Some(quell_model::contact::DemandType::Failure),
        demand_basis: Some(NatureBasis::Reason(ReasonId("delivery.late".into()))),
        dumb_class: Some("status_chase".into()),
        dumb_class_basis: Some(NatureBasis::Cue("status_chase".into())),
        cost_micros: 6_000_000,
        repeat: RepeatLinks { any_reason: Some(link), same_reason: None, same_issue: None },
        maturity: Maturity::Provisional,
        taxonomy_version: "t-1".into(),
        definition_version: "1".into(),
    }
}

fn cause() -> ExcessCause {
    let value = |dimension: &str, value: &str| DimensionValue {
        dimension: dimension.into(),
        value: value.into(),
    };
    ExcessCause {
        extent: Extent::Local,
        cells: vec![CauseCell {
            values: vec![value("carrier", "swift"), value("country", "hu")],
            observed: 12,
            expected: 0.0,
            ratio: None,
            ratio_low: None,
            ratio_high: None,
            excess_share: 0.8,
            rival: Some(Rival { values: vec![value("country", "hu")], behind_nats: 6.2 }),
        }],
        elsewhere_ratio: Some(1.1),
        elsewhere_share: 0.2,
        looked_at: 1.0,
    }
}

fn issue() -> SystemicIssue {
    SystemicIssue {
        issue_id: "default:delivery.late:2024-05-04T09:00:00Z:country=hu".into(),
        reason: ReasonId("delivery.late".into()),
        cell: Some(DimensionValue { dimension: "country".into(), value: "hu".into() }),
        verdict: Verdict::Systemic,
        opened_at: time("2024-05-04T09:00:00Z"),
        onset_at: time("2024-05-04T06:00:00Z"),
        closed_at: None,
        reopened: 1,
        customers: 20,
        excess: 15.5,
        explanation: vec![Explanation {
            dimension: "country".into(),
            value: "hu".into(),
            observed: 12,
            expected: 0.0,
            risk_ratio: None,
            excess_share: 0.8,
        }],
        cause: cause(),
        words: vec![IssueWord {
            word: "tracking number".into(),
            customers: 9,
            of: 20,
            usual_customers: 0,
            usual_of: 180,
            expected: 0.0,
            ratio: 163.762,
            ratio_low: 9.9,
            ratio_high: 2_700.0,
            excess_share: 0.58,
            chance: 2.1e-7,
        }],
        evidence: WindowEvidence {
            window_start: time("2024-05-04T06:00:00Z"),
            window_h: 4,
            high_h: 3,
            observed: 20,
            expected: 4.5,
            ratio: Some(4.444),
            ratio_low: Some(2.9),
            ratio_high: None,
            dispersion: 1.2,
            model_error: 0.02,
            contacts: 21,
            chance_per_week: 2.1e-7,
            limit_per_week: 0.15,
            baseline_h: 900,
        },
        detector_version: "1".into(),
        taxonomy_version: "t-1".into(),
        definition_version: "1".into(),
    }
}

fn outputs() -> Vec<(&'static str, Output)> {
    let report = RepeatReport {
        repeat_id: "any_reason:shop//T-1:shop//T-2".into(),
        contact_id: "T-2".into(),
        contact_key: ContactKey::new("shop", None, "T-2"),
        previous: "T-1".into(),
        previous_key: ContactKey::new("shop", None, "T-1"),
        mode: RepeatMode::AnyReason,
        gap_s: GapMs(90_000),
        cause: "unknown".into(),
        evidence: vec!["cue: repeat".into()],
        definition_version: "1".into(),
    };
    let row = TrendRow {
        reason: ReasonId("delivery.late".into()),
        dimension: "channel".into(),
        value: "email".into(),
        granularity: Granularity::Hour,
        window_start: time("2024-05-04T09:00:00Z"),
        contacts: Contacts(1_500_000),
        customers: 2,
        repeats_any_reason: Contacts(1_000_000),
        repeats_same_reason: Contacts(0),
        repeats_same_issue: Contacts(0),
        cost_micros: 9_000_000,
        maturity: Maturity::Mature,
        taxonomy_version: "t-1".into(),
        definition_version: "1".into(),
    };
    let issue = issue();
    let key = ContactKey::new("shop", None, "T-2");
    let contact = Some(Box::new(contact()));
    let repeat_id = report.repeat_id.clone();
    let issue_id = issue.issue_id.clone();
    vec![
        ("contact", Output::Contact { key, revision: 1, contact }),
        ("repeat", Output::Repeat { repeat_id, revision: 1, report: Some(Box::new(report)) }),
        ("trend", Output::Trend { key: "k".into(), revision: 1, row: Some(Box::new(row)) }),
        ("issue", Output::Issue { issue_id, revision: 1, issue: Some(Box::new(issue)) }),
    ]
}

#[test]
fn what_is_written_passes_its_schema() {
    for (name, output) in outputs() {
        let row: Value = serde_json::from_slice(&encode_output(&output).unwrap()).unwrap();
        let validator = validator(name);
        let errors: Vec<_> = validator.iter_errors(&row).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}\n{row}");
        // A field that the schema does not describe is one that nobody can rely on.
        let schema = read(&folder().join(format!("{name}.schema.json")));
        for field in row.as_object().unwrap().keys() {
            assert!(schema["properties"].get(field).is_some(), "{name}.{field} has no schema");
        }
    }
    let removed = Output::Trend { key: "k".into(), revision: 2, row: None };
    assert_eq!(encode_output(&removed), None);
}

#[test]
fn dead_letters_pass_their_schema_and_give_the_bytes_back() {
    let validator = validator("dead-letter");
    let position = Position { input: "tickets".into(), partition: 3, offset: 17 };
    let headers =
        vec![("ce_id".to_owned(), b"7".to_vec()), ("raw".to_owned(), vec![0, 159, 146, 150])];
    let payloads: [Option<&[u8]>; 4] =
        [None, Some(b""), Some("{\"text\": \"привет\u{0}\"".as_bytes()), Some(&[0xff, 0xfe, 0x00])];
    for value in payloads {
        let key = Some(b"\xf0\x9f".as_slice());
        let record =
            RawRecord { value, headers: &headers, key, log_time: TimeMs(1_714_815_000_000) };
        let reject = Reject { cause: Cause::InvalidJson, detail: "line 1".into() };
        let letter = DeadLetter::new(&position, &record, "intake", &reject);
        let row: Value = serde_json::from_slice(&letter.to_line()).unwrap();
        let errors: Vec<_> = validator.iter_errors(&row).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        let back: DeadLetter = serde_json::from_value(row).unwrap();
        assert_eq!(back.value_bytes().as_deref(), value);
        assert_eq!(back.key_bytes().as_deref(), key);
        assert_eq!(back.header_bytes(), headers);
        assert_eq!(back, letter);
    }
}
