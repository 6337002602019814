//! The compact fact about one contact that the counts are made of.

use serde::{Deserialize, Serialize};

use crate::contact::ContactKey;
use crate::reason::{ReasonId, Weight};
use crate::time::TimeMs;

/// What counts need of one contact: no text, no customer id.
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
