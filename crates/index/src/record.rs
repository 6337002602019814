//! The record of a settled contact, for a search backend: the contact's row, and beside it every
//! field that can be asked, under the names of the local index.

use std::collections::BTreeMap;

use quell_model::event::Scalar;
use quell_model::repeat::RepeatMode;
use quell_model::{Contact, TimeMs};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::document::{MAX_ATTRIBUTES, Shown, cut_subject, shown};
use crate::flat::{self, MANY, askable};

/// A record that would be larger leaves the texts themselves out: their words are in it, and whole
/// they are in `contacts`.
const MOST_BYTES_WITH_TEXTS: usize = 512 << 10;

/// Members of a record that no answer shows: they need not travel back.
pub const UNSHOWN: [&str; 4] = ["body", "turns", "text", "text_plain"];

/// One line of JSON for a contact whose links can change no more. What the row already says under
/// the same name stays as it is; what the index derives stands beside it.
pub fn settled_record(contact: &Contact) -> Vec<u8> {
    let Ok(Value::Object(mut record)) = serde_json::to_value(contact) else { return Vec::new() };
    let mut many: BTreeMap<&str, Vec<Value>> =
        MANY.iter().map(|name| (*name, Vec::new())).collect();
    for (name, value) in flat::values(contact, &shown(contact)) {
        match many.get_mut(name) {
            Some(list) => list.push(value.to_json()),
            None if record.contains_key(name) => {}
            None => {
                record.insert(name.to_owned(), value.to_json());
            }
        }
    }
    if let Some(Value::Object(attributes)) = record.get_mut("attributes") {
        attributes.values_mut().for_each(as_the_engine_writes);
    }
    for (name, texts) in flat::analysed(contact) {
        many.insert(name, texts.into_iter().map(Value::String).collect());
    }
    record.extend(many.into_iter().map(|(name, list)| (name.to_owned(), Value::Array(list))));
    let line = serde_json::to_vec(&record).unwrap_or_default();
    if line.len() <= MOST_BYTES_WITH_TEXTS {
        return line;
    }
    record.insert("body".to_owned(), Value::Null);
    record.insert("turns".to_owned(), Value::Array(Vec::new()));
    serde_json::to_vec(&record).unwrap_or_default()
}

/// Whole numbers as integers, as the local engine holds them: a backend that holds attributes as
/// words finds them by the same word.
fn as_the_engine_writes(value: &mut Value) {
    let whole = value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9e15);
    if let Some(whole) = whole.filter(|_| value.is_f64()) {
        *value = Value::from(whole as i64);
    }
}

/// What of a record is shown.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Row {
    contact_key: String,
    contact_id: String,
    occurred_at: TimeMs,
    channel: String,
    language: String,
    standing: String,
    status: Option<String>,
    product: Option<String>,
    queue: Option<String>,
    team: Option<String>,
    reasons: Vec<Reason>,
    subject: Option<String>,
    demand_type: Option<String>,
    dumb_class: Option<String>,
    cost_micros: i64,
    repeat: Map<String, Value>,
    chain_position: u32,
    attributes: BTreeMap<String, Scalar>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reason {
    reason: String,
    weight: f64,
}

/// What a record shows of its contact; none where it is no such record.
pub(crate) fn shown_of(record: &Value) -> Option<Shown> {
    let mut row = Row::deserialize(record).ok()?;
    if row.contact_key.is_empty() {
        return None;
    }
    row.reasons.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let modes = RepeatMode::ALL.iter().map(|mode| mode.as_str());
    let repeats = modes.filter(|mode| row.repeat.get(*mode).is_some_and(|link| !link.is_null()));
    Some(Shown {
        repeats: repeats.map(str::to_owned).collect(),
        contact_key: row.contact_key,
        contact_id: row.contact_id,
        occurred_at: row.occurred_at,
        channel: row.channel,
        language: row.language,
        standing: row.standing,
        status: row.status,
        product: row.product,
        queue: row.queue,
        team: row.team,
        reasons: row.reasons.into_iter().map(|tag| tag.reason).collect(),
        subject: row.subject.as_deref().and_then(cut_subject),
        demand_type: row.demand_type,
        dumb_class: row.dumb_class,
        cost_micros: row.cost_micros,
        chain_position: row.chain_position,
        attributes: row
            .attributes
            .into_iter()
            .filter(|(name, value)| !name.is_empty() && askable(value))
            .take(MAX_ATTRIBUTES)
            .collect(),
    })
}
