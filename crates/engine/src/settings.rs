//! What a deployment chooses. Part of the versioned input: the same settings and events give the
//! same result.

use std::collections::{BTreeMap, BTreeSet};

use quell_detect::hourly::HourlySettings;
use quell_model::TimeMs;
use quell_model::event::Channel;
use quell_model::time::DAY_MS;

/// Settings of the core.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The tenant whose contacts these are.
    pub tenant: String,
    /// Tag with an agent's code that the taxonomy does not know, as a reason of its own name.
    pub accept_agent_codes: bool,
    /// The language of a text that nothing else decides.
    pub default_language: String,
    /// The repeat window; `any_reason` always uses it.
    pub repeat_window_ms: i64,
    /// The window overrides those of the reasons.
    pub override_reason_windows: bool,
    /// The longest window any reason may have. Rows are kept this long.
    pub max_window_ms: i64,
    /// Same customer and same text within this time: a duplicate.
    pub duplicate_window_ms: i64,
    /// Texts at least this alike (thousandths) speak of the same issue, given the same reason.
    pub same_issue_permille: u16,
    /// Attributes that name the thing a contact is about.
    pub issue_entities: Vec<String>,
    /// Most active contacts of one customer that are linked.
    pub max_active_contacts: usize,
    /// A contact is forgotten this long after its last change.
    pub retention_ms: i64,
    /// Dimensions of the counts: a contact's field, or the name of an attribute.
    pub dimensions: Vec<String>,
    /// Most values of one dimension; further ones are `_other`.
    pub max_dimension_values: u32,
    /// Most dimension values of reasons that are judged beside the reasons; 0 for none.
    pub cells: usize,
    /// Verdicts follow changes of hours this far back; older ones are counted and change none.
    pub detection_horizon_ms: i64,
    /// The unit of volumes that contacts follow from.
    pub exposure_unit: String,
    /// Public holidays, as the starts of their days in UTC.
    pub holidays: BTreeSet<TimeMs>,
    /// The detector's knobs.
    pub detector: HourlySettings,
    /// Cost of a contact whose reason names none, by channel, in millionths of the currency.
    pub channel_cost_micros: BTreeMap<Channel, i64>,
    /// Key of the customer hash in facts.
    pub customer_hash_key: [u8; 32],
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            tenant: "default".to_owned(),
            accept_agent_codes: false,
            default_language: "en".to_owned(),
            repeat_window_ms: 7 * DAY_MS,
            override_reason_windows: false,
            max_window_ms: 90 * DAY_MS,
            duplicate_window_ms: 300_000,
            same_issue_permille: 250,
            issue_entities: ["order_id", "shipment_id", "invoice_id", "subscription_id", "case_id"]
                .map(str::to_owned)
                .to_vec(),
            max_active_contacts: 4_096,
            retention_ms: 400 * DAY_MS,
            dimensions: [
                "channel", "language", "product", "segment", "team", "topic", "version", "os",
            ]
            .map(str::to_owned)
            .to_vec(),
            max_dimension_values: 1_000,
            cells: 100,
            detection_horizon_ms: 400 * DAY_MS,
            exposure_unit: "orders".to_owned(),
            holidays: BTreeSet::new(),
            detector: HourlySettings::default(),
            channel_cost_micros: default_costs(),
            customer_hash_key: [0; 32],
        }
    }
}

/// Fallback prices of definitions.md 3.11: the middle of the ranges quoted there.
fn default_costs() -> BTreeMap<Channel, i64> {
    Channel::ALL
        .iter()
        .map(|&channel| {
            let micros = match channel {
                Channel::Voice | Channel::InPerson => 12_000_000,
                Channel::Email | Channel::WebForm | Channel::Social => 6_000_000,
                Channel::Chat | Channel::Messaging | Channel::Sms | Channel::InApp => 6_000_000,
                Channel::Api | Channel::Other => 500_000,
            };
            (channel, micros)
        })
        .collect()
}
