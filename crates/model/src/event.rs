//! What sources say: the canonical events, version 1. The JSON Schemas are in `schemas/`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::patch::Patch;
use crate::time::TimeMs;

/// The schema version this build reads and writes.
pub const SCHEMA_VERSION: u32 = 1;

/// Any canonical input.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A ticket, call or conversation changed.
    Contact(Box<ContactEvent>),
    /// Units of the business driver X (orders, shipments) in a period.
    Volume(Volume),
    /// Two customer ids are one person.
    IdentityLink(IdentityLink),
    /// An input whose schema is settled and which is kept for the stages that will act on it.
    Noted(Noted),
}

/// What happened to a contact. `Erased` removes the person, `Deleted` only the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ContactEventType {
    /// First seen. Requires `channel` and `opened_at`.
    #[serde(rename = "contact.opened")]
    Opened,
    /// Some fields changed.
    #[serde(rename = "contact.updated")]
    Updated,
    /// One more message of the exchange: `body` is added, it does not replace.
    #[serde(rename = "contact.message")]
    Message,
    /// A transcript is there. Requires `transcript`.
    #[serde(rename = "contact.transcript")]
    Transcript,
    /// Closed.
    #[serde(rename = "contact.closed")]
    Closed,
    /// Reopened after it was solved or closed.
    #[serde(rename = "contact.reopened")]
    Reopened,
    /// The customer rated or commented.
    #[serde(rename = "contact.feedback")]
    Feedback,
    /// The whole known state, as by a backfill.
    #[serde(rename = "contact.snapshot")]
    Snapshot,
    /// The source deleted the record: it is taken out of counts.
    #[serde(rename = "contact.deleted")]
    Deleted,
    /// The person must be forgotten. Final: later patches of the contact are refused.
    #[serde(rename = "contact.erased")]
    Erased,
}

/// One canonical contact event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContactEvent {
    /// Always [`SCHEMA_VERSION`] once decoded.
    pub schema_version: u32,
    /// The source's id of this message, at most 256 bytes.
    pub event_id: String,
    /// What happened.
    pub event_type: ContactEventType,
    /// When it happened.
    pub event_time: TimeMs,
    /// Who says so.
    pub source: Source,
    /// The patch.
    pub contact: ContactPatch,
}

/// The system an event comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Source {
    /// `zendesk`, `amazon-connect`, …
    pub system: String,
    /// One of several installations of that system.
    #[serde(default)]
    pub instance: Option<String>,
    /// The event's type in the source's own words.
    #[serde(default)]
    pub native_type: Option<String>,
    /// The id of the customer's message (an e-mail's Message-ID): two contacts with the same one
    /// are duplicates.
    #[serde(default)]
    pub message_id: Option<String>,
}

macro_rules! word_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }
        impl $name {
            /// Every value, in order.
            pub const ALL: &[$name] = &[$($name::$variant),+];
        }
    };
}

word_enum!(
    /// What the source calls its container.
    Kind { Ticket, Call, Conversation }
);
word_enum!(
    /// The channel the customer used.
    Channel { Voice, Email, Chat, Messaging, Sms, Social, WebForm, InApp, InPerson, Api, Other }
);
word_enum!(
    /// Who began it. Only inbound ones are contacts in the counts.
    Direction { Inbound, Outbound, Internal }
);
word_enum!(
    /// The status, in one vocabulary for all sources.
    Status { New, Open, Pending, OnHold, Solved, Closed }
);
word_enum!(
    /// Who speaks in a transcript turn.
    Role { Customer, Agent, Bot, System }
);

impl Channel {
    /// The word used in JSON, labels and dimensions.
    pub fn as_str(self) -> &'static str {
        match self {
            Channel::Voice => "voice",
            Channel::Email => "email",
            Channel::Chat => "chat",
            Channel::Messaging => "messaging",
            Channel::Sms => "sms",
            Channel::Social => "social",
            Channel::WebForm => "web_form",
            Channel::InApp => "in_app",
            Channel::InPerson => "in_person",
            Channel::Api => "api",
            Channel::Other => "other",
        }
    }
}

/// A scalar attribute value. In JSON the bare value; in binary rows a tagged one.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// true or false
    Bool(bool),
    /// a whole number
    Int(i64),
    /// any other number
    Float(f64),
    /// text
    Text(String),
}

/// The tagged form, for formats that do not describe themselves.
#[derive(Serialize, Deserialize)]
enum TaggedScalar {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum BareScalar {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

macro_rules! scalar_form {
    ($form:ident) => {
        impl From<&Scalar> for $form {
            fn from(scalar: &Scalar) -> Self {
                match scalar {
                    Scalar::Bool(v) => $form::Bool(*v),
                    Scalar::Int(v) => $form::Int(*v),
                    Scalar::Float(v) => $form::Float(*v),
                    Scalar::Text(v) => $form::Text(v.clone()),
                }
            }
        }
        impl From<$form> for Scalar {
            fn from(form: $form) -> Self {
                match form {
                    $form::Bool(v) => Scalar::Bool(v),
                    $form::Int(v) => Scalar::Int(v),
                    $form::Float(v) => Scalar::Float(v),
                    $form::Text(v) => Scalar::Text(v),
                }
            }
        }
    };
}

scalar_form!(TaggedScalar);
scalar_form!(BareScalar);

impl Serialize for Scalar {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            BareScalar::from(self).serialize(serializer)
        } else {
            TaggedScalar::from(self).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            BareScalar::deserialize(deserializer).map(Scalar::from)
        } else {
            TaggedScalar::deserialize(deserializer).map(Scalar::from)
        }
    }
}

impl Scalar {
    /// The value as dimension text.
    pub fn to_text(&self) -> String {
        match self {
            Scalar::Bool(v) => v.to_string(),
            Scalar::Int(v) => v.to_string(),
            Scalar::Float(v) => v.to_string(),
            Scalar::Text(v) => v.clone(),
        }
    }
}

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

/// Units of a business driver X in one period: the denominator of contacts per X. An upsert on
/// (source, unit, dimensions, period).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    /// Always [`SCHEMA_VERSION`] once decoded.
    pub schema_version: u32,
    /// The source's id of this message.
    pub event_id: String,
    /// When the count was taken; the newest wins.
    pub event_time: TimeMs,
    /// Who says so.
    pub source: Source,
    /// `orders`, `shipments`, `active_customers`, …
    pub exposure_unit: String,
    /// Start of the period, inclusive.
    pub period_start: TimeMs,
    /// End of the period, exclusive.
    pub period_end: TimeMs,
    /// How many units.
    pub count: u64,
    /// The part of the business counted; empty for all of it.
    #[serde(default)]
    pub dimensions: BTreeMap<String, String>,
}

/// A declaration that two customer ids are one person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdentityLink {
    /// Always [`SCHEMA_VERSION`] once decoded.
    pub schema_version: u32,
    /// The source's id of this message.
    pub event_id: String,
    /// When it was declared.
    pub event_time: TimeMs,
    /// Who says so.
    pub source: Source,
    /// The ids, two or more.
    pub customer_ids: Vec<String>,
}

/// Which noted input it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum NotedKind {
    ActionCommand,
    CallbackConsent,
    Promise,
    SurveyResponse,
    Mention,
}

impl NotedKind {
    /// Every kind, in order.
    pub const ALL: &[NotedKind] = &[
        NotedKind::ActionCommand,
        NotedKind::CallbackConsent,
        NotedKind::Promise,
        NotedKind::SurveyResponse,
        NotedKind::Mention,
    ];

    /// The `event_type` that names it.
    pub fn event_type(self) -> &'static str {
        match self {
            NotedKind::ActionCommand => "action.command",
            NotedKind::CallbackConsent => "callback.consent",
            NotedKind::Promise => "promise",
            NotedKind::SurveyResponse => "survey.response",
            NotedKind::Mention => "mention",
        }
    }
}

/// A valid input that no stage acts on yet: kept as it is, newest per id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noted {
    /// Which input.
    pub kind: NotedKind,
    /// The source's id of this message.
    pub event_id: String,
    /// When it happened.
    pub event_time: TimeMs,
    /// The redacted record as canonical JSON.
    pub json: String,
}
