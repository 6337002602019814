//! What every request leaves behind: two metrics, one line in the log, safe headers, and an end.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::access::TokenName;
use crate::error::ApiError;
use crate::router::Shared;

/// The label of requests that fit no route.
const UNMATCHED: &str = "unmatched";

const SAFE_HEADERS: [(&str, &str); 5] = [
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
];

/// The middleware.
pub(crate) async fn observe(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    // The pattern, never the path: that holds contact ids, and has no bound as a label.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    let method = request.method().clone();
    let answer = tokio::time::timeout(shared.limits.request_timeout, next.run(request)).await;
    let mut response = answer.unwrap_or_else(|_| too_slow().into_response());
    for (name, value) in SAFE_HEADERS {
        let name = HeaderName::from_static(name);
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let seconds = begun.elapsed().as_secs_f64();
    let metrics = shared.service.metrics();
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
