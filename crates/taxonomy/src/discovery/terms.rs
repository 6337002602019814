//! What of a contact's words can speak of its theme.

use std::ops::Range;

use quell_text::{Analysis, TokenKind};
use serde::{Deserialize, Serialize};

use super::pasted::pasted;

/// Terms read of one contact; what it is about stands in its beginning.
pub(super) const MOST_TERMS: usize = 64;
/// Longer words are ids or links.
const LONGEST_WORD_CHARS: usize = 32;
/// Longer numbers are somebody's: accounts, telephones. Shorter ones are versions and error codes.
const LONGEST_NUMBER_CHARS: usize = 6;

/// One term of a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Term {
    /// Hash of the stem; of both characters for a pair.
    pub key: u64,
    /// The folded form as written.
    pub form: Range<u32>,
    /// Its place among the contact's terms.
    pub place: u16,
}

/// The terms of one contact: stems that are not among their language's very common words, short
/// numbers, and pairs of neighbouring characters where a script has no spaces. Each counts once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    forms: String,
    terms: Vec<Term>,
}

impl Terms {
    /// None yet.
    pub fn new() -> Self {
        Terms::default()
    }

    /// Forgets all; keeps the memory.
    pub fn clear(&mut self) {
        self.forms.clear();
        self.terms.clear();
    }

    /// Adds one text of the contact and its analysis, the weightiest first: subject, then body.
    /// What was pasted into it (links, paths, names of programs with versions) is left out.
    /// What comes after the first 64 different terms is left out.
    pub fn add(&mut self, text: &str, analysis: &Analysis) {
        let pasted = pasted(text);
        let mut ahead = pasted.iter().peekable();
        for (at, token) in analysis.tokens.iter().enumerate() {
            if self.terms.len() >= MOST_TERMS {
                return;
            }
            let start = token.start as usize;
            while ahead.next_if(|range| range.end <= start).is_some() {}
            if ahead.peek().is_some_and(|range| range.start <= start) {
                continue;
            }
            let form = analysis.form(token);
            let longest = match token.kind {
                TokenKind::Word if !token.common => LONGEST_WORD_CHARS,
                TokenKind::Number => LONGEST_NUMBER_CHARS,
                TokenKind::Character => {
                    let next = analysis.tokens.get(at + 1);
                    if let Some(next) = next.filter(|next| next.kind == TokenKind::Character) {
                        let key = token.form.rotate_left(23) ^ next.form;
                        self.push(key, &[form, analysis.form(next)]);
                    }
                    continue;
                }
                TokenKind::Word => continue,
            };
            if (2..=longest).contains(&form.chars().take(longest + 1).count()) {
                self.push(token.stem, &[form]);
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Term> {
        self.terms.iter()
    }

    /// The key of the term that follows.
    pub(super) fn after(&self, term: &Term) -> Option<u64> {
        self.terms.get(usize::from(term.place) + 1).map(|next| next.key)
    }

    pub(super) fn form(&self, term: &Term) -> &str {
        self.forms.get(term.form.start as usize..term.form.end as usize).unwrap_or("")
    }

    fn push(&mut self, key: u64, parts: &[&str]) {
        if self.terms.iter().any(|term| term.key == key) {
            return;
        }
        let start = self.forms.len() as u32;
        parts.iter().for_each(|part| self.forms.push_str(part));
        let form = start..self.forms.len() as u32;
        self.terms.push(Term { key, form, place: self.terms.len() as u16 });
    }
}
