//! The fields of a contact as an event carries them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Channel, Direction, Kind, Role, Status};
use crate::patch::Patch;
use crate::scalar::Scalar;
use crate::time::TimeMs;

/// The fields of a contact that an event may carry. Every field but `id` and `kind` is a patch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ContactPatch {
    /// The source's own id of the contact.
    #[serde(default)]
    pub id: String,
    /// Required in JSON: a patch without it would turn a call into a ticket.
    pub kind: Kind,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub channel: Patch<Channel>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub direction: Patch<Direction>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub customer: Patch<CustomerPatch>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub links: Patch<LinksPatch>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub opened_at: Patch<TimeMs>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub first_response_at: Patch<TimeMs>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub resolved_at: Patch<TimeMs>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub closed_at: Patch<TimeMs>,
    /// When the source last changed the record: the field time of this patch. Without it the
    /// event's time is the field time.
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub updated_at: Patch<TimeMs>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub status: Patch<Status>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub status_native: Patch<String>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub reopen_count: Patch<u32>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub language: Patch<String>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub subject: Patch<String>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub body: Patch<String>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub reason: Patch<ReasonPatch>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub tags: Patch<Vec<String>>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub queue: Patch<String>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub team: Patch<String>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub agent_id: Patch<String>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub product: Patch<String>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub priority: Patch<String>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub durations: Patch<DurationsPatch>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub outcome: Patch<OutcomePatch>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub feedback: Patch<FeedbackPatch>,
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub transcript: Patch<Transcript>,
    /// Merged key by key; a null value clears its key, a null object clears all.
    #[serde(default, skip_serializing_if = "Patch::is_absent")]
    pub attributes: Patch<BTreeMap<String, Patch<Scalar>>>,
}

impl Default for ContactPatch {
    fn default() -> Self {
        ContactPatch {
            id: String::new(),
            kind: Kind::Ticket,
            channel: Patch::Absent,
            direction: Patch::Absent,
            customer: Patch::Absent,
            links: Patch::Absent,
            opened_at: Patch::Absent,
            first_response_at: Patch::Absent,
            resolved_at: Patch::Absent,
            closed_at: Patch::Absent,
            updated_at: Patch::Absent,
            status: Patch::Absent,
            status_native: Patch::Absent,
            reopen_count: Patch::Absent,
            language: Patch::Absent,
            subject: Patch::Absent,
            body: Patch::Absent,
            reason: Patch::Absent,
            tags: Patch::Absent,
            queue: Patch::Absent,
            team: Patch::Absent,
            agent_id: Patch::Absent,
            product: Patch::Absent,
            priority: Patch::Absent,
            durations: Patch::Absent,
            outcome: Patch::Absent,
            feedback: Patch::Absent,
            transcript: Patch::Absent,
            attributes: Patch::Absent,
        }
    }
}

macro_rules! patch_group {
    ($(#[$doc:meta])* $name:ident { $($field:ident : $ty:ty),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        #[allow(missing_docs)]
        pub struct $name {
            $(#[serde(skip_serializing_if = "Patch::is_absent")] pub $field: Patch<$ty>),+
        }
    };
}

patch_group!(
    /// Who the customer is. Personal data.
    CustomerPatch { id: String, account_id: String, segment: String }
);
patch_group!(
    /// How this record hangs together with others of the same interaction.
    LinksPatch {
        initial_id: String,
        previous_id: String,
        parent_problem_id: String,
        merged_into_id: String,
    }
);
patch_group!(
    /// What humans and vendors said of the reason: evidence, not the verdict.
    ReasonPatch { agent_code: String, disposition: String, vendor_categories: Vec<String> }
);
patch_group!(
    /// Durations in seconds.
    DurationsPatch { wait: f64, handle: f64, hold: f64, wrap_up: f64 }
);
patch_group!(
    /// How it ended.
    OutcomePatch {
        resolved: bool,
        transferred: bool,
        abandoned: bool,
        next_contact_avoided: bool,
        disconnect_reason: String,
    }
);
patch_group!(
    /// What the customer said afterwards.
    FeedbackPatch { csat: f64, csat_max: f64, nps: i64, comment: String }
);

/// A transcript, replaced as a whole by a newer one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Transcript {
    pub redacted: Option<bool>,
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    pub turns: Vec<Turn>,
}

/// One turn of a transcript.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said. Personal data until redacted.
    pub text: String,
    /// When, if known.
    #[serde(default)]
    pub at: Option<TimeMs>,
    /// Milliseconds from the start of the call.
    #[serde(default)]
    pub offset_ms: Option<i64>,
    /// The source's sentiment, -1 to 1.
    #[serde(default)]
    pub sentiment: Option<f64>,
}
