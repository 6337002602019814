//! The part of the catalogue that speaks of stages on a cluster. Each metric has the label `stage`.

use prometheus::{GaugeVec, HistogramVec, IntCounterVec, IntGaugeVec};

use super::Make;

/// Metrics of the stages that a worker runs.
#[allow(missing_docs)]
pub struct StageMetrics {
    pub commits: IntCounterVec,
    pub aborts: IntCounterVec,
    pub restarts: IntCounterVec,
    pub turn_duration_seconds: HistogramVec,
    pub commit_duration_seconds: HistogramVec,
    pub lag_records: IntGaugeVec,
    pub lag_seconds: GaugeVec,
    pub held_seconds: GaugeVec,
    pub rebalances: IntCounterVec,
    pub rebalance_duration_seconds: HistogramVec,
    pub restore_remaining_records: IntGaugeVec,
    pub running: IntGaugeVec,
    pub partitions: IntGaugeVec,
    pub restored_rows: IntCounterVec,
}

impl StageMetrics {
    pub(super) fn new(make: &Make) -> Result<StageMetrics, prometheus::Error> {
        let stage = &["stage"];
        let counters = |name, help| make.counters(name, help, stage);
        let gauges = |name, help| make.gauges(name, help, stage);
        let gauges_of_seconds = |name, help| make.gauges_of_seconds(name, help, stage);
        let histograms = |name, help| make.histograms(name, help, stage);
        Ok(StageMetrics {
            commits: counters(
                "stage_commits_total",
                "Transactions committed by a stage on the cluster.",
            )?,
            aborts: counters(
                "stage_aborts_total",
                "Transactions aborted by a stage; what they read is read again.",
            )?,
            restarts: counters(
                "stage_restarts_total",
                "Times a stage began anew after it lost the cluster or was fenced.",
            )?,
            turn_duration_seconds: histograms(
                "stage_turn_duration_seconds",
                "From the last record read to the end of the commit, by stage.",
            )?,
            commit_duration_seconds: histograms(
                "stage_commit_duration_seconds",
                "Time of one transaction's commit, by stage.",
            )?,
            lag_records: gauges(
                "stage_lag_records",
                "Records between what is committed and the end of the instance's partitions.",
            )?,
            lag_seconds: gauges_of_seconds(
                "stage_lag_seconds",
                "At least how old the oldest record is that is not done; 0 when level.",
            )?,
            held_seconds: gauges_of_seconds(
                "stage_held_seconds",
                "How long one open transaction has held back records of a partition; 0 for none.",
            )?,
            rebalances: counters(
                "stage_rebalances_total",
                "Times the partitions of a stage's instance changed.",
            )?,
            rebalance_duration_seconds: histograms(
                "stage_rebalance_duration_seconds",
                "From a change of partitions until all that came or stayed do turns.",
            )?,
            restore_remaining_records: gauges(
                "stage_restore_remaining_records",
                "Records of the changelog that are still to be read back.",
            )?,
            running: gauges(
                "stage_running",
                "1 while a stage's instance does turns, 0 while it begins anew.",
            )?,
            partitions: make.gauges(
                "stage_partitions",
                "Partitions of a stage's instance, by state: ready, restoring.",
                &["stage", "state"],
            )?,
            restored_rows: counters(
                "stage_restored_rows_total",
                "Rows of state read back from the changelog, by stage.",
            )?,
        })
    }
}
