//! The metrics catalogue: every name, its help and its labels stand here, and nowhere else.
//! No label carries a customer, a contact, an agent or text.

mod backend;
mod stages;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec,
    IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

pub use backend::BackendMetrics;
pub use stages::StageMetrics;

use quell_codec::Cause;
use quell_engine::Tally;
use quell_model::UNCLASSIFIED;

use crate::stage::Intake;

/// Most reasons that get a label value of their own; further ones count under `_other`.
pub const MAX_REASON_LABELS: usize = 64;

/// Where label values beyond the bound go.
pub const OTHER_LABEL: &str = "_other";

/// Seconds, from a millisecond to a minute.
const DURATION_BUCKETS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

macro_rules! tally_help {
    ($($name:literal => $help:literal),+ $(,)?) => {
        fn tally_help(name: &str) -> &'static str {
            match name { $($name => $help,)+ _ => "Counted by the core." }
        }
    };
}

tally_help!(
    "events_applied" => "Contact events that changed a contact.",
    "events_stale" => "Contact events that said nothing new: redelivered or out of date.",
    "events_after_erasure" => "Contact events refused because the contact was erased.",
    "contacts_erased" => "Contacts erased on request.",
    "redactions" => "Pieces of personal data replaced by a mark before anything was stored.",
    "customer_overflow" => "Contacts not linked: their customer has too many active ones.",
    "links_frozen" => "Events for contacts whose repeat links could not change any more.",
    "windows_amended_late" => "Counts changed after the distinct customers of a window froze.",
    "dimension_overflow" => "Dimension values counted as _other because there are too many.",
    "changes_beyond_horizon" => "Hours that changed too far back for any verdict to follow.",
    "volumes_applied" => "Volume records applied.",
    "noted_kept" => "Inputs kept for stages that do not act on them yet.",
);

/// All metrics of a process.
#[allow(missing_docs)]
pub struct Metrics {
    registry: Registry,
    pub ingest_records: IntCounterVec,
    pub dead_letters: IntCounterVec,
    pub outputs: IntCounterVec,
    pub turn_duration_seconds: Histogram,
    pub log_backlog_records: IntGauge,
    pub index_backlog_changes: IntGauge,
    pub index_contacts: IntGauge,
    pub index_commit_duration_seconds: Histogram,
    pub event_time_complete_timestamp_seconds: Gauge,
    pub event_time_lateness_seconds: Gauge,
    pub store_disk_bytes: IntGauge,
    pub issues_open: IntGaugeVec,
    pub stages: StageMetrics,
    pub http_requests: IntCounterVec,
    pub http_request_duration_seconds: Histogram,
    pub backend: BackendMetrics,
    contacts_tagged: IntCounterVec,
    label_overflow: IntCounterVec,
    tally: Vec<(&'static str, IntCounter)>,
    reasons: Mutex<BTreeSet<String>>,
}

impl Metrics {
    /// A registry with every metric at zero. `version` is the build's, `taxonomy` that of the
    /// taxonomy. `reasons` are its level-2 reasons: they get their labels first.
    ///
    /// # Errors
    /// A name that is invalid or registered twice: a defect of this file.
    pub fn new<'a>(
        version: &str,
        taxonomy: &str,
        reasons: impl IntoIterator<Item = &'a str>,
    ) -> Result<Metrics, prometheus::Error> {
        let reasons = reasons.into_iter().take(MAX_REASON_LABELS).map(str::to_owned);
        let make = Make { registry: Registry::new() };
        make.info("build_info", "Version of this build; always 1.", ["version", version])?;
        let what = "Version of the taxonomy and its model that contacts are tagged with; always 1.";
        make.info("taxonomy_info", what, ["taxonomy", taxonomy])?;
        let metrics = Metrics::made(make, reasons.collect())?;
        metrics.begin_at_zero();
        Ok(metrics)
    }

    fn made(make: Make, reasons: BTreeSet<String>) -> Result<Metrics, prometheus::Error> {
        let tally = make.tally()?;
        Ok(Metrics {
            ingest_records: make.counters(
                "ingest_records_total",
                "Records offered, by what became of them: accepted, rejected, skipped_empty.",
                &["outcome"],
            )?,
            dead_letters: make.counters(
                "dead_letters_total",
                "Records put aside, by cause.",
                &["cause"],
            )?,
            outputs: make.counters(
                "outputs_total",
                "Records put out, by derived topic.",
                &["topic"],
            )?,
            turn_duration_seconds: make
                .histogram("turn_duration_seconds", "From poll to commit of one turn.")?,
            log_backlog_records: make
                .gauge("log_backlog_records", "Records in the log that no turn has taken yet.")?,
            index_backlog_changes: make
                .gauge("index_backlog_changes", "Changes that the index has not taken yet.")?,
            index_contacts: make.gauge("index_contacts", "Contacts that can be searched.")?,
            index_commit_duration_seconds: make
                .histogram("index_commit_duration_seconds", "Time of one commit of the index.")?,
            event_time_complete_timestamp_seconds: make.seconds(
                "event_time_complete_timestamp_seconds",
                "Event time is complete up to here.",
            )?,
            event_time_lateness_seconds: make.seconds(
                "event_time_lateness_seconds",
                "How long after its time an event is waited for.",
            )?,
            store_disk_bytes: make.gauge("store_disk_bytes", "Bytes of the store on disk.")?,
            issues_open: make.gauges(
                "issues_open",
                "Issues that go on, by verdict: watch, systemic.",
                &["verdict"],
            )?,
            stages: StageMetrics::new(&make)?,
            http_requests: make.counters(
                "http_requests_total",
                "HTTP requests, by route and status.",
                &["route", "status"],
            )?,
            http_request_duration_seconds: make
                .histogram("http_request_duration_seconds", "Time to answer an HTTP request.")?,
            backend: BackendMetrics::new(&make)?,
            contacts_tagged: make.counters(
                "contacts_tagged_total",
                "Contacts put out, by level-2 reason; a contact counts again when it changes.",
                &["reason"],
            )?,
            label_overflow: make.counters(
                "label_overflow_total",
                "Label values folded into _other because there are too many.",
                &["label"],
            )?,
            tally,
            reasons: Mutex::new(reasons),
            registry: make.registry,
        })
    }

    /// A series that begins with its first count hides that count from `rate`.
    fn begin_at_zero(&self) {
        for outcome in ["accepted", "rejected", "skipped_empty"] {
            self.ingest_records.with_label_values(&[outcome]);
        }
        for cause in Cause::ALL {
            self.dead_letters.with_label_values(&[cause.as_str()]);
        }
        for verdict in ["watch", "systemic"] {
            self.issues_open.with_label_values(&[verdict]);
        }
        let known = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        for reason in known.iter().map(String::as_str).chain([UNCLASSIFIED]) {
            self.contacts_tagged.with_label_values(&[reason]);
        }
    }

    /// Adds what a turn counted.
    pub fn add_tally(&self, tally: &Tally) {
        for ((_, counter), (_, value)) in self.tally.iter().zip(tally.entries()) {
            counter.inc_by(value);
        }
    }

    /// Adds marks set by redaction on the way in.
    pub fn add_redactions(&self, marks: u64) {
        if let Some((_, counter)) = self.tally.iter().find(|(name, _)| *name == "redactions") {
            counter.inc_by(marks);
        }
    }

    /// Adds what a turn of the first stage took in.
    pub fn add_intake(&self, intake: &Intake) {
        let outcomes =
            [("accepted", intake.accepted), ("rejected", intake.rejected.values().sum())];
        for (outcome, count) in outcomes {
            self.ingest_records.with_label_values(&[outcome]).inc_by(count);
        }
        for (cause, count) in &intake.rejected {
            self.dead_letters.with_label_values(&[cause]).inc_by(*count);
        }
        self.add_redactions(intake.redactions);
    }

    /// Counts contacts by reason, within the bound on label values.
    pub fn add_reasons(&self, reasons: &[String]) {
        let mut known = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        for reason in reasons {
            let has_room = known.len() < MAX_REASON_LABELS;
            let label = if reason == UNCLASSIFIED || known.contains(reason) {
                reason.as_str()
            } else if has_room {
                known.insert(reason.clone());
                reason.as_str()
            } else {
                self.label_overflow.with_label_values(&["reason"]).inc();
                OTHER_LABEL
            };
            self.contacts_tagged.with_label_values(&[label]).inc();
        }
    }

    /// The exposition text of all metrics.
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        // Encoding into memory fails for a metric without a name only; ours are all named here.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        text
    }
}

struct Make {
    registry: Registry,
}

impl Make {
    fn keep<T>(&self, metric: T) -> Result<T, prometheus::Error>
    where
        T: prometheus::core::Collector + Clone + 'static,
    {
        self.registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    /// Something that a label's value says.
    fn info(
        &self,
        name: &str,
        help: &str,
        [label, value]: [&str; 2],
    ) -> Result<(), prometheus::Error> {
        self.gauges(name, help, &[label])?.with_label_values(&[value]).set(1);
        Ok(())
    }

    /// A counter for everything that the core counts.
    fn tally(&self) -> Result<Vec<(&'static str, IntCounter)>, prometheus::Error> {
        let names = Tally::default().entries().into_iter().map(|(name, _)| name);
        names
            .map(|name| Ok((name, self.counter(&format!("{name}_total"), tally_help(name))?)))
            .collect()
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        self.keep(IntCounter::with_opts(opts(name, help))?)
    }

    fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec, prometheus::Error> {
        self.keep(IntCounterVec::new(opts(name, help), labels)?)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.keep(IntGauge::with_opts(opts(name, help))?)
    }

    fn seconds(&self, name: &str, help: &str) -> Result<Gauge, prometheus::Error> {
        self.keep(Gauge::with_opts(opts(name, help))?)
    }

    fn gauges(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntGaugeVec, prometheus::Error> {
        self.keep(IntGaugeVec::new(opts(name, help), labels)?)
    }

    fn gauges_of_seconds(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<GaugeVec, prometheus::Error> {
        self.keep(GaugeVec::new(opts(name, help), labels)?)
    }

    fn histograms(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<HistogramVec, prometheus::Error> {
        let opts = HistogramOpts::new(format!("quell_{name}"), help.to_owned());
        self.keep(HistogramVec::new(opts.buckets(DURATION_BUCKETS.to_vec()), labels)?)
    }

    fn histogram(&self, name: &str, help: &str) -> Result<Histogram, prometheus::Error> {
        let opts = HistogramOpts::new(format!("quell_{name}"), help.to_owned());
        self.keep(Histogram::with_opts(opts.buckets(DURATION_BUCKETS.to_vec()))?)
    }
}

/// A count as a gauge's value.
pub(crate) fn gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(format!("quell_{name}"), help.to_owned())
}
