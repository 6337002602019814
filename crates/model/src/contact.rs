//! A contact as known: one customer-initiated attempt to get help, after merging all its events.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::{Channel, Direction, Kind, Scalar, Status, Turn};
use crate::reason::{Opinion, ReasonId, ReasonTag};
use crate::repeat::RepeatLinks;
use crate::time::TimeMs;

/// The public id of a contact: system, instance and the source's own id. `/` and `%` inside a
/// part are percent-escaped, so that the text form is unique.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContactKey(String);

impl ContactKey {
    /// Builds the key from its three parts.
    pub fn new(system: &str, instance: Option<&str>, id: &str) -> Self {
        let mut key = String::with_capacity(system.len() + id.len() + 8);
        for (n, part) in [system, instance.unwrap_or(""), id].into_iter().enumerate() {
            if n > 0 {
                key.push('/');
            }
            for c in part.chars() {
                match c {
                    '/' => key.push_str("%2F"),
                    '%' => key.push_str("%25"),
                    _ => key.push(c),
                }
            }
        }
        ContactKey(key)
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key that this text is. The text must come from [`ContactKey::as_str`].
    pub fn from_text(text: impl Into<String>) -> Self {
        ContactKey(text.into())
    }

    /// The source's own id, unescaped.
    pub fn contact_id(&self) -> String {
        let id = self.0.rsplit('/').next().unwrap_or("");
        id.replace("%2F", "/").replace("%25", "%")
    }
}

impl fmt::Display for ContactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a record counts as a contact of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It does.
    Counted,
    /// A leg or transfer of one interaction that began elsewhere.
    TransferLeg,
    /// The source merged it into another record.
    Merged,
    /// The company began it, or it is internal.
    NotInbound,
    /// The same message again within the duplicate window.
    Duplicate,
}

/// Value demand is what the service exists for; failure demand comes from failing the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum DemandType {
    Value,
    Failure,
}

/// What decided whether a contact is value or failure demand, or its class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NatureBasis {
    /// What the taxonomy says of this reason.
    Reason(ReasonId),
    /// A cue in the customer's words.
    Cue(String),
}

/// Words of the customer that show a cue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CueEvidence {
    /// The cue class.
    pub cue: String,
    /// The words as they stand in the redacted text. Of a long passage the beginning, then `…`.
    pub words: String,
    /// Where: `subject`, `body`, `turn:N`. Turns are the customer's, counted from 0.
    pub place: String,
    /// Byte offset in that place's redacted text where the passage starts.
    pub start: u32,
    /// Byte offset where it ends.
    pub end: u32,
}

/// Words that a rule's phrase matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleEvidence {
    /// The reason whose rule it is.
    pub reason: ReasonId,
    /// The phrase as the rule has it: [`crate::Evidence::matched`].
    pub phrase: String,
    /// The words as they stand in the redacted text, marks whole. Of a long passage the beginning,
    /// then `…`.
    pub words: String,
    /// Where: `subject`, `body`, `turn:N`.
    pub place: String,
    /// Byte offset in that place's redacted text where the passage starts.
    pub start: u32,
    /// Byte offset where it ends.
    pub end: u32,
}

/// How the contact's language was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LanguageSource {
    /// The event named it and the script does not contradict.
    Event,
    /// The script decides alone.
    Script,
    /// A statistical model.
    Model,
    /// Nothing else decided: the deployment's default.
    Default,
}

/// Whether a number can still change in the ordinary course of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Maturity {
    Provisional,
    Mature,
}

/// One contact, tagged and linked: a record of the `contacts` topic and a row of
/// `contacts.ndjson`. Holds text and the customer's id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Contact {
    /// The source's own id.
    pub contact_id: String,
    /// The public id, unique over all sources.
    pub contact_key: ContactKey,
    pub system: String,
    pub instance: Option<String>,
    pub kind: Kind,
    pub customer_id: Option<String>,
    pub account_id: Option<String>,
    pub segment: Option<String>,
    /// When the customer made contact: `opened_at`, else the earliest event's time.
    pub occurred_at: TimeMs,
    pub channel: Channel,
    pub direction: Direction,
    pub standing: Standing,
    pub language: String,
    pub language_source: LanguageSource,
    pub subject: Option<String>,
    pub body: Option<String>,
    pub turns: Vec<Turn>,
    pub status: Option<Status>,
    pub opened_at: Option<TimeMs>,
    pub first_response_at: Option<TimeMs>,
    pub resolved_at: Option<TimeMs>,
    pub closed_at: Option<TimeMs>,
    pub updated_at: TimeMs,
    pub reopen_count: u32,
    pub product: Option<String>,
    pub queue: Option<String>,
    pub team: Option<String>,
    pub agent_id: Option<String>,
    pub priority: Option<String>,
    pub tags: Vec<String>,
    pub attributes: BTreeMap<String, Scalar>,
    pub agent_code: Option<String>,
    pub handle_s: Option<f64>,
    pub resolved: Option<bool>,
    pub transferred: Option<bool>,
    pub csat: Option<f64>,
    pub csat_max: Option<f64>,
    pub nps: Option<i64>,
    pub reasons: Vec<ReasonTag>,
    /// What the sources that did not decide thought.
    pub opinions: Vec<Opinion>,
    /// For the evidence of each reason that rules gave, the words that were matched.
    #[serde(default)]
    pub rule_evidence: Vec<RuleEvidence>,
    /// Cue classes found in the customer's words, in order of precedence.
    pub cues: Vec<String>,
    /// For each of the cues the first passages that show it, in the order of `cues`.
    pub cue_evidence: Vec<CueEvidence>,
    pub demand_type: Option<DemandType>,
    pub demand_basis: Option<NatureBasis>,
    pub dumb_class: Option<String>,
    pub dumb_class_basis: Option<NatureBasis>,
    /// Cost in millionths of the taxonomy's currency.
    pub cost_micros: i64,
    pub repeat: RepeatLinks,
    pub maturity: Maturity,
    pub taxonomy_version: String,
    pub definition_version: String,
}
