//! `POST /v1/events`: records in. The answer means that they are durable.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use quell_worker::ingest::{Origin, Receipt};
use serde::de::IgnoredAny;
use serde_json::json;

use crate::body::{self, media_type, unsupported};
use crate::error::ApiError;
use crate::params::Given;
use crate::router::Shared;

/// The input's name in positions and dead letters.
const INPUT: &str = "http";

/// What the content type says of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A record on every line.
    Lines,
    /// One document, unless its first line is one by itself.
    Document,
}

/// The route.
pub(crate) async fn post(
    State(shared): State<Shared>,
    given: Given,
    request: Request,
) -> Result<Response, ApiError> {
    given.none()?;
    let form = form(request.headers())?;
    let headers = envelope_headers(request.headers());
    let body = body::read(&shared, request, shared.limits.batch_bytes).await?;
    let receipt = shared
        .take_in(move |service| {
            let origin = Origin { input: INPUT.to_owned(), first: 1, headers };
            service.take(&origin, records(body.bytes(), form))
        })
        .await??;
    Ok(answer(receipt))
}

fn answer(receipt: Receipt) -> Response {
    if receipt.accepted > 0 || receipt.rejected == 0 {
        return (StatusCode::ACCEPTED, Json(receipt)).into_response();
    }
    let error = ApiError::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "all_rejected",
        "every record was rejected; they are kept as dead letters",
    )
    .hint("`rejects` says what to change; sending the same bytes again will not help");
    let mut answer = json!(receipt);
    answer["error"] = error.to_json();
    (error.status(), Json(answer)).into_response()
}

fn form(headers: &HeaderMap) -> Result<Form, ApiError> {
    match media_type(headers).as_deref() {
        None | Some("application/json") => Ok(Form::Document),
        Some("application/x-ndjson" | "application/ndjson" | "application/jsonl") => {
            Ok(Form::Lines)
        }
        Some("application/cloudevents-batch+json") => Err(unsupported(
            "a CloudEvents batch is one array",
            "send one event a request, or events on lines as application/x-ndjson",
        )),
        Some(other) if other.starts_with("application/") && other.ends_with("+json") => {
            Ok(Form::Document)
        }
        Some(_) => Err(unsupported(
            "the content type is not one of JSON",
            "send `Content-Type: application/json` for one event, application/x-ndjson for a batch",
        )),
    }
}

/// What the decoder needs to know CloudEvents: the content type and the `ce-*` headers, under the
/// names that they have in Kafka.
fn envelope_headers(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let named = headers.iter().filter_map(|(name, value)| {
        let name = match name.as_str().strip_prefix("ce-") {
            Some(attribute) => format!("ce_{attribute}"),
            None if name == "content-type" => name.as_str().to_owned(),
            None => return None,
        };
        Some((name, value.as_bytes().to_vec()))
    });
    named.collect()
}

fn records(body: &[u8], form: Form) -> Vec<&[u8]> {
    let is_batch = match form {
        Form::Lines => true,
        Form::Document => begins_with_a_whole_line(body),
    };
    if !is_batch {
        return vec![body];
    }
    let body = body.strip_suffix(b"\n").unwrap_or(body);
    body.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect()
}

/// True where more follows a first line that is a JSON document by itself. A document printed
/// over many lines does not begin so.
fn begins_with_a_whole_line(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    let Some(end) = body.iter().position(|byte| *byte == b'\n') else { return false };
    body.get(..end).is_some_and(|line| serde_json::from_slice::<IgnoredAny>(line).is_ok())
}
