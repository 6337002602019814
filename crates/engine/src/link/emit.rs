//! What a change of a contact's places puts out: the contact, its reports, its fact.

use quell_model::contact::{Contact, Maturity};
use quell_model::repeat::{GapMs, RepeatLink, RepeatLinks};
use quell_model::{Fact, FactChange, Output, RepeatMode, Standing};

use super::report::{repeat_id, report};
use super::row::{Held, LinkRow, Owner, Place};
use super::{Link, is_linkable};
use crate::tag::{TaggedContact, Withdrawal};
use crate::trend::TrendInput;
use crate::{Effects, Settings};

impl Link {
    /// Puts out the contact as it is now; with `row`, takes the row's places first.
    pub(super) fn emit(
        &mut self,
        owner: &Owner,
        held: &mut Held,
        row: Option<&LinkRow>,
        effects: &mut Effects,
    ) {
        held.revision += 1;
        let key = held.tagged.contact.contact_key.clone();
        let old = std::mem::take(&mut held.places);
        held.places = row.map_or_else(|| old.clone(), |row| row.places.clone());
        held.duplicate = row.map_or(held.duplicate, |row| row.duplicate);
        let contact = public(held);
        for mode in RepeatMode::ALL {
            let place = held.places[mode as usize].as_ref();
            let gone = old[mode as usize]
                .as_ref()
                .filter(|old| place.is_none_or(|place| place.previous != old.previous));
            if let Some(gone) = gone {
                effects.outputs.push(Output::Repeat {
                    repeat_id: repeat_id(mode, &gone.previous, &key),
                    revision: held.revision,
                    report: None,
                });
            }
            if let Some(place) = place {
                let report = report(mode, &contact, place);
                effects.outputs.push(Output::Repeat {
                    repeat_id: report.repeat_id.clone(),
                    revision: held.revision,
                    report: Some(Box::new(report)),
                });
            }
        }
        let after = is_linkable(contact.standing)
            .then(|| fact(owner, &held.tagged, &contact, &self.settings));
        if after != held.counted {
            effects.to_trend.push(TrendInput::Fact(Box::new(FactChange {
                contact_key: key.clone(),
                before: std::mem::replace(&mut held.counted, after.clone()),
                after,
            })));
        }
        effects.outputs.push(Output::Contact {
            key,
            revision: held.revision,
            contact: Some(Box::new(contact)),
        });
    }

    /// Takes a contact's reports back, and its fact unless the aggregates are to stay.
    pub(super) fn emit_withdrawn(
        &mut self,
        held: &Held,
        revision: u64,
        why: Withdrawal,
        effects: &mut Effects,
    ) {
        let key = &held.tagged.contact.contact_key;
        for mode in RepeatMode::ALL {
            if let Some(place) = &held.places[mode as usize] {
                effects.outputs.push(Output::Repeat {
                    repeat_id: repeat_id(mode, &place.previous, key),
                    revision,
                    report: None,
                });
            }
        }
        if let Some(before) = held.counted.clone().filter(|_| why != Withdrawal::Erased) {
            effects.to_trend.push(TrendInput::Fact(Box::new(FactChange {
                contact_key: key.clone(),
                before: Some(before),
                after: None,
            })));
        }
    }
}

/// The contact as others see it.
fn public(held: &Held) -> Contact {
    let mut contact = held.tagged.contact.clone();
    if held.duplicate {
        contact.standing = Standing::Duplicate;
    }
    let mut links = RepeatLinks::default();
    for mode in RepeatMode::ALL {
        let at = contact.occurred_at;
        let link = |place: &Place| RepeatLink {
            previous: place.previous.contact_id(),
            first: place.first.contact_id(),
            position: place.position,
            gap_s: GapMs(at.since_ms(place.previous_at)),
        };
        links.set(mode, held.places[mode as usize].as_ref().map(link));
    }
    contact.repeat = links;
    contact.maturity = if held.mature { Maturity::Mature } else { Maturity::Provisional };
    contact
}

fn fact(owner: &Owner, tagged: &TaggedContact, contact: &Contact, settings: &Settings) -> Fact {
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
    let hash = blake3::keyed_hash(&settings.customer_hash_key, id.as_bytes());
    let mut low = [0; 8];
    low.copy_from_slice(&hash.as_bytes()[..8]);
    Some(u64::from_le_bytes(low))
}
