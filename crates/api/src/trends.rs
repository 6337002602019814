//! Trends, systemic issues and candidate reasons.

use axum::extract::State;
use quell_model::Verdict;
use quell_worker::trends::TrendRequest;
use serde_json::json;

use crate::error::ApiError;
use crate::params::Given;
use crate::router::{JsonBytes, Shared, to_json};

const MAX_LINES: usize = 10_000;
const USUAL_LINES: usize = 50;

/// `GET /v1/trends`
pub(crate) async fn trends(
    State(shared): State<Shared>,
    given: Given,
) -> Result<JsonBytes, ApiError> {
    let params = given.known(&["reason", "by", "from", "to", "compare", "limit"], None)?;
    let request = TrendRequest {
        reason: params.one("reason")?.map(str::to_owned),
        by: params.one("by")?.map(str::to_owned),
        from: params.time("from")?,
        to: params.time("to")?,
        compare_previous: params.word("compare", &[("previous", true)])?.unwrap_or(false),
        limit: match params.number("limit", USUAL_LINES, 0, MAX_LINES)? {
            0 => MAX_LINES,
            limit => limit,
        },
    };
    shared.ask(move |views| to_json(&views.trends(&request)?)).await?
}

/// `GET /v1/candidates`
pub(crate) async fn candidates(
    State(shared): State<Shared>,
    given: Given,
) -> Result<JsonBytes, ApiError> {
    let params = given.known(&["limit"], None)?;
    let limit = params.number("limit", USUAL_LINES, 1, MAX_LINES)?;
    shared
        .ask(move |views| {
            let mut candidates = views.candidates();
            let total = candidates.len();
            candidates.truncate(limit);
            to_json(&json!({"total": total, "candidates": candidates}))
        })
        .await?
}

/// `GET /v1/issues`
pub(crate) async fn issues(
    State(shared): State<Shared>,
    given: Given,
) -> Result<JsonBytes, ApiError> {
    let params = given.known(&["verdict", "open", "limit"], None)?;
    let verdicts = [
        ("isolated", Verdict::Isolated),
        ("watch", Verdict::Watch),
        ("systemic", Verdict::Systemic),
    ];
    let verdict = params.word("verdict", &verdicts)?;
    let open = params.word("open", &[("true", true), ("false", false)])?;
    let limit = params.number("limit", USUAL_LINES, 1, MAX_LINES)?;
    shared
        .ask(move |views| {
            let mut issues = views.issues()?;
            issues.retain(|issue| {
                verdict.is_none_or(|verdict| issue.verdict == verdict)
                    && open.is_none_or(|open| issue.closed_at.is_none() == open)
            });
            let total = issues.len();
            issues.truncate(limit);
            to_json(&json!({"total": total, "issues": issues}))
        })
        .await?
}
