//! The search index: every live contact once, found by its words, its fields and its counts.
//!
//! The index is derived data. It can be wiped and built again from the contacts, so a change of
//! the text analysis or of the schema is an error that says "rebuild" ([`IndexError::Stale`]),
//! never a silent mix. The next change to read is stored in the same commit as the documents it
//! covers ([`IndexWriter::commit`]): after a crash the writer goes on from there, and since an
//! upsert replaces by contact key, reading a change twice leaves one document.
//!
//! Three ways to ask: [`Searcher::search`] in the language for people ([`query`]),
//! [`Searcher::aggregate`] for counts under the same filters, and [`Searcher::es_search`] for
//! clients that speak the Elasticsearch request form.

mod aggregate;
mod compile;
mod document;
mod error;
mod es;
mod excluded;
mod filters;
mod glob;
mod near;
pub mod query;
mod schema;
mod searcher;
mod terms;
#[cfg(test)]
mod tests;
mod values;
mod writer;

pub use aggregate::{MAX_AGGREGATIONS, MAX_BUCKETS};
pub use document::Shown;
pub use error::{IndexError, QueryError, Result};
pub use filters::Filters;
pub use schema::{SCHEMA_VERSION, field_names};
pub use searcher::{Hit, MAX_HITS, SearchRequest, SearchResponse, Searcher, Sort};
pub use writer::{IndexSettings, IndexWriter, rebuild};
