//! What the trained model says of a contact, and by which words.

use quell_model::reason::{Confidence, EvidenceWeight};
use quell_model::{DecidedBy, Evidence, Opinion, ReasonId, ReasonTag, Weight};
use quell_text::Analysis;

use super::MOST_REASONS;
use crate::fire::{MOST_EVIDENCE, Place};
use crate::learned::{Contribution, Reader, ReasonModel};

/// Reads a contact's texts for the model, and knows which token stands where.
#[derive(Default)]
pub(super) struct ModelReader {
    reader: Reader,
    /// Each text that was read, with the number of its first token.
    places: Vec<(u32, Place)>,
}

/// The reasons that a model would give, the likeliest first.
#[derive(Default)]
pub(super) struct Said {
    reasons: Vec<Thought>,
    /// Whether it keeps its promise of precision with the first.
    pub is_sure: bool,
}

struct Thought {
    reason: ReasonId,
    label: String,
    /// In thousandths.
    share: u16,
}

/// A stretch of one text that moved the model.
pub(super) struct Stretch {
    pub place: Place,
    /// Tokens of that text, both ends included.
    first: usize,
    last: usize,
    weight: f32,
}

impl ModelReader {
    pub fn clear(&mut self) {
        self.reader.clear();
        self.places.clear();
    }

    /// Adds a text of the contact, where there is a model to read it.
    pub fn add(&mut self, model: Option<&ReasonModel>, place: Place, analysis: &Analysis) {
        if model.is_some() {
            self.places.push((self.reader.tokens(), place));
            self.reader.add(analysis);
        }
    }

    /// What the model thinks of the texts. Labels of one level-2 reason are one thought; one that
    /// names no reason is none, and makes the model unsure when it is the first.
    pub fn ask(&mut self, model: &ReasonModel, accepts_codes: bool) -> Said {
        if self.reader.tokens() == 0 {
            return Said::default();
        }
        let guess = model.learned().guess(&mut self.reader);
        let mut said = Said { reasons: Vec::new(), is_sure: guess.is_sure };
        for (at, (label, share)) in guess.labels.into_iter().enumerate() {
            let Some(reason) = model.reason(label, accepts_codes) else {
                said.is_sure &= at > 0;
                continue;
            };
            let share = (share * 1e3).round() as u16;
            let level2 = reason.level2();
            let known = said.reasons.iter().position(|known| known.reason.level2() == level2);
            if let Some(known) = known.and_then(|at| said.reasons.get_mut(at)) {
                known.share = known.share.saturating_add(share).min(1_000);
            } else if said.reasons.len() < MOST_REASONS {
                said.reasons.push(Thought { reason, label: label.to_owned(), share });
            }
        }
        said
    }

    /// The stretches that speak most for a label.
    pub fn stretches(&mut self, model: &ReasonModel, label: &str) -> Vec<Stretch> {
        let all = model.learned().contributions(&mut self.reader, label);
        let speaking = all.into_iter().filter(|one| one.weight > 0.0);
        speaking.filter_map(|one| self.stretch(one)).take(MOST_EVIDENCE).collect()
    }

    fn stretch(&self, one: Contribution) -> Option<Stretch> {
        let after = self.places.partition_point(|(first, _)| *first <= one.first);
        let (begin, place) = *self.places.get(after.checked_sub(1)?)?;
        let [first, last] = [one.first, one.last].map(|token| (token - begin) as usize);
        Some(Stretch { place, first, last, weight: one.weight })
    }
}

impl Stretch {
    /// Its words in the text, where `analysis` is of that text.
    pub fn evidence(&self, text: &str, analysis: &Analysis) -> Option<Evidence> {
        let start = analysis.tokens.get(self.first)?.start;
        let end = analysis.tokens.get(self.last)?.end;
        Some(Evidence {
            matched: text.get(start as usize..end as usize)?.to_owned(),
            place: self.place.to_string(),
            start,
            end,
            weight: Some(EvidenceWeight((self.weight * 1e3).round() as i32)),
        })
    }
}

impl Said {
    /// The reasons as tags without evidence.
    pub fn tags(&self) -> Vec<ReasonTag> {
        let shares: Vec<u32> = self.reasons.iter().map(|one| u32::from(one.share)).collect();
        let tag = |(one, weight): (&Thought, Weight)| ReasonTag {
            reason: one.reason.clone(),
            weight,
            decided_by: DecidedBy::Model,
            confidence: Confidence(one.share),
            evidence: Vec::new(),
        };
        self.reasons.iter().zip(Weight::split(&shares)).map(tag).collect()
    }

    /// The label behind each reason.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.reasons.iter().map(|one| one.label.as_str())
    }

    /// The reasons as opinions: only of the first it may be sure.
    pub fn opinions(&self) -> impl Iterator<Item = Opinion> {
        self.reasons.iter().enumerate().map(|(at, one)| Opinion {
            by: DecidedBy::Model,
            reason: one.reason.clone(),
            confidence: Confidence(one.share),
            is_sure: self.is_sure && at == 0,
        })
    }
}
