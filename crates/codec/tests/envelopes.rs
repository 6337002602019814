//! Wrappings and broken records, each with its cause.

use quell_codec::{Adapter, Cause, Decoded, Limits, RawRecord, Reject, decode, is_blank};
use quell_model::{ContactEvent, ContactEventType, Event, TimeMs};
use serde_json::{Value, json};

fn take(value: Option<&[u8]>, headers: &[(&str, &str)]) -> Result<Decoded, Reject> {
    let headers: Vec<_> =
        headers.iter().map(|(n, v)| (n.to_string(), v.as_bytes().to_vec())).collect();
    let log_time = "2024-05-05T00:00:00Z".parse().unwrap();
    let record = RawRecord { value, headers: &headers, key: Some(b"k"), log_time };
    decode(&record, &Adapter::canonical(), &Limits::default())
}

fn plain(document: &Value) -> Result<Decoded, Reject> {
    take(Some(document.to_string().as_bytes()), &[])
}

fn cause(text: &[u8]) -> Cause {
    take(Some(text), &[]).unwrap_err().cause
}

fn event() -> Value {
    json!({
        "schema_version": 1,
        "event_id": "e-1",
        "event_type": "contact.opened",
        "event_time": "2024-05-04T09:30:00Z",
        "source": {"system": "shop"},
        "contact": {
            "id": "T-1", "kind": "ticket", "channel": "email",
            "opened_at": "2024-05-04T09:30:00Z", "subject": "hello",
        },
    })
}

fn only(decoded: &Decoded) -> &ContactEvent {
    match decoded.events.as_slice() {
        [Event::Contact(event)] => event,
        other => panic!("{other:?}"),
    }
}

#[test]
fn cloud_events_structured_by_header_or_by_members() {
    let wrapped = json!({
        "specversion": "1.0", "id": "ce-1", "source": "/shop", "type": "ticket", "data": event(),
    });
    let bytes = wrapped.to_string().into_bytes();
    let want = plain(&event()).unwrap();
    assert_eq!(plain(&wrapped).unwrap(), want);
    let header = ("Content-Type", "Application/CloudEvents+json; charset=utf-8");
    assert_eq!(take(Some(&bytes), &[header]).unwrap(), want);

    use base64::Engine as _;
    let coded = base64::engine::general_purpose::STANDARD.encode(event().to_string());
    let mut wrapped_64 = wrapped.clone();
    wrapped_64.as_object_mut().unwrap().remove("data");
    assert!(plain(&wrapped_64).unwrap().tombstone);
    wrapped_64["data_base64"] = json!(coded);
    assert_eq!(plain(&wrapped_64).unwrap(), want);
    wrapped_64["data_base64"] = json!("%%%");
    assert_eq!(plain(&wrapped_64).unwrap_err().cause, Cause::WrongEnvelope);
}

#[test]
fn cloud_events_broken() {
    let wrapped = json!({
        "specversion": "1.0", "id": "ce-1", "source": "/shop", "type": "ticket", "data": event(),
    });
    for (member, value) in [
        ("specversion", json!("0.3")),
        ("id", json!("")),
        ("type", Value::Null),
        ("data", json!("text")),
        ("data_base64", json!("e30=")),
    ] {
        let mut broken = wrapped.clone();
        broken[member] = value;
        assert_eq!(plain(&broken).unwrap_err().cause, Cause::WrongEnvelope, "{member}");
    }
    let header = [("content-type", "application/cloudevents+json")];
    let bare = event().to_string().into_bytes();
    assert_eq!(take(Some(&bare), &header).unwrap_err().cause, Cause::WrongEnvelope);
}

#[test]
fn cloud_events_binary() {
    let bytes = event().to_string().into_bytes();
    let headers =
        [("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "/s"), ("CE_TYPE", "t")];
    assert_eq!(take(Some(&bytes), &headers).unwrap(), plain(&event()).unwrap());
    assert!(take(None, &headers).unwrap().tombstone);
    assert_eq!(take(Some(&bytes), &headers[..3]).unwrap_err().cause, Cause::WrongEnvelope);
    let old = [("ce_specversion", "0.3"), ("ce_id", "1"), ("ce_source", "/s"), ("ce_type", "t")];
    assert_eq!(take(Some(&bytes), &old).unwrap_err().cause, Cause::WrongEnvelope);
}

#[test]
fn debezium_changes() {
    let source = json!({"ts_ms": 1_714_815_060_000_i64, "snapshot": "false"});
    let created = json!({"before": null, "after": event(), "source": source, "op": "c"});
    assert_eq!(plain(&created).unwrap(), plain(&event()).unwrap());
    let wrapped = json!({"schema": {"type": "struct"}, "payload": created});
    assert_eq!(plain(&wrapped).unwrap(), plain(&event()).unwrap());

    let read = json!({"before": null, "after": event(), "source": {"snapshot": true}, "op": "r"});
    let decoded = plain(&read).unwrap();
    assert!(decoded.backfill);
    assert_eq!(only(&decoded).event_type, ContactEventType::Snapshot);

    let deleted = json!({"before": event(), "after": null, "source": source, "op": "d"});
    let decoded = plain(&deleted).unwrap();
    assert_eq!(only(&decoded).event_type, ContactEventType::Deleted);
    assert_eq!(only(&decoded).event_time, TimeMs(1_714_815_060_000));
    assert_eq!(only(&decoded).contact.id, "T-1");

    assert!(plain(&json!({"schema": {}, "payload": null})).unwrap().tombstone);
    for broken in [
        json!({"before": null, "after": event(), "source": source, "op": "t"}),
        json!({"before": null, "after": event(), "source": source}),
        json!({"before": null, "after": null, "source": source, "op": "u"}),
        json!({"before": null, "after": null, "source": source, "op": "d"}),
        json!({"schema": {}, "payload": "text"}),
    ] {
        assert_eq!(plain(&broken).unwrap_err().cause, Cause::WrongEnvelope, "{broken}");
    }
}

#[test]
fn broken_records_and_their_causes() {
    assert_eq!(cause(b"\xff{}"), Cause::InvalidUtf8);
    assert_eq!(cause(b"{\"a\": "), Cause::InvalidJson);
    assert_eq!(cause(b"{} {}"), Cause::InvalidJson);
    assert_eq!(cause(b"plain words"), Cause::InvalidJson);
    assert_eq!(cause(b"  \t\r\n"), Cause::Empty);
    assert_eq!(cause(b""), Cause::Empty);
    assert_eq!(cause(b"[1]"), Cause::NotAnObject);
    assert_eq!(cause(b"null"), Cause::NotAnObject);
    assert_eq!(cause(b"{}"), Cause::MissingField);
    assert_eq!(cause(&vec![b'['; 100_000]), Cause::TooDeep);
    assert_eq!(cause("{\"a\":".repeat(65).as_bytes()), Cause::TooDeep);
    assert!(is_blank(b" \r\n") && is_blank(b"") && !is_blank(b"{"));
    let record =
        RawRecord { value: None, headers: &[], key: None, log_time: TimeMs(1_714_815_060_000) };
    let adapter = Adapter::canonical();
    assert_eq!(decode(&record, &adapter, &Limits::default()).unwrap_err().cause, Cause::Empty);
}

#[test]
fn nesting_up_to_the_limit_is_read() {
    let mut nested = json!({"x": 1});
    for _ in 0..62 {
        nested = json!({ "x": nested });
    }
    let mut document = event();
    document["unknown"] = nested;
    assert!(plain(&document).is_ok());
    document["unknown"] = json!([document["unknown"]]);
    assert_eq!(plain(&document).unwrap_err().cause, Cause::TooDeep);
    let mut brackets = event();
    brackets["contact"]["body"] = json!("[[{{".repeat(500));
    assert!(plain(&brackets).is_ok(), "brackets in text are no nesting");
}

#[test]
fn large_bodies() {
    let mut document = event();
    document["contact"]["body"] = json!("x".repeat(5_000_000));
    assert_eq!(plain(&document).unwrap_err().cause, Cause::TooLarge);
    document["contact"]["body"] = json!("x".repeat(300_000));
    let reject = plain(&document).unwrap_err();
    assert_eq!(reject.cause, Cause::BadValue);
    assert!(reject.detail.starts_with("/contact/body: "), "{reject}");
    document["contact"]["body"] = json!("x".repeat(262_144));
    assert!(plain(&document).is_ok());
}

#[test]
fn times_ahead_of_the_log_are_refused_and_a_day_is_not() {
    let mut document = event();
    document["event_time"] = json!("2024-05-06T00:00:00Z");
    assert!(plain(&document).is_ok());
    document["event_time"] = json!("2024-05-06T00:00:00.001Z");
    assert_eq!(plain(&document).unwrap_err().cause, Cause::TimeOutOfRange);
    document["event_time"] = json!("1999-12-31T23:59:59.999Z");
    assert_eq!(plain(&document).unwrap_err().cause, Cause::TimeOutOfRange);
}

#[test]
fn details_never_hold_the_customers_words() {
    let secret = "expected my password hunter2";
    for pointer in [
        "/event_type",
        "/event_time",
        "/source",
        "/contact",
        "/contact/kind",
        "/contact/channel",
        "/contact/opened_at",
        "/contact/customer",
        "/contact/tags",
        "/contact/transcript",
        "/contact/feedback",
        "/contact/attributes",
        "/schema_version",
    ] {
        let mut document = event();
        match document.pointer_mut(pointer) {
            Some(value) => *value = json!(secret),
            None => document["contact"][&pointer[9..]] = json!(secret),
        }
        let reject = plain(&document).unwrap_err();
        assert!(!reject.detail.contains("hunter2"), "{pointer}: {reject}");
        assert!(reject.detail.starts_with(pointer), "{pointer}: {reject}");
    }
    let reject = take(Some(br#"{"contact": {"body": "hunter2" oops"#), &[]).unwrap_err();
    assert!(!reject.detail.contains("hunter2") && reject.detail.contains("column"), "{reject}");
}

#[test]
fn marks_halves_of_pairs_and_nul() {
    let mark = format!("\u{feff}{}", event());
    assert_eq!(take(Some(mark.as_bytes()), &[]).unwrap(), plain(&event()).unwrap());
    let half = event().to_string().replace("hello", r"a\ud83d b\ude00\ud83d\ude00\\ud83d");
    let decoded = take(Some(half.as_bytes()), &[]).unwrap();
    let subject = only(&decoded).contact.subject.value().unwrap();
    assert_eq!(subject, "a\u{fffd} b\u{fffd}\u{1f600}\\ud83d");
    let nul = event().to_string().replace("hello", r"a\u0000b");
    let decoded = take(Some(nul.as_bytes()), &[]).unwrap();
    assert_eq!(only(&decoded).contact.subject.value().unwrap(), "a\u{fffd}b");
    let nul_id = event().to_string().replace("T-1", r"T\u0000");
    assert_eq!(cause(nul_id.as_bytes()), Cause::BadValue);
}

#[test]
fn the_last_of_two_equal_members_counts() {
    let twice = event()
        .to_string()
        .replace("\"subject\":\"hello\"", "\"subject\":\"first\",\"subject\":\"second\"");
    let decoded = take(Some(twice.as_bytes()), &[]).unwrap();
    assert_eq!(only(&decoded).contact.subject.value().unwrap(), "second");
}
