//! What a contact can be asked for, field by field: made once, for the local index and for the
//! record that a search backend reads.

use quell_model::Contact;
use quell_model::event::Scalar;
use quell_model::repeat::RepeatMode;

use crate::condition::Typed;
use crate::document::{Shown, within_range, word};
use crate::terms::joined;

/// Longer exact values are no codes and are left out of the exact fields.
pub(crate) const MAX_KEYWORD_BYTES: usize = 1024;

/// Fields of which a contact may have several values.
pub(crate) const MANY: &[&str] =
    &["text", "text_plain", "reason", "reason_l2", "area", "cue", "decided_by", "tags"];

/// A contact by the fields of the catalogue, without its words and attributes.
pub(crate) fn values(contact: &Contact, shown: &Shown) -> Vec<(&'static str, Typed)> {
    let mut values = Vec::with_capacity(40);
    keywords(&mut values, contact, shown);
    numbers(&mut values, contact, shown);
    values
}

/// Whether an attribute's value can be asked for.
pub(crate) fn askable(value: &Scalar) -> bool {
    match value {
        Scalar::Text(text) => text.len() <= MAX_KEYWORD_BYTES,
        Scalar::Float(number) => number.is_finite(),
        Scalar::Int(_) | Scalar::Bool(_) => true,
    }
}

/// The contact's texts, in order.
pub(crate) fn texts(contact: &Contact) -> impl Iterator<Item = &str> {
    let turns = contact.turns.iter().map(|turn| turn.text.as_str());
    contact.subject.as_deref().into_iter().chain(contact.body.as_deref()).chain(turns)
}

/// The words of a contact as a tokenizer that knows nothing but blanks finds them: stems and plain
/// words, one text each.
pub(crate) fn analysed(contact: &Contact) -> [(&'static str, Vec<String>); 2] {
    [("text", true), ("text_plain", false)]
        .map(|(name, stems)| (name, joined(stems, &contact.language, texts(contact))))
}

fn keywords(values: &mut Vec<(&'static str, Typed)>, contact: &Contact, shown: &Shown) {
    let mut add = |name: &'static str, value: &str| {
        if !value.is_empty() && value.len() <= MAX_KEYWORD_BYTES {
            values.push((name, Typed::Word(value.to_owned())));
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

fn numbers(values: &mut Vec<(&'static str, Typed)>, contact: &Contact, shown: &Shown) {
    values.push(("occurred_at", Typed::Time(within_range(contact.occurred_at))));
    let modes = [
        ("repeat_any_reason", RepeatMode::AnyReason),
        ("repeat_same_reason", RepeatMode::SameReason),
        ("repeat_same_issue", RepeatMode::SameIssue),
    ];
    for (name, mode) in modes {
        values.push((name, Typed::Truth(contact.repeat.get(mode).is_some())));
    }
    values.push(("chain_position", Typed::Unsigned(u64::from(shown.chain_position))));
    values.push(("cost_micros", Typed::Integer(contact.cost_micros)));
    for (name, value) in [("handle_s", contact.handle_s), ("csat", contact.csat)] {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            values.push((name, Typed::Float(value)));
        }
    }
}

fn distinct(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut out: Vec<String> = values.collect();
    out.sort_unstable();
    out.dedup();
    out
}
