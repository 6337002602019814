//! Why a customer had to make contact: ids, tags and the evidence behind them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A contact reason's id: `area.reason` (level 2) or `area.reason.cause` (level 3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReasonId(pub String);

impl ReasonId {
    /// The level-2 reason: the id up to its second dot. Counts, owners and repeat windows
    /// belong to this level.
    pub fn level2(&self) -> ReasonId {
        let mut dots = self.0.match_indices('.').map(|(at, _)| at);
        match (dots.next(), dots.next()) {
            (Some(_), Some(second)) => ReasonId(self.0[..second].to_owned()),
            _ => self.clone(),
        }
    }

    /// The level-1 area: the id up to its first dot.
    pub fn level1(&self) -> &str {
        self.0.split('.').next().unwrap_or(&self.0)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReasonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for ReasonId {
    fn from(id: &str) -> Self {
        ReasonId(id.to_owned())
    }
}

/// A share of one contact in integer millionths, so that sums conserve. Read as a decimal
/// between 0 and 1 by people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(pub u32);

impl Weight {
    /// A whole contact.
    pub const ONE: Weight = Weight(1_000_000);

    /// Splits one contact over `scores` in proportion; the parts sum to one exactly (largest
    /// remainder, earlier entries first on ties). All zeros split evenly.
    pub fn split(scores: &[u32]) -> Vec<Weight> {
        let total: u64 = scores.iter().map(|&s| u64::from(s)).sum();
        if total == 0 {
            return if scores.is_empty() {
                Vec::new()
            } else {
                Weight::split(&vec![1; scores.len()])
            };
        }
        let one = u64::from(Weight::ONE.0);
        let mut parts: Vec<u64> = scores.iter().map(|&s| u64::from(s) * one / total).collect();
        let mut by_remainder: Vec<usize> = (0..scores.len()).collect();
        by_remainder.sort_by_key(|&i| std::cmp::Reverse(u64::from(scores[i]) * one % total));
        let missing = (one - parts.iter().sum::<u64>()) as usize;
        for &i in by_remainder.iter().take(missing) {
            parts[i] += 1;
        }
        parts.into_iter().map(|p| Weight(p as u32)).collect()
    }

    /// The weight as a fraction of one contact.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / 1e6
    }
}

impl Serialize for Weight {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (serializer.is_human_readable(), self.0) {
            (false, raw) => serializer.serialize_u32(raw),
            (true, 1_000_000) => serializer.serialize_u32(1),
            (true, _) => serializer.serialize_f64(self.as_f64()),
        }
    }
}

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Ok(Weight((f64::deserialize(deserializer)? * 1e6).round() as u32))
        } else {
            u32::deserialize(deserializer).map(Weight)
        }
    }
}

/// Who decided a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// A rule of the taxonomy.
    Rule,
    /// The trained model.
    Model,
    /// The code the agent picked.
    AgentCode,
    /// Nobody: the contact is [`crate::UNCLASSIFIED`].
    None,
}

/// What a source that did not decide thought of the contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opinion {
    /// Whose: a rule's, the model's, the agent's.
    pub by: DecidedBy,
    /// The reason it would have given.
    pub reason: ReasonId,
    /// As in [`ReasonTag::confidence`].
    pub confidence: Confidence,
    /// False where it would have abstained: a model below the precision that was asked for.
    pub is_sure: bool,
}

/// What speaks for a tag: enough to show the words to a person who doubts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The rule's phrase as written, the agent's code, or the words that moved the model.
    pub matched: String,
    /// Where: `subject`, `body`, `turn:N`, `agent_code`.
    pub place: String,
    /// Byte offset in that place's redacted text where the match starts.
    pub start: u32,
    /// Byte offset where it ends.
    pub end: u32,
    /// How much it counted: a phrase's weight in its rule, or what the words add to the model's
    /// score. None for an agent's code.
    pub weight: Option<EvidenceWeight>,
}

/// One reason of a contact, with who decided and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReasonTag {
    /// The reason.
    pub reason: ReasonId,
    /// The share of the contact that belongs to it; a contact's weights sum to one.
    pub weight: Weight,
    /// Who decided.
    pub decided_by: DecidedBy,
    /// 0 to 1, in thousandths inside so that equal inputs give equal bytes.
    pub confidence: Confidence,
    /// The matched words. Empty only for [`crate::UNCLASSIFIED`].
    pub evidence: Vec<Evidence>,
}

/// How much a piece of evidence counted, in integer thousandths; a decimal to people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EvidenceWeight(pub i32);

impl Serialize for EvidenceWeight {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_f64(f64::from(self.0) / 1e3)
        } else {
            serializer.serialize_i32(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for EvidenceWeight {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Ok(EvidenceWeight((f64::deserialize(deserializer)? * 1e3).round() as i32))
        } else {
            i32::deserialize(deserializer).map(EvidenceWeight)
        }
    }
}

/// A confidence between 0 and 1 in integer thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Confidence(pub u16);

impl Serialize for Confidence {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_f64(f64::from(self.0) / 1e3)
        } else {
            serializer.serialize_u16(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Confidence {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Ok(Confidence((f64::deserialize(deserializer)? * 1e3).round() as u16))
        } else {
            u16::deserialize(deserializer).map(Confidence)
        }
    }
}
