//! What can go wrong, whose fault it is and what to do.

use std::fmt;

/// The crate's result.
pub type Result<T> = std::result::Result<T, IndexError>;

/// Any failure of the index.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The files were written by another text analysis or schema. Wipe and build them again with
    /// [`crate::rebuild`]: nothing is lost, the contacts are kept elsewhere.
    #[error("the index was built with {found}, this build needs {expected}; rebuild the index")]
    Stale {
        /// What the files say.
        found: String,
        /// What this build writes.
        expected: String,
    },
    /// Another process has the index open for writing.
    #[error("the index in {dir} is open for writing elsewhere; stop the other process first")]
    Locked {
        /// The folder.
        dir: String,
    },
    /// [`crate::rebuild`] was pointed at a folder that is not an index.
    #[error("{dir} holds files but no index; it was left as it is: check the folder's name")]
    NotAnIndex {
        /// The folder.
        dir: String,
    },
    /// The asker's words cannot be understood.
    #[error("{0}")]
    Query(#[from] QueryError),
    /// A part of a request is wrong or not supported: answer with 400.
    #[error("{part}: {problem}")]
    Request {
        /// The part, as a path into the request (`query.bool.must[0].fuzzy`).
        part: String,
        /// What is wrong with it and what would be right.
        problem: String,
    },
    /// The search backend did not answer: a 502 or 504.
    #[error(transparent)]
    Backend(#[from] crate::split::BackendError),
    /// The contact cannot be indexed.
    #[error("contact {key} cannot be indexed: {problem}")]
    Contact {
        /// Its key.
        key: String,
        /// Why.
        problem: String,
    },
    /// The engine or the disk failed. The index may be rebuilt.
    #[error("the index failed: {0}")]
    Engine(#[from] tantivy::TantivyError),
    /// The folder cannot be read or written.
    #[error("the index folder {dir}: {source}")]
    Folder {
        /// The folder.
        dir: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl IndexError {
    /// True when the asker has to change the request: a 400, not a 500.
    pub fn is_callers_fault(&self) -> bool {
        matches!(self, IndexError::Query(_) | IndexError::Request { .. })
    }

    /// True when [`crate::rebuild`] helps.
    pub fn needs_rebuild(&self) -> bool {
        matches!(self, IndexError::Stale { .. })
    }

    pub(crate) fn request(part: impl Into<String>, problem: impl Into<String>) -> Self {
        IndexError::Request { part: part.into(), problem: problem.into() }
    }
}

/// A query that cannot be understood: where, what, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// How many characters of the query stand before the trouble.
    pub at: usize,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub hint: String,
}

impl QueryError {
    pub(crate) fn new(at: usize, message: impl Into<String>, hint: impl Into<String>) -> Self {
        QueryError { at, message: message.into(), hint: hint.into() }
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "query, character {}: {}; {}", self.at + 1, self.message, self.hint)
    }
}

impl std::error::Error for QueryError {}
