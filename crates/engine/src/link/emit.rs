//! What a change of a contact's places puts out: the contact, its reports, its fact.

use quell_model::contact::Contact;
use quell_model::{Fact, FactChange, FactWords, Output, RepeatMode};

use super::report::{repeat_id, report};
use super::row::{Held, LinkRow, Owner, Places};
use super::{LINK_VERSION, Link, is_linkable};
use crate::hash::keyed_hash64;
use crate::state::{self, LINK_HELD, State};
use crate::tag::{TaggedContact, Withdrawal};
use crate::trend::TrendInput;
use crate::{Effects, Settings};

impl Link {
    /// Puts the contact out as it is now, counts it and keeps it; with `row`, takes the row's
    /// places first.
    pub(super) fn emit(
        &mut self,
        state: &mut dyn State,
        owner: &Owner,
        mut held: Held,
        row: Option<&LinkRow>,
        effects: &mut Effects,
    ) {
        report_links(&mut held, row, effects);
        let counts = is_linkable(held.tagged.contact.standing);
        let after = counts.then(|| fact(owner, &held.tagged, &self.settings));
        let before = held.counted_fact();
        let without_words = |fact: &Fact| Fact { words: FactWords::default(), ..fact.clone() };
        held.counted = after.as_ref().map(without_words);
        keep(state, owner, &held);
        if after != before {
            let contact_key = held.tagged.contact.contact_key.clone();
            let change = FactChange { contact_key, before, after };
            effects.to_trend.push(TrendInput::Fact(Box::new(change)));
        }
        put_out(held, effects);
    }

    /// As [`Link::emit`] for a contact whose counts are to stay as they are.
    pub(super) fn emit_uncounted(
        &mut self,
        state: &mut dyn State,
        owner: &Owner,
        mut held: Held,
        row: &LinkRow,
        effects: &mut Effects,
    ) {
        report_links(&mut held, Some(row), effects);
        keep(state, owner, &held);
        put_out(held, effects);
    }

    /// Takes a contact's reports back, and its fact. Where the aggregates are to stay, of the fact
    /// only the words.
    pub(super) fn emit_withdrawn(
        &mut self,
        held: &Held,
        revision: u64,
        why: Withdrawal,
        effects: &mut Effects,
    ) {
        let key = &held.tagged.contact.contact_key;
        for (mode, place) in held.linked() {
            effects.outputs.push(Output::Repeat {
                repeat_id: repeat_id(mode, &place.previous, key),
                revision,
                report: None,
            });
        }
        let Some(before) = held.counted_fact() else { return };
        let is_erased = why == Withdrawal::Erased;
        if is_erased && before.words.is_empty() {
            return;
        }
        let after = is_erased.then(|| Fact { words: FactWords::default(), ..before.clone() });
        let change = FactChange { contact_key: key.clone(), before: Some(before), after };
        effects.to_trend.push(TrendInput::Fact(Box::new(change)));
    }
}

/// Takes the row's places, puts out a report for every link and takes back those of links that
/// are gone.
fn report_links(held: &mut Held, row: Option<&LinkRow>, effects: &mut Effects) {
    held.revision += 1;
    if let Some(row) = row {
        let old = std::mem::replace(&mut held.places, row.places.clone());
        held.duplicate = row.duplicate;
        take_back_reports(held, &old, effects);
    }
    held.show();
    for (mode, place) in held.linked() {
        let report = report(mode, &held.tagged.contact, place);
        effects.outputs.push(Output::Repeat {
            repeat_id: report.repeat_id.clone(),
            revision: held.revision,
            report: Some(Box::new(report)),
        });
    }
}

fn keep(state: &mut dyn State, owner: &Owner, held: &Held) {
    let key = owner.held_key(&held.tagged.contact.contact_key);
    state::write(state, LINK_HELD, &key, LINK_VERSION, held);
}

fn put_out(held: Held, effects: &mut Effects) {
    let contact = Box::new(held.tagged.contact);
    let key = contact.contact_key.clone();
    effects.outputs.push(Output::Contact { key, revision: held.revision, contact: Some(contact) });
}

/// Removes the reports of links that led to another contact than now.
fn take_back_reports(held: &Held, old: &Places, effects: &mut Effects) {
    for mode in RepeatMode::ALL {
        let Some(gone) = &old[mode as usize] else { continue };
        let now = held.places[mode as usize].as_ref();
        if now.is_none_or(|now| now.previous != gone.previous) {
            let key = &held.tagged.contact.contact_key;
            effects.outputs.push(Output::Repeat {
                repeat_id: repeat_id(mode, &gone.previous, key),
                revision: held.revision,
                report: None,
            });
        }
    }
}

fn fact(owner: &Owner, tagged: &TaggedContact, settings: &Settings) -> Fact {
    let contact = &tagged.contact;
    let reasons = TaggedContact::reasons_level2(contact)
        .into_iter()
        .zip(&tagged.costs_micros)
        .map(|((reason, weight), &cost_micros)| quell_model::fact::FactReason {
            reason,
            weight: quell_model::Weight(weight),
            cost_micros,
        })
        .collect();
    let mut dimensions: Vec<(String, String)> = settings
        .dimensions
        .iter()
        .filter_map(|name| dimension(contact, name).map(|value| (name.clone(), value)))
        .collect();
    dimensions.sort();
    Fact {
        hour: contact.occurred_at.hour(),
        reasons,
        dimensions,
        customer: customer_hash(owner, settings),
        repeats: RepeatMode::ALL.map(|mode| contact.repeat.get(mode).is_some()),
        words: tagged.words.clone(),
    }
}

/// Longest dimension value; what is longer is not a value but a text.
const MAX_VALUE_CHARS: usize = 64;

fn dimension(contact: &Contact, name: &str) -> Option<String> {
    let value = match name {
        "channel" => Some(contact.channel.as_str().to_owned()),
        "language" => Some(contact.language.clone()),
        "product" => contact.product.clone(),
        "segment" => contact.segment.clone(),
        "team" => contact.team.clone(),
        "queue" => contact.queue.clone(),
        "system" => Some(contact.system.clone()),
        attribute => contact.attributes.get(attribute).map(|value| value.to_text()),
    }?;
    (!value.is_empty()).then(|| value.chars().take(MAX_VALUE_CHARS).collect())
}

fn customer_hash(owner: &Owner, settings: &Settings) -> Option<u64> {
    let Owner::Customer(id) = owner else { return None };
    Some(keyed_hash64(&settings.customer_hash_key, id.as_bytes()))
}
