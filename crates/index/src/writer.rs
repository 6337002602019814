//! Writing the index: upserts, removals and commits that carry their own position.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use quell_model::{Contact, ContactKey};
use serde::{Deserialize, Serialize};
use tantivy::directory::MmapDirectory;
use tantivy::directory::error::LockError;
use tantivy::index::SegmentId;
use tantivy::indexer::LogMergePolicy;
use tantivy::query::AllQuery;
use tantivy::schema::IndexRecordOption;
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{
    DocSet, Index, IndexReader, IndexSortByField, Order, ReloadPolicy, TERMINATED, TantivyDocument,
    TantivyError, Term,
};

use crate::document::{digest, document};
use crate::error::{IndexError, Result};
use crate::schema::{DIGEST, Fields, SCHEMA_VERSION};
use crate::searcher::Searcher;
use crate::terms::{ANALYSER_VERSION, FieldTokenizer, PLAIN, STEMS};

/// The engine needs this much per thread.
const MIN_BYTES_PER_THREAD: usize = 15_000_000;
/// The engine takes no more than this per thread.
const MAX_BYTES_PER_THREAD: usize = 4_000_000_000;
/// More threads than this bring nothing.
const MAX_THREADS: usize = 8;
/// A segment with more replaced documents than this is rewritten at the next merge.
const REPLACED_RATIO: f32 = 0.3;
/// A segment of so many documents is merged no more: what a merge takes in memory grows with it.
const MOST_MERGED_DOCUMENTS: usize = 500_000;
/// Between two looks at a merge of the background.
const PURGE_PAUSE: Duration = Duration::from_millis(20);
/// How long a rewrite waits for merges of the background.
const PURGE_PATIENCE: Duration = Duration::from_secs(600);

/// How long a wipe waits for a merge that a writer left behind.
const WIPE_PATIENCE: Duration = Duration::from_secs(30);

/// Which contacts an index holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All.
    #[default]
    All,
    /// Those whose links can still change; a search backend has the others.
    Unsettled,
}

/// How much of the machine the writer may use, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexSettings {
    /// Bytes for documents that are not yet on disk, over all threads; at least 15 MB each.
    pub memory_bytes: usize,
    /// Threads that analyse and index, 1 to 8.
    pub threads: usize,
    /// Which contacts it is given. An index of another scope is [`IndexError::Stale`].
    pub scope: Scope,
}

impl Default for IndexSettings {
    fn default() -> Self {
        IndexSettings { memory_bytes: 200_000_000, threads: 2, scope: Scope::All }
    }
}

/// What a commit says of itself.
#[derive(Serialize, Deserialize)]
pub(crate) struct Payload {
    /// The next change to read.
    position: u64,
    analyser: String,
    schema: u32,
    /// Contacts were taken out, and their words may still be in the files.
    #[serde(default)]
    owes_rewrite: bool,
    #[serde(default)]
    scope: Scope,
}

/// The one writer of an index.
pub struct IndexWriter {
    inner: tantivy::IndexWriter,
    reader: IndexReader,
    fields: Fields,
    position: Option<u64>,
    owes_rewrite: bool,
    scope: Scope,
}

impl IndexWriter {
    /// Opens the index in a folder, or begins an empty one.
    ///
    /// # Errors
    /// [`IndexError::Stale`] when another text analysis or schema wrote it: call [`rebuild`].
    /// [`IndexError::Locked`] when another writer has it.
    pub fn open(dir: impl AsRef<Path>, settings: IndexSettings) -> Result<IndexWriter> {
        let dir = dir.as_ref();
        fs::create_dir_all(dir).map_err(|source| folder(dir, source))?;
        let (index, fields, payload) = match open_index(dir)? {
            Some(opened) => opened,
            None => {
                let fields = Fields::new();
                let index = Index::builder()
                    .schema(fields.schema.clone())
                    .settings(newest_first())
                    .create_in_dir(dir)?;
                register(&index);
                (index, fields, None)
            }
        };
        if let Some(other) = payload.as_ref().filter(|payload| payload.scope != settings.scope) {
            let found = format!("the scope {:?}", other.scope);
            return Err(IndexError::Stale { found, expected: format!("{:?}", settings.scope) });
        }
        let threads = settings.threads.clamp(1, MAX_THREADS);
        let per_thread =
            (settings.memory_bytes / threads).clamp(MIN_BYTES_PER_THREAD, MAX_BYTES_PER_THREAD);
        let inner: tantivy::IndexWriter = index
            .writer_with_num_threads(threads, per_thread * threads)
            .map_err(|error| match error {
                TantivyError::LockFailure(LockError::LockBusy, _) => {
                    IndexError::Locked { dir: dir.display().to_string() }
                }
                error => error.into(),
            })?;
        let mut policy = LogMergePolicy::default();
        policy.set_del_docs_ratio_before_merge(REPLACED_RATIO);
        policy.set_max_docs_before_merge(MOST_MERGED_DOCUMENTS);
        inner.set_merge_policy(Box::new(policy));
        let position = payload.as_ref().map(|payload| payload.position);
        let owes_rewrite = payload.is_some_and(|payload| payload.owes_rewrite);
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let scope = settings.scope;
        Ok(IndexWriter { inner, reader, fields, position, owes_rewrite, scope })
    }

    /// The next change to read, as of the last commit; `None` before the first one.
    pub fn position(&self) -> Option<u64> {
        self.position
    }

    /// Puts a contact in, in place of what is there under its key. Seen after the next commit.
    ///
    /// # Errors
    /// [`IndexError::Contact`] for a contact without a usable key; the index is unchanged then.
    pub fn upsert(&mut self, contact: &Contact) -> Result<()> {
        let doc: TantivyDocument = document(&self.fields, contact)?;
        self.delete(&contact.contact_key);
        self.inner.add_document(doc)?;
        Ok(())
    }

    /// Whether the last commit holds just what [`IndexWriter::upsert`] would put in: a contact
    /// whose links have become final, and nothing else, need not be written again.
    pub fn holds(&self, contact: &Contact) -> Result<bool> {
        let term = Term::from_field_text(self.fields.contact_key, contact.contact_key.as_str());
        for segment in self.reader.searcher().segment_readers() {
            let index = segment.inverted_index(self.fields.contact_key)?;
            let postings = index.read_postings(&term, IndexRecordOption::Basic);
            let Some(mut postings) = postings.map_err(TantivyError::from)? else { continue };
            let mut doc = postings.doc();
            while doc != TERMINATED {
                if segment.alive_bitset().is_none_or(|alive| alive.is_alive(doc)) {
                    let digests = segment.fast_fields().u64(DIGEST)?;
                    return Ok(digests.first(doc) == Some(digest(contact)));
                }
                doc = postings.advance();
            }
        }
        Ok(false)
    }

    /// Takes a contact out. Seen after the next commit; its data stays in the files until a merge
    /// or [`IndexWriter::rewrite_removed`].
    pub fn remove(&mut self, key: &ContactKey) {
        self.owes_rewrite = true;
        self.delete(key);
    }

    /// Takes a contact out that is held elsewhere from now on: its words may stay in the files
    /// until a merge. Seen after the next commit.
    pub fn release(&mut self, key: &ContactKey) {
        self.delete(key);
    }

    /// Which contacts the index is for.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    fn delete(&self, key: &ContactKey) {
        self.inner.delete_term(Term::from_field_text(self.fields.contact_key, key.as_str()));
    }

    /// Makes all upserts and removals so far durable, together with the next change to read.
    /// Either all of it is there after a crash, or none.
    pub fn commit(&mut self, position: u64) -> Result<()> {
        let payload = Payload {
            position,
            analyser: ANALYSER_VERSION.to_owned(),
            schema: SCHEMA_VERSION,
            owes_rewrite: self.owes_rewrite,
            scope: self.scope,
        };
        let payload = serde_json::to_string(&payload)
            .map_err(|error| TantivyError::InternalError(error.to_string()))?;
        let mut prepared = self.inner.prepare_commit()?;
        prepared.set_payload(&payload);
        prepared.commit()?;
        self.reader.reload()?;
        self.position = Some(position);
        Ok(())
    }

    /// Takes every contact out, those not yet committed as well. Seen after the next commit: put
    /// the contacts in again before it, and readers never see an empty index.
    pub fn purge(&mut self) -> Result<()> {
        self.inner.delete_query(Box::new(AllQuery))?;
        Ok(())
    }

    /// Whether contacts were taken out since the last [`IndexWriter::rewrite_removed`]; commits
    /// remember it.
    pub fn owes_rewrite(&self) -> bool {
        self.owes_rewrite
    }

    /// Rewrites every file that still holds removed or replaced contacts, so that after an
    /// erasure nothing of the person is left on disk. Call it after the commit; costs up to a
    /// rewrite of the index. `searcher` and its clones let go of the old files.
    ///
    /// # Errors
    /// Fails when a merge of the background still holds such a file after ten minutes.
    pub fn rewrite_removed(&mut self, searcher: &Searcher) -> Result<()> {
        let began = Instant::now();
        loop {
            let segments = self.segments_with_removed()?;
            if segments.is_empty() {
                break;
            }
            for id in segments {
                match self.inner.merge(&[id]).wait() {
                    // A merge of the background has it: look again when that is done.
                    Err(TantivyError::InvalidArgument(_)) => std::thread::sleep(PURGE_PAUSE),
                    Ok(_) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if began.elapsed() > PURGE_PATIENCE {
                let problem = "a merge under way keeps removed contacts; try again later";
                return Err(TantivyError::InternalError(problem.to_owned()).into());
            }
        }
        self.reader.reload()?;
        searcher.reload()?;
        self.inner.garbage_collect_files().wait()?;
        self.owes_rewrite = false;
        self.commit(self.position.unwrap_or(0))
    }

    /// The ids only: a segment's meta keeps its files alive.
    fn segments_with_removed(&self) -> Result<Vec<SegmentId>> {
        let metas = self.inner.index().searchable_segment_metas()?;
        Ok(metas.iter().filter(|meta| meta.num_deleted_docs() > 0).map(|meta| meta.id()).collect())
    }

    /// A searcher over what is committed. It and its clones see later commits after
    /// [`Searcher::reload`].
    pub fn searcher(&self) -> Result<Searcher> {
        Searcher::new(self.inner.index(), self.fields.clone())
    }

    /// Waits for merges under way and closes the index.
    pub fn close(self) -> Result<()> {
        Ok(self.inner.wait_merging_threads()?)
    }
}

/// Wipes the index in a folder and opens an empty one: the caller then feeds every contact again,
/// from the first change. A folder that holds something else is left as it is.
pub fn rebuild(dir: impl AsRef<Path>, settings: IndexSettings) -> Result<IndexWriter> {
    let dir = dir.as_ref();
    let is_empty = match fs::read_dir(dir) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(source) => return Err(folder(dir, source)),
    };
    if !is_empty {
        if !meta_file(dir).exists() && !dir.join(".managed.json").exists() {
            return Err(IndexError::NotAnIndex { dir: dir.display().to_string() });
        }
        wipe(dir).map_err(|source| folder(dir, source))?;
    }
    IndexWriter::open(dir, settings)
}

/// Removes the folder. A merge that a writer left behind may still write into it.
fn wipe(dir: &Path) -> std::io::Result<()> {
    let begun = Instant::now();
    loop {
        match fs::remove_dir_all(dir) {
            Err(error)
                if error.kind() == std::io::ErrorKind::DirectoryNotEmpty
                    && begun.elapsed() < WIPE_PATIENCE =>
            {
                std::thread::sleep(PURGE_PAUSE);
            }
            done => return done,
        }
    }
}

/// Opens an existing index after checking who wrote it; `None` when there is none.
pub(crate) fn open_index(dir: &Path) -> Result<Option<(Index, Fields, Option<Payload>)>> {
    if !meta_file(dir).exists() {
        return Ok(None);
    }
    let index = Index::open(MmapDirectory::open(dir).map_err(TantivyError::from)?)?;
    let fields = Fields::new();
    let payload = index.load_metas()?.payload;
    let payload: Option<Payload> = match payload.as_deref().map(serde_json::from_str) {
        Some(Ok(payload)) => Some(payload),
        Some(Err(_)) => return Err(stale("an unknown commit format".to_owned())),
        None => None,
    };
    let is_other = |payload: &&Payload| {
        payload.analyser != ANALYSER_VERSION || payload.schema != SCHEMA_VERSION
    };
    if let Some(other) = payload.as_ref().filter(is_other) {
        return Err(stale(format!("analyser {} and schema {}", other.analyser, other.schema)));
    }
    if index.schema() != fields.schema {
        return Err(stale("other fields".to_owned()));
    }
    register(&index);
    Ok(Some((index, fields, payload)))
}

/// Documents lie newest first, so that the newest hits are found first and times are dense.
fn newest_first() -> tantivy::IndexSettings {
    tantivy::IndexSettings {
        sort_by_field: Some(IndexSortByField {
            field: "occurred_at".to_owned(),
            order: Order::Desc,
        }),
        ..tantivy::IndexSettings::default()
    }
}

fn register(index: &Index) {
    for (name, stems) in [(STEMS, true), (PLAIN, false)] {
        index.tokenizers().register(name, TextAnalyzer::from(FieldTokenizer::new(stems)));
    }
}

fn stale(found: String) -> IndexError {
    let expected = format!("analyser {ANALYSER_VERSION} and schema {SCHEMA_VERSION}");
    IndexError::Stale { found, expected }
}

fn meta_file(dir: &Path) -> PathBuf {
    dir.join("meta.json")
}

fn folder(dir: &Path, source: std::io::Error) -> IndexError {
    IndexError::Folder { dir: dir.display().to_string(), source }
}
