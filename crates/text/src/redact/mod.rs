//! Personal data out of text, before anything is stored: e-mail addresses, card numbers, bank
//! accounts, national ids, phone numbers, long and spoken digit runs. Each becomes a typed mark.
//!
//! Checksums and the words around decide, so that order numbers, amounts, dates and versions stay.

mod checks;
mod context;
mod document;
mod email;
mod iban;
mod number;
mod run;
mod spoken;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;

/// What kinds of personal data are taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Kind {
    Email,
    Card,
    Iban,
    NationalId,
    Phone,
    Digits,
}

impl Kind {
    /// Every kind, in the order in which they are looked for.
    pub const ALL: [Kind; 6] =
        [Kind::Email, Kind::Card, Kind::Iban, Kind::NationalId, Kind::Phone, Kind::Digits];

    /// The mark left in the text.
    pub fn mark(self) -> &'static str {
        match self {
            Kind::Email => "⟨EMAIL⟩",
            Kind::Card => "⟨CARD⟩",
            Kind::Iban => "⟨IBAN⟩",
            Kind::NationalId => "⟨NATIONAL_ID⟩",
            Kind::Phone => "⟨PHONE⟩",
            Kind::Digits => "⟨DIGITS⟩",
        }
    }

    /// The word used in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Email => "email",
            Kind::Card => "card",
            Kind::Iban => "iban",
            Kind::NationalId => "national_id",
            Kind::Phone => "phone",
            Kind::Digits => "digits",
        }
    }
}

/// How many of each kind were taken out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RedactionCounts([u32; Kind::ALL.len()]);

impl RedactionCounts {
    /// Of one kind.
    pub fn of(&self, kind: Kind) -> u32 {
        self.0[kind as usize]
    }

    /// Of all kinds.
    pub fn total(&self) -> u32 {
        self.0.iter().sum()
    }

    /// Each kind with its count.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, u32)> {
        Kind::ALL.into_iter().zip(self.0)
    }

    /// Adds the counts of another text.
    pub fn add(&mut self, other: &RedactionCounts) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum = sum.saturating_add(more);
        }
    }

    fn count(&mut self, kind: Kind) {
        self.0[kind as usize] += 1;
    }
}

/// A text without personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted<'a> {
    /// The text; borrowed when there was nothing to take out.
    pub text: Cow<'a, str>,
    /// What was taken out.
    pub counts: RedactionCounts,
}

/// What a replacement uncovers is looked at again, at most so often.
const MOST_PASSES: usize = 6;
/// Fewer digits than this identify nobody.
const FEWEST_DIGITS: usize = 5;

/// Takes personal data out of a text. Redacting again changes nothing.
pub fn redact(text: &str) -> Redacted<'_> {
    let mut redacted = Redacted { text: Cow::Borrowed(text), counts: RedactionCounts::default() };
    for _ in 0..MOST_PASSES {
        let marks = find(&redacted.text);
        if marks.0.is_empty() {
            break;
        }
        redacted.text = Cow::Owned(marks.apply(&redacted.text, &mut redacted.counts));
    }
    redacted
}

/// Places to be replaced: by their start the end and the kind. Those found first win.
#[derive(Default)]
struct Marks(BTreeMap<usize, (usize, Kind)>);

impl Marks {
    fn add(&mut self, start: usize, end: usize, kind: Kind) {
        if start < end && !self.overlap(start, end) {
            self.0.insert(start, (end, kind));
        }
    }

    fn overlap(&self, start: usize, end: usize) -> bool {
        self.0.range(..end).next_back().is_some_and(|(_, (to, _))| start < *to)
    }

    fn apply(self, text: &str, counts: &mut RedactionCounts) -> String {
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for (start, (end, kind)) in self.0 {
            out.push_str(text.get(from..start).unwrap_or(""));
            out.push_str(kind.mark());
            counts.count(kind);
            from = end;
        }
        out.push_str(text.get(from..).unwrap_or(""));
        out
    }
}

fn find(text: &str) -> Marks {
    let mut marks = Marks::default();
    let gate = Gate::of(text);
    if gate.at_sign {
        email::find_written(text, &mut marks);
    }
    if gate.digits >= FEWEST_DIGITS {
        iban::find(text, &mut marks);
        document::find(text, &mut marks);
        number::find(text, &mut marks);
    }
    if gate.han {
        spoken::find_chinese(text, &mut marks);
    }
    if gate.spoken {
        let words = spoken::words(text);
        email::find_spoken(text, &words, &mut marks);
        spoken::find(text, &words, &mut marks);
    }
    marks
}

/// What a quick look tells of a text, so that clean text costs next to nothing.
struct Gate {
    at_sign: bool,
    digits: usize,
    han: bool,
    spoken: bool,
}

impl Gate {
    fn of(text: &str) -> Gate {
        let mut digits = 0;
        let mut at_sign = false;
        for &byte in text.as_bytes() {
            digits += usize::from(byte.is_ascii_digit());
            at_sign |= byte == b'@';
        }
        let mut han = false;
        if !text.is_ascii() {
            for c in text.chars().filter(|c| !c.is_ascii()) {
                at_sign |= c == '＠';
                digits += usize::from(crate::normalise::digit_value(c).is_some());
                han |= c == '〇' || ('\u{4e00}'..='\u{9fa5}').contains(&c);
            }
        }
        Gate { at_sign, digits, han, spoken: spoken::may_hold(text) }
    }
}
