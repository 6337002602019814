//! One record in, its events out.

use quell_model::{Event, TimeMs};

use crate::adapter::Adapter;
use crate::canonical;
use crate::check::Checker;
use crate::envelope::{self, Change, Payload};
use crate::json;
use crate::reject::{Cause, Reject};

/// A record as an input log, a file's line or an HTTP request holds it.
#[derive(Clone, Copy, Debug)]
pub struct RawRecord<'a> {
    /// The payload; none for a tombstone.
    pub value: Option<&'a [u8]>,
    /// Headers, in order.
    pub headers: &'a [(String, Vec<u8>)],
    /// The record's key, if it has one.
    pub key: Option<&'a [u8]>,
    /// When the log took it. Events far ahead of it are rejected.
    pub log_time: TimeMs,
}

/// How large, how deep and how far ahead a record may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest payload in bytes.
    pub max_bytes: usize,
    /// The deepest nesting of objects and arrays. Above 120 the JSON parser's own limit rules.
    pub max_depth: usize,
    /// How far an event's time may lie ahead of the record's log time, in milliseconds.
    pub max_future_ms: i64,
}

impl Default for Limits {
    /// 1 MiB, 64 levels, one day.
    fn default() -> Self {
        Limits { max_bytes: 1 << 20, max_depth: 64, max_future_ms: quell_model::time::DAY_MS }
    }
}

/// A source's value that the adapter's map does not know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unmapped {
    /// The canonical field that stayed without a value or took the default.
    pub field: String,
    /// The source's word, cut to 64 characters. At most 32 of them a record.
    pub value: String,
}

/// What a record says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decoded {
    /// The events, in order. None for a tombstone and for changes the adapter leaves out.
    pub events: Vec<Event>,
    /// Values that the adapter's maps do not know, to be counted and listed.
    pub unmapped: Vec<Unmapped>,
    /// True where the source says that it sends history (a Debezium snapshot read): such events
    /// are counted and raise no alarm.
    pub backfill: bool,
    /// True where there is a key and no value: in a change log, the end of a deletion.
    pub tombstone: bool,
}

/// True for a line of nothing but white space. Readers of lines skip and count these
/// (`skipped_empty`); [`decode`] rejects them as [`Cause::Empty`].
pub fn is_blank(value: &[u8]) -> bool {
    value.trim_ascii().is_empty()
}

/// Decodes one record: envelope, adapter, schema, in this order.
///
/// # Errors
/// A [`Reject`] with a cause and the place; no input makes it panic.
pub fn decode(
    record: &RawRecord<'_>,
    adapter: &Adapter,
    limits: &Limits,
) -> Result<Decoded, Reject> {
    let Some(value) = record.value else {
        return match record.key {
            Some(_) => Ok(Decoded { tombstone: true, ..Decoded::default() }),
            None => Err(Reject::new(Cause::Empty, "expected a value or a key")),
        };
    };
    let checker = Checker { log_time: record.log_time, max_future_ms: limits.max_future_ms };
    let attributes = envelope::header_form(record.headers)?;
    let text = json::text(value, limits.max_bytes, limits.max_depth)?;
    if adapter.is_canonical()
        && !attributes.is_structured()
        && let Some(event) = canonical::fast(text, &checker)
    {
        return Ok(Decoded { events: vec![event?], ..Decoded::default() });
    }
    let document = json::document(text)?;
    match envelope::open(document, attributes)? {
        Payload::Tombstone => Ok(Decoded { tombstone: true, ..Decoded::default() }),
        Payload::Change(change) => decode_change(&change, adapter, &checker),
    }
}

fn decode_change(change: &Change, adapter: &Adapter, checker: &Checker) -> Result<Decoded, Reject> {
    let mut decoded = Decoded { backfill: change.backfill, ..Decoded::default() };
    if adapter.is_canonical() {
        let mut event = canonical::decode(&change.document, checker)?;
        canonical::apply_operation(&mut event, change, checker)?;
        decoded.events.push(event);
        return Ok(decoded);
    }
    for mapped in adapter.map(change, &mut decoded.unmapped)? {
        let mut event = canonical::decode(&mapped, checker).map_err(|reject| Reject {
            detail: format!("adapter {}: {}", adapter.name(), reject.detail),
            ..reject
        })?;
        canonical::apply_operation(&mut event, change, checker)?;
        decoded.events.push(event);
    }
    Ok(decoded)
}
