//! What a search backend is to this crate.

use serde_json::Value;

/// A server that speaks the search API of Elasticsearch and holds the records of
/// `contacts-settled`.
pub trait SearchBackend: Send + Sync {
    /// Sends a body to `_search` and returns the answer. It need not send back what
    /// [`crate::UNSHOWN`] lists.
    ///
    /// # Errors
    /// [`BackendError`]
    fn search(&self, body: &Value) -> Result<Value, BackendError>;
}

/// Why the settled contacts could not be asked. Never holds a contact's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// Nobody is there.
    #[error("the search backend cannot be reached: {0}")]
    Unreachable(String),
    /// It takes too long.
    #[error("the search backend did not answer within {seconds} s")]
    TimedOut {
        /// How long it was waited for.
        seconds: u64,
    },
    /// It refused the request.
    #[error("the search backend answers {status}: {reason}")]
    Refused {
        /// The status of its answer.
        status: u16,
        /// Its own words, cut.
        reason: String,
    },
    /// It answered with something else than what was asked.
    #[error("the search backend cannot be used: {0}")]
    Answer(String),
}
