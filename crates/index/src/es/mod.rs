//! The Elasticsearch request form: what clients and dashboards send, answered from the same
//! index. What is not taken is refused by name, never ignored.

mod query;

use std::time::Instant;

use serde_json::{Map, Value, json};
use tantivy::Order;

use crate::aggregate;
use crate::compile::{Compiler, MAX_LANGUAGES};
use crate::condition::Condition;
use crate::engine;
use crate::error::{IndexError, Result};
use crate::searcher::{Hit, HitOrder, Page, Snapshot, check_page, elapsed_ms};

/// Answers one search request.
pub(crate) fn search(snapshot: &Snapshot, body: &Value) -> Result<Value> {
    let began = Instant::now();
    let request = Request::read(body)?;
    let found = engine::query(&snapshot.fields, &request.condition(snapshot, &[])?)?;
    let page = Page { limit: request.size, offset: request.from };
    let (total, hits) = snapshot.hits(&found, page, request.order)?;
    let counts = request
        .aggs
        .map(|(key, aggs)| aggregate::run(&snapshot.engine, &snapshot.fields, &found, aggs, key));
    request.answer(total, &hits, counts.transpose()?, elapsed_ms(began))
}

/// A request whose every part is known.
pub(crate) struct Request<'a> {
    query: Option<&'a Value>,
    /// With the key they stand under, for errors.
    pub(crate) aggs: Option<(&'static str, &'a Value)>,
    pub(crate) size: usize,
    pub(crate) from: usize,
    pub(crate) order: HitOrder,
    source: Source,
}

/// What of a contact goes into `_source`.
enum Source {
    All,
    Nothing,
    Fields(Vec<String>),
}

impl<'a> Request<'a> {
    pub(crate) fn read(body: &'a Value) -> Result<Request<'a>> {
        let body = body.as_object().ok_or_else(|| {
            IndexError::request("body", "a JSON object is expected, such as {\"query\": {…}}")
        })?;
        let mut request = Request {
            query: None,
            aggs: None,
            size: 10,
            from: 0,
            order: HitOrder::Score,
            source: Source::All,
        };
        for (key, value) in body {
            match key.as_str() {
                "query" => request.query = Some(value),
                "aggs" => request.aggs = Some(("aggs", value)),
                "aggregations" => request.aggs = Some(("aggregations", value)),
                "size" => request.size = count(value, "size")?,
                "from" => request.from = count(value, "from")?,
                "sort" => request.order = order(value)?,
                "_source" => request.source = source(value)?,
                // The total is always exact.
                "track_total_hits" => {}
                _ => {
                    return Err(IndexError::request(
                        key.clone(),
                        "not supported; a request takes query, aggs, size, from, sort, _source \
                         and track_total_hits",
                    ));
                }
            }
        }
        check_page(request.size, request.from)?;
        Ok(request)
    }

    /// What is asked. `elsewhere` are the languages of contacts that are asked beside these.
    pub(crate) fn condition(&self, snapshot: &Snapshot, elsewhere: &[String]) -> Result<Condition> {
        let Some(asked) = self.query else { return Ok(Condition::All) };
        let languages = match query::languages(asked) {
            Some(languages) => languages.into_iter().take(MAX_LANGUAGES).collect(),
            None => snapshot.languages_and(elsewhere)?,
        };
        let compiler = Compiler { fields: &snapshot.fields, languages };
        query::Translator::new(compiler).query(asked, "query", 0)
    }

    /// The answer in the form that clients expect.
    pub(crate) fn answer(
        &self,
        total: u64,
        hits: &[Hit],
        counts: Option<Value>,
        took_ms: u64,
    ) -> Result<Value> {
        let max_score = hits.iter().filter_map(|hit| hit.score).reduce(f32::max);
        let hits: Vec<Value> = hits.iter().map(|hit| shown(hit, self)).collect::<Result<_>>()?;
        let mut answer = json!({
            "took": took_ms,
            "timed_out": false,
            "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
            "hits": {
                "total": {"value": total, "relation": "eq"},
                "max_score": max_score,
                "hits": hits,
            },
        });
        if let Some(counts) = counts {
            answer["aggregations"] = counts;
        }
        Ok(answer)
    }
}

fn count(value: &Value, part: &str) -> Result<usize> {
    let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| IndexError::request(part, "a whole number is expected"))
}

/// One sort key; `_doc` and `_score` may follow as tie breakers, since ties keep index order.
fn order(value: &Value) -> Result<HitOrder> {
    let keys = match value {
        Value::Array(keys) => keys.as_slice(),
        key => std::slice::from_ref(key),
    };
    let Some((first, rest)) = keys.split_first() else { return Ok(HitOrder::Score) };
    let order = sort_key(first)?.unwrap_or(HitOrder::Score);
    if rest.iter().any(|key| key != "_doc" && key != "_score") {
        return Err(IndexError::request("sort[1]", "hits are sorted by one key only"));
    }
    Ok(order)
}

fn sort_key(key: &Value) -> Result<Option<HitOrder>> {
    let wrong = || {
        IndexError::request(
            "sort",
            "sorted by \"_score\" or by occurred_at: {\"occurred_at\": \"desc\"}",
        )
    };
    let (name, direction) = match key {
        Value::String(name) => (name.as_str(), None),
        Value::Object(object) if object.len() == 1 => {
            let (name, direction) = object.iter().next().ok_or_else(wrong)?;
            let direction = match direction {
                Value::Object(options) => options.get("order"),
                direction => Some(direction),
            };
            (name.as_str(), direction)
        }
        _ => return Err(wrong()),
    };
    let direction = match direction.map(|value| value.as_str()) {
        None => None,
        Some(Some("asc")) => Some(Order::Asc),
        Some(Some("desc")) => Some(Order::Desc),
        Some(_) => return Err(wrong()),
    };
    match (name, direction) {
        ("occurred_at", direction) => Ok(Some(HitOrder::Time(direction.unwrap_or(Order::Asc)))),
        ("_score", None | Some(Order::Desc)) => Ok(Some(HitOrder::Score)),
        ("_doc", None) => Ok(None),
        _ => Err(wrong()),
    }
}

fn source(value: &Value) -> Result<Source> {
    let wrong = || IndexError::request("_source", "true, false, a field or a list of fields");
    Ok(match value {
        Value::Bool(true) => Source::All,
        Value::Bool(false) => Source::Nothing,
        Value::String(field) => Source::Fields(vec![field.clone()]),
        Value::Array(fields) => {
            let names: Option<Vec<_>> =
                fields.iter().map(|field| field.as_str().map(str::to_owned)).collect();
            Source::Fields(names.ok_or_else(wrong)?)
        }
        _ => return Err(wrong()),
    })
}

fn shown(hit: &Hit, request: &Request<'_>) -> Result<Value> {
    let contact = serde_json::to_value(&hit.contact)
        .map_err(|error| IndexError::request("_source", error.to_string()))?;
    let mut out = json!({
        "_index": "contacts",
        "_id": hit.contact.contact_key,
        "_score": hit.score,
    });
    match (&request.source, contact) {
        (Source::Nothing, _) => {}
        (Source::Fields(fields), Value::Object(contact)) => {
            let kept: Map<String, Value> =
                contact.into_iter().filter(|(name, _)| fields.contains(name)).collect();
            out["_source"] = Value::Object(kept);
        }
        (_, contact) => out["_source"] = contact,
    }
    if matches!(request.order, HitOrder::Time(_)) {
        out["sort"] = json!([hit.contact.occurred_at.0]);
    }
    Ok(out)
}
