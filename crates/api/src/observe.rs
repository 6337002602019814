//! What every request leaves behind: two metrics, one line in the log, safe headers, and an end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::access::TokenName;
use crate::error::ApiError;
use crate::health::Watched;

/// The label of requests that fit no route.
const UNMATCHED: &str = "unmatched";

const SAFE_HEADERS: [(&str, &str); 5] = [
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
];

/// What the middleware works with.
#[derive(Clone)]
pub(crate) struct Observer {
    pub(crate) watched: Arc<dyn Watched>,
    /// How long a request may take from its headers to the answer's.
    pub(crate) request_timeout: Duration,
}

/// The middleware.
pub(crate) async fn observe(
    State(observer): State<Observer>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    // The pattern, never the path: that holds contact ids, and has no bound as a label.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    let method = request.method().clone();
    let answer = tokio::time::timeout(observer.request_timeout, next.run(request)).await;
    let mut response = answer.unwrap_or_else(|_| too_slow().into_response());
    for (name, value) in SAFE_HEADERS {
        let name = HeaderName::from_static(name);
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let seconds = begun.elapsed().as_secs_f64();
    let metrics = observer.watched.metrics();
    let status = response.status();
    metrics.http_requests.with_label_values(&[route, status.as_str()]).inc();
    metrics.http_request_duration_seconds.observe(seconds);
    let token = response.extensions().get::<TokenName>().map(|TokenName(name)| name.as_str());
    tracing::debug!(%method, route, status = status.as_u16(), seconds, token, "request");
    response
}

fn too_slow() -> ApiError {
    ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "timeout",
        "the answer took too long; what was sent may have been taken in or not",
    )
    .hint("sending events again is harmless; for a search, narrow the time")
    .closing()
}
