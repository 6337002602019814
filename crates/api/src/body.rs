//! Reading a request's body: its type, and bounds on its size, on its time, and on what all
//! requests hold in memory together.

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use tokio::sync::OwnedSemaphorePermit;

use crate::error::ApiError;
use crate::router::Shared;

/// A body in memory, with its part of the bytes that all bodies may take.
pub(crate) struct Body {
    bytes: Bytes,
    /// Given back when the body is dropped.
    _share: OwnedSemaphorePermit,
}

impl Body {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads at most `max_bytes`; the route's own limit must be the same.
pub(crate) async fn read(
    shared: &Shared,
    request: Request,
    max_bytes: usize,
) -> Result<Body, ApiError> {
    if request.headers().get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(unsupported("the body is compressed", "send it without Content-Encoding"));
    }
    let announced = announced_bytes(request.headers());
    if announced.is_some_and(|bytes| bytes > max_bytes) {
        return Err(too_large(max_bytes));
    }
    let share = shared.body_share(announced.unwrap_or(max_bytes))?;
    let reading = Bytes::from_request(request, &());
    let bytes = tokio::time::timeout(shared.limits.body_timeout, reading)
        .await
        .map_err(|_| too_slow())?
        .map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => too_large(max_bytes),
            _ => ApiError::new(StatusCode::BAD_REQUEST, "bad_body", "the body broke off").closing(),
        })?;
    Ok(Body { bytes, _share: share })
}

/// The content type without its parameters, in lower case; none where there is no header.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?;
    let text = String::from_utf8_lossy(value.as_bytes());
    Some(text.split(';').next().unwrap_or("").trim().to_ascii_lowercase())
}

pub(crate) fn unsupported(message: &str, hint: &str) -> ApiError {
    ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
        .hint(hint)
        .closing()
}

fn announced_bytes(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH).map(HeaderValue::to_str)?.ok()?.parse().ok()
}

fn too_large(max_bytes: usize) -> ApiError {
    let message = format!("the body is longer than {max_bytes} bytes; nothing of it was kept");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
        .hint("split the batch between lines and send the parts one after the other")
        .closing()
}

fn too_slow() -> ApiError {
    let message = "the body did not arrive in time; nothing of it was kept";
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", message)
        .hint("send smaller batches")
        .closing()
}
