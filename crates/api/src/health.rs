//! What watches the process asks, and what a visitor sees first.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::error::ApiError;
use crate::params::Given;
use crate::router::Shared;

const INDEX: &str = "\
Quell: why customers make contact, from the stream of their contacts.

POST /v1/events               one event, or a batch as NDJSON; 202 when it is durable
GET  /v1/search               contacts by words and filters
POST /v1/contacts/_search     the same in the Elasticsearch form, with aggregations
GET  /v1/contacts/{key}       one contact
GET  /v1/trends               reasons ranked by contacts and cost
GET  /v1/issues               systemic issues
GET  /v1/dead-letters         what could not be read (scope admin)
GET  /metrics                 for Prometheus
GET  /livez, /readyz          for whoever watches the process
";

/// `GET /`
pub(crate) async fn index() -> &'static str {
    INDEX
}

/// `GET /metrics`
pub(crate) async fn metrics(
    State(shared): State<Shared>,
    given: Given,
) -> Result<Response, ApiError> {
    // Prometheus may be configured to send parameters, but none of them means anything here.
    given.none()?;
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((kind, shared.service.metrics().text()).into_response())
}

/// `GET /livez`: the process's own threads, and nothing that it depends on.
pub(crate) async fn livez(State(shared): State<Shared>) -> Response {
    health("live", shared.service.failure())
}

/// `GET /readyz`: whether to send requests here.
pub(crate) async fn readyz(State(shared): State<Shared>) -> Response {
    health("ready", shared.service.not_ready())
}

fn health(word: &'static str, reason: Option<String>) -> Response {
    match reason {
        None => (StatusCode::OK, Json(json!({"status": word}))).into_response(),
        Some(reason) => {
            let message = format!("not {word}: {reason}");
            let error = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", message);
            error.hint("the server's log says more").into_response()
        }
    }
}
