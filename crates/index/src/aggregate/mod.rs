//! Counts in the Elasticsearch form, checked before the engine sees them.
//!
//! The engine fills the gaps of a histogram before it looks at its own limit, and ignores keys it
//! does not know. So every aggregation is read here first: unknown parts are refused by name, and
//! what would be built is estimated from what the query finds.

pub(crate) mod shape;

use serde_json::{Map, Value, json};
use tantivy::aggregation::agg_req::Aggregations;
use tantivy::aggregation::{AggContextParams, AggregationCollector, AggregationLimitsGuard};
use tantivy::query::Query;

use self::shape::{KINDS, bounds, duration_ms, fits, object, plain_interval, ranges};
use crate::error::{IndexError, Result};
use crate::schema::{FieldKind, Fields, full_name_of, kind_of};

/// The most buckets one answer may have.
pub const MAX_BUCKETS: u64 = 65_000;
/// The most aggregations in one request, nested ones included.
pub const MAX_AGGREGATIONS: usize = 32;

/// Buckets that may exist while an answer is put together: the engine fills the gaps of terms
/// that it drops afterwards.
const MAX_BUCKETS_IN_FLIGHT: u64 = 1_000_000;
const MAX_AGGREGATION_BYTES: u64 = 200_000_000;
const MAX_NESTING: usize = 6;
/// The most terms of one aggregation.
pub(crate) const MAX_TERMS: u64 = 10_000;
const MAX_PERCENTS: usize = 128;
const MAX_PATTERN_CHARS: usize = 256;
/// The engine keeps this many times the asked terms of each segment.
const KEPT_PER_TERM: u64 = 10;

/// Checks, runs and answers. `part` is what the caller calls the aggregations, for errors.
pub(crate) fn run(
    engine: &tantivy::Searcher,
    fields: &Fields,
    query: &dyn Query,
    aggs: &Value,
    part: &str,
) -> Result<Value> {
    run_checked(engine, fields, query, aggs, part).map(|(answer, _)| answer)
}

/// As [`run`], with the request as it was checked: full names, intervals of fixed length.
pub(crate) fn run_checked(
    engine: &tantivy::Searcher,
    fields: &Fields,
    query: &dyn Query,
    aggs: &Value,
    part: &str,
) -> Result<(Value, Value)> {
    let mut checker = Checker { engine, query, found: None, count: 0 };
    let (checked, in_flight) = checker.all(aggs, part, 1)?;
    if in_flight > MAX_BUCKETS_IN_FLIGHT {
        return Err(IndexError::request(
            part,
            "the answer would have too many buckets; use a longer interval, a shorter time, \
             fewer terms, or \"min_doc_count\": 1",
        ));
    }
    let request: Aggregations = serde_json::from_value(checked.clone())
        .map_err(|error| IndexError::request(part, error.to_string()))?;
    let bucket_limit = u32::try_from(MAX_BUCKETS).unwrap_or(u32::MAX);
    let limits = AggregationLimitsGuard::new(Some(MAX_AGGREGATION_BYTES), Some(bucket_limit));
    let context = AggContextParams::new(limits, engine.index().tokenizers().clone());
    let collector = AggregationCollector::from_aggs(request, context);
    debug_assert_eq!(engine.schema(), &fields.schema);
    let result = engine.search(query, &collector).map_err(|error| match error {
        tantivy::TantivyError::AggregationError(error) => {
            IndexError::request(part, error.to_string())
        }
        tantivy::TantivyError::InvalidArgument(problem) => IndexError::request(part, problem),
        error => error.into(),
    })?;
    let answer = serde_json::to_value(result)
        .map_err(|error| IndexError::request(part, error.to_string()))?;
    Ok((answer, checked))
}

/// What the query finds in one field: how many values, the least and the greatest.
#[derive(Clone, Copy)]
struct Extent {
    count: u64,
    min: f64,
    max: f64,
}

struct Checker<'a> {
    engine: &'a tantivy::Searcher,
    query: &'a dyn Query,
    found: Option<(String, Extent)>,
    count: usize,
}

impl Checker<'_> {
    /// The aggregations as the engine takes them, and how many buckets they may build.
    fn all(&mut self, aggs: &Value, part: &str, depth: usize) -> Result<(Value, u64)> {
        let aggs = object(aggs, part)?;
        if depth > MAX_NESTING {
            return Err(IndexError::request(part, format!("at most {MAX_NESTING} levels")));
        }
        let mut out = Map::new();
        let mut buckets = 0_u64;
        for (name, agg) in aggs {
            self.count += 1;
            if self.count > MAX_AGGREGATIONS {
                let most = format!("at most {MAX_AGGREGATIONS} aggregations");
                return Err(IndexError::request(part, most));
            }
            let (agg, built) = self.one(agg, &format!("{part}.{name}"), depth)?;
            buckets = buckets.saturating_add(built);
            out.insert(name.clone(), agg);
        }
        Ok((Value::Object(out), buckets))
    }

    fn one(&mut self, agg: &Value, part: &str, depth: usize) -> Result<(Value, u64)> {
        let mut kind = None;
        let mut below = None;
        for (key, value) in object(agg, part)? {
            let known = KINDS.iter().find(|(name, _)| name == key);
            match (key.as_str(), known) {
                ("aggs" | "aggregations", _) => below = Some(value),
                (_, Some(known)) if kind.is_none() => kind = Some((known, value)),
                (_, Some(_)) => {
                    return Err(IndexError::request(
                        format!("{part}.{key}"),
                        "an aggregation has one kind; nest the other under \"aggs\"",
                    ));
                }
                (_, None) => {
                    let kinds: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
                    return Err(IndexError::request(
                        format!("{part}.{key}"),
                        format!("not supported; there are {}", kinds.join(", ")),
                    ));
                }
            }
        }
        let Some(((kind, keys), body)) = kind else {
            return Err(IndexError::request(part, "the kind is missing, such as \"terms\""));
        };
        let (body, own) = self.body(kind, keys, body, &format!("{part}.{kind}"))?;
        let mut out = Map::new();
        out.insert((*kind).to_owned(), body);
        let mut each = 1;
        if let Some(below) = below {
            if own == 0 {
                let problem = format!("{kind} is a number and has nothing below it");
                return Err(IndexError::request(format!("{part}.aggs"), problem));
            }
            let (below, built) = self.all(below, &format!("{part}.aggs"), depth + 1)?;
            out.insert("aggs".to_owned(), below);
            each = built.saturating_add(1);
        }
        Ok((Value::Object(out), own.saturating_mul(each)))
    }

    /// The body of one aggregation and its own number of buckets; 0 for a single number.
    fn body(
        &mut self,
        kind: &str,
        keys: &[&str],
        body: &Value,
        part: &str,
    ) -> Result<(Value, u64)> {
        let mut body = object(body, part)?.clone();
        if let Some(key) = body.keys().find(|key| !keys.contains(&key.as_str())) {
            let problem = format!("not supported; {kind} takes {}", keys.join(", "));
            return Err(IndexError::request(format!("{part}.{key}"), problem));
        }
        let field_part = format!("{part}.field");
        let name = body.get("field").and_then(Value::as_str).unwrap_or("").to_owned();
        let (Some(field_kind), Some(name)) = (kind_of(&name), full_name_of(&name)) else {
            return Err(IndexError::request(field_part, format!("there is no field `{name}`")));
        };
        if !fits(kind, field_kind) {
            let problem = format!("{kind} cannot be taken over {name}");
            return Err(IndexError::request(field_part, problem));
        }
        body.insert("field".to_owned(), json!(name));
        let own = match kind {
            "terms" => self.terms(&name, &body, part)?,
            "range" => ranges(&body, part)?,
            "histogram" => self.histogram(&name, &body, part)?,
            "date_histogram" => {
                plain_interval(&mut body, part)?;
                self.date_histogram(&name, &body, part)?
            }
            "percentiles" => {
                let percents = body.get("percents").and_then(Value::as_array);
                if percents.is_some_and(|list| list.len() > MAX_PERCENTS) {
                    let problem = format!("at most {MAX_PERCENTS}");
                    return Err(IndexError::request(format!("{part}.percents"), problem));
                }
                0
            }
            _ => 0,
        };
        Ok((Value::Object(body), own))
    }

    fn terms(&self, field: &str, body: &Map<String, Value>, part: &str) -> Result<u64> {
        let size = match body.get("size") {
            None => 10,
            Some(size) => size.as_u64().unwrap_or(0),
        };
        if size == 0 || size > MAX_TERMS {
            let problem = format!("1 to {MAX_TERMS}");
            return Err(IndexError::request(format!("{part}.size"), problem));
        }
        for key in ["include", "exclude"] {
            let long = |value: &Value| match value {
                Value::String(text) => text.chars().count() > MAX_PATTERN_CHARS,
                Value::Array(list) => list.len() as u64 > MAX_TERMS,
                _ => true,
            };
            if body.get(key).is_some_and(long) {
                return Err(IndexError::request(
                    format!("{part}.{key}"),
                    format!("a pattern of at most {MAX_PATTERN_CHARS} characters, or a list"),
                ));
            }
        }
        let kept = size.saturating_mul(KEPT_PER_TERM);
        let mut distinct = 0_u64;
        for segment in self.engine.segment_readers() {
            let terms = match segment.fast_fields().str(field) {
                Ok(Some(column)) => column.num_terms() as u64,
                _ => u64::from(segment.max_doc()),
            };
            distinct = distinct.saturating_add(terms.min(kept));
        }
        Ok(distinct.clamp(1, kept.max(1)))
    }

    fn histogram(&mut self, field: &str, body: &Map<String, Value>, part: &str) -> Result<u64> {
        let interval = body.get("interval").and_then(Value::as_f64).unwrap_or(0.0);
        if !interval.is_finite() || interval <= 0.0 {
            let problem = "a number greater than 0";
            return Err(IndexError::request(format!("{part}.interval"), problem));
        }
        self.filled(field, interval, body, part)
    }

    fn date_histogram(
        &mut self,
        field: &str,
        body: &Map<String, Value>,
        part: &str,
    ) -> Result<u64> {
        let interval = body.get("fixed_interval").and_then(Value::as_str).unwrap_or("");
        let Some(interval_ms) = duration_ms(interval) else {
            return Err(IndexError::request(
                format!("{part}.fixed_interval"),
                format!("`{interval}` is no interval; write 30m, 1h, 1d or 7d"),
            ));
        };
        if let Some(offset) = body.get("offset") {
            let text = offset.as_str().unwrap_or("");
            if duration_ms(text.trim_start_matches(['+', '-'])).is_none() {
                return Err(IndexError::request(
                    format!("{part}.offset"),
                    format!("`{text}` is no offset; write 6h or -1d"),
                ));
            }
        }
        self.filled(field, interval_ms as f64, body, part)
    }

    /// The buckets of a histogram with its gaps filled, if they are.
    fn filled(
        &mut self,
        field: &str,
        interval: f64,
        body: &Map<String, Value>,
        part: &str,
    ) -> Result<u64> {
        let hard = bounds(body, "hard_bounds", part)?;
        let extended = bounds(body, "extended_bounds", part)?;
        let extent = self.extent(field)?;
        let (mut low, mut high) = (extent.min, extent.max);
        if extent.count == 0 {
            (low, high) = extended.unwrap_or((0.0, 0.0));
        }
        if let Some((from, to)) = extended {
            (low, high) = (low.min(from), high.max(to));
        }
        if let Some((from, to)) = hard {
            (low, high) = (low.max(from), high.min(to));
        }
        let span = ((high - low) / interval).clamp(0.0, 1e18) as u64 + 2;
        let fills = body.get("min_doc_count").and_then(Value::as_u64).unwrap_or(0) == 0;
        Ok(if fills { span } else { span.min(extent.count.max(1)) })
    }

    /// What the query finds in a number or time field; asked once per field and request.
    fn extent(&mut self, field: &str) -> Result<Extent> {
        if let Some((_, extent)) = self.found.as_ref().filter(|(name, _)| name == field) {
            return Ok(*extent);
        }
        let request = json!({"found": {"stats": {"field": field}}});
        let request: Aggregations = serde_json::from_value(request)
            .map_err(|error| IndexError::request(field, error.to_string()))?;
        let context = AggContextParams::new(
            AggregationLimitsGuard::default(),
            self.engine.index().tokenizers().clone(),
        );
        let result =
            self.engine.search(self.query, &AggregationCollector::from_aggs(request, context))?;
        let result = serde_json::to_value(result).unwrap_or_default();
        let number = |name: &str| result["found"][name].as_f64().unwrap_or(0.0);
        let count = number("count") as u64;
        // The engine gives times in nanoseconds here, and takes milliseconds elsewhere.
        let scale = if kind_of(field) == Some(FieldKind::Time) { 1e6 } else { 1.0 };
        let extent = Extent { count, min: number("min") / scale, max: number("max") / scale };
        self.found = Some((field.to_owned(), extent));
        Ok(extent)
    }
}
