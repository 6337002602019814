//! The part of the catalogue that speaks of stages on a cluster. Each metric has the label `stage`.

use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec};

use super::Make;

/// Metrics of the stages that a worker runs.
#[allow(missing_docs)]
pub struct StageMetrics {
    pub commits: IntCounterVec,
    pub aborts: IntCounterVec,
    pub restarts: IntCounterVec,
    pub turn_duration_seconds: HistogramVec,
    pub running: IntGaugeVec,
    pub partitions: IntGaugeVec,
    pub restored_rows: IntCounterVec,
}

impl StageMetrics {
    pub(super) fn new(make: &Make) -> Result<StageMetrics, prometheus::Error> {
        Ok(StageMetrics {
            commits: make.counters(
                "stage_commits_total",
                "Transactions committed by a stage on the cluster.",
                &["stage"],
            )?,
            aborts: make.counters(
                "stage_aborts_total",
                "Transactions aborted by a stage; what they read is read again.",
                &["stage"],
            )?,
            restarts: make.counters(
                "stage_restarts_total",
                "Times a stage began anew after it lost the cluster or was fenced.",
                &["stage"],
            )?,
            turn_duration_seconds: make.histograms(
                "stage_turn_duration_seconds",
                "From the last record read to the end of the commit, by stage.",
                &["stage"],
            )?,
            running: make.gauges(
                "stage_running",
                "1 while a stage's instance does turns, 0 while it begins anew.",
                &["stage"],
            )?,
            partitions: make.gauges(
                "stage_partitions",
                "Partitions of a stage's instance, by state: ready, restoring.",
                &["stage", "state"],
            )?,
            restored_rows: make.counters(
                "stage_restored_rows_total",
                "Rows of state read back from the changelog, by stage.",
                &["stage"],
            )?,
        })
    }
}
