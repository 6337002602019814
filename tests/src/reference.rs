//! Repeats by the words of the definition: every contact against every other of its customer.

use std::collections::{BTreeMap, BTreeSet};

use quell_engine::Settings;
use quell_model::contact::Contact;
use quell_model::event::Event;
use quell_model::{ReasonId, RepeatMode, Standing, UNCLASSIFIED};

/// What the reference says of one contact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Same customer, same text, within the duplicate window.
    pub duplicate: bool,
    /// Per mode: previous, first, position, gap in milliseconds.
    pub links: [Option<(String, String, u32, i64)>; 3],
}

/// Each id with the smallest id of its set.
pub fn persons(events: &[Event]) -> BTreeMap<String, String> {
    let mut persons: BTreeMap<String, String> = BTreeMap::new();
    let links = || {
        events.iter().filter_map(|event| match event {
            Event::IdentityLink(link) => Some(&link.customer_ids),
            _ => None,
        })
    };
    for ids in links() {
        for id in ids {
            persons.insert(id.clone(), id.clone());
        }
    }
    // As often as there are ids is often enough for the smallest to reach everyone.
    for _ in 0..=persons.len() {
        for ids in links() {
            let smallest = ids.iter().filter_map(|id| persons.get(id)).min().cloned();
            for (id, smallest) in ids.iter().zip(smallest.iter().cycle()) {
                persons.insert(id.clone(), smallest.clone());
            }
        }
    }
    persons
}

/// What is expected of each contact, by its id.
pub fn expected(
    contacts: &[Contact],
    persons: &BTreeMap<String, String>,
    settings: &Settings,
) -> BTreeMap<String, Expected> {
    let mut ordered: Vec<&Contact> = contacts.iter().collect();
    ordered.sort_by_key(|contact| (contact.occurred_at, contact.contact_key.clone()));
    let mut found: BTreeMap<String, Expected> = BTreeMap::new();
    for (i, later) in ordered.iter().enumerate() {
        let own: Vec<&Contact> = ordered[..i]
            .iter()
            .filter(|earlier| is_linkable(earlier) && same_person(earlier, later, persons))
            .copied()
            .collect();
        let expected = if is_linkable(later) {
            judge(later, &own, &found, settings)
        } else {
            Expected::default()
        };
        found.insert(later.contact_id.clone(), expected);
    }
    found
}

fn is_linkable(contact: &Contact) -> bool {
    matches!(contact.standing, Standing::Counted | Standing::Duplicate)
        && contact.customer_id.is_some()
}

fn same_person(a: &Contact, b: &Contact, persons: &BTreeMap<String, String>) -> bool {
    let person = |contact: &Contact| {
        let id = contact.customer_id.clone()?;
        Some(persons.get(&id).cloned().unwrap_or(id))
    };
    person(a) == person(b)
}

fn judge(
    later: &Contact,
    own: &[&Contact],
    found: &BTreeMap<String, Expected>,
    settings: &Settings,
) -> Expected {
    let gap_ms = |earlier: &Contact| later.occurred_at.since_ms(earlier.occurred_at);
    let texts = |contact: &Contact| -> BTreeSet<String> {
        let said = contact.turns.iter().map(|turn| turn.text.clone());
        contact.body.clone().into_iter().chain(said).collect()
    };
    let duplicate = own.iter().any(|earlier| {
        gap_ms(earlier) <= settings.duplicate_window_ms
            && earlier.body.is_some()
            && earlier.body == later.body
    });
    let mut expected = Expected { duplicate, ..Expected::default() };
    if duplicate {
        return expected;
    }
    for mode in RepeatMode::ALL {
        let previous = own.iter().rev().find(|earlier| {
            let is_duplicate = found.get(&earlier.contact_id).is_some_and(|e| e.duplicate);
            let in_window = gap_ms(earlier) > 0 && gap_ms(earlier) <= settings.repeat_window_ms;
            let alike =
                likeness_permille(&texts(earlier), &texts(later)) >= settings.same_issue_permille;
            !is_duplicate
                && in_window
                && match mode {
                    RepeatMode::AnyReason => true,
                    RepeatMode::SameReason => share_reason(earlier, later),
                    RepeatMode::SameIssue => match (order(earlier), order(later)) {
                        (Some(a), Some(b)) => a == b,
                        _ => share_reason(earlier, later) && alike,
                    },
                }
        });
        expected.links[mode as usize] = previous.map(|previous| {
            let chain = found.get(&previous.contact_id);
            let before = chain.and_then(|e| e.links[mode as usize].as_ref());
            let (first, position) = before.map_or_else(
                || (previous.contact_id.clone(), 1),
                |(_, first, position, _)| (first.clone(), *position),
            );
            (previous.contact_id.clone(), first, position + 1, gap_ms(previous))
        });
    }
    expected
}

/// The share of their distinct words that both have; for texts of three words each, none of them in
/// two texts, that is the share of texts.
fn likeness_permille(a: &BTreeSet<String>, b: &BTreeSet<String>) -> u16 {
    let both = a.intersection(b).count();
    (both * 1000).checked_div(a.union(b).count()).unwrap_or_default() as u16
}

fn order(contact: &Contact) -> Option<String> {
    contact.attributes.get("order_id").map(|order| order.to_text())
}

fn share_reason(a: &Contact, b: &Contact) -> bool {
    let known = |id: &ReasonId| id.as_str() != UNCLASSIFIED;
    a.reasons
        .iter()
        .any(|tag| known(&tag.reason) && b.reasons.iter().any(|o| o.reason == tag.reason))
}
