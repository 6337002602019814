//! What was planted, written apart from the events.

use std::collections::BTreeMap;

use quell_model::TimeMs;
use quell_model::event::{Channel, Kind};
use serde::Serialize;

/// One contact as it was meant. One row per contact id.
#[derive(Serialize)]
pub(crate) struct ContactTruth<'a> {
    pub(crate) truth: &'static str,
    pub(crate) contact_id: &'a str,
    pub(crate) occurred_at: TimeMs,
    pub(crate) customer_id: Option<&'a str>,
    pub(crate) kind: Kind,
    pub(crate) channel: Channel,
    pub(crate) language: &'a str,
    pub(crate) true_reason: &'a str,
    pub(crate) agent_code: Option<&'a str>,
    pub(crate) chain_id: Option<&'a str>,
    /// How the contact hangs together with the one before: `same_issue`, `adjacent_reason`.
    pub(crate) link: Option<&'static str>,
    pub(crate) position: u32,
    pub(crate) previous: Option<&'a str>,
    pub(crate) first: Option<&'a str>,
    pub(crate) gap_ms: Option<i64>,
    /// Why the previous contact did not settle it.
    pub(crate) cause: Option<&'static str>,
    pub(crate) incident_id: Option<&'a str>,
    pub(crate) is_duplicate: bool,
    pub(crate) duplicate_of: Option<&'a str>,
    pub(crate) is_transfer_leg: bool,
    pub(crate) leg_of: Option<&'a str>,
    pub(crate) edge: Option<&'static str>,
    pub(crate) erased: bool,
    pub(crate) pii: Vec<PlantedData<'a>>,
}

/// A piece of personal data that was put into the text.
#[derive(Serialize)]
pub(crate) struct PlantedData<'a> {
    pub(crate) kind: &'static str,
    pub(crate) value: &'a str,
}

/// One planted systemic issue. Written at the end, when its contacts are counted.
#[derive(Serialize)]
pub(crate) struct IncidentTruth<'a> {
    pub(crate) truth: &'static str,
    pub(crate) incident_id: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) start: TimeMs,
    pub(crate) end: TimeMs,
    pub(crate) segment: &'a BTreeMap<String, String>,
    /// Mean number of contacts that the incident adds, given the volumes of this run.
    pub(crate) expected_excess: f64,
    /// Contacts that it did add, over all of the run.
    pub(crate) planted_contacts: u64,
}
