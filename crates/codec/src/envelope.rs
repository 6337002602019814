//! The wrappings that records come in: none, CloudEvents 1.0 (structured and binary) and
//! Debezium changes. They are recognised by themselves, never configured.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quell_model::TimeMs;
use serde_json::{Map, Value};

use crate::json::member;
use crate::reject::{Cause, Reject};

/// What the headers say of the wrapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderForm {
    /// Nothing: the value decides.
    Silent,
    /// `content-type: application/cloudevents+json`: the value is the whole event.
    Structured,
    /// `ce_*` headers: the value is the event's data.
    Binary,
}

impl HeaderForm {
    pub(crate) fn is_structured(self) -> bool {
        self == HeaderForm::Structured
    }
}

/// The source's own record, unwrapped.
#[derive(Debug)]
pub(crate) struct Change {
    /// The record: the state after the change, or before it for a deletion.
    pub document: Value,
    /// The state before the change, where the envelope holds it.
    pub before: Option<Value>,
    /// The source deleted the record.
    pub deleted: bool,
    /// The source sends history.
    pub backfill: bool,
    /// When the source made the change, where the envelope says so.
    pub changed_at: Option<TimeMs>,
}

/// What is in the wrapping.
#[derive(Debug)]
pub(crate) enum Payload {
    /// A record.
    Change(Box<Change>),
    /// Nothing: the mark that follows a deletion.
    Tombstone,
}

fn wrong(detail: impl Into<String>) -> Reject {
    Reject::new(Cause::WrongEnvelope, detail)
}

fn plain(document: Value) -> Payload {
    Payload::Change(Box::new(Change {
        document,
        before: None,
        deleted: false,
        backfill: false,
        changed_at: None,
    }))
}

/// Reads the headers alone.
///
/// # Errors
/// [`Cause::WrongEnvelope`] for half a set of `ce_*` headers or an unknown version.
pub(crate) fn header_form(headers: &[(String, Vec<u8>)]) -> Result<HeaderForm, Reject> {
    if headers.is_empty() {
        return Ok(HeaderForm::Silent);
    }
    let find = |name: &str| headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
    if let Some((_, kind)) = find("content-type") {
        let kind = kind.to_ascii_lowercase();
        if kind.starts_with(b"application/cloudevents-batch") {
            return Err(wrong("header content-type: expected one event a record, found a batch"));
        }
        if kind.starts_with(b"application/cloudevents") {
            return Ok(HeaderForm::Structured);
        }
    }
    if !headers.iter().any(|(name, _)| is_attribute(name)) {
        return Ok(HeaderForm::Silent);
    }
    for name in ["ce_specversion", "ce_id", "ce_source", "ce_type"] {
        let Some((_, value)) = find(name) else {
            return Err(wrong(format!("header {name}: expected beside other ce_ headers")));
        };
        if value.is_empty() {
            return Err(wrong(format!("header {name}: expected a value")));
        }
        if name == "ce_specversion" && value != b"1.0" {
            return Err(wrong("header ce_specversion: expected 1.0"));
        }
    }
    Ok(HeaderForm::Binary)
}

fn is_attribute(name: &str) -> bool {
    matches!(name.get(..3), Some(start) if start.eq_ignore_ascii_case("ce_"))
}

/// Unwraps a document.
///
/// # Errors
/// [`Cause::WrongEnvelope`] where it begins as an envelope and is none.
pub(crate) fn open(document: Value, headers: HeaderForm) -> Result<Payload, Reject> {
    let Value::Object(object) = document else {
        return Err(Reject::new(Cause::NotAnObject, "expected a JSON object"));
    };
    if headers == HeaderForm::Structured || object.contains_key("specversion") {
        let data = cloud_event(object)?;
        return match data {
            Value::Object(inner) => database_change(inner),
            Value::Null => Ok(Payload::Tombstone),
            _ => Err(wrong("/data: expected a JSON object")),
        };
    }
    database_change(object)
}

fn cloud_event(mut object: Map<String, Value>) -> Result<Value, Reject> {
    if object.get("specversion").and_then(Value::as_str) != Some("1.0") {
        return Err(wrong("/specversion: expected \"1.0\""));
    }
    for name in ["id", "source", "type"] {
        if object.get(name).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(wrong(format!("/{name}: expected text, as CloudEvents 1.0 requires")));
        }
    }
    match (object.remove("data"), object.remove("data_base64")) {
        (Some(_), Some(_)) => Err(wrong("/data: expected either data or data_base64, not both")),
        (Some(data), None) => Ok(data),
        (None, Some(Value::String(coded))) => {
            let expected = "/data_base64: expected base64 of a JSON object";
            let bytes = STANDARD.decode(coded).map_err(|_| wrong(expected))?;
            serde_json::from_slice(&bytes).map_err(|_| wrong(expected))
        }
        (None, Some(_)) => Err(wrong("/data_base64: expected text")),
        (None, None) => Ok(Value::Null),
    }
}

/// Takes a Debezium change out of its wrapping; anything else is the record itself.
fn database_change(mut object: Map<String, Value>) -> Result<Payload, Reject> {
    if object.contains_key("schema") && object.contains_key("payload") {
        return match object.remove("payload") {
            Some(Value::Object(payload)) => unwrapped(payload, "/payload"),
            Some(Value::Null) => Ok(Payload::Tombstone),
            _ => Err(wrong("/payload: expected an object beside schema")),
        };
    }
    unwrapped(object, "")
}

fn unwrapped(mut object: Map<String, Value>, at: &str) -> Result<Payload, Reject> {
    let states = object.contains_key("before") || object.contains_key("after");
    if !(states && (object.contains_key("op") || object.contains_key("source"))) {
        return Ok(plain(Value::Object(object)));
    }
    let operation = match object.get("op").and_then(Value::as_str) {
        Some(op @ ("c" | "u" | "r" | "d")) => op.to_owned(),
        _ => return Err(wrong(format!("{at}/op: expected c, u, r or d"))),
    };
    let source = object.get("source");
    let changed_at = source
        .and_then(|source| member(source, "ts_ms"))
        .or_else(|| object.get("ts_ms"))
        .and_then(Value::as_i64)
        .map(TimeMs);
    let is_snapshot = match source.and_then(|source| member(source, "snapshot")) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(word)) => !matches!(word.as_str(), "false" | "incremental"),
        _ => false,
    };
    let mut state = |name: &str| object.remove(name).filter(|value| !value.is_null());
    let (before, after) = (state("before"), state("after"));
    let deleted = operation == "d";
    let (document, name) = if deleted { (before.clone(), "before") } else { (after, "after") };
    let Some(document @ Value::Object(_)) = document else {
        return Err(wrong(format!("{at}/{name}: expected the record for op {operation}")));
    };
    Ok(Payload::Change(Box::new(Change {
        document,
        before,
        deleted,
        backfill: operation == "r" || (is_snapshot && !deleted),
        changed_at,
    })))
}
