//! The report that every repeat link owes: why was it not solved the first time?
//!
//! Causes are codes of definitions.md 3.6. This first assignment reads the later contact's cues
//! and what is known of the earlier one; `unknown` where nothing speaks for a cause.

use quell_model::contact::Contact;
use quell_model::repeat::{GapMs, RepeatReport};
use quell_model::{ContactKey, DEFINITION_VERSION, RepeatMode};

use super::row::{Basis, Place};

/// The public id of a repeat link.
pub fn repeat_id(mode: RepeatMode, earlier: &ContactKey, later: &ContactKey) -> String {
    format!("{mode}:{earlier}:{later}")
}

pub(super) fn report(mode: RepeatMode, contact: &Contact, place: &Place) -> RepeatReport {
    let cause = cause_of(&contact.cues, &place.basis);
    RepeatReport {
        repeat_id: repeat_id(mode, &place.previous, &contact.contact_key),
        contact_id: contact.contact_id.clone(),
        contact_key: contact.contact_key.clone(),
        previous: place.previous.contact_id(),
        previous_key: place.previous.clone(),
        mode,
        gap_s: GapMs(contact.occurred_at.since_ms(place.previous_at)),
        cause: cause.to_owned(),
        evidence: evidence(contact, &place.basis),
        definition_version: DEFINITION_VERSION.to_owned(),
    }
}

/// The cause of non-resolution that the cues of the later contact and the link speak for.
pub fn cause_of(cues: &[String], basis: &Basis) -> &'static str {
    let says = |cue: &str| cues.iter().any(|c| c == cue);
    if says("promise_missed") {
        "missed_promise"
    } else if basis.previous_transferred {
        "transfer_dead_end"
    } else if !basis.reason && !basis.entity && !basis.says_again {
        "adjacent_issue"
    } else if says("defect") {
        "upstream_unfixed"
    } else if says("status_chase") {
        "confirmation_missing"
    } else if says("confusion") {
        "unclear_communication"
    } else if says("unresolved") {
        "incomplete_answer"
    } else {
        "unknown"
    }
}

fn evidence(contact: &Contact, basis: &Basis) -> Vec<String> {
    let mut lines: Vec<String> = contact.cues.iter().map(|cue| format!("cue: {cue}")).collect();
    if basis.reason {
        lines.push("link: shared reason".to_owned());
    }
    if basis.entity {
        lines.push("link: same entity".to_owned());
    }
    if basis.likeness_permille > 0 {
        let permille = basis.likeness_permille;
        lines.push(format!("link: text likeness {}.{:03}", permille / 1000, permille % 1000));
    }
    if basis.previous_transferred {
        lines.push("previous: transferred".to_owned());
    }
    lines
}
