//! The compact fact about one contact that the counts are made of.

use serde::{Deserialize, Serialize};

use crate::contact::ContactKey;
use crate::reason::{ReasonId, Weight};
use crate::time::TimeMs;

/// What counts need of one contact: no customer id, and of its text single words at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// When the customer made contact, cut to the hour.
    pub hour: TimeMs,
    /// Level-2 reasons with their share of the contact and of its cost; shares sum to one, costs
    /// to the contact's cost.
    pub reasons: Vec<FactReason>,
    /// Dimension and value, in order of the dimension's name.
    pub dimensions: Vec<(String, String)>,
    /// A keyed hash of the customer, none where the customer is unknown.
    pub customer: Option<u64>,
    /// Whether the contact repeats an earlier one, by mode as in `RepeatMode::ALL`.
    pub repeats: [bool; 3],
    /// What it is about in single words.
    pub words: FactWords,
}

/// Some words of a contact's redacted text, by which those of an issue are told from others.
/// Bounded in number and length by whoever takes them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FactWords {
    /// The language of the text, as a primary subtag.
    pub language: String,
    /// Distinct folded forms in the order in which they were written, one space between two; empty
    /// where there is no text.
    pub forms: String,
}

impl FactWords {
    /// Of a text in a language; forms without one say nothing.
    pub fn new(language: &str, forms: String) -> FactWords {
        if forms.is_empty() {
            return FactWords::default();
        }
        FactWords { language: language.to_owned(), forms }
    }

    /// The forms one by one.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.forms.split(' ').filter(|form| !form.is_empty())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }
}

/// One reason's part in a fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactReason {
    /// The level-2 reason.
    pub reason: ReasonId,
    /// Its share of the contact.
    pub weight: Weight,
    /// Its share of the cost, in millionths of the currency.
    pub cost_micros: i64,
}

/// A change of one contact's fact: `before` is subtracted from the counts, `after` is added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactChange {
    /// Whose fact. It stands for the customer where that one is unknown and a sample is taken.
    pub contact_key: ContactKey,
    /// What was counted until now.
    pub before: Option<Fact>,
    /// What is to be counted from now on.
    pub after: Option<Fact>,
}

impl FactChange {
    /// Whether both facts count alike: their words alone differ, if anything does.
    pub fn counts_alike(&self) -> bool {
        let (Some(before), Some(after)) = (&self.before, &self.after) else { return false };
        let Fact { hour, reasons, dimensions, customer, repeats, words: _ } = before;
        (hour, reasons, dimensions, customer, repeats)
            == (&after.hour, &after.reasons, &after.dimensions, &after.customer, &after.repeats)
    }
}
