//! Contacts in two places: those that can still change here, the settled ones at a search backend.
//! Every question goes to both, and what they answer is put together.

mod asked;
mod backend;
mod merged;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tantivy::Order;

use crate::aggregate;
use crate::condition::Condition;
use crate::elastic;
use crate::engine;
use crate::error::{IndexError, Result};
use crate::es::Request;
use crate::record::shown_of;
use crate::searcher::{
    Hit, HitOrder, Page, SearchRequest, SearchResponse, Searcher, check_page, elapsed_ms,
};

pub use backend::{BackendError, SearchBackend};

/// How long the backend's languages are taken for known. A contact is here for days before it is
/// there, so a new language is known in any case.
const LANGUAGES_HOLD: Duration = Duration::from_secs(60);

/// Asks for contacts, wherever they are.
#[derive(Clone)]
pub struct ContactSearch {
    here: Searcher,
    settled: Option<Settled>,
}

/// The contacts at the backend.
#[derive(Clone)]
struct Settled {
    backend: Arc<dyn SearchBackend>,
    languages: Arc<Mutex<Option<Languages>>>,
}

/// The languages of the contacts there, as they were a short while ago.
#[derive(Clone)]
struct Languages {
    asked_at: Instant,
    codes: Vec<String>,
}

/// What one side found.
struct Found {
    total: u64,
    hits: Vec<Hit>,
    counts: Value,
}

impl ContactSearch {
    /// All contacts are in this index.
    pub fn new(here: Searcher) -> Self {
        ContactSearch { here, settled: None }
    }

    /// The settled contacts are at the backend.
    pub fn with_backend(here: Searcher, backend: Arc<dyn SearchBackend>) -> Self {
        ContactSearch { here, settled: Some(Settled { backend, languages: Arc::default() }) }
    }

    /// The index on this machine.
    pub fn here(&self) -> &Searcher {
        &self.here
    }

    /// Finds contacts, as [`Searcher::search`].
    ///
    /// # Errors
    /// As there; [`IndexError::Backend`] where the backend does not answer, and
    /// [`IndexError::Request`] for what it cannot be asked.
    pub fn search(&self, request: &SearchRequest) -> Result<SearchResponse> {
        let Some(settled) = &self.settled else { return self.here.search(request) };
        let began = Instant::now();
        check_page(request.limit, request.offset)?;
        let snapshot = self.here.snapshot();
        let languages = settled.languages()?;
        let condition =
            snapshot.condition(request.query.as_deref(), &request.filters, &languages)?;
        let page = Page { limit: request.limit, offset: request.offset };
        let order = request.sort.order();
        let local = engine::query(&snapshot.fields, &condition)?;
        let (total, hits) = snapshot.hits(&local, page.reaching(), order)?;
        let there = settled.found(&condition, &page, order, None)?;
        let total = total.saturating_add(there.total);
        let hits = in_order(hits, there.hits, order, &page);
        Ok(SearchResponse { total, hits, took_ms: elapsed_ms(began) })
    }

    /// Answers a search request of the Elasticsearch form, as [`Searcher::es_search`].
    ///
    /// # Errors
    /// As [`ContactSearch::search`].
    pub fn es_search(&self, body: &Value) -> Result<Value> {
        let Some(settled) = &self.settled else { return self.here.es_search(body) };
        let began = Instant::now();
        let request = Request::read(body)?;
        let snapshot = self.here.snapshot();
        let condition = request.condition(&snapshot, &settled.languages()?)?;
        let page = Page { limit: request.size, offset: request.from };
        let local = engine::query(&snapshot.fields, &condition)?;
        let (total, hits) = snapshot.hits(&local, page.reaching(), request.order)?;
        let mut counts = None;
        let mut asked = None;
        if let Some((part, aggs)) = request.aggs {
            let wanted = asked::of_each(aggs, part)?;
            let (engine, fields) = (&snapshot.engine, &snapshot.fields);
            let (here, checked) = aggregate::run_checked(engine, fields, &local, &wanted, part)?;
            asked = Some(checked);
            counts = Some((part, aggs, here));
        }
        let there = settled.found(&condition, &page, request.order, asked.as_ref())?;
        let counts = counts
            .map(|(part, aggs, here)| merged::counts(aggs, part, &[&here, &there.counts]))
            .transpose()?;
        let hits = in_order(hits, there.hits, request.order, &page);
        request.answer(total.saturating_add(there.total), &hits, counts, elapsed_ms(began))
    }
}

impl Page {
    /// So many hits that the page can be cut from those of two sides.
    fn reaching(&self) -> Page {
        let limit = if self.limit == 0 { 0 } else { self.limit + self.offset };
        Page { limit, offset: 0 }
    }
}

/// One page of the hits of both sides. Where they are level, those that can still change come
/// first.
fn in_order(here: Vec<Hit>, there: Vec<Hit>, order: HitOrder, page: &Page) -> Vec<Hit> {
    let mut hits = here;
    hits.extend(there);
    match order {
        HitOrder::Time(Order::Asc) => hits.sort_by_key(|hit| hit.contact.occurred_at),
        HitOrder::Time(Order::Desc) => {
            hits.sort_by_key(|hit| std::cmp::Reverse(hit.contact.occurred_at));
        }
        HitOrder::Score => hits.sort_by(|a, b| {
            let score = |hit: &Hit| hit.score.unwrap_or(0.0);
            score(b).total_cmp(&score(a))
        }),
    }
    hits.into_iter().skip(page.offset).take(page.limit).collect()
}

impl Settled {
    /// Asks the backend.
    fn found(
        &self,
        condition: &Condition,
        page: &Page,
        order: HitOrder,
        aggs: Option<&Value>,
    ) -> Result<Found> {
        let query = elastic::query(condition)
            .map_err(|problem| IndexError::request("search backend", problem))?;
        let mut body = Map::new();
        body.insert("query".to_owned(), query);
        body.insert("size".to_owned(), json!(page.reaching().limit));
        body.insert("track_total_hits".to_owned(), json!(true));
        if page.limit > 0 {
            body.insert("sort".to_owned(), sort(order));
        }
        if let Some(aggs) = aggs {
            body.insert("aggs".to_owned(), aggs.clone());
        }
        let answer = self.backend.search(&Value::Object(body))?;
        Ok(read(answer, order)?)
    }

    /// The languages of the contacts there.
    fn languages(&self) -> Result<Vec<String>> {
        let known = self.languages.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| known.asked_at.elapsed() < LANGUAGES_HOLD) {
            return Ok(known.codes);
        }
        let size = crate::compile::MAX_LANGUAGES;
        let answer = self.backend.search(&json!({
            "size": 0,
            "aggs": {"languages": {"terms": {"field": "language", "size": size}}},
        }))?;
        let buckets = answer["aggregations"]["languages"]["buckets"].as_array();
        let Some(buckets) = buckets else {
            let missing = "its answer has no counts of languages";
            return Err(BackendError::Answer(missing.to_owned()).into());
        };
        let codes: Vec<String> =
            buckets.iter().filter_map(|b| Some(b["key"].as_str()?.to_owned())).collect();
        let now = Languages { asked_at: Instant::now(), codes: codes.clone() };
        *self.languages.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(codes)
    }
}

fn sort(order: HitOrder) -> Value {
    match order {
        HitOrder::Score => json!([{"_score": {"order": "desc"}}]),
        HitOrder::Time(Order::Asc) => json!([{"occurred_at": {"order": "asc"}}]),
        HitOrder::Time(Order::Desc) => json!([{"occurred_at": {"order": "desc"}}]),
    }
}

/// Reads an answer. One that is of a part of the contacts only is none.
fn read(mut answer: Value, order: HitOrder) -> std::result::Result<Found, BackendError> {
    let failed = answer["_shards"]["failed"].as_u64().unwrap_or(0);
    if answer["timed_out"] == true || failed > 0 {
        let what = "it answered for a part of its contacts only; look at its health";
        return Err(BackendError::Answer(what.to_owned()));
    }
    let total = match &answer["hits"]["total"] {
        Value::Object(total) if total.get("relation").is_none_or(|r| r == "eq") => {
            total.get("value").and_then(Value::as_u64)
        }
        total => total.as_u64(),
    };
    let Some(total) = total else {
        return Err(BackendError::Answer("its answer has no exact total of hits".to_owned()));
    };
    let found = answer["hits"]["hits"].as_array();
    let hits = found.into_iter().flatten().map(|hit| {
        let contact = shown_of(&hit["_source"]).ok_or_else(|| {
            let what = "a hit is no record of contacts-settled; is it the right index?";
            BackendError::Answer(what.to_owned())
        })?;
        let score = (order == HitOrder::Score).then(|| hit["_score"].as_f64().unwrap_or(0.0));
        Ok(Hit { score: score.map(|score| score as f32), contact })
    });
    let hits = hits.collect::<std::result::Result<_, BackendError>>()?;
    Ok(Found { total, hits, counts: answer["aggregations"].take() })
}
