//! Whose issue it is.

use serde::{Deserialize, Serialize};

use super::names::NameId;

/// A reason, a part of one, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// All reasons together.
    All,
    /// A reason.
    Reason(NameId),
    /// Those of a reason's people who have one dimension value.
    Part(ReasonPart),
}

/// A reason's people with one dimension value, by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReasonPart {
    /// The reason.
    pub reason: NameId,
    /// The dimension.
    pub dimension: NameId,
    /// The value within the dimension.
    pub value: NameId,
}

impl ReasonPart {
    /// Dimension and value.
    pub fn pair(&self) -> (NameId, NameId) {
        (self.dimension, self.value)
    }
}

impl Owner {
    /// The reason; none for all of them.
    pub fn reason(&self) -> Option<NameId> {
        match self {
            Owner::All => None,
            Owner::Reason(reason) => Some(*reason),
            Owner::Part(part) => Some(part.reason),
        }
    }

    /// Dimension and value of a part.
    pub fn pair(&self) -> Option<(NameId, NameId)> {
        match self {
            Owner::Part(part) => Some(part.pair()),
            _ => None,
        }
    }
}
