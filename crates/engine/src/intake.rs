//! INTAKE: nothing of ours is written before personal data is redacted. No state.

use quell_model::event::{ContactPatch, Event, Scalar};
use quell_model::patch::Patch;

/// Redacts every free text of an event in place. Returns how many marks were set.
///
/// Ids (customer, contact, agent) stay: they are what records are joined by, and live only in
/// the fields marked for them.
pub fn redact(event: &mut Event) -> u64 {
    match event {
        Event::Contact(event) => redact_contact(&mut event.contact),
        Event::Noted(noted) => redact_text(&mut noted.json),
        Event::Volume(_) | Event::IdentityLink(_) => 0,
    }
}

fn redact_contact(contact: &mut ContactPatch) -> u64 {
    let mut marks = redact_patch(&mut contact.subject) + redact_patch(&mut contact.body);
    marks += redact_patch(&mut contact.status_native);
    if let Some(feedback) = contact.feedback.value_mut() {
        marks += redact_patch(&mut feedback.comment);
    }
    if let Some(transcript) = contact.transcript.value_mut() {
        for turn in &mut transcript.turns {
            marks += redact_text(&mut turn.text);
        }
    }
    if let Some(attributes) = contact.attributes.value_mut() {
        for (name, value) in attributes {
            // An order number of sixteen digits is not a card because it passes a check sum by
            // chance: attributes that name a thing keep their value.
            let Patch::Set(Scalar::Text(text)) = value else { continue };
            if !name.ends_with("_id") || text.contains('@') {
                marks += redact_text(text);
            }
        }
    }
    if let Some(tags) = contact.tags.value_mut() {
        marks += tags.iter_mut().map(redact_text).sum::<u64>();
    }
    marks
}

fn redact_patch(field: &mut Patch<String>) -> u64 {
    field.value_mut().map_or(0, redact_text)
}

fn redact_text(text: &mut String) -> u64 {
    let redacted = quell_text::redact::redact(text);
    let marks = u64::from(redacted.counts.total());
    if marks > 0 {
        *text = redacted.text.into_owned();
    }
    marks
}
