//! Errors as the asker sees them: a status and `{"error": {"code", "message", "hint"}}`.

use axum::Json;
use axum::http::header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use quell_index::{BackendError, IndexError};
use quell_store::StoreError;
use quell_worker::service::TakeError;
use quell_worker::trends::TrendError;
use serde_json::{Value, json};

/// After how many seconds a caller who was turned away may try again.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("2");

/// An answer that is not the one asked for. Never holds the text of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    hint: Option<String>,
    challenge: Option<String>,
    closes: bool,
}

impl ApiError {
    /// An error with its status, a word for programs and a sentence for people.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        ApiError {
            status,
            code,
            message: message.into(),
            hint: None,
            challenge: None,
            closes: false,
        }
    }

    /// The same with what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The word for programs.
    pub fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn bad_parameter(message: impl Into<String>) -> Self {
        ApiError::new(StatusCode::BAD_REQUEST, "bad_parameter", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        ApiError::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// What was asked for is done elsewhere.
    pub(crate) fn not_here(message: impl Into<String>) -> Self {
        ApiError::new(StatusCode::NOT_FOUND, "not_here", message)
    }

    /// What would answer is still being opened.
    pub(crate) fn opening() -> Self {
        let message = "what this worker answers from is being opened";
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "opening", message)
            .hint("see /readyz; ask again later, or another worker")
    }

    pub(crate) fn busy(message: impl Into<String>) -> Self {
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message)
            .hint("send the same request again after the seconds in Retry-After")
    }

    /// What went wrong is in the log, not in the answer: it speaks of files and folders.
    pub(crate) fn internal(what: &str, error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "{what} failed");
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            format!("{what} failed on the server's side"),
        )
        .hint("the reason is in the server's log and in /readyz")
    }

    pub(crate) fn challenge(mut self, challenge: String) -> Self {
        self.challenge = Some(challenge);
        self
    }

    /// The rest of the request is not read, so the connection cannot be used again.
    pub(crate) fn closing(mut self) -> Self {
        self.closes = true;
        self
    }

    /// The value of `error` in the answer.
    pub(crate) fn to_json(&self) -> Value {
        json!({"code": self.code, "message": self.message, "hint": self.hint})
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Json(json!({"error": self.to_json()}));
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, RETRY_AFTER_S);
        }
        if let Some(value) = self.challenge.and_then(|text| HeaderValue::try_from(text).ok()) {
            headers.insert(WWW_AUTHENTICATE, value);
        }
        if self.closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<IndexError> for ApiError {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Query(query) => ApiError::new(
                StatusCode::BAD_REQUEST,
                "bad_query",
                format!("character {}: {}", query.at + 1, query.message),
            )
            .hint(query.hint),
            IndexError::Request { part, problem } => {
                ApiError::new(StatusCode::BAD_REQUEST, "bad_request", format!("{part}: {problem}"))
            }
            IndexError::Backend(error) => error.into(),
            other => ApiError::internal("the search", &other),
        }
    }
}

impl From<BackendError> for ApiError {
    fn from(error: BackendError) -> Self {
        tracing::warn!(%error, "the search backend failed");
        let (status, code) = match error {
            BackendError::TimedOut { .. } => (StatusCode::GATEWAY_TIMEOUT, "backend_timeout"),
            _ => (StatusCode::BAD_GATEWAY, "backend_failed"),
        };
        ApiError::new(status, code, error.to_string()).hint(
            "the question is sound: whoever runs the search backend that search.backend names \
             must look at it; the metrics quell_search_backend_* say since when",
        )
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LogFull { waiting, .. } => {
                ApiError::busy(format!("{waiting} records wait to be worked on"))
            }
            other => ApiError::internal("the store", &other),
        }
    }
}

impl From<TrendError> for ApiError {
    fn from(error: TrendError) -> Self {
        match error {
            TrendError::Request(problem) => ApiError::bad_parameter(problem),
            TrendError::Store(error) => error.into(),
        }
    }
}

impl From<TakeError> for ApiError {
    fn from(error: TakeError) -> Self {
        match error {
            TakeError::Busy { backlog } => {
                ApiError::busy(format!("{backlog} records wait to be worked on"))
            }
            TakeError::Closed(reason) => {
                tracing::warn!(reason, "records refused");
                ApiError::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "closed",
                    "not taking records in: the service is stopping or a part of it failed",
                )
                .hint("see /readyz; nothing of this request was kept, send it again later")
            }
            TakeError::Store(error) => error.into(),
        }
    }
}
