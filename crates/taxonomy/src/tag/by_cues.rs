//! The cues of a contact, and the customer's words that show them.

use quell_model::CueEvidence;
use quell_text::cues::{CUES, CueHit, CueSet};
use quell_text::phrase::Found;

use super::passage::Passage;
use crate::fire::Place;

/// Passages kept per cue class of one contact.
const MOST_PASSAGES: usize = 3;

/// What the texts of a contact showed, class by class.
#[derive(Default)]
pub(super) struct CuesShown {
    by_class: [Vec<CueEvidence>; CUES.len()],
}

impl CuesShown {
    /// Adds the cues among what was found in one text. Hits of one class that overlap are one
    /// passage.
    pub fn add(&mut self, set: &CueSet, found: &[Found], place: Place, text: &str) {
        let hits = set.hits(found);
        let mut rest = hits.iter().peekable();
        while let Some(hit) = rest.next() {
            let mut end = hit.end;
            while let Some(next) = rest.next_if(|next| next.cue == hit.cue && next.start < end) {
                end = end.max(next.end);
            }
            let class = CUES.iter().position(|cue| *cue == hit.cue);
            let kept = class.and_then(|class| self.by_class.get_mut(class));
            if let Some(kept) = kept.filter(|kept| kept.len() < MOST_PASSAGES) {
                kept.push(shown(&CueHit { end, ..*hit }, place, text));
            }
        }
    }

    /// The classes that were shown, the weightiest first.
    pub fn names(&self) -> Vec<&'static str> {
        let shown = CUES.into_iter().zip(&self.by_class);
        shown.filter(|(_, passages)| !passages.is_empty()).map(|(cue, _)| cue).collect()
    }

    /// The passages, the weightiest class first, then as the texts come.
    pub fn evidence(self) -> Vec<CueEvidence> {
        self.by_class.into_iter().flatten().collect()
    }
}

fn shown(passage: &CueHit, place: Place, text: &str) -> CueEvidence {
    let Passage { words, start, end } = Passage::of(text, passage.start, passage.end);
    CueEvidence { cue: passage.cue.to_owned(), words, place: place.to_string(), start, end }
}
