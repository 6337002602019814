//! From a contact to a document of the index.

use std::collections::BTreeMap;

use quell_model::contact::Maturity;
use quell_model::event::Scalar;
use quell_model::repeat::RepeatMode;
use quell_model::{Contact, TimeMs};
use serde::{Deserialize, Serialize};
use tantivy::schema::OwnedValue;
use tantivy::{DateTime, TantivyDocument};

use crate::condition::Typed;
use crate::error::{IndexError, Result};
use crate::flat::{self, MAX_KEYWORD_BYTES, askable, texts};
use crate::schema::Fields;
use crate::terms::field_value;

/// Subjects are shown up to this many characters.
const SHOWN_SUBJECT_CHARS: usize = 160;
/// Attributes of one contact that can be asked; more are left out, in key order.
pub(crate) const MAX_ATTRIBUTES: usize = 64;
/// The times the engine can hold, 1754 to 2185, in milliseconds since 1970.
const ENGINE_TIME_MS: i64 = 6_800_000_000_000;

/// What is shown of a contact without looking it up elsewhere. No text but the short subject.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Shown {
    pub contact_key: String,
    pub contact_id: String,
    pub occurred_at: TimeMs,
    pub channel: String,
    pub language: String,
    pub standing: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The full ids of the contact's reasons, the heaviest first.
    pub reasons: Vec<String>,
    /// The subject, cut at 160 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demand_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dumb_class: Option<String>,
    /// Cost in millionths of the taxonomy's currency.
    pub cost_micros: i64,
    /// The modes in which the contact is a repeat.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repeats: Vec<String>,
    /// Place in the chain of the same issue, 1 for a contact that repeats nothing.
    pub chain_position: u32,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Scalar>,
}

/// The time as the engine holds it; times beyond its range stand at its ends.
pub(crate) fn engine_time(time: TimeMs) -> DateTime {
    DateTime::from_timestamp_millis(within_range(time).0)
}

/// The time, or the end of what the engine can hold.
pub(crate) fn within_range(time: TimeMs) -> TimeMs {
    TimeMs(time.0.clamp(-ENGINE_TIME_MS, ENGINE_TIME_MS))
}

/// The document of a contact.
pub(crate) fn document(fields: &Fields, contact: &Contact) -> Result<TantivyDocument> {
    let key = contact.contact_key.as_str();
    if key.is_empty() || key.len() > MAX_KEYWORD_BYTES {
        return Err(IndexError::Contact {
            key: key.chars().take(80).collect(),
            problem: format!("its key must have 1 to {MAX_KEYWORD_BYTES} bytes"),
        });
    }
    let mut doc = TantivyDocument::with_capacity(2048);
    let shown = shown(contact);
    for (name, value) in flat::values(contact, &shown) {
        let field = fields.named(name);
        match value {
            Typed::Word(word) => doc.add_text(field, word),
            Typed::Truth(truth) => doc.add_bool(field, truth),
            Typed::Unsigned(number) => doc.add_u64(field, number),
            Typed::Integer(number) => doc.add_i64(field, number),
            Typed::Float(number) => doc.add_f64(field, number),
            Typed::Time(time) => doc.add_date(field, engine_time(time)),
        }
    }
    attributes(&mut doc, fields, &shown);
    let value = field_value(&contact.language, texts(contact));
    doc.add_text(fields.text, &value);
    doc.add_text(fields.text_plain, &value);
    let json = serde_json::to_string(&shown)
        .map_err(|error| IndexError::Contact { key: key.to_owned(), problem: error.to_string() })?;
    doc.add_text(fields.shown, json);
    doc.add_u64(fields.digest, digest(contact));
    Ok(doc)
}

/// Hash of all that a document is made from.
pub(crate) fn digest(contact: &Contact) -> u64 {
    // The one thing that every contact changes without any change to its document.
    let contact = Contact { maturity: Maturity::Provisional, ..contact.clone() };
    let hash = blake3::hash(&serde_json::to_vec(&contact).unwrap_or_default());
    let mut low = [0; 8];
    low.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(low)
}

/// The word an enum of the model has in JSON.
pub(crate) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// As much of a subject as is shown.
pub(crate) fn cut_subject(subject: &str) -> Option<String> {
    let subject = subject.trim();
    (!subject.is_empty()).then(|| subject.chars().take(SHOWN_SUBJECT_CHARS).collect())
}

/// What is shown of a contact.
pub(crate) fn shown(contact: &Contact) -> Shown {
    let mut reasons: Vec<_> = contact.reasons.iter().collect();
    reasons.sort_by_key(|tag| std::cmp::Reverse(tag.weight));
    let repeats = RepeatMode::ALL.into_iter().filter(|&mode| contact.repeat.get(mode).is_some());
    Shown {
        contact_key: contact.contact_key.as_str().to_owned(),
        contact_id: contact.contact_id.clone(),
        occurred_at: within_range(contact.occurred_at),
        channel: contact.channel.as_str().to_owned(),
        language: contact.language.clone(),
        standing: word(&contact.standing),
        status: contact.status.as_ref().map(word),
        product: contact.product.clone(),
        queue: contact.queue.clone(),
        team: contact.team.clone(),
        reasons: reasons.iter().map(|tag| tag.reason.0.clone()).collect(),
        subject: contact.subject.as_deref().and_then(cut_subject),
        demand_type: contact.demand_type.as_ref().map(word),
        dumb_class: contact.dumb_class.clone(),
        cost_micros: contact.cost_micros,
        repeats: repeats.map(|mode| mode.as_str().to_owned()).collect(),
        chain_position: contact.repeat.same_issue.as_ref().map_or(1, |link| link.position),
        attributes: contact
            .attributes
            .iter()
            .filter(|(name, value)| !name.is_empty() && askable(value))
            .take(MAX_ATTRIBUTES)
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    }
}

fn attributes(doc: &mut TantivyDocument, fields: &Fields, shown: &Shown) {
    let object: BTreeMap<String, OwnedValue> = shown
        .attributes
        .iter()
        .map(|(name, value)| {
            let value = match value {
                Scalar::Bool(value) => OwnedValue::Bool(*value),
                Scalar::Int(value) => OwnedValue::I64(*value),
                Scalar::Float(value) => OwnedValue::F64(*value),
                Scalar::Text(value) => OwnedValue::Str(value.clone()),
            };
            (name.clone(), value)
        })
        .collect();
    if !object.is_empty() {
        doc.add_object(fields.named("attributes"), object);
    }
}
