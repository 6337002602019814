//! A field of a patch: absent means unchanged, null means cleared.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a patch says of one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// The patch does not name the field: unchanged.
    #[default]
    Absent,
    /// The patch says `null`: the field is cleared.
    Cleared,
    /// The patch gives a value.
    Set(T),
}

impl<T> Patch<T> {
    /// True when the patch does not name the field.
    pub fn is_absent(&self) -> bool {
        matches!(self, Patch::Absent)
    }

    /// The value, where one is given.
    pub fn value(&self) -> Option<&T> {
        match self {
            Patch::Set(value) => Some(value),
            Patch::Absent | Patch::Cleared => None,
        }
    }

    /// The value, mutable, where one is given.
    pub fn value_mut(&mut self) -> Option<&mut T> {
        match self {
            Patch::Set(value) => Some(value),
            Patch::Absent | Patch::Cleared => None,
        }
    }
}

impl<T> From<Option<T>> for Patch<T> {
    /// `None` is `Absent`, never `Cleared`: clearing has to be said.
    fn from(value: Option<T>) -> Self {
        value.map_or(Patch::Absent, Patch::Set)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<T>::deserialize(deserializer)?.map_or(Patch::Cleared, Patch::Set))
    }
}

impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}
