//! From a contact to a document of the index.

use std::collections::BTreeMap;

use quell_model::contact::Maturity;
use quell_model::event::Scalar;
use quell_model::repeat::RepeatMode;
use quell_model::{Contact, TimeMs};
use serde::{Deserialize, Serialize};
use tantivy::schema::OwnedValue;
use tantivy::{DateTime, TantivyDocument};

use crate::error::{IndexError, Result};
use crate::schema::Fields;
use crate::terms::field_value;

/// Subjects are shown up to this many characters.
const SHOWN_SUBJECT_CHARS: usize = 160;
/// Attributes of one contact that can be asked; more are left out, in key order.
const MAX_ATTRIBUTES: usize = 64;
/// Longer exact values are no codes and are left out of the exact fields.
const MAX_KEYWORD_BYTES: usize = 1024;
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

fn within_range(time: TimeMs) -> TimeMs {
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
    keywords(&mut doc, fields, contact, &shown);
    numbers(&mut doc, fields, contact, &shown);
    attributes(&mut doc, fields, &shown);
    let texts = || {
        let turns = contact.turns.iter().map(|turn| turn.text.as_str());
        contact.subject.as_deref().into_iter().chain(contact.body.as_deref()).chain(turns)
    };
    let value = field_value(&contact.language, texts());
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

fn shown(contact: &Contact) -> Shown {
    let mut reasons: Vec<_> = contact.reasons.iter().collect();
    reasons.sort_by_key(|tag| std::cmp::Reverse(tag.weight));
    let repeats = RepeatMode::ALL.into_iter().filter(|&mode| contact.repeat.get(mode).is_some());
    let subject = contact.subject.as_deref().map(str::trim).filter(|s| !s.is_empty());
    let askable = |value: &Scalar| match value {
        Scalar::Text(text) => text.len() <= MAX_KEYWORD_BYTES,
        Scalar::Float(number) => number.is_finite(),
        Scalar::Int(_) | Scalar::Bool(_) => true,
    };
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
        subject: subject.map(|s| s.chars().take(SHOWN_SUBJECT_CHARS).collect()),
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

fn keywords(doc: &mut TantivyDocument, fields: &Fields, contact: &Contact, shown: &Shown) {
    let mut add = |name: &'static str, value: &str| {
        if !value.is_empty() && value.len() <= MAX_KEYWORD_BYTES {
            doc.add_text(fields.named(name), value);
        }
    };
    add("contact_key", &shown.contact_key);
    add("contact_id", &shown.contact_id);
    add("channel", &shown.channel);
    add("language", &shown.language);
    add("standing", &shown.standing);
    add("kind", &word(&contact.kind));
    add("system", &contact.system);
    let optional = [
        ("customer_id", &contact.customer_id),
        ("segment", &contact.segment),
        ("status", &shown.status),
        ("product", &contact.product),
        ("queue", &contact.queue),
        ("team", &contact.team),
        ("demand_type", &shown.demand_type),
        ("dumb_class", &contact.dumb_class),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            add(name, value);
        }
    }
    for (name, values) in [("cue", &contact.cues), ("tags", &contact.tags)] {
        for value in distinct(values.iter().cloned()) {
            add(name, &value);
        }
    }
    let tags = || contact.reasons.iter();
    for area in distinct(tags().map(|tag| tag.reason.level1().to_owned())) {
        add("area", &area);
    }
    for reason in distinct(tags().map(|tag| tag.reason.level2().0)) {
        add("reason_l2", &reason);
    }
    for reason in distinct(tags().flat_map(|tag| {
        [tag.reason.level1().to_owned(), tag.reason.level2().0, tag.reason.0.clone()]
    })) {
        add("reason", &reason);
    }
    for decided_by in distinct(tags().map(|tag| word(&tag.decided_by))) {
        add("decided_by", &decided_by);
    }
}

fn numbers(doc: &mut TantivyDocument, fields: &Fields, contact: &Contact, shown: &Shown) {
    doc.add_date(fields.occurred_at, engine_time(contact.occurred_at));
    let modes = [
        ("repeat_any_reason", RepeatMode::AnyReason),
        ("repeat_same_reason", RepeatMode::SameReason),
        ("repeat_same_issue", RepeatMode::SameIssue),
    ];
    for (name, mode) in modes {
        doc.add_bool(fields.named(name), contact.repeat.get(mode).is_some());
    }
    doc.add_u64(fields.named("chain_position"), u64::from(shown.chain_position));
    doc.add_i64(fields.named("cost_micros"), contact.cost_micros);
    for (name, value) in [("handle_s", contact.handle_s), ("csat", contact.csat)] {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            doc.add_f64(fields.named(name), value);
        }
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

fn distinct(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut out: Vec<String> = values.collect();
    out.sort_unstable();
    out.dedup();
    out
}
