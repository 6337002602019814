//! What watches the process asks, and what a visitor sees first.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use quell_worker::metrics::Metrics;
use quell_worker::service::Service;
use quell_worker::stage::Crew;
use serde_json::json;

use crate::access::{Access, Scope};
use crate::error::ApiError;
use crate::params::Given;
use crate::router::needs;

const INDEX: &str = "\
Quell: why customers make contact, from the stream of their contacts.

POST /v1/events               one event, or a batch as NDJSON; 202 when it is durable
GET  /v1/search               contacts by words and filters
POST /v1/contacts/_search     the same in the Elasticsearch form, with aggregations
GET  /v1/contacts/{key}       one contact
GET  /v1/trends               reasons ranked by contacts and cost
GET  /v1/issues               systemic issues
GET  /v1/candidates           themes that no reason fits, and parts of reasons that grow
GET  /v1/dead-letters         what could not be read (scope admin)
GET  /metrics                 for Prometheus
GET  /livez, /readyz          for whoever watches the process
";

/// A process that others watch.
pub trait Watched: Send + Sync {
    /// Its metrics.
    fn metrics(&self) -> &Metrics;
    /// What a part of it failed of; none while all work.
    fn failure(&self) -> Option<String>;
    /// Why requests or records should not come here now; none when they should.
    fn not_ready(&self) -> Option<String>;
}

impl Watched for Service {
    fn metrics(&self) -> &Metrics {
        Service::metrics(self)
    }

    fn failure(&self) -> Option<String> {
        Service::failure(self)
    }

    fn not_ready(&self) -> Option<String> {
        Service::not_ready(self)
    }
}

impl Watched for Crew {
    fn metrics(&self) -> &Metrics {
        Crew::metrics(self)
    }

    fn failure(&self) -> Option<String> {
        Crew::failure(self)
    }

    fn not_ready(&self) -> Option<String> {
        Crew::not_ready(self)
    }
}

/// The routes of whoever watches the process.
pub(crate) fn routes(watched: Arc<dyn Watched>, access: &Arc<Access>) -> Router {
    Router::new()
        .route("/metrics", needs(access, Scope::Read, get(metrics)))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .with_state(watched)
}

/// `GET /`
pub(crate) async fn index() -> &'static str {
    INDEX
}

/// `GET /metrics`
async fn metrics(
    State(watched): State<Arc<dyn Watched>>,
    given: Given,
) -> Result<Response, ApiError> {
    // Prometheus may be configured to send parameters, but none of them means anything here.
    given.none()?;
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((kind, watched.metrics().text()).into_response())
}

/// `GET /livez`: the process's own threads, and nothing that it depends on.
async fn livez(State(watched): State<Arc<dyn Watched>>) -> Response {
    health("live", watched.failure())
}

/// `GET /readyz`: whether to send requests here.
async fn readyz(State(watched): State<Arc<dyn Watched>>) -> Response {
    health("ready", watched.not_ready())
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
