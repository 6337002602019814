//! Asking the index.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tantivy::collector::{Count, TopDocs};
use tantivy::query::Query;
use tantivy::schema::Value as _;
use tantivy::{
    DateTime, DocAddress, Index, IndexReader, Order, ReloadPolicy, TantivyDocument, TantivyError,
};

use crate::aggregate;
use crate::compile::{Compiler, MAX_LANGUAGES};
use crate::condition::{Condition, Occur};
use crate::document::Shown;
use crate::engine::{self, BoxQuery};
use crate::error::{IndexError, Result};
use crate::es;
use crate::filters::Filters;
use crate::query;
use crate::schema::Fields;
use crate::writer::open_index;

/// The most hits one answer may have, and the deepest a page may reach.
pub const MAX_HITS: usize = 10_000;

/// In what order hits come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// The best match of the words first (BM25).
    Relevance,
    /// The latest contact first.
    #[default]
    Newest,
}

impl Sort {
    pub(crate) fn order(self) -> HitOrder {
        match self {
            Sort::Relevance => HitOrder::Score,
            Sort::Newest => HitOrder::Time(Order::Desc),
        }
    }
}

/// What to search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchRequest {
    /// In the language of [`crate::query`]; nothing finds everything.
    pub query: Option<String>,
    /// All of these as well.
    pub filters: Filters,
    /// The order.
    pub sort: Sort,
    /// How many hits, at most [`MAX_HITS`]; 0 counts only.
    pub limit: usize,
    /// How many hits to pass over; with the limit at most [`MAX_HITS`].
    pub offset: usize,
}

impl Default for SearchRequest {
    fn default() -> Self {
        SearchRequest {
            query: None,
            filters: Filters::default(),
            sort: Sort::default(),
            limit: 20,
            offset: 0,
        }
    }
}

/// One contact found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// How well the words match, under [`Sort::Relevance`]. Comparable within one answer only.
    pub score: Option<f32>,
    /// The contact.
    #[serde(flatten)]
    pub contact: Shown,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchResponse {
    /// How many contacts fit, exactly.
    pub total: u64,
    /// The page asked for.
    pub hits: Vec<Hit>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// Reads the index. Cheap to clone; every clone sees the same commits.
#[derive(Clone)]
pub struct Searcher {
    reader: IndexReader,
    fields: Arc<Fields>,
}

impl Searcher {
    /// Opens an existing index for reading only.
    ///
    /// # Errors
    /// [`IndexError::Stale`] as for the writer; [`IndexError::NotAnIndex`] when there is none.
    pub fn open(dir: impl AsRef<Path>) -> Result<Searcher> {
        let dir = dir.as_ref();
        let (index, fields, _) = open_index(dir)?
            .ok_or_else(|| IndexError::NotAnIndex { dir: dir.display().to_string() })?;
        Searcher::new(&index, fields)
    }

    pub(crate) fn new(index: &Index, fields: Fields) -> Result<Searcher> {
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Searcher { reader, fields: Arc::new(fields) })
    }

    /// Sees what was committed since, in this searcher and all its clones.
    pub fn reload(&self) -> Result<()> {
        Ok(self.reader.reload()?)
    }

    /// How many contacts are in the index.
    pub fn live_contacts(&self) -> u64 {
        self.reader.searcher().num_docs()
    }

    /// Finds contacts.
    ///
    /// # Errors
    /// [`IndexError::Query`] and [`IndexError::Request`] say what to write instead.
    pub fn search(&self, request: &SearchRequest) -> Result<SearchResponse> {
        let began = Instant::now();
        check_page(request.limit, request.offset)?;
        let snapshot = self.snapshot();
        let query = snapshot.query(request.query.as_deref(), &request.filters)?;
        let page = Page { limit: request.limit, offset: request.offset };
        let (total, hits) = snapshot.hits(&query, page, request.sort.order())?;
        Ok(SearchResponse { total, hits, took_ms: elapsed_ms(began) })
    }

    /// Counts over the contacts that a query and filters find, in the Elasticsearch form:
    /// `{"by_day": {"date_histogram": {…}, "aggs": {…}}}`.
    ///
    /// # Errors
    /// As [`Searcher::search`]; also when the answer would have more than
    /// [`crate::MAX_BUCKETS`] buckets.
    pub fn aggregate(&self, query: Option<&str>, filters: &Filters, aggs: &Value) -> Result<Value> {
        let snapshot = self.snapshot();
        let query = snapshot.query(query, filters)?;
        aggregate::run(&snapshot.engine, &self.fields, &query, aggs, "aggs")
    }

    /// Answers a search request of the Elasticsearch form.
    ///
    /// Taken: `query` with `bool`, `term`, `terms`, `range`, `match`, `match_phrase`, `prefix`,
    /// `wildcard`, `exists`, `ids`, `query_string` (in the language of [`crate::query`]),
    /// `match_all`, `match_none`; `size`, `from`, `sort` by `occurred_at` or `_score`, `_source`,
    /// `track_total_hits`, `aggs`.
    ///
    /// # Errors
    /// [`IndexError::Request`] names the part that is wrong or not taken.
    pub fn es_search(&self, body: &Value) -> Result<Value> {
        es::search(&self.snapshot(), body)
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot { engine: self.reader.searcher(), fields: self.fields.clone() }
    }
}

pub(crate) fn check_page(limit: usize, offset: usize) -> Result<()> {
    if limit.saturating_add(offset) > MAX_HITS {
        return Err(IndexError::request(
            "limit",
            format!("limit and offset together may be {MAX_HITS} at most; narrow the time instead"),
        ));
    }
    Ok(())
}

pub(crate) fn elapsed_ms(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

pub(crate) struct Page {
    pub(crate) limit: usize,
    pub(crate) offset: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HitOrder {
    Score,
    Time(Order),
}

/// One commit, for the length of a request.
pub(crate) struct Snapshot {
    pub(crate) engine: tantivy::Searcher,
    pub(crate) fields: Arc<Fields>,
}

impl Snapshot {
    /// The languages of the contacts in the index, at most [`MAX_LANGUAGES`].
    pub(crate) fn languages(&self) -> Result<Vec<String>> {
        let mut languages = std::collections::BTreeSet::new();
        for segment in self.engine.segment_readers() {
            let inverted = segment.inverted_index(self.fields.language)?;
            let mut stream = inverted.terms().stream().map_err(TantivyError::from)?;
            while languages.len() < MAX_LANGUAGES && stream.advance() {
                if let Ok(language) = std::str::from_utf8(stream.key()) {
                    languages.insert(language.to_owned());
                }
            }
        }
        Ok(languages.into_iter().collect())
    }

    /// The languages of the contacts here and `elsewhere`.
    pub(crate) fn languages_and(&self, elsewhere: &[String]) -> Result<Vec<String>> {
        let mut languages = self.languages()?;
        languages.extend_from_slice(elsewhere);
        languages.sort_unstable();
        languages.dedup();
        languages.truncate(MAX_LANGUAGES);
        Ok(languages)
    }

    fn query(&self, text: Option<&str>, filters: &Filters) -> Result<BoxQuery> {
        engine::query(&self.fields, &self.condition(text, filters, &[])?)
    }

    /// What is asked. `elsewhere` are the languages of contacts that are asked beside these.
    pub(crate) fn condition(
        &self,
        text: Option<&str>,
        filters: &Filters,
        elsewhere: &[String],
    ) -> Result<Condition> {
        let parsed = query::parse(text.unwrap_or(""))?;
        let exact = |languages: &Vec<String>| {
            !languages.is_empty() && languages.iter().all(|language| !language.contains('*'))
        };
        let languages = match parsed.0.languages() {
            Some(languages) => languages,
            None if exact(&filters.languages) => filters.languages.clone(),
            None => self.languages_and(elsewhere)?,
        };
        let languages = languages.into_iter().take(MAX_LANGUAGES).collect();
        let compiler = Compiler { fields: &self.fields, languages };
        let mut clauses = filters.clauses(&compiler)?;
        if parsed.0 != query::Expr::All || clauses.is_empty() {
            clauses.push((Occur::Must, compiler.expr(&parsed.0)?));
        }
        Ok(Condition::all_of(clauses))
    }

    /// How many contacts fit, and one page of them.
    pub(crate) fn hits(
        &self,
        query: &dyn Query,
        page: Page,
        order: HitOrder,
    ) -> Result<(u64, Vec<Hit>)> {
        if page.limit == 0 {
            return Ok((self.engine.search(query, &Count)? as u64, Vec::new()));
        }
        let top = TopDocs::with_limit(page.limit).and_offset(page.offset);
        let (total, found): (usize, Vec<(Option<f32>, DocAddress)>) = match order {
            HitOrder::Score => {
                let (total, found) = self.engine.search(query, &(Count, top.order_by_score()))?;
                (total, found.into_iter().map(|(score, at)| (Some(score), at)).collect())
            }
            HitOrder::Time(order) => {
                let by_time = top.order_by_fast_field::<DateTime>("occurred_at", order);
                let (total, found) = self.engine.search(query, &(Count, by_time))?;
                (total, found.into_iter().map(|(_, at)| (None, at)).collect())
            }
        };
        let hits = found.into_iter().map(|(score, at)| Ok(Hit { score, contact: self.shown(at)? }));
        Ok((total as u64, hits.collect::<Result<_>>()?))
    }

    fn shown(&self, at: DocAddress) -> Result<Shown> {
        let doc: TantivyDocument = self.engine.doc(at)?;
        let json = doc.get_first(self.fields.shown).and_then(|value| value.as_str());
        serde_json::from_str(json.unwrap_or("{}"))
            .map_err(|error| TantivyError::InternalError(error.to_string()).into())
    }
}
