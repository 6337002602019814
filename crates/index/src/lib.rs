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
//!
//! Where one index is outgrown, contacts that can change no more go to a search backend
//! ([`settled_record`], [`quickwit`]), the index holds the others alone ([`Scope::Unsettled`]),
//! and [`ContactSearch`] asks both.

mod aggregate;
mod compile;
mod condition;
mod document;
mod elastic;
mod engine;
mod error;
mod es;
mod excluded;
mod filters;
mod flat;
mod glob;
mod near;
pub mod query;
pub mod quickwit;
mod record;
mod schema;
mod searcher;
mod split;
mod terms;
#[cfg(test)]
mod tests;
mod values;
mod writer;

pub use aggregate::{MAX_AGGREGATIONS, MAX_BUCKETS};
pub use document::Shown;
pub use error::{IndexError, QueryError, Result};
pub use filters::Filters;
pub use record::{UNSHOWN, settled_record};
pub use schema::{SCHEMA_VERSION, field_names};
pub use searcher::{Hit, MAX_HITS, SearchRequest, SearchResponse, Searcher, Sort};
pub use split::{BackendError, ContactSearch, SearchBackend};
pub use writer::{IndexSettings, IndexWriter, Scope, rebuild};
