//! What is measured of the search backend.

use prometheus::{Histogram, IntCounterVec};

use super::Make;

/// What may become of a request to the search backend.
const OUTCOMES: [&str; 5] = ["answered", "refused", "unreachable", "timed_out", "unusable"];

/// Metrics of the search backend.
#[allow(missing_docs)]
pub struct BackendMetrics {
    pub requests: IntCounterVec,
    pub duration_seconds: Histogram,
}

impl BackendMetrics {
    pub(super) fn new(make: &Make) -> Result<Self, prometheus::Error> {
        let requests = make.counters(
            "search_backend_requests_total",
            "Requests to the search backend, by what became of them.",
            &["outcome"],
        )?;
        for outcome in OUTCOMES {
            requests.with_label_values(&[outcome]);
        }
        let duration_seconds = make.histogram(
            "search_backend_duration_seconds",
            "Time of one request to the search backend.",
        )?;
        Ok(BackendMetrics { requests, duration_seconds })
    }
}
