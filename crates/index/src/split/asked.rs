//! Aggregations as both sides are asked for them, so that their answers can be put together: more
//! terms than are wanted, sums instead of averages, gaps left open.

use serde_json::{Map, Value, json};

use crate::aggregate::MAX_TERMS;
use crate::aggregate::shape::object;
use crate::error::{IndexError, Result};
use crate::schema::{FieldKind, kind_of};

/// Each side is asked for this many times the terms that are wanted, and for no fewer than
/// [`LEAST_TERMS`].
const TERMS_FACTOR: u64 = 10;
const LEAST_TERMS: u64 = 1_000;

/// The aggregations that each side is asked for.
pub(super) fn of_each(aggs: &Value, part: &str) -> Result<Value> {
    let mut out = Map::new();
    for (name, agg) in object(aggs, part)? {
        out.insert(name.clone(), one(agg, &format!("{part}.{name}"))?);
    }
    Ok(Value::Object(out))
}

fn one(agg: &Value, part: &str) -> Result<Value> {
    let mut out = Map::new();
    let agg = object(agg, part)?;
    let below = agg.get("aggs").or_else(|| agg.get("aggregations"));
    for (kind, body) in agg {
        let part = format!("{part}.{kind}");
        if matches!(kind.as_str(), "aggs" | "aggregations") {
            out.insert("aggs".to_owned(), of_each(body, &part)?);
            continue;
        }
        let mut body = object(body, &part)?.clone();
        let field = body.get("field").and_then(Value::as_str).map(str::to_owned);
        let field_kind = field.as_deref().and_then(kind_of);
        let counts_only = matches!(kind.as_str(), "terms" | "value_count" | "cardinality");
        if field_kind == Some(FieldKind::Attributes) && !counts_only {
            return Err(IndexError::request(
                part,
                "attributes cannot be calculated with where a search backend holds the settled \
                 contacts: it may hold them as words; count them with terms",
            ));
        }
        let kind = match kind.as_str() {
            "percentiles" | "cardinality" | "extended_stats" => {
                return Err(IndexError::request(
                    part,
                    "cannot be put together from the local index and the search backend; ask the \
                     backend itself, or for stats or terms",
                ));
            }
            "terms" => {
                terms(&mut body, below, &part)?;
                "terms"
            }
            "range" => {
                body.remove("keyed");
                let ranges = full_ranges(&body, field_kind);
                // A list that is none is left for the check, which names it.
                if !ranges.is_empty() {
                    let ranges = ranges.iter().map(Range::to_json).collect();
                    body.insert("ranges".to_owned(), Value::Array(ranges));
                }
                "range"
            }
            "histogram" | "date_histogram" => {
                body.remove("keyed");
                body.remove("extended_bounds");
                body.insert("min_doc_count".to_owned(), json!(1));
                kind
            }
            "avg" => "stats",
            other => other,
        };
        out.insert(kind.to_owned(), Value::Object(body));
    }
    Ok(Value::Object(out))
}

fn terms(body: &mut Map<String, Value>, below: Option<&Value>, part: &str) -> Result<()> {
    for key in ["include", "exclude"] {
        if body.get(key).is_some_and(Value::is_string) {
            return Err(IndexError::request(
                format!("{part}.{key}"),
                "patterns differ between the local index and the search backend; give a list",
            ));
        }
    }
    // A size that is none is left for the check, which names it.
    if let Some(size) = body.get("size").map_or(Some(10), Value::as_u64)
        && (1..=MAX_TERMS).contains(&size)
    {
        let asked = size.saturating_mul(TERMS_FACTOR).clamp(LEAST_TERMS, MAX_TERMS);
        body.insert("size".to_owned(), json!(asked));
    }
    if body.get("min_doc_count").and_then(Value::as_u64).is_some_and(|least| least > 1) {
        body.insert("min_doc_count".to_owned(), json!(1));
    }
    let Some(Value::Object(order)) = body.get("order").cloned() else { return Ok(()) };
    let is_average = |name: &str| below.is_some_and(|below| below[name].get("avg").is_some());
    let order = order.into_iter().map(|(name, direction)| {
        let name = if is_average(&name) { format!("{name}.avg") } else { name };
        (name, direction)
    });
    body.insert("order".to_owned(), Value::Object(order.collect()));
    Ok(())
}

/// One range: from inclusive, to exclusive.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Range {
    pub(super) from: Option<f64>,
    pub(super) to: Option<f64>,
    pub(super) key: Option<String>,
}

impl Range {
    fn to_json(&self) -> Value {
        let mut range = Map::new();
        for (name, end) in [("from", self.from), ("to", self.to)] {
            range.extend(end.map(|end| (name.to_owned(), json!(end))));
        }
        range.extend(self.key.as_ref().map(|key| ("key".to_owned(), json!(key))));
        Value::Object(range)
    }
}

/// The ranges with what lies between and beyond them, in order, as the local engine answers.
pub(super) fn full_ranges(body: &Map<String, Value>, kind: Option<FieldKind>) -> Vec<Range> {
    let given = body.get("ranges").and_then(Value::as_array);
    let mut given: Vec<Range> = given
        .into_iter()
        .flatten()
        .map(|range| Range {
            // Nothing lies below 0 in a field that is never negative.
            from: range["from"]
                .as_f64()
                .filter(|from| kind != Some(FieldKind::Unsigned) || *from > 0.0),
            to: range["to"].as_f64(),
            key: range["key"].as_str().map(str::to_owned),
        })
        .collect();
    given.sort_by(|a, b| {
        let start = |range: &Range| range.from.unwrap_or(f64::NEG_INFINITY);
        start(a).total_cmp(&start(b))
    });
    let mut full: Vec<Range> = Vec::with_capacity(given.len() * 2 + 1);
    for range in given {
        let reached = full.last().and_then(|last| last.to);
        let has_hole = match (range.from, full.is_empty()) {
            (Some(_), true) => true,
            (Some(from), false) => reached.is_some_and(|reached| reached < from),
            (None, _) => false,
        };
        if has_hole {
            full.push(Range { from: reached, to: range.from, key: None });
        }
        full.push(range);
    }
    if let Some(end) = full.last().and_then(|last| last.to) {
        full.push(Range { from: Some(end), to: None, key: None });
    }
    full
}
