//! Two sides' counts put together, as one index would give them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use quell_model::TimeMs;
use serde_json::{Map, Value, json};

use super::asked::{Range, full_ranges};
use super::backend::BackendError;
use crate::aggregate::MAX_BUCKETS;
use crate::aggregate::shape::{bounds, duration_ms, object, plain_interval};
use crate::error::{IndexError, Result};
use crate::schema::kind_of;

/// The answer to `aggs`, from the sides' answers to [`super::asked::of_each`]. No side at all
/// gives what an index without contacts would.
pub(super) fn counts(aggs: &Value, part: &str, sides: &[&Value]) -> Result<Value> {
    let mut left = MAX_BUCKETS;
    all(aggs, part, sides, &mut left)
}

fn all(aggs: &Value, part: &str, sides: &[&Value], left: &mut u64) -> Result<Value> {
    let mut out = Map::new();
    for (name, agg) in object(aggs, part)? {
        let part = format!("{part}.{name}");
        let agg = object(agg, &part)?;
        let below = agg.get("aggs").or_else(|| agg.get("aggregations"));
        let kind = agg.iter().find(|(key, _)| !matches!(key.as_str(), "aggs" | "aggregations"));
        let Some((kind, body)) = kind else { continue };
        let mut parts = Vec::with_capacity(sides.len());
        for side in sides {
            let counts = side.get(name).ok_or_else(|| lacks(&part))?;
            parts.push(counts);
        }
        let mut merger = Merger { body: object(body, &part)?, below, part: &part, left };
        out.insert(name.clone(), merger.merge(kind, &parts)?);
    }
    Ok(Value::Object(out))
}

fn lacks(part: &str) -> IndexError {
    BackendError::Answer(format!("its answer lacks what {part} asks for")).into()
}

/// One aggregation.
struct Merger<'a> {
    body: &'a Map<String, Value>,
    below: Option<&'a Value>,
    part: &'a str,
    /// Buckets that the answer may still have.
    left: &'a mut u64,
}

/// A bucket under way: what it begins with, its count, and the sides' shares of it.
struct Bucket<'s> {
    head: Map<String, Value>,
    count: u64,
    shares: Vec<&'s Value>,
}

impl Bucket<'_> {
    fn new<'s>() -> Bucket<'s> {
        Bucket { head: Map::new(), count: 0, shares: Vec::new() }
    }
}

impl<'a> Merger<'a> {
    fn merge(&mut self, kind: &str, sides: &[&Value]) -> Result<Value> {
        match kind {
            "terms" => self.terms(sides),
            "range" => self.ranges(sides),
            "histogram" | "date_histogram" => self.histogram(kind, sides),
            _ => Ok(number(kind, sides)),
        }
    }

    fn terms(&mut self, sides: &[&Value]) -> Result<Value> {
        let mut found: BTreeMap<Key, Bucket<'_>> = BTreeMap::new();
        let (mut beyond, mut error) = (0, 0);
        for side in sides {
            let buckets = self.buckets(side)?;
            let left_out = side["sum_other_doc_count"].as_u64().unwrap_or(0);
            beyond += left_out;
            if left_out > 0 {
                error += buckets.last().map_or(0, count);
            }
            for bucket in buckets {
                let known = found.entry(Key::of(&bucket["key"])).or_insert_with(Bucket::new);
                known.count += count(bucket);
                known.shares.push(bucket);
                for name in ["key", "key_as_string"] {
                    if let Some(value) = bucket.get(name) {
                        known.head.entry(name).or_insert_with(|| value.clone());
                    }
                }
            }
        }
        let least = self.body.get("min_doc_count").and_then(Value::as_u64).unwrap_or(1);
        let mut buckets = Vec::new();
        for (key, bucket) in found {
            if bucket.count >= least {
                buckets.push((key, self.finished(bucket)?));
            }
        }
        self.sort(&mut buckets);
        let size = self.body.get("size").and_then(Value::as_u64).unwrap_or(10);
        let size = usize::try_from(size).unwrap_or(usize::MAX).min(buckets.len());
        let cut: u64 = buckets.drain(size..).map(|(_, bucket)| count(&bucket)).sum();
        let buckets: Vec<Value> = buckets.into_iter().map(|(_, bucket)| bucket).collect();
        Ok(json!({
            "buckets": buckets,
            "doc_count_error_upper_bound": error,
            "sum_other_doc_count": beyond + cut,
        }))
    }

    /// The order that was asked for; without one, the greatest count first, then by key.
    fn sort(&self, buckets: &mut [(Key, Value)]) {
        let order = self.body.get("order").and_then(Value::as_object);
        let order = order.and_then(|order| order.iter().next());
        let (by, direction) =
            order.map_or(("_count", "desc"), |(by, to)| (by.as_str(), to.as_str().unwrap_or("")));
        let value = |bucket: &Value| match by {
            "_count" => bucket["doc_count"].as_f64(),
            by => match by.split_once('.') {
                Some((name, figure)) => bucket[name][figure].as_f64(),
                None => bucket[by]["value"].as_f64(),
            },
        };
        let ordered = |order: Ordering| if direction == "asc" { order } else { order.reverse() };
        buckets.sort_by(|(key_a, a), (key_b, b)| {
            if by == "_key" {
                return ordered(key_a.cmp(key_b));
            }
            let order = match (value(a), value(b)) {
                (Some(a), Some(b)) => ordered(a.total_cmp(&b)),
                // Whatever has no figure stands last.
                (a, b) => b.is_some().cmp(&a.is_some()),
            };
            order.then_with(|| key_a.cmp(key_b))
        });
    }

    fn ranges(&mut self, sides: &[&Value]) -> Result<Value> {
        let kind = self.body.get("field").and_then(Value::as_str).and_then(kind_of);
        let ranges = full_ranges(self.body, kind);
        let mut lists = Vec::with_capacity(sides.len());
        for side in sides {
            let buckets = self.buckets(side)?;
            if buckets.len() != ranges.len() {
                return Err(lacks(self.part));
            }
            lists.push(buckets);
        }
        let mut out = Vec::with_capacity(ranges.len());
        // The local engine puts no ranges into a bucket that only fills a gap.
        let ranges = if sides.is_empty() { &[] } else { ranges.as_slice() };
        for (n, range) in ranges.iter().enumerate() {
            let mut bucket = Bucket::new();
            bucket.head = head(range);
            for shares in &lists {
                bucket.count += count(&shares[n]);
                bucket.shares.push(&shares[n]);
            }
            out.push(self.finished(bucket)?);
        }
        Ok(json!({"buckets": self.keyed(out)}))
    }

    fn histogram(&mut self, kind: &str, sides: &[&Value]) -> Result<Value> {
        let is_time = kind == "date_histogram";
        let grid = Grid::of(self.body, is_time, self.part)?;
        let mut found: BTreeMap<i64, Bucket<'_>> = BTreeMap::new();
        for side in sides {
            for bucket in self.buckets(side)? {
                let key = bucket["key"].as_f64().ok_or_else(|| lacks(self.part))?;
                let known = found.entry(grid.place_of(key)).or_insert_with(Bucket::new);
                known.count += count(bucket);
                known.shares.push(bucket);
            }
        }
        let least = self.body.get("min_doc_count").and_then(Value::as_u64).unwrap_or(0);
        let ends = (found.keys().next().copied(), found.keys().next_back().copied());
        let mut ends = ends.0.zip(ends.1);
        if let Some((low, high)) = bounds(self.body, "extended_bounds", self.part)? {
            let (low, high) = (grid.floor(low), grid.floor(high));
            ends = Some(ends.map_or((low, high), |(a, b)| (a.min(low), b.max(high))));
        }
        let Some((first, last)) = ends else { return Ok(json!({"buckets": self.keyed(vec![])})) };
        let is_filled = least == 0;
        if is_filled && last.saturating_sub(first).unsigned_abs() >= *self.left {
            return Err(self.too_many());
        }
        let places: Vec<i64> =
            if is_filled { (first..=last).collect() } else { found.keys().copied().collect() };
        let mut out = Vec::with_capacity(places.len());
        for place in places {
            let mut bucket = found.remove(&place).unwrap_or_else(Bucket::new);
            if bucket.count < least {
                continue;
            }
            let key = grid.key(place);
            bucket.head.insert("key".to_owned(), json!(key));
            if is_time {
                let time = TimeMs(key as i64).to_string();
                bucket.head.insert("key_as_string".to_owned(), json!(time));
            }
            out.push(self.finished(bucket)?);
        }
        Ok(json!({"buckets": self.keyed(out)}))
    }

    fn buckets<'s>(&self, side: &'s Value) -> Result<&'s Vec<Value>> {
        side["buckets"].as_array().ok_or_else(|| lacks(self.part))
    }

    /// The bucket with its count and what is below it.
    fn finished(&mut self, bucket: Bucket<'_>) -> Result<Value> {
        *self.left = self.left.checked_sub(1).ok_or_else(|| self.too_many())?;
        let mut out = bucket.head;
        out.insert("doc_count".to_owned(), json!(bucket.count));
        if let Some(below) = self.below {
            let part = format!("{}.aggs", self.part);
            if let Value::Object(figures) = all(below, &part, &bucket.shares, self.left)? {
                out.extend(figures);
            }
        }
        Ok(Value::Object(out))
    }

    fn too_many(&self) -> IndexError {
        let problem = format!("the answer would have more than {MAX_BUCKETS} buckets");
        IndexError::request(self.part, problem)
    }

    /// The buckets as a list, or by their keys where that was asked for.
    fn keyed(&self, buckets: Vec<Value>) -> Value {
        if self.body.get("keyed") != Some(&Value::Bool(true)) {
            return Value::Array(buckets);
        }
        let named = buckets.into_iter().map(|bucket| {
            // As the local engine names them.
            let key = match (&bucket["key"], bucket["key"].as_f64()) {
                (Value::String(key), _) => key.clone(),
                (_, Some(number)) => number.to_string(),
                (other, None) => other.to_string(),
            };
            (key, bucket)
        });
        Value::Object(named.collect())
    }
}

fn head(range: &Range) -> Map<String, Value> {
    let end = |end: Option<f64>| end.map_or("*".to_owned(), |end| end.to_string());
    let key = format!("{}-{}", end(range.from), end(range.to));
    let mut head = Map::new();
    head.insert("key".to_owned(), json!(range.key.clone().unwrap_or(key)));
    for (name, end) in [("from", range.from), ("to", range.to)] {
        head.extend(end.map(|end| (name.to_owned(), json!(end))));
    }
    head
}

fn count(bucket: &Value) -> u64 {
    bucket["doc_count"].as_u64().unwrap_or(0)
}

/// Where the buckets of a histogram lie.
struct Grid {
    interval: f64,
    offset: f64,
}

impl Grid {
    fn of(body: &Map<String, Value>, is_time: bool, part: &str) -> Result<Grid> {
        if !is_time {
            let number = |name: &str| body.get(name).and_then(Value::as_f64);
            let interval = number("interval").unwrap_or(1.0);
            return Ok(Grid { interval, offset: number("offset").unwrap_or(0.0) });
        }
        let mut body = body.clone();
        plain_interval(&mut body, part)?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or("");
        let interval = duration_ms(text("fixed_interval")).unwrap_or(1);
        let (sign, size) = match text("offset").strip_prefix('-') {
            Some(size) => (-1, size),
            None => (1, text("offset").trim_start_matches('+')),
        };
        let offset = sign * duration_ms(size).unwrap_or(0);
        Ok(Grid { interval: interval as f64, offset: offset as f64 })
    }

    fn place_of(&self, key: f64) -> i64 {
        ((key - self.offset) / self.interval).round() as i64
    }

    fn floor(&self, value: f64) -> i64 {
        ((value - self.offset) / self.interval).floor() as i64
    }

    fn key(&self, place: i64) -> f64 {
        place as f64 * self.interval + self.offset
    }
}

/// A term, in an order that both engines have: numbers by value, then words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// A number, by bits that are in the order of their values.
    Number(u64),
    Word(String),
}

impl Key {
    fn of(key: &Value) -> Key {
        match key.as_f64() {
            Some(number) => {
                let bits = number.to_bits();
                let is_negative = bits >> 63 == 1;
                Key::Number(if is_negative { !bits } else { bits | 1 << 63 })
            }
            None => Key::Word(key.as_str().map_or_else(|| key.to_string(), str::to_owned)),
        }
    }
}

/// A figure over all sides. What was asked as an average comes as its sum and count.
fn number(kind: &str, sides: &[&Value]) -> Value {
    let figure = |name: &'static str| sides.iter().filter_map(move |side| side[name].as_f64());
    let (sum, count): (f64, f64) = (figure("sum").sum(), figure("count").sum());
    let average = (count > 0.0).then(|| sum / count);
    match kind {
        "avg" => json!({"value": average}),
        "stats" => json!({
            "count": count as u64,
            "min": figure("min").reduce(f64::min),
            "max": figure("max").reduce(f64::max),
            "avg": average,
            "sum": sum,
        }),
        "min" => json!({"value": figure("value").reduce(f64::min)}),
        "max" => json!({"value": figure("value").reduce(f64::max)}),
        // sum and value_count
        _ => json!({"value": figure("value").sum::<f64>()}),
    }
}
