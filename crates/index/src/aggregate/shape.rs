//! What each kind of aggregation may say.

use serde_json::{Map, Value, json};

use crate::error::{IndexError, Result};
use crate::schema::FieldKind;
use crate::values::time_span;

const MAX_RANGES: usize = 128;

/// The keys each kind of aggregation may have.
pub(super) const KINDS: &[(&str, &[&str])] = &[
    ("terms", &["field", "size", "order", "min_doc_count", "missing", "include", "exclude"]),
    ("range", &["field", "ranges", "keyed"]),
    (
        "histogram",
        &[
            "field",
            "interval",
            "offset",
            "min_doc_count",
            "hard_bounds",
            "extended_bounds",
            "keyed",
        ],
    ),
    (
        "date_histogram",
        &[
            "field",
            "fixed_interval",
            "calendar_interval",
            "offset",
            "min_doc_count",
            "hard_bounds",
            "extended_bounds",
            "keyed",
            "format",
            "time_zone",
        ],
    ),
    ("avg", &["field", "missing"]),
    ("value_count", &["field", "missing"]),
    ("max", &["field", "missing"]),
    ("min", &["field", "missing"]),
    ("stats", &["field", "missing"]),
    ("extended_stats", &["field", "missing", "sigma"]),
    ("sum", &["field", "missing"]),
    ("percentiles", &["field", "missing", "percents", "keyed"]),
    ("cardinality", &["field", "missing"]),
];

/// The value as an object.
pub(crate) fn object<'a>(value: &'a Value, part: &str) -> Result<&'a Map<String, Value>> {
    value.as_object().ok_or_else(|| IndexError::request(part, "an object is expected here"))
}

/// Whether a kind can be taken over a field. Times have histograms only: the engine would give
/// their other figures in nanoseconds.
pub(super) fn fits(kind: &str, field: FieldKind) -> bool {
    let is_number = matches!(
        field,
        FieldKind::Unsigned | FieldKind::Integer | FieldKind::Float | FieldKind::Attributes
    );
    match kind {
        "terms" => !matches!(field, FieldKind::Text | FieldKind::Time | FieldKind::Float),
        "date_histogram" => field == FieldKind::Time,
        "value_count" | "cardinality" => field != FieldKind::Text,
        _ => is_number,
    }
}

/// How many buckets the ranges make.
pub(super) fn ranges(body: &Map<String, Value>, part: &str) -> Result<u64> {
    let count = body.get("ranges").and_then(Value::as_array).map_or(0, Vec::len);
    if count == 0 || count > MAX_RANGES {
        let problem = format!("a list of 1 to {MAX_RANGES} ranges");
        return Err(IndexError::request(format!("{part}.ranges"), problem));
    }
    Ok(count as u64 * 2 + 1)
}

/// Calendar intervals of fixed length become fixed ones, in UTC, weeks from Monday.
pub(crate) fn plain_interval(body: &mut Map<String, Value>, part: &str) -> Result<()> {
    let zone = body.remove("time_zone");
    if zone.is_some_and(|zone| !matches!(zone.as_str(), Some("UTC" | "Z" | "+00:00"))) {
        return Err(IndexError::request(format!("{part}.time_zone"), "only UTC is supported"));
    }
    if body.remove("format").is_some_and(|format| format != "epoch_millis") {
        let problem = "only epoch_millis is supported";
        return Err(IndexError::request(format!("{part}.format"), problem));
    }
    let Some(calendar) = body.remove("calendar_interval") else { return Ok(()) };
    let fixed = match calendar.as_str() {
        Some("minute" | "1m") => "1m",
        Some("hour" | "1h") => "1h",
        Some("day" | "1d") => "1d",
        Some("week" | "1w") => {
            // 1970-01-01 was a Thursday.
            body.entry("offset").or_insert(json!("4d"));
            "7d"
        }
        _ => {
            return Err(IndexError::request(
                format!("{part}.calendar_interval"),
                "minute, hour, day and week are supported; months differ in length",
            ));
        }
    };
    body.insert("fixed_interval".to_owned(), json!(fixed));
    Ok(())
}

/// An interval such as `30m` in milliseconds, if it is one the engine can hold.
pub(crate) fn duration_ms(text: &str) -> Option<i64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit_ms: i64 = match text.get(digits..)? {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let count: i64 = text.get(..digits)?.parse().ok()?;
    let ms = count.checked_mul(unit_ms)?;
    (1..=10_000 * 86_400_000).contains(&ms).then_some(ms)
}

/// The bounds of a histogram, for times in milliseconds.
pub(crate) fn bounds(
    body: &Map<String, Value>,
    key: &str,
    part: &str,
) -> Result<Option<(f64, f64)>> {
    let Some(bounds) = body.get(key) else { return Ok(None) };
    let end = |name: &str| match &bounds[name] {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => time_span(text).ok().map(|(start, _)| start.0 as f64),
        _ => None,
    };
    match (end("min"), end("max")) {
        (Some(min), Some(max)) if min <= max => Ok(Some((min, max))),
        _ => Err(IndexError::request(
            format!("{part}.{key}"),
            "needs \"min\" and \"max\" as numbers, for times in milliseconds since 1970",
        )),
    }
}
