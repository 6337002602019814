//! Contacts: searched in two forms, and one by its key.

use std::collections::BTreeMap;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use quell_index::{Filters, MAX_HITS, SearchRequest, Sort};
use quell_model::{RepeatMode, Standing};
use serde_json::{Value, json};

use crate::body::{self, media_type, unsupported};
use crate::error::ApiError;
use crate::params::{Given, Params};
use crate::router::{JsonBytes, Shared, to_json};

const ATTRIBUTE: &str = "attribute.";

const SEARCH_PARAMETERS: &[&str] = &[
    "q",
    "reason",
    "channel",
    "language",
    "from",
    "to",
    "repeat",
    "standing",
    "sort",
    "limit",
    "offset",
    "attribute",
];

const STANDINGS: [(&str, Standing); 5] = [
    ("counted", Standing::Counted),
    ("transfer_leg", Standing::TransferLeg),
    ("merged", Standing::Merged),
    ("not_inbound", Standing::NotInbound),
    ("duplicate", Standing::Duplicate),
];

/// `GET /v1/search`
pub(crate) async fn search(
    State(shared): State<Shared>,
    given: Given,
) -> Result<JsonBytes, ApiError> {
    let request = search_request(given)?;
    shared.ask(move |views| to_json(&views.search().search(&request)?)).await?
}

fn search_request(given: Given) -> Result<SearchRequest, ApiError> {
    let params = given.known(SEARCH_PARAMETERS, Some(ATTRIBUTE))?;
    let sorts = [("newest", Sort::Newest), ("relevance", Sort::Relevance)];
    Ok(SearchRequest {
        query: params.one("q")?.map(str::to_owned),
        filters: Filters {
            reasons: params.list("reason"),
            channels: params.list("channel"),
            languages: params.list("language"),
            from: params.time("from")?,
            to: params.time("to")?,
            repeat: params.word("repeat", &RepeatMode::ALL.map(|mode| (mode.as_str(), mode)))?,
            standing: params.word("standing", &STANDINGS)?,
            attributes: attributes(&params)?,
        },
        sort: params.word("sort", &sorts)?.unwrap_or_default(),
        limit: params.number("limit", SearchRequest::default().limit, 0, MAX_HITS)?,
        offset: params.number("offset", 0, 0, MAX_HITS)?,
    })
}

/// `attribute.NAME=VALUE`, or `attribute=NAME=VALUE` as on the command line.
fn attributes(params: &Params) -> Result<BTreeMap<String, String>, ApiError> {
    let mut attributes = params.open(ATTRIBUTE)?;
    for pair in params.each("attribute") {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            ApiError::bad_parameter("attribute: not NAME=VALUE").hint("write attribute.NAME=VALUE")
        })?;
        attributes.insert(name.to_owned(), value.to_owned());
    }
    Ok(attributes)
}

/// `POST /v1/contacts/_search`
pub(crate) async fn es_search(
    State(shared): State<Shared>,
    given: Given,
    request: Request,
) -> Result<JsonBytes, ApiError> {
    given.none()?;
    if media_type(request.headers()).is_some_and(|media| media != "application/json") {
        return Err(unsupported(
            "the content type is not JSON",
            "send `Content-Type: application/json`",
        ));
    }
    let body = body::read(&shared, request, shared.limits.question_bytes).await?;
    let question: Value = match body.bytes().trim_ascii() {
        [] => json!({}),
        bytes => serde_json::from_slice(bytes).map_err(|error| {
            let message = format!("line {}, column {}: not JSON", error.line(), error.column());
            ApiError::new(StatusCode::BAD_REQUEST, "bad_json", message)
        })?,
    };
    shared.ask(move |views| to_json(&views.search().es_search(&question)?)).await?
}

/// `GET /v1/contacts/{key}`
pub(crate) async fn contact(
    State(shared): State<Shared>,
    given: Given,
    key: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    given.none()?;
    let Path(key) = key.map_err(|_| {
        ApiError::new(StatusCode::BAD_REQUEST, "bad_key", "the key is not percent-encoded UTF-8")
    })?;
    let found = shared.ask(move |views| views.contact(&key)).await??;
    let Some(json) = found else {
        return Err(ApiError::not_found("there is no contact with this key").hint(
            "a key is system/instance/id, percent-encoded: zendesk%2F%2F4711 without an instance",
        ));
    };
    Ok(([(CONTENT_TYPE, "application/json")], json).into_response())
}
