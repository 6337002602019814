//! What sources say: the canonical events, version 1. The JSON Schemas are in `schemas/`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::contact::ContactKey;
pub use crate::contact_patch::{
    ContactPatch, CustomerPatch, DurationsPatch, FeedbackPatch, LinksPatch, OutcomePatch,
    ReasonPatch, Transcript, Turn,
};
pub use crate::scalar::Scalar;
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

impl ContactEvent {
    /// The key of the contact that it speaks of.
    pub fn contact_key(&self) -> ContactKey {
        ContactKey::new(&self.source.system, self.source.instance.as_deref(), &self.contact.id)
    }
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
