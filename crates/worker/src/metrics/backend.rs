//! What is measured of the search backend.

use std::time::Duration;

use prometheus::{Histogram, IntCounterVec};
use quell_index::BackendError;

use super::Make;

/// What may become of a request to the search backend.
const OUTCOMES: [&str; 5] = ["answered", "refused", "unreachable", "timed_out", "unusable"];

/// Metrics of the search backend.
pub struct BackendMetrics {
    requests: IntCounterVec,
    duration_seconds: Histogram,
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

    /// Counts a request with what became of it.
    pub fn observe<T>(&self, answer: &Result<T, BackendError>, took: Duration) {
        let outcome = match answer {
            Ok(_) => "answered",
            Err(BackendError::Refused { .. }) => "refused",
            Err(BackendError::Unreachable(_)) => "unreachable",
            Err(BackendError::TimedOut { .. }) => "timed_out",
            Err(BackendError::Answer(_)) => "unusable",
        };
        self.requests.with_label_values(&[outcome]).inc();
        self.duration_seconds.observe(took.as_secs_f64());
    }
}
