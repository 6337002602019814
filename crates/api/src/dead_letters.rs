//! `GET /v1/dead-letters`: what could not be read, with its bytes. For operators only.

use axum::extract::State;
use quell_model::TimeMs;
use quell_store::StoreError;
use quell_worker::service::Service;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::ApiError;
use crate::params::Given;
use crate::router::{JsonBytes, Shared, to_json};

const MAX_LETTERS: usize = 1_000;
const USUAL_LETTERS: usize = 20;
/// Letters read at once; each may be as long as a batch.
const LETTERS_A_STEP: usize = 4;
/// The answer ends after the letter that passes this many bytes.
const MAX_ANSWER_BYTES: usize = 16 << 20;

#[derive(Serialize)]
struct Page {
    dead_letters: Vec<Shown>,
    /// Give this as `from` to go on; null at the end.
    next: Option<u64>,
}

#[derive(Serialize)]
struct Shown {
    seq: u64,
    put_aside_at: TimeMs,
    topic: String,
    position: String,
    /// As in `dlq.ndjson`; null where the row is damaged.
    letter: Option<Box<RawValue>>,
}

/// The route.
pub(crate) async fn dead_letters(
    State(shared): State<Shared>,
    given: Given,
) -> Result<JsonBytes, ApiError> {
    let params = given.known(&["from", "limit"], None)?;
    let from = params.number("from", 0, 0, u64::MAX)?;
    let limit = params.number("limit", USUAL_LETTERS, 1, MAX_LETTERS)?;
    shared.take_in(move |service| to_json(&page(service, from, limit)?)).await?
}

fn page(service: &Service, from: u64, limit: usize) -> Result<Page, StoreError> {
    let mut page = Page { dead_letters: Vec::new(), next: Some(from) };
    let mut bytes = 0;
    while let Some(next) = page.next
        && page.dead_letters.len() < limit
        && bytes < MAX_ANSWER_BYTES
    {
        let step = LETTERS_A_STEP.min(limit - page.dead_letters.len());
        let letters = service.dead_letters(next, step)?;
        if letters.len() < step {
            page.next = None;
        }
        for (seq, letter) in letters {
            bytes += letter.value.len();
            page.next = page.next.map(|_| seq.saturating_add(1));
            page.dead_letters.push(Shown {
                seq,
                put_aside_at: letter.log_time,
                topic: letter.topic,
                position: letter.key,
                letter: serde_json::from_slice(&letter.value).ok(),
            });
        }
    }
    Ok(page)
}
