//! The customer's words, as they stand in the redacted text.

use quell_model::{DecidedBy, Evidence, ReasonTag, RuleEvidence};

use super::TagInput;
use crate::fire::Place;

/// Characters shown of one passage.
const MOST_SHOWN: usize = 120;

/// A stretch of a text, marks whole.
pub(super) struct Passage {
    /// The words; of a long passage the beginning, then `…`.
    pub words: String,
    pub start: u32,
    pub end: u32,
}

impl Passage {
    /// The words between two byte offsets of a text.
    pub fn of(text: &str, first: u32, last: u32) -> Passage {
        let (start, end) = whole_marks(text, first as usize, last as usize);
        let all = text.get(start..end).unwrap_or("");
        let mut words = all.to_owned();
        if let Some((cut, _)) = all.char_indices().nth(MOST_SHOWN) {
            words.truncate(cut);
            words.push('…');
        }
        let start = u32::try_from(start).unwrap_or(first);
        let end = u32::try_from(end).unwrap_or(last);
        Passage { words, start, end }
    }
}

/// For the evidence of each reason that rules gave, the words that were matched.
pub(super) fn of_rules(reasons: &[ReasonTag], input: &TagInput<'_>) -> Vec<RuleEvidence> {
    let by_rule = reasons.iter().filter(|tag| tag.decided_by == DecidedBy::Rule);
    let all = by_rule.flat_map(|tag| tag.evidence.iter().map(move |one| (tag, one)));
    all.filter_map(|(tag, one)| of_rule(tag, one, input)).collect()
}

fn of_rule(tag: &ReasonTag, evidence: &Evidence, input: &TagInput<'_>) -> Option<RuleEvidence> {
    let text = match evidence.place.parse().ok()? {
        Place::Subject => input.subject?,
        Place::Body => input.body?,
        Place::Turn(number) => input.turns.get(number as usize)?.text.as_str(),
    };
    let Passage { words, start, end } = Passage::of(text, evidence.start, evidence.end);
    Some(RuleEvidence {
        reason: tag.reason.clone(),
        phrase: evidence.matched.clone(),
        words,
        place: evidence.place.clone(),
        start,
        end,
    })
}

/// The passage without half a mark at either end: what stands in place of personal data is shown
/// whole.
fn whole_marks(text: &str, start: usize, end: usize) -> (usize, usize) {
    let (Some(before), Some(after)) = (text.get(..start), text.get(end..)) else {
        return (start, end);
    };
    let opened = before.rfind('⟨').filter(|open| !before[*open..].contains('⟩'));
    let closed = after.find('⟩').filter(|close| !after[..*close].contains('⟨'));
    (opened.unwrap_or(start), closed.map_or(end, |close| end + close + '⟩'.len_utf8()))
}
