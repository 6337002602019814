//! What may be asked, whoever keeps it up to date: the embedded pipeline or a copy of a cluster's
//! topics.

use std::ops::ControlFlow;

use quell_index::{ContactSearch, Searcher};
use quell_model::Verdict;
use quell_model::issue::SystemicIssue;
use quell_store::{EmbeddedStore, StoreError};
use quell_taxonomy::discovery::CandidateRow;

use crate::metrics::{Metrics, gauge};
use crate::trends::{TrendAnswer, TrendError, TrendRequest, trends};
use crate::watcher::Candidates;

/// Contacts, searches, series and issues.
pub struct Views {
    store: EmbeddedStore,
    search: ContactSearch,
    candidates: Candidates,
}

impl Views {
    /// Over a store and what follows it: the index and discovery.
    pub fn new(store: EmbeddedStore, searcher: Searcher, candidates: Candidates) -> Self {
        Views::asking(store, ContactSearch::new(searcher), candidates)
    }

    /// The same, where contacts may be in other places too.
    pub fn asking(store: EmbeddedStore, search: ContactSearch, candidates: Candidates) -> Self {
        Views { store, search, candidates }
    }

    /// Searches contacts, wherever they are.
    pub fn search(&self) -> &ContactSearch {
        &self.search
    }

    /// The index on this machine.
    pub fn searcher(&self) -> &Searcher {
        self.search.here()
    }

    /// The present JSON of a contact, by its key.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn contact(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.store.get_output("contacts", key)?.map(|row| row.value))
    }

    /// Answers from the standing series.
    ///
    /// # Errors
    /// [`TrendError`]
    pub fn trends(&self, request: &TrendRequest) -> Result<TrendAnswer, TrendError> {
        trends(&self.store, request)
    }

    /// All issues, the latest first.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn issues(&self) -> Result<Vec<SystemicIssue>, StoreError> {
        let mut found: Vec<SystemicIssue> = Vec::new();
        self.store.scan_outputs("issues", "", None, &mut |_, _, json| {
            found.extend(serde_json::from_slice::<SystemicIssue>(json));
            ControlFlow::Continue(())
        })?;
        found.sort_by(|a, b| {
            b.opened_at.cmp(&a.opened_at).then_with(|| a.issue_id.cmp(&b.issue_id))
        });
        Ok(found)
    }

    /// Candidate reasons, those first whose last week can least be chance.
    pub fn candidates(&self) -> Vec<CandidateRow> {
        self.candidates.rows()
    }

    /// Sets the gauges of what there is: open issues, bytes on disk.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn measure(&self, metrics: &Metrics) -> Result<(), StoreError> {
        metrics.store_disk_bytes.set(gauge(self.store.disk_bytes()?));
        let (mut watch, mut systemic) = (0, 0);
        for issue in self.issues()? {
            match (issue.closed_at, issue.verdict) {
                (None, Verdict::Systemic) => systemic += 1,
                (None, Verdict::Watch) => watch += 1,
                _ => {}
            }
        }
        metrics.issues_open.with_label_values(&["watch"]).set(watch);
        metrics.issues_open.with_label_values(&["systemic"]).set(systemic);
        Ok(())
    }
}
